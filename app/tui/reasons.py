"""Why an action is not possible for a session in its state, or None when it is."""

from __future__ import annotations

from app.tui.subject import Subject
from store.row import SessionRow
from store.states import State

_OWNER_AT_WORK = frozenset(
    {State.RUNNING, State.STALLED, State.WAITING, State.NEEDS_ANSWER, State.STARTING}
)
_RESUMABLE = frozenset(
    {
        State.FAILED,
        State.INTERRUPTED,
        State.PAUSED,
        State.UNKNOWN,
        State.NO_RECORD,
        State.UNREADABLE,
    }
)
_AT_REST_BEFORE_END = frozenset({State.PAUSED, State.INTERRUPTED})


def needs_session(subject: Subject) -> str | None:
    return "no session here" if subject.row is None else None


def writes(subject: Subject) -> str | None:
    if subject.row is None:
        return "no session here"
    if subject.blocked:
        return subject.blocked
    if subject.row.newer_format:
        return "written by a newer version"
    return None


def no_failure(subject: Subject) -> str | None:
    row = subject.row
    if row is None:
        return "no session here"
    if row.state.needs_attention or row.error or subject.has_failure:
        return None
    return "nothing failed"


def no_resume(subject: Subject) -> str | None:
    if why := writes(subject):
        return why
    row = subject.row
    assert row is not None
    if row.state in _RESUMABLE:
        return None
    if row.state.is_live:
        return _busy(row.state)
    return {
        State.CANCELLED: "cancelled sessions are final",
        State.UNMERGED: f"complete; {subject.prodigy} merge {subject.id} merges it",
        State.MERGE_FAILED: f"complete; {subject.prodigy} merge {subject.id} tries the merge again",
    }.get(row.state, "already complete")


def no_resume_from(subject: Subject) -> str | None:
    if why := writes(subject):
        return why
    state = subject.row.state if subject.row is not None else None
    if state in (State.UNMERGED, State.MERGE_FAILED, State.COMPLETED):
        return f"complete; {subject.prodigy} resume {subject.id} --force --from-step N goes back"
    return no_resume(subject)


def no_skip_step(subject: Subject) -> str | None:
    if why := no_resume(subject):
        return why
    row = subject.row
    assert row is not None
    # Without a record its checkpoint tells of the step that failed.
    by_checkpoint = row.state in (State.NO_RECORD, State.UNREADABLE) and row.step_label
    if row.state not in (State.FAILED, State.INTERRUPTED) and not by_checkpoint:
        return "no step failed"
    return None if row.step_index < row.total_steps else "no step failed"


def no_changes(subject: Subject) -> str | None:
    row = subject.row
    if row is None:
        return "no session here"
    return None if row.worktree or row.branch else _without_worktree(row)


def no_pause(subject: Subject) -> str | None:
    if why := writes(subject):
        return why
    assert subject.row is not None
    state = subject.row.state
    if state in _OWNER_AT_WORK:
        return None
    if state is State.PAUSING:
        return "asked already"
    return _not_running(state)


def no_pause_now(subject: Subject) -> str | None:
    if subject.row is not None and subject.row.state is State.PAUSING:
        return writes(subject)
    return no_pause(subject)


def no_cancel(subject: Subject) -> str | None:
    if why := writes(subject):
        return why
    assert subject.row is not None
    state = subject.row.state
    if state in _OWNER_AT_WORK or state in _AT_REST_BEFORE_END or state is State.PAUSING:
        return None
    if state is State.CANCELLING:
        return "asked already"
    return _not_running(state)


def _not_running(state: State) -> str:
    return {
        State.UNKNOWN: "its owner cannot be reached from here",
        State.PAUSED: "already paused",
    }.get(state, _busy(state) if state.is_live else "not running")


def _busy(state: State) -> str:
    """What the owner of a live session is about."""
    return {
        State.MERGING: "it is being merged",
        State.RESUMING: "it is being resumed",
        State.PAUSING: "it is about to pause",
        State.CANCELLING: "it is being cancelled",
    }.get(state, "it is running")


def may_write(subject: Subject) -> str | None:
    return subject.blocked


def no_merge(subject: Subject) -> str | None:
    if why := writes(subject):
        return why
    assert subject.row is not None
    state = subject.row.state
    if state in (State.UNMERGED, State.MERGE_FAILED):
        return None
    if state.is_live:
        return _busy(state)
    return {
        State.MERGED: "merged already",
        State.COMPLETED: "it made no commits",
        State.CANCELLED: "it was cancelled; its branch is kept",
    }.get(state, "not complete yet")


def no_archive(subject: Subject) -> str | None:
    if why := writes(subject):
        return why
    row = subject.row
    assert row is not None
    if row.state is State.UNKNOWN:
        return "it may be running elsewhere"
    if no_pause(subject) is None:
        return f"it is running; {subject.prodigy} pause {subject.id} first"
    if row.state.is_live:
        return _busy(row.state)
    if row.state in (State.NO_RECORD, State.UNREADABLE):
        what = "it has no record" if row.state is State.NO_RECORD else "its record cannot be read"
        given = "" if row.workflow_path else " --workflow FILE"
        return f"{what}; {subject.prodigy} resume {subject.id}{given} makes one"
    return None


def no_restore(subject: Subject) -> str | None:
    if subject.blocked:
        return subject.blocked
    if subject.archived:
        return None
    return f"nothing was archived just now; {subject.prodigy} sessions list --archived"


def no_shell(subject: Subject) -> str | None:
    row = subject.row
    if row is None:
        return "no session here"
    return None if row.worktree else _without_worktree(row)


def _without_worktree(row: SessionRow) -> str:
    lost = row.state in (State.NO_RECORD, State.UNREADABLE)
    return "its worktree is not known" if lost else "it never had a worktree"


def no_edit(subject: Subject) -> str | None:
    row = subject.row
    if row is None:
        return "no session here"
    return None if row.workflow_path else "its workflow file is not known"


def no_repository(subject: Subject) -> str | None:
    return None if subject.repository else "not in a git repository"
