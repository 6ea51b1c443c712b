"""Bringing the record of a stopped run in step with what is true of it, as its owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchestrator.ownership import take_run
from orchestrator.refusal import Refused
from orchestrator.stopped_run import StoppedRun, read_run
from orchestrator.worktree_record import WorktreeRecord
from store import checkpoints, fields, repair
from store.checkpoint import CheckpointKind
from store.errors import StoreError
from store.events import EventLog
from store.home import Home
from store.owned_record import OwnedRecord
from store.owner import Owner, remove_owner
from store.projection import project
from store.session import check_writable, may_become
from store.standing import last_output_us
from store.states import CheckpointStatus, SessionStatus, StopKind
from store.times import to_text, utc_now
from store.transitions import transition
from store.worktree_metadata import WorktreeStatus

_UNFINISHED = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})
_OVER = {
    SessionStatus.COMPLETED: WorktreeStatus.COMPLETED,
    SessionStatus.CANCELLED: WorktreeStatus.ABANDONED,
}


def is_over_unrecorded(run: StoppedRun) -> bool:
    """Whether a run came to its end and was killed before its record said so."""
    recorded = run.record.status if run.record is not None else None
    has_evidence = run.checkpoint is not None
    return has_evidence and run.truth.status in _OVER and recorded is not run.truth.status


def settle(home: Home, run_id: str) -> None:
    """Record that a run is over, if it is and its record does not say so.

    Raises:
        Refused: somebody owns it, or the record cannot be written.
    """
    lock, owner = take_run(home, run_id, "repair")
    try:
        run = read_run(home, run_id)
        if is_over_unrecorded(run):
            record_end(run, owner)
    except (StoreError, OSError) as error:
        raise Refused(f"session {run_id} cannot be repaired: {error}") from error
    finally:
        remove_owner(home, run_id)
        lock.release()


def record_end(run: StoppedRun, owner: Owner) -> None:
    """Write the record and the metadata of a run that is over; only for the holder of its lock.

    Raises:
        StoreError: the record cannot be written.
    """
    checkpoint, status = run.checkpoint, run.truth.status
    assert checkpoint is not None and status in _OVER
    events = _events(run, owner)
    ended = fields.moment(checkpoint.timestamp) or utc_now()
    if run.saved_by_half:
        checkpoints.save(run.home, checkpoint)
    if run.record is None:
        repair.make_record(run.home, run.session_id, started_by="resume")
    else:
        _write(
            run,
            status,
            now=ended,
            stop=checkpoint.x.stop,
            merge_pending=checkpoint.x.head_last not in (None, run.base_commit),
            exit_code=0 if status is SessionStatus.COMPLETED else None,
        )
    note_corrections(run, events)
    _set_metadata(run, events, _OVER[status])


def record_cancel(run: StoppedRun, owner: Owner, by: dict[str, Any]) -> None:
    """Cancel a run that has a record: checkpoint first; only for the holder of its lock.

    Raises:
        StoreError: it cannot be written.
    """
    stop = {
        "kind": str(StopKind.CANCEL),
        "at": to_text(utc_now()),
        "step_index": run.truth.step_index,
        "by": by,
    }
    if run.checkpoint is not None:
        run.checkpoint.x.stop = stop
        run.checkpoint.kind = CheckpointKind.STOP
        run.checkpoint.status = CheckpointStatus.INTERRUPTED
        checkpoints.save(run.home, run.checkpoint)
    _write(run, SessionStatus.CANCELLED, now=utc_now(), stop=stop)
    events = _events(run, owner)
    _set_metadata(run, events, WorktreeStatus.ABANDONED)
    events.append(
        "session_status_changed",
        **{"from": run.truth.status, "to": "Cancelled", "reason": "cancel", "error": None},
    )


def _events(run: StoppedRun, owner: Owner) -> EventLog:
    return EventLog(run.home, run.repo_name or "repository", run.session_id, owner.attempt)


def _write(run: StoppedRun, status: SessionStatus, *, now: datetime, **details: Any) -> None:
    """Write the record: in step with the checkpoint, and of that status."""
    record, checkpoint = run.record, run.checkpoint
    assert record is not None

    def edit(document: dict[str, Any]) -> None:
        check_writable(document)
        if checkpoint is not None:
            project(checkpoint, document, now=now)
        transition(document, status, now=now, **details)

    problems: list[StoreError] = []
    owned = OwnedRecord(run.home, record.document, on_problem=problems.append)
    try:
        written = owned.write_now(edit, final=True)
    finally:
        owned.close()
    if not written:
        raise problems[-1] if problems else StoreError("the record cannot be written")


def _set_metadata(run: StoppedRun, events: EventLog, status: WorktreeStatus) -> None:
    if run.metadata is not None:
        repo = run.repo_name or "repository"
        document = dict(run.metadata.document)
        WorktreeRecord(run.home, repo, run.session_id, document, events).set_status(status)


def apply_truth(document: dict[str, Any], run: StoppedRun) -> None:
    """Take a record that a crash left behind to the status the run came to rest in.

    A run that was killed in the middle becomes Paused, stopped by a crash.
    """
    status, recorded = run.truth.status, SessionStatus(document["status"])
    checkpoint = run.checkpoint
    stop: dict[str, Any] | None = None
    failure = None
    if status in _UNFINISHED or status is None:
        if recorded not in _UNFINISHED:
            return
        status = SessionStatus.PAUSED
        stop = {"kind": str(StopKind.CRASH), "at": to_text(utc_now()), "by": None}
    elif checkpoint is not None:
        stop, failure = checkpoint.x.stop, checkpoint.x.failure
    if status is not recorded and may_become(recorded, status):
        transition(
            document,
            status,
            now=utc_now(),
            stop=stop,
            failure=failure,
            error=run.truth.error,
            last_seen=_last_seen(document, run),
        )


def _last_seen(document: dict[str, Any], run: StoppedRun) -> str | None:
    """When the step under way last printed something, if that is later than the record."""
    extension = fields.table(fields.table(document.get("metadata")).get("x_prodigy"))
    log = fields.optional_text(fields.table(extension.get("step")).get("log"))
    wrote_us = last_output_us(run.home, run.session_id, log)
    written = fields.moment(document.get("updated_at"))
    if wrote_us is None or written is None:
        return None
    wrote = datetime.fromtimestamp(wrote_us / 1e6, UTC)
    return to_text(min(wrote, utc_now())) if wrote > written else None


def note_corrections(run: StoppedRun, events: EventLog) -> None:
    """One event for everything in which the record was not true."""
    changes = [
        {"field": one.field, "from": one.found, "to": one.true, "because": one.because}
        for one in run.truth.corrections
    ]
    if changes:
        events.append("session_reconciled", session_id=run.session_id, changes=changes)
