"""The record mirrors its checkpoint: what is projected, what is kept, and that twice is once."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.checkpoint import CheckpointKind, WorkflowCheckpoint
from store.projection import CHECKPOINTS_KEPT, project, timing_name
from store.session import UnifiedSession, new_document, transition
from store.states import CheckpointStatus, SessionStatus
from tests.store.building import WORKFLOW_ID, checkpoint, config, done

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(total_steps: int = 3) -> dict[str, Any]:
    document = new_document(config(total_steps), "session-a", NOW)
    transition(document, SessionStatus.RUNNING, now=NOW)
    return document


def saved(index: int = 0, total: int = 3, seq: int = 1) -> WorkflowCheckpoint:
    made = checkpoint(index=index, total=total)
    made.seq, made.timestamp = seq, "2026-01-01T00:00:07.000000Z"
    return made


def test_everything_mirrored_is_set() -> None:
    document = record()
    made = saved(index=2, seq=5)
    made.x.head_last = "a" * 40
    made.x.usage = {"input_tokens": 7, "cost_usd": 0.5}
    made.x.pass_ |= {"number": 1, "iteration": 2, "iterations_total": 4, "head": "b" * 40}
    project(made, document, now=NOW, total_seconds=12.5, files_changed=3, variables={"ARG": "v"})
    view = UnifiedSession.parse(document, "session-a")
    assert document["workflow_data"] == {
        "workflow_id": WORKFLOW_ID,
        "workflow_name": "release-notes",
        "current_step": 2,
        "total_steps": 3,
        "completed_steps": [0, 1],
        "variables": {"ARG": "v"},
        "iterations_completed": 1,
        "files_changed": 3,
        "worktree_name": None,
    }
    assert (view.metadata["current_step"], view.metadata["total_steps"]) == (2, 3)
    assert (view.x["head"], view.x["checkpoint_seq"]) == ("a" * 40, 5)
    assert view.x["usage"] == {"input_tokens": 7, "cost_usd": 0.5}
    assert view.x["pass"] == {
        "number": 1,
        "iteration": 2,
        "iterations_total": 4,
        "input_index": 0,
        "inputs_total": 1,
        "input": None,
    }
    assert view.timings == {
        "step 000: shell: make part-0": 1.5,
        "step 001: shell: make part-1": 1.5,
        "total": 12.5,
    }
    assert view.status is SessionStatus.RUNNING, "the status is not projected"


def test_what_is_not_given_stays() -> None:
    document = record()
    project(saved(1), document, now=NOW, total_seconds=1.0, files_changed=3, variables={"A": "1"})
    project(saved(2, seq=2), document, now=NOW)
    view = UnifiedSession.parse(document, "session-a")
    assert (view.files_changed, view.variables, view.timings["total"]) == (3, {"A": "1"}, 1.0)


def test_times_of_others_stay_and_those_of_an_earlier_pass_go() -> None:
    document = record()
    second = {"secs": 1, "nanos": 0}
    document["timings"] = {
        "setup": second,
        "step 001: shell: with another argument": second,
        "total": second,
        "step 2": second,
    }
    project(saved(1), document, now=NOW)
    assert list(document["timings"]) == [
        *("setup", "step 2", "step 000: shell: make part-0", "total"),
    ]


def test_a_long_label_is_cut_in_the_name_of_its_time() -> None:
    assert timing_name(2, "shell: make test") == "step 002: shell: make test"
    assert len(timing_name(2, "x" * 500)) == len("step 002: ") + 120


@pytest.mark.parametrize(
    ("kind", "status", "kept"),
    [
        (CheckpointKind.START, CheckpointStatus.RUNNING, False),
        (CheckpointKind.STEP, CheckpointStatus.RUNNING, False),
        (CheckpointKind.PASS, CheckpointStatus.RUNNING, False),
        (CheckpointKind.RESUME, CheckpointStatus.RUNNING, False),
        (CheckpointKind.REWIND, CheckpointStatus.RUNNING, False),
        (CheckpointKind.STOP, CheckpointStatus.INTERRUPTED, True),
        (CheckpointKind.FAILURE, CheckpointStatus.FAILED, True),
        (CheckpointKind.FINAL, CheckpointStatus.COMPLETED, True),
    ],
)
def test_where_a_run_rests_its_record_names_the_checkpoint(
    kind: CheckpointKind, status: CheckpointStatus, kept: bool
) -> None:
    document = record()
    made = saved(1, seq=4)
    made.kind, made.status = kind, status
    project(made, document, now=NOW)
    project(made, document, now=NOW)
    assert len(document["checkpoints"]) == kept
    for entry in document["checkpoints"]:
        assert entry.pop("id").startswith("checkpoint-")
        assert entry == {
            "created_at": made.timestamp,
            "state": {
                "kind": "workflow_checkpoint",
                "workflow_id": WORKFLOW_ID,
                "seq": 4,
                "status": status,
                "step_index": 1,
                "file": f"checkpoints/{WORKFLOW_ID}.checkpoint.json",
            },
            "metadata": {},
        }


def test_only_our_oldest_entries_make_room() -> None:
    document = record()
    theirs = {"id": "checkpoint-1", "created_at": "", "state": {"step": 1}, "metadata": {}}
    document["checkpoints"] = [theirs]
    for seq in range(1, CHECKPOINTS_KEPT + 6):
        made = saved(1, seq=seq)
        made.kind = CheckpointKind.STOP
        project(made, document, now=NOW)
    entries = document["checkpoints"]
    assert entries[0] == theirs
    assert [entry["state"]["seq"] for entry in entries[1:]] == list(range(6, 26))


def test_a_finished_run_has_done_its_passes() -> None:
    document = record()
    made = saved(3)
    made.kind, made.status = CheckpointKind.FINAL, CheckpointStatus.COMPLETED
    project(made, document, now=NOW)
    assert document["workflow_data"]["iterations_completed"] == 1
    assert document["workflow_data"]["completed_steps"] == [0, 1, 2]


def test_a_record_without_workflow_data_gets_all_of_it() -> None:
    document = record()
    document["workflow_data"] = None
    project(saved(1), document, now=NOW)
    assert document["workflow_data"]["workflow_id"] == WORKFLOW_ID
    assert document["workflow_data"]["worktree_name"] is None
    assert len(document["workflow_data"]) == 9


def test_what_the_original_wrote_into_a_record_stays() -> None:
    document = record()
    document["workflow_data"] |= {"worktree_name": "session-a", "future": 1}
    document["metadata"]["files_changed_delta"] = 2
    del document["metadata"]["x_prodigy"]
    project(saved(1), document, now=NOW)
    assert document["workflow_data"]["worktree_name"] == "session-a"
    assert document["workflow_data"]["future"] == 1
    assert document["metadata"]["files_changed_delta"] == 2
    assert document["metadata"]["x_prodigy"]["format"] == 1


@settings(deadline=None)
@given(
    total=st.integers(0, 30),
    data=st.data(),
    kind=st.sampled_from(CheckpointKind),
    status=st.sampled_from(CheckpointStatus),
    seconds=st.none() | st.floats(0, 1e6),
    files=st.none() | st.integers(0, 100),
)
def test_projecting_again_changes_nothing_and_progress_is_that_of_the_checkpoint(
    total: int,
    data: st.DataObject,
    kind: CheckpointKind,
    status: CheckpointStatus,
    seconds: float | None,
    files: int | None,
) -> None:
    document = record(total)
    index = data.draw(st.integers(0, total))
    made = saved(index, total)
    made.kind, made.status = kind, status
    made.completed_steps = [done(n, duration_seconds=n / 3) for n in range(index)]
    project(made, document, now=NOW, total_seconds=seconds, files_changed=files)
    once = copy.deepcopy(document)
    project(made, document, now=NOW, total_seconds=seconds, files_changed=files)
    assert document == once
    view = UnifiedSession.parse(document, "session-a")
    assert view.current_step == view.metadata["current_step"] == index
    assert view.total_steps == total
    assert view.completed_steps == list(range(index))
