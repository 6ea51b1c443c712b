"""The one status function: every row of the status matrix."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.locks import Liveness
from store.reconcile import Truth
from store.states import SessionStatus, State
from store.status import ORIGINAL, RecordCondition, Situation, state_of

S = SessionStatus


def live(
    status: SessionStatus,
    command: str | None = "run",
    *,
    owner_attempt: int = 1,
    attempt: int = 1,
    waiting: str | None = None,
    asked: Collection[str] = (),
    silent: float | None = None,
    merge: str | None = None,
) -> State:
    return state_of(
        Situation(
            Truth(status, "record", merge=merge),
            liveness=Liveness.LIVE,
            owner_command=command,
            owner_attempt=owner_attempt,
            attempt=attempt,
            recorded=status,
            waiting_kind=waiting,
            asked=asked,
            silent_seconds=silent,
        )
    )


def resting(status: SessionStatus, merge: str | None = None) -> State:
    return state_of(Situation(Truth(status, "record", merge=merge), recorded=status))


@pytest.mark.parametrize(
    ("status", "merge", "state"),
    [
        (S.INITIALIZING, None, State.INTERRUPTED),
        (S.RUNNING, None, State.INTERRUPTED),
        (S.PAUSED, None, State.PAUSED),
        (S.FAILED, None, State.FAILED),
        (S.CANCELLED, None, State.CANCELLED),
        (S.COMPLETED, None, State.COMPLETED),
        (S.COMPLETED, "pending", State.UNMERGED),
        (S.COMPLETED, "declined", State.UNMERGED),
        (S.COMPLETED, "failed", State.MERGE_FAILED),
        (S.COMPLETED, "merged", State.MERGED),
    ],
)
def test_nobody_runs_it(status: SessionStatus, merge: str | None, state: State) -> None:
    assert resting(status, merge) is state


def test_a_live_run_is_what_it_is_doing() -> None:
    assert live(S.INITIALIZING, attempt=0) is State.STARTING
    assert live(S.RUNNING) is State.RUNNING
    assert live(S.RUNNING, silent=899) is State.RUNNING
    assert live(S.RUNNING, silent=900) is State.STALLED
    assert live(S.RUNNING, waiting="person", silent=900) is State.NEEDS_ANSWER
    assert live(S.RUNNING, waiting="clock", silent=900) is State.WAITING


def test_a_request_shows_while_the_run_is_live() -> None:
    assert live(S.RUNNING, asked={"pause"}) is State.PAUSING
    assert live(S.RUNNING, asked={"pause_now"}, waiting="clock") is State.PAUSING
    assert live(S.RUNNING, asked={"pause", "cancel"}) is State.CANCELLING
    assert live(S.RUNNING, asked={"set_parallel"}) is State.RUNNING


def test_what_the_owner_does_shows_before_the_record_says_it() -> None:
    assert live(S.COMPLETED, "merge", merge="pending") is State.MERGING
    assert live(S.COMPLETED, "merge", waiting="person") is State.NEEDS_ANSWER
    assert live(S.PAUSED, "cancel") is State.CANCELLING
    assert live(S.PAUSED, "resume", owner_attempt=2) is State.RESUMING
    assert live(S.RUNNING, "resume", owner_attempt=2) is State.RESUMING
    assert live(S.RUNNING, "resume", owner_attempt=2, attempt=2) is State.RUNNING
    assert live(S.FAILED, ORIGINAL) is State.RESUMING
    assert live(S.RUNNING, ORIGINAL) is State.RUNNING


def test_a_run_that_is_over_is_over_while_its_owner_still_tidies_up() -> None:
    assert live(S.FAILED) is State.FAILED
    assert live(S.COMPLETED, merge="pending") is State.UNMERGED
    assert live(S.COMPLETED, merge="pending", waiting="person") is State.NEEDS_ANSWER
    assert live(S.PAUSED, "repair") is State.PAUSED


def test_an_owner_that_cannot_be_checked_matters_only_for_unfinished_runs() -> None:
    for status in S:
        state = state_of(Situation(Truth(status, "record"), liveness=Liveness.UNKNOWN))
        unfinished = status in (S.INITIALIZING, S.RUNNING)
        assert state is (State.UNKNOWN if unfinished else resting(status))


@given(
    status=st.one_of(st.none(), st.sampled_from(S)),
    record=st.sampled_from(RecordCondition),
    liveness=st.sampled_from(Liveness),
    command=st.sampled_from([None, "run", "resume", "merge", "cancel", "repair", ORIGINAL, "new"]),
    attempts=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    waiting=st.sampled_from([None, "person", "clock", "odd"]),
    asked=st.sets(st.sampled_from(["pause", "pause_now", "cancel", "set_parallel"])),
    silent=st.one_of(st.none(), st.floats(0, 10_000)),
)
def test_every_situation_has_a_state_and_only_the_living_are_live(
    status: SessionStatus | None,
    record: RecordCondition,
    liveness: Liveness,
    command: str | None,
    attempts: tuple[int, int],
    waiting: str | None,
    asked: set[str],
    silent: float | None,
) -> None:
    state = state_of(
        Situation(
            Truth(status, "record"),
            record=record,
            liveness=liveness,
            owner_command=command,
            owner_attempt=attempts[0],
            attempt=attempts[1],
            recorded=status,
            waiting_kind=waiting,
            asked=asked,
            silent_seconds=silent,
        )
    )
    assert state in State
    if state.is_live:
        assert liveness is Liveness.LIVE
    if state is State.UNKNOWN:
        assert liveness is Liveness.UNKNOWN
    assert (state is State.NO_RECORD) == (record is RecordCondition.MISSING)
    if record is RecordCondition.UNREADABLE:
        assert state is State.UNREADABLE
