"""The words for what a session stores and for what it really is."""

from __future__ import annotations

from enum import StrEnum

STALL_AFTER_SECONDS = 15 * 60.0
"""A running step that has printed nothing for so long counts as stalled, unless told otherwise."""


class SessionType(StrEnum):
    WORKFLOW = "Workflow"
    MAPREDUCE = "MapReduce"


class SessionStatus(StrEnum):
    """The word stored in a session record."""

    INITIALIZING = "Initializing"
    RUNNING = "Running"
    PAUSED = "Paused"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class CheckpointStatus(StrEnum):
    """The word stored in a checkpoint's execution state."""

    RUNNING = "Running"
    PAUSED = "Paused"
    INTERRUPTED = "Interrupted"
    FAILED = "Failed"
    COMPLETED = "Completed"


class MergeState(StrEnum):
    """What became of the branch of a completed session; no value means nothing to merge."""

    PENDING = "pending"
    MERGED = "merged"
    DECLINED = "declined"
    FAILED = "failed"


class StopKind(StrEnum):
    """Why a run stopped before its end."""

    SIGINT = "sigint"
    SIGTERM = "sigterm"
    SIGHUP = "sighup"
    PAUSE = "pause"
    PAUSE_NOW = "pause_now"
    CANCEL = "cancel"
    CRASH = "crash"
    CHECKPOINT_FAILED = "checkpoint_failed"
    USAGE_LIMIT = "usage_limit"
    EXECUTOR_LOST = "executor_lost"
    INTERNAL_ERROR = "internal_error"


class State(StrEnum):
    """What a session really is, in the order lists show it: attention, then live, then at rest."""

    FAILED = "failed"
    MERGE_FAILED = "merge_failed"
    UNREADABLE = "unreadable"
    NO_RECORD = "no_record"
    INTERRUPTED = "interrupted"
    STALLED = "stalled"
    UNKNOWN = "unknown"
    NEEDS_ANSWER = "needs_answer"
    WAITING = "waiting"
    RUNNING = "running"
    STARTING = "starting"
    PAUSING = "pausing"
    CANCELLING = "cancelling"
    MERGING = "merging"
    RESUMING = "resuming"
    PAUSED = "paused"
    UNMERGED = "unmerged"
    MERGED = "merged"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def needs_attention(self) -> bool:
        """Whether a person is needed."""
        return self in _ATTENTION

    @property
    def is_live(self) -> bool:
        """Whether an owner is at work, changing or waiting for a clock."""
        return self in _LIVE

    @property
    def is_over(self) -> bool:
        """Whether it came to its end, so that nothing of it is resumed any more."""
        return self in _OVER

    @property
    def order(self) -> int:
        """The place of this state in a list sorted by need."""
        return _ORDER[self]


_ATTENTION = frozenset(
    {
        State.FAILED,
        State.MERGE_FAILED,
        State.UNREADABLE,
        State.NO_RECORD,
        State.INTERRUPTED,
        State.STALLED,
        State.UNKNOWN,
        State.NEEDS_ANSWER,
    }
)
_LIVE = frozenset(
    {
        State.STALLED,
        State.NEEDS_ANSWER,
        State.WAITING,
        State.RUNNING,
        State.STARTING,
        State.PAUSING,
        State.CANCELLING,
        State.MERGING,
        State.RESUMING,
    }
)
_OVER = frozenset(
    {State.MERGE_FAILED, State.UNMERGED, State.MERGED, State.COMPLETED, State.CANCELLED}
)
_ORDER = {state: place for place, state in enumerate(State)}
