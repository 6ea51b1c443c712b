"""What a run says line by line: one line per fact, with the phrases wrappers look for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.cli.attempt_numbers import AttemptNumbers
from app.cli.log_text import last_lines, without_colors
from app.format import clock, count, duration, one_line
from orchestrator.reporting import (
    HandlerCompleted,
    HandlerStarted,
    MergeFinished,
    MergeStarted,
    PassStarted,
    RunEvent,
    SessionCreated,
    SessionResumed,
    StepCompleted,
    StepFailed,
    StepRetrying,
    StepSkipped,
    StepStarted,
    StopAsked,
    UnseenFiles,
    Waiting,
)
from store.states import StopKind
from store.times import from_text, utc_now

FAILURE_LINES = 20
_SHORT_COMMIT = 7


class Narrative:
    """Turns events into lines. It remembers how many steps and attempts there are."""

    def __init__(self) -> None:
        self.total = 0
        self._attempts = AttemptNumbers()
        self._say: dict[type, Callable[[Any], list[str]]] = {
            SessionCreated: self._created,
            SessionResumed: self._resumed,
            PassStarted: self._pass_started,
            StepStarted: self._step_started,
            StepRetrying: self._retrying,
            StepSkipped: self._skipped,
            StepCompleted: self._completed,
            StepFailed: self._failed,
            HandlerStarted: self._handler_started,
            HandlerCompleted: self._handler_completed,
            Waiting: self._waiting,
            StopAsked: self._stop_asked,
            MergeStarted: self._merge_started,
            MergeFinished: self._merge_finished,
        }

    def lines(self, event: RunEvent) -> list[str]:
        """The lines for one event; none for what is not told here."""
        self._attempts.note(event)
        say = self._say.get(type(event))
        return say(event) if say is not None else []

    def _created(self, event: SessionCreated) -> list[str]:
        self.total = event.total_steps
        base = event.base_branch or "detached HEAD"
        return [
            f"Session {event.session_id} on {event.branch}, from {base}"
            f" at {event.base_commit[:_SHORT_COMMIT]}{_unseen(event.unseen)}"
        ]

    def _resumed(self, event: SessionResumed) -> list[str]:
        self.total = event.total_steps
        if event.from_index >= event.total_steps:
            return []
        return [f"Continuing at step {event.from_index + 1}/{event.total_steps}"]

    def _pass_started(self, event: PassStarted) -> list[str]:
        if event.number == 1 and event.total in (None, 1) and event.input is None:
            return []
        of = f"/{event.total}" if event.total is not None else ""
        about = f": {one_line(event.input)}" if event.input is not None else ""
        return [f"Pass {event.number}{of}{about}"]

    def _step_started(self, event: StepStarted) -> list[str]:
        self.total = event.total
        attempt = self._attempts.of_pass(event.index, event.attempt)
        again = f" (attempt {attempt})" if attempt > 1 else ""
        place = f"{event.index + 1}/{event.total}"
        return [f"Executing step {place}: {one_line(event.label)}{again}"]

    def _retrying(self, event: StepRetrying) -> list[str]:
        delay = f" in {duration(event.delay_seconds)}" if event.delay_seconds >= 1 else ""
        what = f"attempt {self._attempts.of_pass(event.index, event.attempt)}{delay}"
        return [f"{self._step(event.index)} {one_line(event.reason)}, {what}"]

    def _skipped(self, event: StepSkipped) -> list[str]:
        self.total = event.total
        return [f"{self._step(event.index)} skipped: {one_line(event.reason)}"]

    def _completed(self, event: StepCompleted) -> list[str]:
        self.total = event.total
        took = duration(event.duration_seconds, finished=True)
        commits = f", {count(event.commits, 'commit')}" if event.commits else ""
        if event.tolerated:
            return [f"{self._step(event.index)} failed {took} (exit {event.exit_code}), tolerated"]
        return [f"{self._step(event.index)} ok {took}{commits}"]

    def _failed(self, event: StepFailed) -> list[str]:
        self.total = event.total
        took = duration(event.duration_seconds, finished=True)
        code = f" (exit {event.exit_code})" if event.exit_code is not None else ""
        return [*failure_output(event.log), f"{self._step(event.index)} failed {took}{code}"]

    def _handler_started(self, event: HandlerStarted) -> list[str]:
        return [f"{self._step(event.index)} {event.role}: {one_line(event.label)}"]

    def _handler_completed(self, event: HandlerCompleted) -> list[str]:
        took = duration(event.duration_seconds, finished=True)
        how = "ok" if event.exit_code == 0 else f"failed (exit {event.exit_code})"
        return [f"{self._step(event.index)} {event.role} {how} {took}"]

    def _waiting(self, event: Waiting) -> list[str]:
        if event.reason is None:
            return []
        return [f"Waiting: {one_line(event.reason)}{until(event.until)}"]

    def _stop_asked(self, event: StopAsked) -> list[str]:
        return [stop_words(event)]

    def _merge_started(self, event: MergeStarted) -> list[str]:
        return [f"Merging {event.source} into {event.target}"]

    def _merge_finished(self, event: MergeFinished) -> list[str]:
        at = f" at {event.commit[:_SHORT_COMMIT]}" if event.commit else ""
        if event.state == "merged":
            return [f"Merged into {event.target}{at}"]
        return [f"Merge {event.state}: {one_line(event.error or f'not in {event.target}')}"]

    def _step(self, index: int) -> str:
        return f"[Step {index + 1}/{self.total or '?'}]"


_STOP_WORDS = {
    StopKind.PAUSE: "Pausing after this step, asked by {by}",
    StopKind.PAUSE_NOW: "Pausing now, asked by {by}: the step is ended and runs again at resume",
    StopKind.CANCEL: "Cancelling, asked by {by}",
    StopKind.SIGINT: "Interrupted: ending the step; Ctrl-C again kills it at once",
    StopKind.SIGTERM: "Terminated: ending the step",
}


def stop_words(event: StopAsked) -> str:
    """What will be done about a wish to stop."""
    known = next((kind for kind in _STOP_WORDS if kind == event.action), None)
    words = _STOP_WORDS[known] if known is not None else f"Stopping: {one_line(event.action)}"
    return words.format(by=one_line(event.by))


def failure_output(log: Path | None) -> list[str]:
    """The last lines of the log of a failed step."""
    if log is None:
        return []
    return [without_colors(line) for line in last_lines(log, FAILURE_LINES)]


def until(text: str | None) -> str:
    """`` until 20:00`` for a moment in the form of state files."""
    if text is None:
        return ""
    try:
        return f" until {clock(from_text(text), utc_now())}"
    except ValueError:
        return f" until {one_line(text)}"


def _unseen(unseen: UnseenFiles) -> str:
    counted = []
    if unseen.uncommitted:
        counted.append(f"{unseen.uncommitted} uncommitted")
    if unseen.untracked:
        counted.append(f"{unseen.untracked} untracked")
    if not counted:
        return ""
    noun = "file" if unseen.uncommitted + unseen.untracked == 1 else "files"
    named = f", {', '.join(one_line(name) for name in unseen.named)} among them"
    return f" (without {' and '.join(counted)} {noun}{named if unseen.named else ''})"
