"""One session's steps and facts, put together from its checkpoint, its events and its logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app import format as form
from app.status_style import StepSign
from app.tui.details import EventView, SessionDetail, Span, StepPlan, StepView
from app.tui.notes import short_label
from app.tui.step_timeline import number, timeline
from store import checkpoints, step_logs
from store.checkpoint import WorkflowCheckpoint
from store.checkpoint_parts import CompletedStep
from store.errors import StoreError
from store.events import Event, read_events
from store.home import Home
from store.row import SessionRow
from store.rows import microseconds
from store.states import State

MOST_EVENTS = 20_000
"""Events of one session that are read for its timeline; of longer ones the newest."""

Plans = Callable[[WorkflowCheckpoint], tuple[StepPlan, ...]]
"""The steps of a run as the saved copy of its workflow has them."""


def read_detail(home: Home, row: SessionRow, plans: Plans, now: datetime) -> SessionDetail:
    """Everything the screens show of a session. Reads files only; never fails.

    Args:
        home: the state home.
        row: the session, in its real state.
        plans: gives the steps of its workflow.
        now: the present, for times in facts.
    """
    problem = row.problem
    try:
        found = checkpoints.newest(home, row.id)
    except StoreError as error:
        found, problem = None, problem or error.reason
    checkpoint = found.checkpoint if found else None
    try:
        events = list(read_events(home, row.repo or None, row.id))[-MOST_EVENTS:]
    except StoreError:
        events = []
    planned = plans(checkpoint) if checkpoint is not None else ()
    steps = tuple(_ended(step, row) for step in _steps(home, row, checkpoint, events, planned))
    commits = sum(step.commits or 0 for step in steps)
    log, log_step = _log(home, row)
    return SessionDetail(
        row=row,
        steps=steps,
        facts=tuple(_facts(row, checkpoint, commits, now)),
        log=log,
        log_step=log_step,
        commits=commits,
        pass_words=_pass_words(row, checkpoint),
        checkpoint_words=_checkpoint_words(checkpoint, now),
        worktree_words=_worktree_words(row),
        worktree_is_present=_has_worktree(row),
        head_last=checkpoint.x.head_last if checkpoint else None,
        claude_session=_claude_session(row, checkpoint, events),
        problem=problem,
    )


# -- steps -----------------------------------------------------------------------------------------


def _steps(
    home: Home,
    row: SessionRow,
    checkpoint: WorkflowCheckpoint | None,
    events: list[Event],
    planned: tuple[StepPlan, ...],
) -> tuple[StepView, ...]:
    total = max(row.total_steps, checkpoint.total_steps if checkpoint else 0, len(planned))
    total = min(total, 100_000)
    done = {step.index: step for step in checkpoint.completed_steps} if checkpoint else {}
    happenings = timeline(events)
    logs: dict[int, step_logs.StepLogFile] = {}
    for log in step_logs.list_logs(home, row.id):
        logs[log.step_index] = log
    views = []
    for index in range(total):
        plan = planned[index] if index < len(planned) else None
        label = plan.label if plan else f"step {index + 1}"
        view = StepView(index + 1, label, StepSign.NOT_REACHED, plan=plan)
        happened = happenings.get(index)
        if happened is not None:
            view = happened.view(view)
        if index in done:
            view = _completed(view, done[index])
        elif index == row.step_index:
            view = _at(view, row, checkpoint)
        elif view.sign is StepSign.RUNNING or (view.sign is StepSign.DONE and checkpoint):
            view = replace(view, sign=StepSign.NOT_REACHED)
        if (file := logs.get(index)) is not None:
            name = step_logs.relative_name(home, row.id, file.path)
            view = replace(view, log=file.path, log_name=name, log_bytes=file.size)
        views.append(view)
    return tuple(views)


def _ended(view: StepView, row: SessionRow) -> StepView:
    """A step of a run that stands still has ended too, even if no event says when."""
    spans = view.spans
    if view.sign is StepSign.RUNNING:
        ends = [span.started_us + int(span.seconds * 1e6) for span in spans]
        since = next((span.started_us for span in spans if span.running), max(ends, default=None))
        return replace(view, running_since_us=since or view.started_us)
    if not any(span.running for span in spans):
        return view
    last_us = _last_written_us(view.log) or row.state_since_us or row.updated_us
    closed = tuple(_closed(span, last_us) for span in spans)
    return replace(view, spans=closed, seconds=sum(span.seconds for span in closed))


def _last_written_us(log: Path | None) -> int | None:
    try:
        return log.stat().st_mtime_ns // 1000 if log is not None else None
    except OSError:
        return None


def _closed(span: Span, last_us: int) -> Span:
    if not span.running:
        return span
    seconds = max(0.0, (last_us - span.started_us) / 1e6)
    words = f"{span.label}  ended without a word"
    return replace(span, label=words, seconds=seconds, failed=True, running=False)


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


def _at(view: StepView, row: SessionRow, checkpoint: WorkflowCheckpoint | None) -> StepView:
    """The step a session is at: running, failed, or stopped."""
    state = row.state
    label = row.step_label or row.failure_label or view.label
    if state.is_live and state is not State.MERGING:
        sign = StepSign.RUNNING if row.step_label or view.spans else StepSign.NOT_REACHED
    elif state is State.FAILED:
        sign = StepSign.FAILED
    elif state in (State.INTERRUPTED, State.UNKNOWN):
        sign = StepSign.INTERRUPTED
    elif state in (State.PAUSED, State.CANCELLED) and view.spans:
        sign = StepSign.INTERRUPTED if _cut_short(checkpoint) else StepSign.NOT_REACHED
    else:
        sign = StepSign.NOT_REACHED
    outcome = view.outcome
    if sign is StepSign.FAILED and not outcome:
        outcome = f"exit {row.failure_exit_code}" if row.failure_exit_code is not None else ""
    return replace(
        view,
        sign=sign,
        label=label,
        outcome=outcome,
        started_us=view.started_us or row.step_started_us,
        attempts=max(view.attempts, row.step_attempt, 1 if sign is StepSign.RUNNING else 0),
    )


def _cut_short(checkpoint: WorkflowCheckpoint | None) -> bool:
    return checkpoint is not None and checkpoint.x.in_flight is not None


# -- facts -----------------------------------------------------------------------------------------


def _facts(
    row: SessionRow, checkpoint: WorkflowCheckpoint | None, commits: int, now: datetime
) -> Iterable[tuple[str, str]]:
    if row.branch:
        yield "Branch", row.branch
    if row.base_commit or row.base_branch:
        base = row.base_branch or "detached HEAD"
        ahead = f", {form.count(commits, 'commit')} ahead" if commits else ""
        yield "Base", f"{base} at {row.base_commit[:7]}{ahead}"
    if row.worktree or (checkpoint and checkpoint.x.worktree):
        yield "Worktree", _worktree_words(row)
    if row.started_us:
        started = form.clock(form.moment_from_microseconds(row.started_us), now)
        attempt = f", attempt {row.attempts}" if row.attempts else ""
        yield "Started", f"{started}{attempt}"
    if row.input:
        yield "Input", row.input
    if row.calls or row.input_tokens:
        cost = f"  {form.cost(row.cost_usd)}" if row.cost_usd is not None else ""
        yield "Usage", f"{form.tokens(row.input_tokens, row.output_tokens)}{cost}"


def _has_worktree(row: SessionRow) -> bool:
    return row.worktree.startswith("/") and Path(row.worktree).is_dir()


_NEEDS_NO_WORKTREE = {
    State.MERGED: "removed after the merge",
    State.COMPLETED: "removed, nothing was to be merged",
    State.CANCELLED: "gone",
    State.UNMERGED: "gone; the branch has the commits",
    State.MERGE_FAILED: "gone; the branch has the commits",
}


def _worktree_words(row: SessionRow) -> str:
    if not row.worktree:
        return "none recorded"
    if not row.worktree.startswith("/"):
        return row.worktree
    if _has_worktree(row):
        return "present"
    return _NEEDS_NO_WORKTREE.get(row.state, "gone; resume makes it again from its branch")


def _pass_words(row: SessionRow, checkpoint: WorkflowCheckpoint | None) -> str:
    total = (checkpoint.total_iterations if checkpoint else None) or 1
    if row.pass_number == 0 and total <= 1 and not row.input:
        return ""
    of = f" of {total}" if total > 1 else ""
    return f"pass {row.pass_number + 1}{of}  {row.input or ''}".rstrip()


def _checkpoint_words(checkpoint: WorkflowCheckpoint | None, now: datetime) -> str:
    if checkpoint is None:
        return "no checkpoint; it would begin at step 1"
    at = form.clock(form.moment_from_microseconds(microseconds(checkpoint.timestamp)), now)
    where = (
        f"before step {checkpoint.index + 1}"
        if checkpoint.index < checkpoint.total_steps
        else "after the last step"
    )
    return f"checkpoint #{checkpoint.seq}, {at}, {where}"


def _claude_session(
    row: SessionRow, checkpoint: WorkflowCheckpoint | None, events: list[Event]
) -> str | None:
    flying = checkpoint.x.in_flight if checkpoint else None
    if flying and isinstance(flying.get("claude_session"), str):
        return str(flying["claude_session"])
    for event in reversed(events):
        if event.type == "step_started" and event.fields.get("step_index") == row.step_index:
            found = event.fields.get("claude_session")
            return found if isinstance(found, str) else None
    return None


def _log(home: Home, row: SessionRow) -> tuple[Path | None, int | None]:
    at = step_logs.latest_log(home, row.id, row.step_index)
    log = at if at is not None and not _is_over(row) else step_logs.latest_log(home, row.id)
    return (log.path, log.step_index + 1) if log else (None, None)


def _is_over(row: SessionRow) -> bool:
    return row.state in (State.MERGED, State.COMPLETED, State.UNMERGED, State.MERGE_FAILED)


# -- events ----------------------------------------------------------------------------------------

_SHOWN_FIELDS = (
    "label", "reason", "error", "kind", "attempt", "exit_code", "from", "to", "branch", "version",
    "outcome", "action", "state", "target", "last_line", "role", "problem",
)  # fmt: skip


_SPEAK_FOR_THEMSELVES = frozenset({"label", "error", "reason", "last_line"})


def read_timeline(home: Home, row: SessionRow) -> list[EventView]:
    """The events of a run, newest last."""
    views = []
    for event in list(read_events(home, row.repo or None, row.id))[-MOST_EVENTS:]:
        fields = event.fields
        words = []
        if isinstance(fields.get("step_index"), int):
            words.append(f"step {fields['step_index'] + 1}")
        for key in _SHOWN_FIELDS:
            value = fields.get(key)
            if value is None or isinstance(value, dict | list) or value == "":
                continue
            if key in _SPEAK_FOR_THEMSELVES:
                words.append(short_label(str(value)))
            else:
                words.append(f"{key.replace('_', ' ')} {form.one_line(str(value))}")
        raw = json.dumps({"event_type": event.type, **fields}, ensure_ascii=False)
        views.append(
            EventView(microseconds(event.timestamp) or 0, event.type, "  ".join(words), raw)
        )
    return views
