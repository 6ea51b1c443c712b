"""What is true of a run after whatever happened to it: four rules over what its files say (pure).

1. Without a readable record the checkpoint speaks, else the worktree's metadata.
2. Completed and Cancelled stand.
3. A record that is Initializing, Running or behind its checkpoint takes the checkpoint's status.
4. Any other record stands.

Progress always comes from the checkpoint, when its numbers can be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from store import fields
from store.resting import resting_state, session_status
from store.states import CheckpointStatus, MergeState, SessionStatus, State, StopKind

if TYPE_CHECKING:  # lists reconcile what they remember of checkpoints without loading their model
    from store.checkpoint import WorkflowCheckpoint

NO_SOURCE = "no workflow source was recorded"


class RecordFacts(NamedTuple):
    """What the rules need of a session record."""

    status: SessionStatus | None
    """None for a word this version does not know."""
    checkpoint_seq: int = 0
    step_index: int = 0
    total_steps: int = 0
    merge: str | None = None
    stop_kind: str | None = None
    attempt: int = 0
    waiting_kind: str | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> RecordFacts:
        """The facts of a parsed session record."""
        metadata = fields.table(document.get("metadata"))
        extension = fields.table(metadata.get("x_prodigy"))
        workflow = fields.table(document.get("workflow_data"))
        attempts = fields.rows(extension.get("attempts"))
        return cls(
            status=session_status(document.get("status")),
            checkpoint_seq=fields.whole(extension.get("checkpoint_seq")),
            step_index=fields.whole(
                workflow.get("current_step"), fields.whole(metadata.get("current_step"))
            ),
            total_steps=fields.whole(workflow.get("total_steps"))
            or fields.whole(metadata.get("total_steps")),
            merge=fields.optional_text(metadata.get("merge")),
            stop_kind=fields.optional_text(fields.table(extension.get("stop")).get("kind")),
            attempt=max((fields.whole(one.get("n")) for one in attempts), default=0),
            waiting_kind=fields.optional_text(fields.table(extension.get("waiting")).get("kind")),
        )


class CheckpointFacts(NamedTuple):
    """What the rules, and rows without a record, need of the newest readable checkpoint."""

    status: CheckpointStatus
    step_index: int = 0
    total_steps: int = 0
    seq: int = 0
    stop_kind: str | None = None
    error: str | None = None
    workflow_id: str = ""
    workflow_name: str = ""
    workflow_path: str = ""
    timestamp: str = ""
    start_time: str = ""
    step_label: str = ""
    """Of the step in flight or failed."""
    step_log: str | None = None
    repo: str = ""
    repo_path: str = ""
    branch: str = ""
    worktree: str = ""
    base_branch: str | None = None
    base_commit: str = ""

    @classmethod
    def of(cls, checkpoint: WorkflowCheckpoint) -> CheckpointFacts:
        """The facts of a checkpoint."""
        x = checkpoint.x
        step = x.failure or x.in_flight or {}
        message = fields.optional_text((x.failure or {}).get("message"))
        return cls(
            status=checkpoint.status,
            step_index=checkpoint.index,
            total_steps=checkpoint.total_steps,
            seq=checkpoint.seq,
            stop_kind=fields.optional_text((x.stop or {}).get("kind")),
            error=message or checkpoint.error_message,
            workflow_id=checkpoint.workflow_id,
            workflow_name=checkpoint.workflow_name or "",
            workflow_path=checkpoint.workflow_path or "",
            timestamp=checkpoint.timestamp,
            start_time=checkpoint.start_time,
            step_label=fields.text(step.get("label")),
            step_log=fields.optional_text(step.get("log")),
            repo=fields.text(x.repo.get("name")),
            repo_path=fields.text(x.repo.get("path")),
            branch=fields.text(x.worktree.get("branch")),
            worktree=fields.text(x.worktree.get("path")),
            base_branch=fields.optional_text(x.worktree.get("base_branch")),
            base_commit=fields.text(x.worktree.get("base_commit")),
        )


class MetadataFacts(NamedTuple):
    """What the rules need of worktree metadata."""

    status: str
    merged: bool = False
    interruption_type: str | None = None
    total_steps: int = 0

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> MetadataFacts:
        """The facts of a parsed metadata document."""
        status = fields.text(document.get("status"))
        return cls(
            status=status,
            merged=document.get("merged") is True or status == "merged",
            interruption_type=fields.optional_text(document.get("interruption_type")),
            total_steps=fields.whole(document.get("total_steps")),
        )


class Correction(NamedTuple):
    """A field of the record that does not say what is so."""

    field: str
    found: object
    true: object
    because: str


class Truth(NamedTuple):
    """What is so, as far as files can say; whether it runs now is the lock's to say.

    ``status`` is None when nothing says anything. ``step_index`` is the step to go on with.
    """

    status: SessionStatus | None
    source: str
    """``record``, ``checkpoint``, ``metadata`` or ``nothing``."""
    step_index: int = 0
    total_steps: int = 0
    stop_kind: str | None = None
    merge: str | None = None
    error: str | None = None
    corrections: tuple[Correction, ...] = ()
    not_resumable: str | None = None
    """Why no resume can go on from here, for a run that is not over."""

    @property
    def state_if_at_rest(self) -> State | None:
        """What the run is if nobody is running it."""
        return resting_state(self.status, self.merge)


_BY_METADATA = {
    "in_progress": SessionStatus.RUNNING,
    "interrupted": SessionStatus.RUNNING,
    "failed": SessionStatus.FAILED,
    "completed": SessionStatus.COMPLETED,
    "merged": SessionStatus.COMPLETED,
    "cleaned_up": SessionStatus.COMPLETED,
    "abandoned": SessionStatus.CANCELLED,
}
_UNFINISHED = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})


def status_of_checkpoint(checkpoint: CheckpointFacts) -> SessionStatus:
    """The status a session has whose newest checkpoint says this."""
    match checkpoint.status:
        case CheckpointStatus.PAUSED | CheckpointStatus.INTERRUPTED:
            if checkpoint.stop_kind == StopKind.CANCEL:
                return SessionStatus.CANCELLED
            return SessionStatus.PAUSED
        case other:
            return SessionStatus(other.value)


def reconcile(
    record: RecordFacts | None,
    checkpoint: CheckpointFacts | None,
    metadata: MetadataFacts | None = None,
) -> Truth:
    """Say what is so of a run.

    Args:
        record: None when it is missing or unreadable.
        checkpoint: the newest readable one; None when there is none, or when the record is at rest
            and the caller takes its word for it (as lists do).
        metadata: of its worktree, if there is any.
    """
    if record is None:
        return _without_record(checkpoint, metadata)
    status, source = record.status, "record"
    if checkpoint is not None and _lags(record, checkpoint):
        told = status_of_checkpoint(checkpoint)
        if told is not status:
            status, source = told, "checkpoint"
    index, total = _progress(status, record, checkpoint, metadata)
    merge = record.merge
    if metadata is not None and metadata.merged and status is SessionStatus.COMPLETED:
        merge = MergeState.MERGED.value
    stop_kind = record.stop_kind
    error = None
    if source == "checkpoint" and checkpoint is not None:
        stop_kind = checkpoint.stop_kind
        error = checkpoint.error if status is SessionStatus.FAILED else None
    return Truth(
        status=status,
        source=source,
        step_index=index,
        total_steps=total,
        stop_kind=stop_kind,
        merge=merge,
        error=error,
        corrections=tuple(_corrections(record, checkpoint, status, index, total, merge)),
    )


def _lags(record: RecordFacts, checkpoint: CheckpointFacts) -> bool:
    if record.status in (SessionStatus.COMPLETED, SessionStatus.CANCELLED, None):
        return False
    return record.status in _UNFINISHED or checkpoint.seq > record.checkpoint_seq


def _without_record(checkpoint: CheckpointFacts | None, metadata: MetadataFacts | None) -> Truth:
    merge = MergeState.MERGED.value if metadata is not None and metadata.merged else None
    if checkpoint is not None:
        told = status_of_checkpoint(checkpoint)
        index, total = _progress(told, None, checkpoint, metadata)
        return Truth(
            status=told,
            source="checkpoint",
            step_index=index,
            total_steps=total,
            stop_kind=checkpoint.stop_kind,
            merge=merge if told is SessionStatus.COMPLETED else None,
            error=checkpoint.error if told is SessionStatus.FAILED else None,
        )
    if metadata is None:
        return Truth(None, "nothing", not_resumable="nothing is known of it")
    status = _BY_METADATA.get(metadata.status)
    return Truth(
        status=status,
        source="metadata",
        total_steps=metadata.total_steps,
        merge=merge if status is SessionStatus.COMPLETED else None,
        not_resumable=NO_SOURCE,
    )


def _progress(
    status: SessionStatus | None,
    record: RecordFacts | None,
    checkpoint: CheckpointFacts | None,
    metadata: MetadataFacts | None,
) -> tuple[int, int]:
    told = metadata.total_steps if metadata is not None else 0
    total = (record.total_steps if record is not None else 0) or told
    index = record.step_index if record is not None else 0
    if checkpoint is not None:
        # The original also writes totals of 0, and indexes above the total; then the index alone
        # can be used.
        usable = checkpoint.total_steps > 0 and checkpoint.total_steps >= checkpoint.step_index
        total = checkpoint.total_steps if usable else max(total, checkpoint.total_steps)
        if usable or checkpoint.step_index > index or record is None:
            index = checkpoint.step_index
    if status is SessionStatus.COMPLETED and total > 0:
        index = total
    return index, total


def _corrections(
    record: RecordFacts,
    checkpoint: CheckpointFacts | None,
    status: SessionStatus | None,
    index: int,
    total: int,
    merge: str | None,
) -> list[Correction]:
    found: list[Correction] = []

    def correct(name: str, before: object, after: object, because: str) -> None:
        if before != after:
            found.append(Correction(name, before, after, because))

    seq = f"checkpoint {checkpoint.seq}" if checkpoint is not None else "the record"
    correct("status", record.status, status, f"{seq} says so")
    if checkpoint is not None:
        ahead = "the record is ahead of" if record.step_index > index else "the record lags behind"
        correct("current_step", record.step_index, index, f"{ahead} {seq}")
        correct("total_steps", record.total_steps, total, f"{seq} says so")
    correct("merge", record.merge, merge, "the worktree's metadata says so")
    return found
