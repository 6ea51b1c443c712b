"""What the events of a run say about each of its steps: attempts, handlers, waits, endings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from app import format as form
from app.status_style import StepSign
from app.tui.details import Span, SpanKind, StepView
from app.tui.notes import short_label
from store.events import Event
from store.fields import number
from store.rows import microseconds

CUT_OFF = "ended without a word"
_ENDINGS = {"paused": "stopped by a pause", "cancelled": "cancelled"}
"""What became of a command that the end of its run cut off."""


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
        self._head: object = None
        """The commit the step began at."""

    def take(self, event: Event, at_us: int) -> None:
        """Take in one event of the step."""
        fields = event.fields
        match event.type:
            case "step_started":
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

    def cut_off(self, at_us: int, words: str = CUT_OFF) -> None:
        """The run ended; so did what was running."""
        for kind in (SpanKind.HANDLER, SpanKind.ATTEMPT):
            while self._end(kind, at_us, words, failed=words == CUT_OFF, guessed=words == CUT_OFF):
                self.outcome = words

    def _begin(self, fields: dict[str, Any], at_us: int) -> None:
        self.cut_off(at_us)
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
            seconds=max(0.0, (at_us - span.started_us) / 1e6),
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
            self.spans.append(Span(SpanKind.WAIT, words, at_us, delay))

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
            seconds=sum(span.seconds for span in spans) if spans else None,
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

    def cut_off(self, at_us: int, words: str = CUT_OFF) -> None:
        for step in self.steps.values():
            step.cut_off(at_us, words)


def timeline(events: Iterable[Event]) -> list[PassHappened]:
    """What happened to each step in each pass, oldest first; never empty."""
    passes = [PassHappened(0)]
    last_us = 0
    for event in events:
        fields = event.fields
        at_us = microseconds(event.timestamp)
        index = fields.get("step_index")
        match event.type:
            case "pass_started":
                _go_to_pass(passes, fields.get("pass"))
            case "run_started":
                # What was still running then had lost its process: it ended with the last word.
                passes[-1].cut_off(last_us)
            case "run_ended" if at_us is not None:
                passes[-1].cut_off(at_us, _ENDINGS.get(_text(fields, "outcome"), "stopped"))
            case _ if isinstance(index, int) and at_us is not None:
                passes[-1].steps.setdefault(index, Happened()).take(event, at_us)
        last_us = at_us or last_us
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
    if fields.get("timed_out"):
        return "timeout"
    if fields.get("signal") is not None:
        return f"signal {fields['signal']}"
    if fields.get("exit_code") is not None:
        return f"exit {fields['exit_code']}"
    return form.cut(form.one_line(_text(fields, "error")), 60) or "failed"


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
