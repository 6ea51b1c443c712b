"""From a record to a row: what is there is shown, what is odd does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import Unreadable
from store.row import SessionRow
from store.rows import microseconds, record_values, row_from
from store.states import SessionStatus, State
from tests.store.runs import BEGIN, LATER, record

S = SessionStatus
BEGIN_US = int(BEGIN.timestamp()) * 1_000_000
TEN_MINUTES_US = 600_000_000


def row(document: dict[str, Any], run_id: str = "session-a") -> SessionRow:
    return row_from(record_values(document, run_id), State.PAUSED)


def test_a_failed_session_tells_what_failed() -> None:
    found = row(record("session-a", S.FAILED))
    assert (found.workflow, found.repo, found.branch) == (
        "release-notes",
        "webapp",
        "prodigy-session-a",
    )
    assert (found.step_index, found.total_steps, found.failure_label) == (1, 3, "shell: pytest -q")
    assert (found.failure_exit_code, found.error) == (101, "step 2 failed: exit 101")
    assert (found.started_us, found.completed_us) == (BEGIN_US, BEGIN_US + TEN_MINUTES_US)
    assert found.active_seconds == 600.0
    assert found.state_since_us == found.completed_us
    assert found.attempt_started_us is None


def test_a_running_session_tells_where_it_is() -> None:
    step = {"index": 2, "label": "shell: make", "attempt": 2, "log": "logs/002-2.log"}
    document = record("session-a", S.RUNNING, x={"step": step})
    document["metadata"]["x_prodigy"]["waiting"] = {"kind": "clock", "reason": "usage limit"}
    found = row(document)
    assert (found.step_index, found.step_label, found.step_attempt) == (2, "shell: make", 2)
    assert (found.step_log, found.waiting_kind) == ("logs/002-2.log", "clock")
    assert found.attempt_started_us == BEGIN_US
    assert found.attempts == 1


def test_a_paused_session_tells_who_paused_it() -> None:
    document = record("session-a", S.PAUSED)
    document["metadata"]["x_prodigy"]["stop"] |= {"kind": "pause", "by": {"user": "ana"}}
    found = row(document)
    assert (found.stop_kind, found.stop_by) == ("pause", "ana")
    assert found.state_since_us == int(LATER.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("merge", "minutes"), [("merged", 30), ("failed", 30), ("declined", 10), ("pending", 10)]
)
def test_what_a_merge_made_of_a_session_is_so_since_the_merge(merge: str, minutes: int) -> None:
    document = record("session-a", S.COMPLETED)
    document["metadata"]["merge"] = merge
    document["metadata"]["x_prodigy"]["merge"] = {"at": "2026-01-01T10:30:00Z"}
    assert row(document).state_since_us == BEGIN_US + minutes * 60_000_000


@pytest.mark.parametrize("about", [None, {}, {"at": None}, {"at": "2026-01-01T09:00:00Z"}])
def test_a_merge_of_which_no_time_is_known_was_when_the_run_ended(about: object) -> None:
    document = record("session-a", S.COMPLETED)
    document["metadata"]["merge"] = "merged"
    document["metadata"]["x_prodigy"]["merge"] = about
    found = row(document)
    assert found.state_since_us == found.completed_us


def test_time_between_attempts_is_not_active_time() -> None:
    document = record("session-a", S.PAUSED)
    attempts = document["metadata"]["x_prodigy"]["attempts"]
    attempts.append({"n": 2, "started_at": "2026-01-02T10:00:00Z", "ended_at": None})
    document["updated_at"] = "2026-01-02T10:01:00Z"
    found = row(document)
    assert found.active_seconds == 660.0
    assert found.attempts == 2


def test_a_record_of_another_name_is_flagged() -> None:
    assert row(record("session-b")).problem == "the record calls itself 'session-b'"


def test_a_record_of_a_newer_version_is_shown_and_marked() -> None:
    document = record("session-a", S.FAILED)
    document["metadata"]["x_prodigy"]["format"] = 2
    found = row(document)
    assert found.newer_format
    assert found.problem == "written by a newer version (format 2)"
    assert found.workflow == "release-notes"


@pytest.mark.parametrize("missing", ["status", "session_type", "started_at"])
def test_a_record_without_what_a_list_needs_is_unreadable(missing: str) -> None:
    document = record("session-a")
    del document[missing]
    with pytest.raises(Unreadable, match=missing):
        record_values(document, "session-a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T10:00:00Z", 0),
        ("2026-01-01T10:00:00.000001Z", 1),
        ("2026-01-01T10:00:00.123456789Z", 123456),
        ("2026-01-01 12:00:00+02:00", 0),
        ("2026-01-01T10:00:00", 0),
        ("2026-01-01T10:00:00.5", 500_000),
    ],
)
def test_every_written_form_of_a_moment_is_read(text: str, expected: int) -> None:
    assert microseconds(text) == BEGIN_US + expected


def test_what_is_no_moment_is_none() -> None:
    nothing: list[object] = ["", "soon", 5, None, []]
    assert [microseconds(one) for one in nothing] == [None] * 5


odd_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]),
    st.just({}), st.lists(st.none(), max_size=2), st.dictionaries(st.text(max_size=3), st.none()),
)  # fmt: skip


@given(st.data())
def test_no_field_is_too_odd_for_a_row(data: st.DataObject) -> None:
    document = record("session-a", S.FAILED)
    extension = document["metadata"]["x_prodigy"]
    for table in (document, document["metadata"], extension, document["workflow_data"]):
        for key in list(table):
            if key not in ("status", "session_type", "started_at") and data.draw(st.booleans()):
                table[key] = data.draw(odd_values)
    found = row(document)
    assert found.id == "session-a"
    assert isinstance(found.total_steps, int)
