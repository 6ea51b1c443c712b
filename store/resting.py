"""What a session is whose record can be taken at its word: nobody is running it."""

from __future__ import annotations

from functools import lru_cache

from store.states import MergeState, SessionStatus, State

_STATUSES: dict[str, SessionStatus] = {status.value: status for status in SessionStatus}
_RESTING = {
    SessionStatus.INITIALIZING: State.INTERRUPTED,
    SessionStatus.RUNNING: State.INTERRUPTED,
    SessionStatus.PAUSED: State.PAUSED,
    SessionStatus.FAILED: State.FAILED,
    SessionStatus.CANCELLED: State.CANCELLED,
}
_MERGES: dict[str, State] = {
    MergeState.PENDING: State.UNMERGED,
    MergeState.DECLINED: State.UNMERGED,
    MergeState.FAILED: State.MERGE_FAILED,
    MergeState.MERGED: State.MERGED,
}


def session_status(word: object) -> SessionStatus | None:
    """The status of that word, or None for a word this version does not know."""
    return _STATUSES.get(word) if isinstance(word, str) else None


def resting_state(status: SessionStatus | None, merge: str | None) -> State | None:
    """What a run of this status is if nobody is running it; None when the status says nothing."""
    if status is SessionStatus.COMPLETED:
        return _MERGES.get(merge or "", State.COMPLETED)
    return None if status is None else _RESTING[status]


@lru_cache(maxsize=256)
def state_of_words(status: str | None, merge: str | None) -> State:
    """The same for the words of a record; what says nothing is unreadable."""
    return resting_state(session_status(status), merge) or State.UNREADABLE
