"""One session's steps and facts, put together from its checkpoint, its events and its logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app import format as form
from app.tui.details import EventView, SessionDetail, StepPlan, StepView, WorktreeView
from app.tui.notes import short_label
from app.tui.step_reading import StepReader, pass_words, passes_in_all
from app.tui.typed import prodigy_word
from store import checkpoints, step_logs
from store.atomic import read_file, read_json_object
from store.checkpoint import WorkflowCheckpoint
from store.errors import StoreError, Unreadable
from store.events import Event, read_events
from store.fields import number
from store.home import Home
from store.row import SessionRow
from store.rows import microseconds
from store.states import State
from store.times import duration_seconds

MOST_EVENTS = 20_000
"""Events of one session that are read for its timeline; of longer ones the newest."""

_BYTES_BEFORE, _BYTES_SHOWN = 24, 48
"""Of a record that cannot be read: bytes before the bad one, and how many in all."""

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
        events = _told(home, row)
    except StoreError:
        events = []
    planned = plans(checkpoint) if checkpoint is not None else ()
    reader = StepReader(home, row, checkpoint, planned)
    steps = reader.read(events)
    begun = [step for one in steps.passes for step in one.steps] or steps.now
    commits = _commits(row, begun)
    log, log_step = _log(home, row)
    worktree = _worktree_words(row)
    facts = _facts(row, checkpoint, commits, worktree, now)
    return SessionDetail(
        row=row,
        steps=steps.now,
        passes=steps.passes,
        facts=(*facts, *_what_is_wrong(home, row, checkpoint)),
        log=log,
        log_step=log_step,
        commits=commits,
        pass_words=_pass_words(row, checkpoint),
        checkpoint_words=_checkpoint_words(checkpoint, now),
        checkpoint_place=(checkpoint.seq, checkpoint.index + 1) if checkpoint else None,
        worktree_words=worktree,
        worktree_is_present=_has_worktree(row),
        head_last=checkpoint.x.head_last if checkpoint else None,
        claude_session=_claude_session(row, checkpoint, events),
        problem=problem,
        counts={
            "output": reader.log_count,
            "changes": row.files_changed,
            "checkpoints": checkpoints.count(home, row.id),
            "events": len(events),
            "variables": _variable_count(checkpoint),
        },
    )


def with_worktree(detail: SessionDetail, view: WorktreeView) -> SessionDetail:
    """The same, knowing what git says of its worktree."""
    commits = detail.commits if view.ahead is None else view.ahead
    number = len(view.files)
    clean = "present, clean" if not view.problem else "present, git cannot read it"
    words = f"present, {form.count(number, 'file')} uncommitted" if number else clean
    told = dict(detail.facts)
    if "Base" in told:
        told["Base"] = _base_words(detail.row, commits)
    told["Worktree"] = words
    return replace(detail, facts=tuple(told.items()), worktree_words=words, commits=commits)


def _commits(row: SessionRow, steps: Iterable[StepView]) -> int:
    """Those of the record, which counts them when an attempt ends, else those of the steps."""
    made = sum(step.commits or 0 for step in steps)
    if row.commits is None or row.attempt_started_us is not None:
        return max(made, row.commits or 0)
    return row.commits


def _variable_count(checkpoint: WorkflowCheckpoint | None) -> int:
    if checkpoint is None:
        return 0
    others = (checkpoint.x.env.get("secrets"), checkpoint.x.invocation.get("params"))
    return len(checkpoint.variables) + sum(
        len(one) for one in others if isinstance(one, list | dict)
    )


# -- facts -----------------------------------------------------------------------------------------


def _facts(
    row: SessionRow,
    checkpoint: WorkflowCheckpoint | None,
    commits: int,
    worktree: str,
    now: datetime,
) -> Iterable[tuple[str, str]]:
    if row.branch:
        yield "Branch", row.branch
    if row.base_commit or row.base_branch:
        yield "Base", _base_words(row, commits)
    if row.worktree or (checkpoint and checkpoint.x.worktree):
        yield "Worktree", worktree
    if row.started_us:
        started = form.clock(form.moment_from_microseconds(row.started_us), now)
        attempt = f", attempt {row.attempts}" if row.attempts else ""
        yield "Started", f"{started}{attempt}"
    if row.input:
        yield "Input", row.input
    if row.calls or row.input_tokens:
        cost = f"  {form.cost(row.cost_usd)}" if row.cost_usd is not None else ""
        yield "Usage", f"{form.tokens(row.input_tokens, row.output_tokens)}{cost}"


def _base_words(row: SessionRow, commits: int) -> str:
    base = row.base_branch or "detached HEAD"
    ahead = f", {form.count(commits, 'commit')} ahead" if commits else ""
    return f"{base} at {row.base_commit[:7]}{ahead}"


def _what_is_wrong(
    home: Home, row: SessionRow, checkpoint: WorkflowCheckpoint | None
) -> Iterable[tuple[str, str]]:
    """Of a record that cannot be read: the bytes where that shows, and what makes another one."""
    if row.state is not State.UNREADABLE:
        return
    try:
        data = read_file(home.session_file(row.id))
        read_json_object(home.session_file(row.id))
    except Unreadable as unreadable:
        if unreadable.offset is not None:
            start = max(0, min(unreadable.offset, len(data)) - _BYTES_BEFORE)
            shown = data[start : start + _BYTES_SHOWN].decode("utf-8", "replace")
            yield "Bytes", f"{'…' if start else ''}{form.one_line(shown)}"
    except StoreError:
        return
    if checkpoint is not None:
        yield "Repair", f"{prodigy_word(home)} resume {form.short_id(row.id)}"
    else:
        yield "Repair", "no checkpoint to make a record from"


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
    if row.state in _NEEDS_NO_WORKTREE:
        return _NEEDS_NO_WORKTREE[row.state]
    if _has_lost_its_branch(row):
        return "gone, and its branch too; r says what is left"
    return "gone; resume makes it again from its branch"


def _has_lost_its_branch(row: SessionRow) -> bool:
    """Whether git has no such branch; where the repository is not here nobody knows."""
    from orchestrator.git.command import Git, GitError
    from orchestrator.git.worktrees import tip_of

    repository = Path(row.repo_path)
    if not (row.repo_path and row.branch and repository.is_dir()):
        return False
    try:
        return tip_of(Git(repository), row.branch) is None
    except GitError:
        return False


def _pass_words(row: SessionRow, checkpoint: WorkflowCheckpoint | None) -> str:
    total = passes_in_all(checkpoint)
    if row.pass_number == 0 and total <= 1 and not row.input:
        return ""
    return pass_words(row.pass_number, total, row.input or "")


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
    if row.state is State.MERGE_FAILED:
        every = step_logs.list_logs(home, row.id, handlers=True)
        of_merge = [log for log in every if log.handler and log.step_index >= row.total_steps]
        if of_merge:
            return of_merge[-1].path, None
    at = step_logs.latest_log(home, row.id, row.step_index)
    log = at if at is not None and not _is_over(row) else step_logs.latest_log(home, row.id)
    return (log.path, log.step_index + 1) if log else (None, None)


def _is_over(row: SessionRow) -> bool:
    return row.state in (State.MERGED, State.COMPLETED, State.UNMERGED, State.MERGE_FAILED)


# -- events ----------------------------------------------------------------------------------------

_SHOWN_FIELDS = (
    "role", "label", "reason", "error", "kind", "attempt", "exit_code", "signal", "timed_out",
    "duration", "commits", "from", "to", "branch", "version", "outcome", "action", "state",
    "target", "last_line", "problem",
)  # fmt: skip


def _told(home: Home, row: SessionRow) -> list[Event]:
    """The newest events without those that only follow output, of which a long step has thousands.

    Raises:
        StoreError: they cannot be read.
    """
    every = read_events(home, row.repo or None, row.id)
    return [event for event in every if event.type != "step_output_ref"][-MOST_EVENTS:]


_SPEAK_FOR_THEMSELVES = frozenset({"label", "error", "reason", "last_line", "role", "outcome"})


def _said(key: str, value: object) -> str:
    """One field of an event in words; empty when it says nothing."""
    if key == "duration":
        seconds = duration_seconds(value) if isinstance(value, dict) else number(value)
        return form.duration(seconds, finished=True) if seconds is not None else ""
    if value is None or value is False or value == "" or isinstance(value, dict | list):
        return ""
    if key == "commits":
        return form.count(value, "commit") if isinstance(value, int) and value else ""
    if value is True:
        return key.replace("_", " ")
    if key in _SPEAK_FOR_THEMSELVES:
        return short_label(str(value))
    return f"{key.replace('_', ' ').removesuffix(' code')} {form.one_line(str(value))}"


def read_timeline(home: Home, row: SessionRow) -> list[EventView]:
    """The events of a run, newest last."""
    views = []
    for event in _told(home, row):
        fields = event.fields
        words = []
        if isinstance(fields.get("step_index"), int):
            words.append(f"step {fields['step_index'] + 1}")
        words += [said for key in _SHOWN_FIELDS if (said := _said(key, fields.get(key)))]
        raw = json.dumps({"event_type": event.type, **fields}, ensure_ascii=False)
        views.append(
            EventView(microseconds(event.timestamp) or 0, event.type, "  ".join(words), raw)
        )
    return views
