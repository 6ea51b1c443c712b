"""A session as machines get it, and what can be done next with it."""

from __future__ import annotations

from datetime import datetime

from app.format import moment_from_microseconds, short_id
from store.row import SessionRow
from store.session_filter import RESUMABLE
from store.states import State, StopKind
from store.times import to_text, utc_now

_NOT_RESUMABLE = {
    State.UNMERGED: "completed; its merge is open",
    State.MERGE_FAILED: "completed; its merge failed",
    State.MERGED: "already complete",
    State.COMPLETED: "already complete",
    State.CANCELLED: "cancelled",
}


def session_object(row: SessionRow, now: datetime | None = None) -> dict[str, object]:
    """The session object of ``--json``; every key is always there."""
    reason = not_resumable_reason(row)
    return {
        "id": row.id,
        "workflow_id": row.workflow_id or None,
        "job_id": row.job_id,
        "workflow": row.workflow or None,
        "repo": row.repo or None,
        "path": row.repo_path or None,
        "branch": row.branch or None,
        "worktree": row.worktree or None,
        "status": row.status or None,
        "state": str(row.state),
        "attention": row.state.needs_attention,
        "step": step_number(row),
        "step_index": row.step_index,
        "total_steps": row.total_steps,
        "step_name": row.step_label or None,
        "iteration": row.iteration,
        "started_at": _moment(row.started_us),
        "updated_at": _moment(row.updated_us),
        "state_since": _moment(row.state_since_us),
        "duration_seconds": active_seconds(row, now or utc_now()),
        "error": row.error or _merge_error(row) or row.problem,
        "resumable": reason is None,
        "reason": reason,
        "merge": {
            "state": row.merge_state,
            "target": row.merge_target or row.base_branch,
            "commits": row.commits,
        },
        "items": None,
        "usage": {
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "cost_usd": row.cost_usd,
        },
        "next": next_command(row),
    }


def _merge_error(row: SessionRow) -> str | None:
    return row.merge_error if row.state is State.MERGE_FAILED else None


def step_number(row: SessionRow) -> int:
    """The step it is at, counted from 1; of a finished run the last one."""
    return min(row.step_index + 1, row.total_steps) if row.total_steps else row.step_index + 1


def active_seconds(row: SessionRow, now: datetime) -> float:
    """Time in which the run was worked on; an open attempt of a live run counts up to now."""
    open_since = moment_from_microseconds(row.updated_us)
    if row.attempt_started_us is None or not row.state.is_live or open_since is None:
        return row.active_seconds
    return row.active_seconds + max(0.0, (now - open_since).total_seconds())


def not_resumable_reason(row: SessionRow) -> str | None:
    """Why a resume would refuse this run; None when it would not."""
    if row.newer_format:
        return "written by a newer version"
    if row.state.is_live:
        holder = f" (process {row.owner_pid})" if row.owner_pid else ""
        return f"running{holder}"
    if row.state is State.UNKNOWN:
        return row.live_reason or "its owner cannot be checked"
    if row.state in RESUMABLE or _can_be_repaired(row):
        return None
    return _NOT_RESUMABLE.get(row.state) or row.problem or "cannot be resumed as it is"


def _can_be_repaired(row: SessionRow) -> bool:
    """Whether a resume makes the unreadable record anew from the checkpoint, and goes on."""
    if row.state is not State.UNREADABLE or not row.workflow_id or row.owner_pid is not None:
        return False
    return row.stop_kind != StopKind.CANCEL and row.step_index < row.total_steps


def next_command(row: SessionRow) -> str | None:
    """The command that makes sense now; None when there is nothing to do."""
    run = short_id(row.id)
    if row.newer_format:
        return None
    if row.state.is_live:
        return f"prodigy logs {run} --follow"
    if row.state in (State.UNMERGED, State.MERGE_FAILED):
        return f"prodigy merge {run}"
    if row.state is State.UNKNOWN:
        return f"prodigy resume {run} --plan"
    if not_resumable_reason(row) is None:
        return f"prodigy resume {run}"
    return None


def _moment(microseconds: int | None) -> str | None:
    moment = moment_from_microseconds(microseconds)
    return to_text(moment) if moment is not None else None
