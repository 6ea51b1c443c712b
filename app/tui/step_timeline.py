"""What the events of a run say about each of its steps: attempts, handlers, waits, endings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from app import format as form
from app.status_style import StepSign
from app.tui.details import Span, SpanKind, StepView, total_seconds
from app.tui.notes import short_label
from store.events import Event
from store.failures import how_it_failed
from store.fields import number
from store.rows import microseconds
from store.states import StopKind

CUT_OFF = "ended without a word"
_ASKED_FOR = {
    StopKind.PAUSE: "paused on request",
    StopKind.PAUSE_NOW: "paused on request",
    StopKind.CANCEL: "cancelled",
    StopKind.SIGINT: "stopped by Ctrl-C",
    StopKind.SIGTERM: "stopped by SIGTERM",
    StopKind.SIGHUP: "stopped, its terminal closed",
}
_NOT_ASKED_FOR = {
    StopKind.USAGE_LIMIT: "stopped by a usage limit",
    StopKind.CHECKPOINT_FAILED: "stopped, no checkpoint could be written",
    StopKind.INTERNAL_ERROR: "stopped by an internal error",
}


def ended_by(kind: str) -> tuple[str, bool]:
    """How a stop ended the command under way, and whether that is a failure; by its kind."""
    for table, failed in ((_ASKED_FOR, False), (_NOT_ASKED_FOR, True)):
        for known, words in table.items():
            if known == kind:
                return words, failed
    return "stopped", False


class Happened:
    """What events say about one step."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.command = ""
        self.label = ""
        self.attempts = 0
        self.outcome = ""
        self.sign = StepSign.NOT_REACHED
        self.handlers: list[str] = []
        self.ended_us: int | None = None
        self.commits: int | None = None
        self.cost: float | None = None
        self._last_us = 0
        """When its newest event was written."""
        self._head: object = None
        """The commit the step began at."""

    def take(self, event: Event, at_us: int) -> None:
        """Take in one event of the step."""
        before_us, self._last_us = self._last_us, at_us
        fields = event.fields
        if event.type != "step_output_ref":
            self._end(SpanKind.WAIT, at_us, "", failed=False)
        match event.type:
            case "step_started":
                self._cut_off(before_us)
                self._begin(fields, at_us)
            case "attempt_failed":
                self.outcome = _ending(fields)
                self._end(SpanKind.ATTEMPT, at_us, self.outcome, failed=True)
            case "step_completed":
                self._finish(fields, at_us, failed=False)
            case "step_failed":
                self._finish(fields, at_us, failed=True)
            case "step_retrying":
                self._wait(fields, at_us)
            case "handler_started":
                label = short_label(_text(fields, "label"))
                words = f"{_text(fields, 'role') or 'handler'} {label}".strip()
                self.handlers.append(words)
                self._open(SpanKind.HANDLER, words, fields, at_us)
            case "handler_completed":
                code = number(fields.get("exit_code"))
                words = f"exit {int(code)}" if code else ""
                commits = int(number(fields.get("commits")) or 0)
                self._end(SpanKind.HANDLER, at_us, words, failed=bool(code), commits=commits)
            case "claude_token_usage":
                self._pay(number(fields.get("cost_usd")))
            case "step_skipped":
                self.sign = StepSign.SKIPPED
                self.outcome = f"skipped: {_text(fields, 'reason')}"

    def stop(self, at_us: int, kind: str) -> None:
        """The run was stopped, for a reason of this kind; so was what was running."""
        words, failed = ended_by(kind)
        self._end_all(at_us, words, failed=failed)

    def crash(self) -> None:
        """What was running had lost its process: nothing is known of it after its last word."""
        self._cut_off(self._last_us)

    def _cut_off(self, at_us: int) -> None:
        self._end_all(at_us, CUT_OFF, failed=True)

    def _end_all(self, at_us: int, words: str, *, failed: bool) -> None:
        guessed = words == CUT_OFF
        for kind in SpanKind:
            is_failure = failed and kind is not SpanKind.WAIT
            while self._end(kind, at_us, words, failed=is_failure, guessed=guessed):
                self.outcome = words

    def _begin(self, fields: dict[str, Any], at_us: int) -> None:
        self.attempts += 1
        self.label = _text(fields, "label") or self.label
        self.command = _text(fields, "command") or self.command
        self._head = self._head or fields.get("head")
        self.sign = StepSign.RUNNING
        self.outcome, self.ended_us = "", None
        self._open(SpanKind.ATTEMPT, f"attempt {self.attempts}", fields, at_us)

    def _open(self, kind: SpanKind, label: str, fields: dict[str, Any], at_us: int) -> None:
        log = _text(fields, "log")
        self.spans.append(Span(kind, label, at_us, 0.0, running=True, log_name=log))

    def _newest_open(self, *kinds: SpanKind) -> int | None:
        """The place of the span of these kinds that began last and still runs."""
        for place in range(len(self.spans) - 1, -1, -1):
            if self.spans[place].running and self.spans[place].kind in kinds:
                return place
        return None

    def _end(
        self,
        kind: SpanKind,
        at_us: int,
        words: str,
        *,
        failed: bool,
        guessed: bool = False,
        commits: int = 0,
    ) -> bool:
        place = self._newest_open(kind)
        if place is None:
            return False
        span = self.spans[place]
        self.spans[place] = replace(
            span,
            seconds=span.seconds_until(at_us),
            outcome=words,
            failed=failed,
            running=False,
            is_cut_off=guessed,
            commits=commits,
        )
        return True

    def _wait(self, fields: dict[str, Any], at_us: int) -> None:
        delay = float(number(fields.get("delay_ms")) or 0.0) / 1000
        if delay >= 1:
            reason = _text(fields, "reason")
            why = f", {reason}" if reason and not reason.startswith("retry after") else ""
            words = f"wait {form.duration(delay)}{why}"
            self.spans.append(Span(SpanKind.WAIT, words, at_us, delay, running=True))

    def _pay(self, cost: float | None) -> None:
        place = self._newest_open(SpanKind.HANDLER, SpanKind.ATTEMPT)
        if place is not None and cost is not None:
            span = self.spans[place]
            self.spans[place] = replace(span, cost=(span.cost or 0.0) + cost)

    def _finish(self, fields: dict[str, Any], at_us: int, *, failed: bool) -> None:
        if failed:
            self.sign, self.outcome = StepSign.FAILED, _ending(fields)
        else:
            self.sign, self.outcome = StepSign.DONE, "done"
            if fields.get("tolerated"):
                self.outcome = f"{_ending(fields)}, tolerated"
        self.ended_us = at_us
        commits = number(fields.get("commits"))
        if commits is not None:
            self.commits = int(commits)
        elif self._head is not None and self._head == fields.get("head"):
            self.commits = 0
        usage = fields.get("usage")
        if isinstance(usage, dict):
            self.cost = number(usage.get("cost_usd"))
        self._end(SpanKind.ATTEMPT, at_us, self.outcome if failed else "", failed=failed)

    def view(self, view: StepView) -> StepView:
        """A step of the plan with all that happened to it."""
        spans = sorted(self.spans, key=lambda span: span.started_us)
        costs = [span.cost for span in spans if span.cost is not None]
        return replace(
            view,
            sign=self.sign,
            label=self.label or view.label,
            command=self.command,
            attempts=self.attempts,
            seconds=total_seconds(spans),
            spans=tuple(spans),
            started_us=spans[0].started_us if spans else None,
            ended_us=self.ended_us,
            outcome=self.outcome,
            handlers=tuple(self.handlers),
            commits=self.commits,
            cost=self.cost if self.cost is not None else sum(costs) if costs else None,
        )


@dataclass(slots=True)
class PassHappened:
    """What happened in one pass over the steps; ``number`` counts from 0."""

    number: int
    steps: dict[int, Happened] = field(default_factory=dict)

    def stop(self, at_us: int, kind: str) -> None:
        """The run was stopped in it, for a reason of this kind."""
        for step in self.steps.values():
            step.stop(at_us, kind)

    def crash(self) -> None:
        """The run lost its process in it."""
        for step in self.steps.values():
            step.crash()


def timeline(events: Iterable[Event]) -> list[PassHappened]:
    """What happened to each step in each pass, oldest first; never empty."""
    passes = [PassHappened(0)]
    reason = ""
    for event in events:
        fields = event.fields
        at_us = microseconds(event.timestamp)
        index = fields.get("step_index")
        match event.type:
            case "pass_started":
                _go_to_pass(passes, fields.get("pass"))
            case "run_started":
                passes[-1].crash()
            case "session_status_changed":
                reason = _text(fields, "reason")
            case "run_ended" if at_us is not None:
                passes[-1].stop(at_us, reason)
            case "checkpoint_created":
                pass  # it names the step the run is at, and says nothing of that step
            case _ if isinstance(index, int) and at_us is not None:
                passes[-1].steps.setdefault(index, Happened()).take(event, at_us)
    return passes


def _go_to_pass(passes: list[PassHappened], told: object) -> None:
    """A resume at the first step begins its pass once more; only another one is new."""
    here = passes[-1]
    known = told if isinstance(told, int) else here.number + 1
    if known == here.number:
        return
    if here.steps:
        passes.append(PassHappened(known))
    else:
        here.number = known


def _ending(fields: dict[str, Any]) -> str:
    if how := how_it_failed(fields):
        return form.one_line(how)
    return form.cut(form.one_line(_text(fields, "error")), 60) or "failed"


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
