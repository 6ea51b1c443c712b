"""Starting a run, or a resume, as a process of its own that outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.steps.process_end import OWNER_MARK, RUN_MARK, STEP_MARK
from store.atomic import make_directory, read_json_object
from store.errors import StoreError
from store.home import Home
from store.owner import read_owner
from store.session import UnifiedSession

_ENTRY = Path(__file__).resolve().parent.parent / "prodigy_entry.py"
_LOOK_EVERY_SECONDS = 0.01
_SHOWN_BYTES = 8192


class LaunchFailed(Exception):
    """The process ended before its run was on record; ``output`` is what it said."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(output.strip() or f"it ended with exit code {exit_code}")
        self.exit_code = exit_code
        self.output = output


class Launched:
    """A process that was started for a session."""

    def __init__(
        self, home: Home, session_id: str, process: subprocess.Popen[bytes], log_from: int
    ) -> None:
        self.home = home
        self.session_id = session_id
        self.pid = process.pid
        self._process = process
        self._log_from = log_from

    def poll(self) -> int | None:
        """Its exit code once it has ended, else None."""
        return self._process.poll()

    def wait(self, timeout_seconds: float | None = None) -> int | None:
        """Wait for its end; its exit code, or None when the time is over first."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    def wait_for_record(self, timeout_seconds: float = 60.0) -> None:
        """Wait until the record says that this process is, or was, at work on the run.

        Raises:
            LaunchFailed: it ended before that, or did not get there in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            ended = self._process.poll()  # before the look: what it wrote last is seen
            if self._is_recorded():
                return
            if ended is not None:
                raise self._failed(ended)
            if time.monotonic() >= deadline:
                raise LaunchFailed(1, f"process {self.pid} has no session yet\n")
            time.sleep(_LOOK_EVERY_SECONDS)

    def said(self) -> str:
        """What it has printed so far, its beginning only when it is much."""
        try:
            with self.home.run_log(self.session_id).open("rb") as file:
                file.seek(self._log_from)
                return file.read(_SHOWN_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    def _is_recorded(self) -> bool:
        try:
            document = read_json_object(self.home.session_file(self.session_id))
        except StoreError:
            return False
        owner = read_owner(self.home, self.session_id)
        if owner is not None and owner.pid == self.pid:
            return True
        attempts = UnifiedSession(self.session_id, document).attempts
        return any(attempt.get("pid") == self.pid for attempt in attempts)

    def _failed(self, exit_code: int) -> LaunchFailed:
        said = self.said()
        if not self.home.session_file(self.session_id).exists():
            _remove_traces(self.home, self.session_id)
        return LaunchFailed(exit_code, said)


def launch_run(arguments: Sequence[str], home: Home, directory: Path, session_id: str) -> Launched:
    """Start ``prodigy run …`` for a session of that id.

    Args:
        arguments: the words after ``prodigy``.
        home: the state home.
        directory: where it starts.
        session_id: the id its session will have.

    Raises:
        OSError: it cannot be started.
        StoreError: its log cannot be made.
    """
    return _launch([*arguments, f"--session-id={session_id}"], home, directory, session_id)


def launch_resume(
    home: Home, session_id: str, arguments: Sequence[str] = (), directory: Path | None = None
) -> Launched:
    """Start ``prodigy resume SESSION …`` as its own process; ``arguments`` follow the id.

    Raises:
        OSError: it cannot be started.
        StoreError: its log cannot be made.
    """
    words = ["resume", session_id, *arguments]
    return _launch(words, home, directory or Path("/"), session_id)


def launch_merge(home: Home, session_id: str) -> Launched:
    """Start ``prodigy merge SESSION --yes`` as its own process.

    Raises:
        OSError: it cannot be started.
        StoreError: its log cannot be made.
    """
    return _launch(["merge", session_id, "--yes"], home, Path("/"), session_id)


def own_command() -> list[str]:
    """How this very program is started again."""
    return [sys.executable, str(_ENTRY)]


def _launch(words: list[str], home: Home, directory: Path, session_id: str) -> Launched:
    log = home.run_log(session_id)
    make_directory(log.parent)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(log, flags, 0o600)
    try:
        written = os.fstat(descriptor).st_size
        process = subprocess.Popen(
            [*own_command(), *words],
            cwd=directory,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    return Launched(home, session_id, process, written)


def _environment(home: Home) -> dict[str, str]:
    """Ours without the marks of a step: stopping the step's run must spare what it launched."""
    marks = (RUN_MARK, STEP_MARK, OWNER_MARK)
    kept = {name: value for name, value in os.environ.items() if name not in marks}
    return {**kept, "PRODIGY_HOME": str(home.root), "PRODIGY_AUTOMATION": "true"}


def _remove_traces(home: Home, session_id: str) -> None:
    """Take away the log of a run that never came to be."""
    for path in (home.run_log(session_id), home.run_lock(session_id)):
        path.unlink(missing_ok=True)
    for directory in (home.logs_directory(session_id), home.run_directory(session_id)):
        try:
            directory.rmdir()
        except OSError:
            return
