"""``prodigy logs --follow``: what the steps of a run print, as they print it, until it ends."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

from app.cli.invocation import Invocation
from app.cli.log_showing import show_line, show_marker
from app.cli.log_text import last_lines, readable_line
from app.cli.run_logs import RunLogFile, RunLogs
from store.locks import Liveness, probe

_LOOK_SECONDS = 0.15
_READ_BYTES = 1 << 20
_FIRST_LINES = 20
_STARTS_WITHIN_SECONDS = 2.0


@dataclass(slots=True)
class _Followed:
    log: RunLogFile
    offset: int = 0
    rest: bytes = b""
    shown: bool = field(default=False)


class _Follower:
    def __init__(self, invocation: Invocation, run_id: str, step: int | None, raw: bool) -> None:
        self._invocation = invocation
        self._run_logs = RunLogs(invocation.home, run_id)
        self._step = step
        self._raw = raw
        self._followed: dict[str, _Followed] = {}
        self._last_marker = ""

    def begin(self, lines: int) -> None:
        """Show the end of the newest log, and take the others as read."""
        logs = self._logs()
        for log in logs:
            self._followed[str(log.path)] = _Followed(log, offset=log.size)
        if logs:
            newest = logs[-1]
            self._mark(newest)
            if not self._raw:
                for line in last_lines(newest.path, lines):
                    self._show(newest, line)

    def look(self) -> bool:
        """Show what is new; whether anything was."""
        something = False
        for log in self._logs():
            followed = self._followed.setdefault(str(log.path), _Followed(log))
            if log.size > followed.offset:
                something = True
                self._pass_on(log, followed)
        self._invocation.out.stdout.flush()
        return something

    def _logs(self) -> list[RunLogFile]:
        return [log for log in self._run_logs.now() if self._step in (None, log.step)]

    def _pass_on(self, log: RunLogFile, followed: _Followed) -> None:
        with log.path.open("rb") as file:
            file.seek(followed.offset)
            while data := file.read(_READ_BYTES):
                followed.offset += len(data)
                self._mark(log)
                if self._raw:
                    sys.stdout.buffer.write(data)
                    continue
                *lines, followed.rest = (followed.rest + data).split(b"\n")
                for line in lines:
                    for text in readable_line(line.decode(errors="replace").rstrip("\r")):
                        self._show(log, text)

    def _mark(self, log: RunLogFile) -> None:
        if str(log.path) != self._last_marker and not self._raw:
            self._last_marker = str(log.path)
            if not self._invocation.out.settings.json:
                show_marker(self._invocation.out, log)

    def _show(self, log: RunLogFile, line: str) -> None:
        out = self._invocation.out
        if out.settings.json:
            out.json_line({"step": log.step, "attempt": log.attempt, "line": line})
        else:
            show_line(out, line)


def follow_logs(
    invocation: Invocation, run_id: str, *, step: int | None, lines: int | None, raw: bool
) -> int:
    """Show output until the run ends; Ctrl-C ends the showing only (130)."""
    follower = _Follower(invocation, run_id, step, raw)
    follower.begin(_FIRST_LINES if lines is None else lines)
    began = time.monotonic()
    while True:
        alive = probe(invocation.home, run_id, says_active=True).liveness is not Liveness.DEAD
        something = follower.look()
        starting = time.monotonic() - began < _STARTS_WITHIN_SECONDS and not follower._followed
        if not alive and not something and not starting:
            return 0
        time.sleep(_LOOK_SECONDS)
