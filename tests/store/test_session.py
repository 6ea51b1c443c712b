"""A new record has the shared format, and a record is read as it is found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import atomic
from store.errors import StoreError, Unreadable
from store.session import SessionConfig, UnifiedSession, new_document, transition
from store.states import SessionStatus, SessionType
from store.times import to_text
from tests.store.building import WORKFLOW_ID, config

NOW = datetime(2026, 1, 1, 12, 0, 0, 5, UTC)


def record() -> dict[str, Any]:
    return new_document(config(), "session-a", NOW)


# -- creation


def test_a_new_record_has_the_fields_of_the_shared_format_in_their_order() -> None:
    document = new_document(config(variables={"ARG": "v2.4"}), "session-a", NOW)
    at = "2026-01-01T12:00:00.000005Z"
    extension = document["metadata"].pop("x_prodigy")
    assert extension["format"] == 1
    assert json.dumps(document) == json.dumps(
        {
            "id": "session-a",
            "session_type": "Workflow",
            "status": "Initializing",
            "started_at": at,
            "updated_at": at,
            "completed_at": None,
            "metadata": {
                "execution_start_time": at,
                "workflow_type": "standard",
                "total_steps": 3,
                "current_step": 0,
            },
            "checkpoints": [],
            "timings": {},
            "error": None,
            "workflow_data": {
                "workflow_id": WORKFLOW_ID,
                "workflow_name": "release-notes",
                "current_step": 0,
                "total_steps": 3,
                "completed_steps": [],
                "variables": {"ARG": "v2.4"},
                "iterations_completed": 0,
                "files_changed": 0,
                "worktree_name": None,
            },
            "mapreduce_data": None,
        }
    )


def test_a_mapreduce_record_has_its_own_data() -> None:
    settings_ = SessionConfig(SessionType.MAPREDUCE, job_id="mapreduce-1")
    document = new_document(settings_, "session-a", NOW)
    assert document["workflow_data"] is None
    assert document["mapreduce_data"] == {
        "job_id": "mapreduce-1",
        "total_items": 0,
        "processed_items": 0,
        "failed_items": 0,
        "agent_count": 0,
        "phase": "Setup",
        "reduce_results": None,
    }


def test_metadata_given_is_laid_over_what_every_record_has() -> None:
    given_metadata = {"workflow_type": "iterative", "x_prodigy": {"branch": "prodigy-a"}}
    document = new_document(config(metadata=given_metadata), "session-a", NOW)
    assert document["metadata"]["workflow_type"] == "iterative"
    extension = document["metadata"]["x_prodigy"]
    assert (extension["format"], extension["branch"]) == (1, "prodigy-a")


@pytest.mark.parametrize(
    ("settings_", "named"),
    [
        (SessionConfig(), "workflow_id"),
        (SessionConfig(SessionType.MAPREDUCE, workflow_id="workflow-1"), "job_id"),
    ],
)
def test_a_session_without_its_id_is_refused_by_name(settings_: SessionConfig, named: str) -> None:
    with pytest.raises(StoreError, match=named):
        new_document(settings_, "session-a", NOW)


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {},
        {"status": "Running", "session_type": "Workflow"},
        {"status": "Running", "started_at": to_text(NOW)},
        {"session_type": "Workflow", "started_at": to_text(NOW)},
        {"status": 7, "session_type": "Workflow", "started_at": to_text(NOW)},
        {"status": "Running", "session_type": "Workflow", "started_at": "soon"},
    ],
)
def test_a_record_without_what_a_list_needs_is_unreadable(document: object) -> None:
    with pytest.raises(Unreadable):
        UnifiedSession.parse(document, "session-a")


def test_the_least_a_record_can_say_is_readable() -> None:
    least = {"status": "Running", "session_type": "Workflow", "started_at": "2026-01-01 12:00:00"}
    view = UnifiedSession.parse(least, "session-a")
    assert view.id == "session-a"
    assert view.started_at == view.updated_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (view.current_step, view.total_steps, view.completed_steps) == (0, 0, [])
    assert view.error is None and view.timings == {} and view.attempts == []
    assert len(view.flags) == 2, "the id and the missing data are flagged"


def test_counts_with_a_fraction_of_zero_are_counts() -> None:
    document = record()
    document["workflow_data"] |= {"current_step": 1.0, "completed_steps": [0.0, "1", 2]}
    view = UnifiedSession.parse(document, "session-a")
    assert (view.current_step, view.completed_steps) == (1, [0, 2])


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"status": st.text(), "session_type": st.text(), "started_at": st.just(to_text(NOW))},
        optional={
            name: st.recursive(
                st.none() | st.integers() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["x_prodigy", "repo", "a"]), inner, max_size=3
                    )
                ),
                max_leaves=5,
            )
            for name in ("id", "metadata", "checkpoints", "timings", "error", "workflow_data")
        },
    )
)
def test_no_record_that_parses_makes_the_view_fail(document: dict[str, Any]) -> None:
    view = UnifiedSession.parse(document, "session-a")
    for name in dir(UnifiedSession):
        if isinstance(getattr(UnifiedSession, name), property):
            getattr(view, name)


def test_a_record_cut_at_any_byte_is_unreadable(tmp_path: Path) -> None:
    document = record()
    transition(document, SessionStatus.FAILED, now=NOW, error="exit 2")
    data = atomic.dump_json(document)
    path = tmp_path / "session-a.json"
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(Unreadable):
            UnifiedSession.parse(atomic.read_json_object(path), "session-a")
