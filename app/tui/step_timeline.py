"""What the events of a run say about each of its steps: attempts, handlers, waits, endings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from app import format as form
from app.status_style import StepSign
from app.tui.details import Span, SpanKind, StepView
from app.tui.notes import short_label
from store.events import Event
from store.rows import microseconds


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
        self._open: Span | None = None

    def take(self, event: Event, at_us: int) -> None:
        fields = event.fields
        match event.type:
            case "step_started":
                self._close(at_us, "ended without a word", failed=True)
                self.attempts += 1
                self.label = _text(fields, "label") or self.label
                self.command = _text(fields, "command") or self.command
                self.sign = StepSign.RUNNING
                self.outcome, self.ended_us = "", None
                self._open = Span(
                    SpanKind.ATTEMPT, f"attempt {self.attempts}", at_us, 0.0, running=True
                )
                self._handlers_end(at_us)
            case "attempt_failed":
                self.outcome = _ending(fields)
                self._close(at_us, self.outcome, failed=True)
            case "step_completed":
                self._finish(event, at_us, failed=False)
            case "step_failed":
                self._finish(event, at_us, failed=True)
            case "attempt_failed":
                self._close(at_us, _ending(fields), failed=True)
            case "step_retrying":
                delay = float(number(fields.get("delay_ms")) or 0.0) / 1000
                if delay >= 1:
                    reason = _text(fields, "reason")
                    why = f", {reason}" if reason and not reason.startswith("retry after") else ""
                    words = f"wait {form.duration(delay)}{why}"
                    self.spans.append(Span(SpanKind.WAIT, words, at_us, delay))
            case "handler_started":
                label = short_label(_text(fields, "label"))
                words = f"{_text(fields, 'role') or 'handler'} {label}".strip()
                self.handlers.append(words)
                self.spans.append(Span(SpanKind.HANDLER, words, at_us, 0.0, running=True))
            case "handler_completed":
                self._end_handler(event, at_us)
            case "step_skipped":
                self.sign = StepSign.SKIPPED
                self.outcome = f"skipped: {_text(fields, 'reason')}"

    def _finish(self, event: Event, at_us: int, *, failed: bool) -> None:
        fields = event.fields
        if failed:
            words = _ending(fields)
            self.sign = StepSign.FAILED
        else:
            words = "done"
            self.sign = StepSign.DONE
        self.outcome, self.ended_us = words, at_us
        commits = number(fields.get("commits"))
        self.commits = int(commits) if commits is not None else self.commits
        usage = fields.get("usage")
        if isinstance(usage, dict):
            self.cost = number(usage.get("cost_usd"))
        self._close(at_us, words if failed else "", failed=failed)

    def _close(self, at_us: int, words: str, *, failed: bool) -> None:
        span, self._open = self._open, None
        if span is None:
            return
        label = f"{span.label}  {words}" if words else span.label
        seconds = max(0.0, (at_us - span.started_us) / 1e6)
        self.spans.append(replace(span, label=label, seconds=seconds, failed=failed, running=False))

    def _handlers_end(self, at_us: int) -> None:
        """A handler cannot outlive the attempt after it."""
        for place, span in enumerate(self.spans):
            if span.running and span.kind is SpanKind.HANDLER:
                seconds = max(0.0, (at_us - span.started_us) / 1e6)
                self.spans[place] = replace(span, seconds=seconds, running=False, failed=True)

    def _end_handler(self, event: Event, at_us: int) -> None:
        for place in range(len(self.spans) - 1, -1, -1):
            span = self.spans[place]
            if span.kind is SpanKind.HANDLER and span.running:
                code = number(event.fields.get("exit_code"))
                self.spans[place] = replace(
                    span,
                    seconds=max(0.0, (at_us - span.started_us) / 1e6),
                    running=False,
                    failed=bool(code),
                )
                return

    def view(self, view: StepView) -> StepView:
        spans = [*self.spans, self._open] if self._open else list(self.spans)
        spans.sort(key=lambda span: span.started_us)
        seconds = sum(span.seconds for span in spans)
        first = min((span.started_us for span in spans), default=None)
        return replace(
            view,
            sign=self.sign,
            label=self.label or view.label,
            command=self.command,
            attempts=self.attempts,
            seconds=seconds if spans else None,
            spans=tuple(spans),
            started_us=first,
            ended_us=self.ended_us,
            outcome=self.outcome,
            handlers=tuple(self.handlers),
            commits=self.commits,
            cost=self.cost,
        )


def timeline(events: Iterable[Event]) -> dict[int, Happened]:
    """What happened to each step in the newest pass."""
    happened: dict[int, Happened] = {}
    for event in events:
        if event.type == "pass_started":
            happened.clear()
            continue
        index = event.fields.get("step_index")
        at_us = microseconds(event.timestamp)
        if isinstance(index, int) and at_us is not None:
            happened.setdefault(index, Happened()).take(event, at_us)
    return happened


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


def number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
