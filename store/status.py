"""The one function that says what state a session is really in.

Lists, details, counts, machine output and exit codes all use it and no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from store.locks import Liveness
from store.reconcile import Truth
from store.states import STALL_AFTER_SECONDS, SessionStatus, State

ORIGINAL = "original"
"""Command of a holder that is a resume of the original tool."""

_UNFINISHED = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})


class RecordCondition(StrEnum):
    """Whether there is a record to go by."""

    READABLE = "readable"
    UNREADABLE = "unreadable"
    MISSING = "missing"


class Situation(NamedTuple):
    """Everything the state of a session depends on.

    Args:
        truth: what its files say, reconciled.
        record: whether its record can be read.
        liveness: whether somebody holds it.
        owner_command: what the holder does with it (run, resume, merge, cancel, …), if known.
        owner_attempt: the attempt the holder works on, 0 when unknown.
        attempt: the newest attempt in the record, 0 when there is none.
        recorded: the status the record itself says, which for a live run leads.
        waiting_kind: ``person`` or ``clock`` while it waits for one.
        asked: actions for which a request to this holder exists.
        silent_seconds: how long the running step has printed nothing, None when unknown.
        stall_after_seconds: from when on that is too long.
    """

    truth: Truth
    record: RecordCondition = RecordCondition.READABLE
    liveness: Liveness = Liveness.DEAD
    owner_command: str | None = None
    owner_attempt: int = 0
    attempt: int = 0
    recorded: SessionStatus | None = None
    waiting_kind: str | None = None
    asked: Collection[str] = ()
    silent_seconds: float | None = None
    stall_after_seconds: float = STALL_AFTER_SECONDS


def state_of(situation: Situation) -> State:
    """Say what state a session is really in."""
    if situation.record is RecordCondition.MISSING:
        return State.NO_RECORD
    resting = situation.truth.state_if_at_rest
    if situation.record is RecordCondition.UNREADABLE or resting is None:
        return State.UNREADABLE
    if situation.liveness is Liveness.LIVE:
        return _live_state(situation, resting)
    if situation.liveness is Liveness.UNKNOWN and situation.truth.status in _UNFINISHED:
        return State.UNKNOWN
    return resting


_STATE_BY_COMMAND: Mapping[str | None, State] = {
    "merge": State.MERGING,
    "cancel": State.CANCELLING,
}
_RUNNING_COMMANDS = frozenset({"run", "resume", ORIGINAL, None})


def _live_state(situation: Situation, resting: State) -> State:
    command = situation.owner_command
    if command in _STATE_BY_COMMAND:
        waits = command == "merge" and situation.waiting_kind == "person"
        return State.NEEDS_ANSWER if waits else _STATE_BY_COMMAND[command]
    if command not in _RUNNING_COMMANDS:  # a short repair, clean-up or the like
        return resting
    begun = situation.owner_attempt <= situation.attempt
    recorded = situation.recorded
    if command == "resume" and not begun:
        return State.RESUMING
    if recorded not in _UNFINISHED:
        if command == ORIGINAL:
            return State.RESUMING
        return State.NEEDS_ANSWER if situation.waiting_kind == "person" else resting
    return _at_work(situation)


def _at_work(situation: Situation) -> State:
    if "cancel" in situation.asked:
        return State.CANCELLING
    if "pause" in situation.asked or "pause_now" in situation.asked:
        return State.PAUSING
    if situation.recorded is SessionStatus.INITIALIZING:
        return State.STARTING
    if situation.waiting_kind == "person":
        return State.NEEDS_ANSWER
    if situation.waiting_kind == "clock":
        return State.WAITING
    silent = situation.silent_seconds
    if silent is not None and silent >= situation.stall_after_seconds:
        return State.STALLED
    return State.RUNNING
