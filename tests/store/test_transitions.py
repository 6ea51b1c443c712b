"""A session goes from status to status as the table says, and each change sets what it must."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import atomic
from store.errors import InvalidTransition, ReadOnly
from store.session import UnifiedSession, may_become, new_document, transition
from store.states import MergeState, SessionStatus
from store.times import from_text
from store.transitions import ATTEMPTS_KEPT, ERROR_LIMIT_BYTES
from tests.store.building import config

S = SessionStatus
NOW = datetime(2026, 1, 1, 12, 0, 0, 5, UTC)
AT_THE_END = (S.COMPLETED, S.FAILED, S.CANCELLED)

TABLE = {
    S.INITIALIZING: {*S},
    S.RUNNING: {S.RUNNING, S.PAUSED, S.COMPLETED, S.FAILED, S.CANCELLED},
    S.PAUSED: {S.RUNNING, S.PAUSED, S.COMPLETED, S.FAILED, S.CANCELLED},
    S.FAILED: {S.RUNNING, S.FAILED, S.CANCELLED},
    S.COMPLETED: {S.COMPLETED},
    S.CANCELLED: {S.CANCELLED},
}
PATHS = {
    S.INITIALIZING: [],
    S.RUNNING: [S.RUNNING],
    S.PAUSED: [S.RUNNING, S.PAUSED],
    S.FAILED: [S.RUNNING, S.FAILED],
    S.COMPLETED: [S.RUNNING, S.COMPLETED],
    S.CANCELLED: [S.RUNNING, S.CANCELLED],
}


def record(status: SessionStatus = S.INITIALIZING, total_steps: int = 3) -> dict[str, Any]:
    document = new_document(config(total_steps), "session-a", NOW)
    for step in PATHS[status]:
        transition(document, step, now=NOW)
    assert document["status"] == status
    return document


def x(document: dict[str, Any]) -> dict[str, Any]:
    extension: dict[str, Any] = document["metadata"]["x_prodigy"]
    return extension


# -- the table


@pytest.mark.parametrize("after", S)
@pytest.mark.parametrize("before", S)
def test_every_cell_of_the_table(before: SessionStatus, after: SessionStatus) -> None:
    document = record(before)
    bytes_before = atomic.dump_json(document)
    if after in TABLE[before]:
        transition(document, after, now=NOW)
        assert document["status"] == after
        assert from_text(document["updated_at"]) > NOW
    else:
        with pytest.raises(InvalidTransition) as caught:
            transition(document, after, now=NOW)
        assert (caught.value.before, caught.value.after) == (before, after)
        assert atomic.dump_json(document) == bytes_before


@pytest.mark.parametrize("status", S)
def test_the_same_status_changes_only_the_time_of_update(status: SessionStatus) -> None:
    document = record(status)
    before = copy.deepcopy(document)
    transition(document, status, now=NOW, merge_pending=True, stop={"kind": "cancel"})
    assert document.pop("updated_at") > before.pop("updated_at")
    assert document == before


def test_a_completed_session_runs_again_only_when_reopened() -> None:
    document = record(S.COMPLETED)
    document["metadata"]["merge"] = "pending"
    transition(document, S.RUNNING, now=NOW, reopen=True)
    assert document["status"] == "Running"
    assert document["completed_at"] is None
    assert "merge" not in document["metadata"]
    assert not may_become(S.CANCELLED, S.RUNNING, reopen=True)


words = st.sampled_from(list(S))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(words, st.integers(-5, 5), st.none() | st.text(max_size=20), st.booleans()),
        max_size=12,
    )
)
def test_whatever_is_asked_the_record_stays_true_to_its_status(
    asked: list[tuple[SessionStatus, int, str | None, bool]],
) -> None:
    document = record()
    now = NOW
    for to, seconds, error, crash in asked:
        now += timedelta(seconds=seconds)  # clocks go back, too
        before = copy.deepcopy(document)
        stop = {"kind": "crash"} if crash else None
        try:
            transition(document, to, now=now, error=error, stop=stop)
        except InvalidTransition:
            assert document == before
            continue
        status = S(document["status"])
        assert status is to
        assert document["updated_at"] > before["updated_at"]
        assert (document["completed_at"] is not None) == (status in AT_THE_END)
        if status in (S.COMPLETED, S.CANCELLED, S.FAILED) and before["status"] == status:
            assert document["completed_at"] == before["completed_at"]
        attempts = x(document).get("attempts", [])
        open_ones = [attempt for attempt in attempts if attempt.get("outcome") is None]
        assert len(open_ones) == (1 if status is S.RUNNING else 0)
        assert [attempt["n"] for attempt in attempts] == sorted({a["n"] for a in attempts})
        if status is S.FAILED:
            assert document["error"]
        if status is S.COMPLETED:
            assert document["workflow_data"]["completed_steps"] == [0, 1, 2]
            assert error is not None or document["error"] is None or before["status"] == status
        if status is S.PAUSED:
            assert "kind" in x(document)["stop"]


# -- what each change sets and clears


def test_running_begins_an_attempt_and_clears_how_the_last_one_ended() -> None:
    document = record(S.RUNNING)
    failure = {"step_index": 1, "exit_code": 2}
    transition(document, S.FAILED, now=NOW, error="step 2: exit 2", failure=failure, exit_code=1)
    assert x(document)["failure"] == failure
    assert document["completed_at"] == document["updated_at"]
    document["workflow_data"]["current_step"] = 1
    attempt = {"kind": "resume", "pid": 7, "host": "orion"}
    transition(document, S.RUNNING, now=NOW, attempt=attempt)
    assert document["error"] is None
    assert document["completed_at"] is None
    assert not {"stop", "failure"} & set(x(document))
    first, second = x(document)["attempts"]
    assert (first["outcome"], first["exit_code"]) == ("failed", 1)
    assert first["error"] == "step 2: exit 2", "the text stays with the attempt it belongs to"
    assert list(second) == [
        *("n", "kind", "started_at", "ended_at", "from_step"),
        *("outcome", "exit_code", "pid", "host", "error"),
    ]
    assert (second["n"], second["kind"], second["pid"]) == (2, "resume", 7)
    assert second["from_step"] == 1


def test_a_pause_says_why_and_takes_the_present_step_away() -> None:
    document = record(S.RUNNING)
    x(document)["step"] = {"index": 0}
    x(document)["waiting"] = {"kind": "clock"}
    stop = {"kind": "sigint", "step_index": 0, "by": {"user": "ana"}}
    transition(document, S.PAUSED, now=NOW, stop=stop, exit_code=130)
    assert x(document)["stop"] == {**stop, "at": document["updated_at"]}
    assert not {"step", "waiting"} & set(x(document))
    assert x(document)["attempts"][-1]["outcome"] == "paused"
    assert x(document)["attempts"][-1]["exit_code"] == 130


def test_a_crash_ends_its_attempt_when_it_was_last_heard_of() -> None:
    document = record(S.RUNNING)
    heard = document["updated_at"]
    later = NOW + timedelta(hours=8)
    transition(document, S.PAUSED, now=later, stop={"kind": "crash"})
    transition(document, S.RUNNING, now=later)
    first, second = x(document)["attempts"]
    assert (first["outcome"], first["ended_at"]) == ("crashed", heard)
    assert second["outcome"] is None
    assert "stop" not in x(document)


def test_completion_counts_every_step_and_says_whether_something_is_to_merge() -> None:
    document = record(S.RUNNING)
    x(document)["step"] = {"index": 2}
    transition(document, S.COMPLETED, now=NOW, merge_pending=True)
    view = UnifiedSession.parse(document, "session-a")
    assert view.current_step == view.total_steps == 3
    assert view.metadata["current_step"] == 3
    assert view.completed_steps == [0, 1, 2]
    assert view.merge_state is MergeState.PENDING
    assert "step" not in view.x
    assert "merge" not in record(S.COMPLETED)["metadata"], "no key means nothing to merge"


def test_a_failure_without_words_says_so() -> None:
    assert record(S.FAILED)["error"] == "failed, no details recorded"


def test_a_long_error_is_cut_at_a_character() -> None:
    document = record(S.RUNNING)
    transition(document, S.FAILED, now=NOW, error="é" * 10_000)
    assert len(document["error"].encode()) <= ERROR_LIMIT_BYTES
    assert document["error"].endswith("é…")


def test_a_failure_before_running_is_remembered_by_the_next_attempt() -> None:
    document = record(S.INITIALIZING)
    transition(document, S.FAILED, now=NOW, error="no space for a worktree")
    transition(document, S.RUNNING, now=NOW)
    assert [attempt["error"] for attempt in x(document)["attempts"]] == [
        "no space for a worktree",
        None,
    ]


def test_only_the_newest_attempts_are_kept() -> None:
    document = record(S.RUNNING)
    for _ in range(ATTEMPTS_KEPT):
        transition(document, S.PAUSED, now=NOW)
        transition(document, S.RUNNING, now=NOW)
    numbers = [attempt["n"] for attempt in x(document)["attempts"]]
    assert numbers == list(range(2, ATTEMPTS_KEPT + 2))


# -- records of others


def test_a_record_of_the_original_gets_our_key_and_keeps_its_own() -> None:
    document = record()
    del document["metadata"]["x_prodigy"]
    document["metadata"]["increment_iteration"] = True
    document["workflow_data"]["worktree_name"] = "session-a"
    document["started_at"] = "2026-01-01T00:00:00.131402999Z"
    transition(document, S.RUNNING, now=NOW)
    transition(document, S.COMPLETED, now=NOW)
    assert document["metadata"]["increment_iteration"] is True
    assert document["workflow_data"]["worktree_name"] == "session-a"
    assert document["started_at"] == "2026-01-01T00:00:00.131402999Z"
    assert x(document)["format"] == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"status": "Active"}, "Active"),
        ({"session_type": "Batch"}, "Batch"),
        ({"metadata": {"x_prodigy": {"format": 2}}}, "newer version"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"x_prodigy": 7}}, "x_prodigy"),
    ],
)
def test_what_this_version_does_not_know_is_shown_and_never_written(
    change: dict[str, Any], word: str
) -> None:
    document = record() | change
    before = copy.deepcopy(document)
    view = UnifiedSession.parse(document, "session-a")
    assert view.status_word == document["status"]
    assert view.read_only_reason is not None and word in view.read_only_reason
    with pytest.raises(ReadOnly, match=word):
        transition(document, S.RUNNING, now=NOW)
    assert document == before
