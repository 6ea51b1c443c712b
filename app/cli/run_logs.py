"""The logs of one run with what each belongs to: step, attempt, what was run, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from store.events import EventReader, event_directories
from store.home import Home
from store.step_logs import StepLogFile, list_logs


@dataclass(frozen=True, slots=True)
class RunLogFile:
    """One log. ``step`` counts from 1; ``handler`` is 0 for the step's own output."""

    step: int
    attempt: int
    handler: int
    phase: str
    """Empty for the steps of the workflow, ``merge`` for those of a merge block."""
    path: Path
    size: int
    modified_ns: int
    label: str = ""
    ending: str = ""
    """``exit 101``, ``signal 9``, ``timeout``, ``ok``; empty while it runs or when unknown."""

    @property
    def marker(self) -> str:
        """The line that stands above its output."""
        what = f"{self.phase} step" if self.phase else "step"
        inner = f", handler {self.handler}" if self.handler else ""
        about = f": {self.label}" if self.label else ""
        ended = f" ({self.ending})" if self.ending else ""
        return f"--- {what} {self.step}, attempt {self.attempt}{inner}{about}{ended}"

    def document(self) -> dict[str, object]:
        """The log as machines get it, without its text."""
        return {
            "step": self.step,
            "step_index": self.step - 1,
            "attempt": self.attempt,
            "handler": self.handler or None,
            "phase": self.phase or None,
            "name": self.label or None,
            "ending": self.ending or None,
            "path": str(self.path),
            "bytes": self.size,
        }


@dataclass(slots=True)
class _Story:
    label: str = ""
    ending: str = ""


class RunLogs:
    """The logs of a run, looked for again at each call; the timeline is read only once."""

    def __init__(self, home: Home, run_id: str) -> None:
        self._home = home
        self._run_id = run_id
        self._events = EventReader(event_directories(home, run_id))
        self._stories: dict[str, _Story] = {}

    def now(self) -> list[RunLogFile]:
        """Every log, in the order they were last written to."""
        self._read_events()
        logs = [self._log(log, "") for log in list_logs(self._home, self._run_id, handlers=True)]
        logs += self._merge_logs()
        return sorted(logs, key=lambda log: (log.modified_ns, log.step, log.attempt, log.handler))

    def _log(self, log: StepLogFile, phase: str) -> RunLogFile:
        name = log.path.relative_to(self._home.run_directory(self._run_id)).as_posix()
        known = self._stories.get(name, _Story())
        return RunLogFile(
            log.step_index + 1,
            log.attempt,
            log.handler,
            phase,
            log.path,
            log.size,
            log.modified_ns,
            known.label,
            known.ending,
        )

    def _merge_logs(self) -> list[RunLogFile]:
        found = []
        directory = self._home.logs_directory(self._run_id) / "merge"
        for path in directory.glob("[0-9]*-[0-9]*.log"):
            index, _, attempt = path.stem.partition("-")
            if index.isdecimal() and attempt.isdecimal():
                status = path.stat()
                size, modified = status.st_size, status.st_mtime_ns
                log = StepLogFile(int(index), int(attempt), 0, path, size, modified)
                found.append(self._log(log, "merge"))
        return found

    def _read_events(self) -> None:
        """Take from the timeline what each log belongs to, by its name in the run's directory."""
        for event in self._events:
            name = event.fields.get("log")
            if not isinstance(name, str):
                continue
            story = self._stories.setdefault(name, _Story())
            label = event.fields.get("label")
            if isinstance(label, str) and label:
                story.label = label
            if event.type in ("step_completed", "step_failed", "handler_completed"):
                story.ending = _ending(event.fields)


def logs_of_run(home: Home, run_id: str) -> list[RunLogFile]:
    """Every log of a run as it is now."""
    return RunLogs(home, run_id).now()


def _ending(fields: dict[str, object]) -> str:
    if fields.get("timed_out"):
        return "timeout"
    if fields.get("signal"):
        return f"signal {fields['signal']}"
    code = fields.get("exit_code")
    if isinstance(code, int):
        return f"exit {code}" if code else "ok"
    return ""
