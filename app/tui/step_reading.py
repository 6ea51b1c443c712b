"""The steps of one session, pass by pass, put together from checkpoint, events and logs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.status_style import StepSign
from app.tui.details import PassView, Span, SpanKind, StepPlan, StepView, total_seconds
from app.tui.step_timeline import CUT_OFF, Happened, PassHappened, ended_by, timeline
from store import step_logs
from store.checkpoint import WorkflowCheckpoint
from store.checkpoint_parts import CompletedStep
from store.events import Event
from store.fields import number
from store.home import Home
from store.row import SessionRow
from store.rows import microseconds
from store.states import State
from store.step_logs import StepLogFile

MOST_STEPS = 100_000
_NOT_SET_UP = "the run could not be set up"
_AT_WORK = frozenset({StepSign.RUNNING, StepSign.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of the pass a session is at, and the passes before."""

    now: tuple[StepView, ...]
    passes: tuple[PassView, ...]
    """None for a run that has but one."""


class StepReader:
    """Puts together the steps of one session.

    Args:
        home: the state home.
        row: the session, in its real state.
        checkpoint: its newest one, if there is any.
        planned: its steps as the saved copy of the workflow has them.
    """

    def __init__(
        self,
        home: Home,
        row: SessionRow,
        checkpoint: WorkflowCheckpoint | None,
        planned: tuple[StepPlan, ...],
    ) -> None:
        self._row = row
        self._checkpoint = checkpoint
        self._planned = planned
        self._passes_in_all = passes_in_all(checkpoint)
        completed = checkpoint.completed_steps if checkpoint else ()
        self._done: dict[int, CompletedStep] = {step.index: step for step in completed}
        total = max(row.total_steps, checkpoint.total_steps if checkpoint else 0, len(planned))
        self._total = min(total, MOST_STEPS)
        self._logs: dict[str, StepLogFile] = {}
        """By the names events have for them."""
        self._newest: dict[int, str] = {}
        """The newest log of each step."""
        for log in step_logs.list_logs(home, row.id, handlers=True):
            name = step_logs.relative_name(home, row.id, log.path)
            self._logs[name] = log
            if not log.handler:
                self._newest[log.step_index] = name

    def read(self, events: list[Event]) -> Steps:
        """All steps, with what events say of them."""
        passes = timeline(events)
        at = self._pass_number()
        now = next((one.steps for one in passes if one.number == at), {})
        before = [one for one in passes if one.number < at and one.steps]
        steps = tuple(self._now(index, now.get(index), not before) for index in range(self._total))
        if not before and self._passes_in_all == 1:
            return Steps(steps, ())
        last = PassView(at + 1, self._pass_words(at), steps, self._passes_in_all)
        return Steps(steps, (*(self._before(one) for one in before), last))

    def _before(self, one: PassHappened) -> PassView:
        steps = sorted(one.steps.items())
        seen = (self._logged(self._seen(index, happened), None) for index, happened in steps)
        words = self._pass_words(one.number)
        return PassView(one.number + 1, words, tuple(seen), self._passes_in_all)

    @property
    def log_count(self) -> int:
        """How many logs of steps and handlers there are."""
        return len(self._logs)

    # -- passes

    def _pass_number(self) -> int:
        told = self._checkpoint.x.pass_.get("number") if self._checkpoint else None
        return told if isinstance(told, int) else self._row.pass_number

    def _pass_words(self, at: int) -> str:
        checkpoint = self._checkpoint
        if checkpoint is None:
            return pass_words(at, 1, "")
        found: object = None
        for about in (*(one.get("pass") for one in checkpoint.x.passes), checkpoint.x.pass_):
            if isinstance(about, dict) and about.get("number") == at:
                found = about.get("input")
        return pass_words(at, self._passes_in_all, found if isinstance(found, str) else "")

    # -- one step

    def _seen(self, index: int, happened: Happened | None) -> StepView:
        plan = self._planned[index] if index < len(self._planned) else None
        label = plan.label if plan else f"step {index + 1}"
        view = StepView(index + 1, label, StepSign.NOT_REACHED, plan=plan)
        return happened.view(view) if happened is not None else view

    def _now(self, index: int, happened: Happened | None, is_only_pass: bool) -> StepView:
        """A step of the pass it is at, where checkpoint and record know better than events."""
        known = self._newest.get(index) if is_only_pass else None
        view = self._logged(self._seen(index, happened), known)
        done = self._done.get(index)
        if done is not None:
            view = _completed(view, done)
        elif index == self._row.step_index:
            view = self._at(view)
        elif view.sign is StepSign.RUNNING or (view.sign is StepSign.DONE and self._checkpoint):
            view = replace(view, sign=StepSign.NOT_REACHED)
        return self._ended(view)

    def _logged(self, view: StepView, known: str | None) -> StepView:
        """The step with the logs there are: its own, and those of its attempts and handlers."""
        spans = tuple(self._span(span) for span in view.spans)
        own = [span.log_name for span in spans if span.kind is SpanKind.ATTEMPT and span.log_name]
        name = own[-1] if own else known or ""
        file = self._logs.get(name)
        return replace(
            view,
            spans=spans,
            seconds=total_seconds(spans),
            log=file.path if file else None,
            log_name=name,
            log_bytes=file.size if file else None,
        )

    def _span(self, span: Span) -> Span:
        file = self._logs.get(span.log_name)
        if file is None:
            return span
        span = replace(span, log=file.path)
        return self._to_last_output(span) if span.is_cut_off else span

    def _to_last_output(self, span: Span) -> Span:
        """A span nobody wrote the end of, no shorter than it printed something."""
        file = self._logs.get(span.log_name)
        wrote_us = file.modified_ns // 1000 if file is not None and file.size else 0
        return replace(span, seconds=max(span.seconds, (wrote_us - span.started_us) / 1e6))

    def _ended(self, view: StepView) -> StepView:
        """A step of a run that stands still has ended too, even if no event says when."""
        spans = view.spans
        if view.sign is StepSign.RUNNING:
            ends = [span.started_us + int(span.seconds * 1e6) for span in spans]
            running = (span.started_us for span in spans if span.running)
            since = next(running, max(ends, default=None))
            return replace(view, running_since_us=since or view.started_us)
        if not any(span.running for span in spans):
            return view
        closed = tuple(self._closed(span, view) if span.running else span for span in spans)
        if view.sign is StepSign.DONE:
            return replace(view, spans=closed)
        last = next(one for one, span in zip(closed, spans, strict=True) if span.running)
        outcome = view.outcome or last.outcome.removeprefix(CUT_OFF)
        return replace(view, spans=closed, seconds=total_seconds(closed), outcome=outcome)

    def _closed(self, span: Span, view: StepView) -> Span:
        """How an attempt or a handler ended of which no event says it."""
        row, checkpoint = self._row, self._checkpoint
        ended_us: int | None = None
        words, failed = CUT_OFF, True
        if view.sign is StepSign.UNKNOWN:
            words, failed = "perhaps running", False
        elif view.sign is StepSign.DONE:
            words, failed, ended_us = "", False, view.ended_us
        elif row.stop_kind and checkpoint is not None and checkpoint.x.in_flight is not None:
            words, failed = ended_by(row.stop_kind)
            ended_us = row.state_since_us
        seconds = span.seconds_until(ended_us or 0)
        failed = failed and span.kind is not SpanKind.WAIT
        span = replace(span, outcome=words, failed=failed, running=False, seconds=seconds)
        if ended_us:
            return span
        return self._to_last_output(replace(span, is_cut_off=True))

    def _at(self, view: StepView) -> StepView:
        """The step a session is at: running, failed, or stopped."""
        row, state = self._row, self._row.state
        if state.is_live and state is not State.MERGING:
            sign = StepSign.RUNNING if row.step_label or view.spans else StepSign.NOT_REACHED
        elif (state is State.FAILED and not was_not_set_up(row)) or self._failed_unrecorded():
            sign = StepSign.FAILED
        elif state is State.UNKNOWN and (row.step_label or view.spans):
            sign = StepSign.UNKNOWN
        elif state is State.INTERRUPTED or self._is_cut_short(view):
            sign = StepSign.INTERRUPTED
        else:
            sign = StepSign.NOT_REACHED
        outcome = view.outcome
        if sign is StepSign.FAILED and not outcome:
            code = row.failure_exit_code
            outcome = row.failure_reason or (f"exit {code}" if code is not None else "")
        return replace(
            view,
            sign=sign,
            label=row.step_label or row.failure_label or view.label,
            outcome=outcome,
            started_us=view.started_us or row.step_started_us,
            attempts=view.attempts or row.step_attempt or int(sign in _AT_WORK),
        )

    def _failed_unrecorded(self) -> bool:
        """Whether a run without a record failed at this step, by its checkpoint."""
        is_lost = self._row.state in (State.UNREADABLE, State.NO_RECORD)
        return is_lost and self._checkpoint is not None and self._checkpoint.x.failure is not None

    def _is_cut_short(self, view: StepView) -> bool:
        """Whether a stop ended it in its middle."""
        if self._row.state not in (State.PAUSED, State.CANCELLED) or not view.spans:
            return False
        return self._checkpoint is not None and self._checkpoint.x.in_flight is not None


def was_not_set_up(row: SessionRow) -> bool:
    """Whether it failed before any step could begin."""
    return (row.error or "").startswith(_NOT_SET_UP)


def passes_in_all(checkpoint: WorkflowCheckpoint | None) -> int:
    """How many passes a run has at most."""
    if checkpoint is None:
        return 1
    told = [checkpoint.x.pass_.get(name) for name in ("inputs_total", "iterations_total")]
    known = [one for one in (*told, checkpoint.total_iterations) if isinstance(one, int)]
    return max(known, default=1)


def pass_words(at: int, total: int, given: str) -> str:
    """``pass 2 of 3  v2.5``; ``at`` counts from 0."""
    of = f" of {total}" if total > 1 else ""
    return f"pass {at + 1}{of}  {given}".rstrip()


def _completed(view: StepView, step: CompletedStep) -> StepView:
    sign = StepSign.SKIPPED if step.skipped else StepSign.DONE
    outcome = f"skipped: {step.skipped}" if step.skipped else view.outcome or "done"
    if step.tolerated:
        outcome = f"exit {step.exit_code}, tolerated"
    usage = step.usage or {}
    started, ended = microseconds(step.started_at), microseconds(step.completed_at)
    return replace(
        view,
        sign=sign,
        label=step.label or view.label,
        command=step.command or view.command,
        seconds=step.duration_seconds if not step.skipped else None,
        cost=number(usage.get("cost_usd")),
        started_us=view.started_us or started,
        ended_us=ended,
        outcome=outcome,
        commits=step.commits,
        attempts=max(view.attempts, 1),
        head_before=step.head_before,
        head_after=step.head_after,
    )
