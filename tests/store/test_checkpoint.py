"""A checkpoint has the shared format, keeps what it does not know, and is read as it is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import atomic
from store.checkpoint import CheckpointKind, CompletedStep, WorkflowCheckpoint
from store.errors import ReadOnly, Unreadable
from store.states import CheckpointStatus
from tests.store.building import WORKFLOW_ID, checkpoint, done

PATH = Path(f"{WORKFLOW_ID}.checkpoint.json")


def least(**changes: Any) -> dict[str, Any]:
    return {"execution_state": {"current_step_index": 1, "status": "Running"}} | changes


def test_a_checkpoint_has_the_fields_of_the_shared_format_in_their_order() -> None:
    document = checkpoint(index=1).to_document()
    assert list(document) == [
        *("workflow_id", "execution_state", "completed_steps", "variable_state"),
        *("mapreduce_state", "timestamp", "version", "workflow_hash", "total_steps"),
        *("workflow_name", "workflow_path", "retry_checkpoint_state"),
        *("variable_checkpoint_state", "x_prodigy"),
    ]
    assert document["execution_state"] == {
        "current_step_index": 1,
        "total_steps": 3,
        "status": "Running",
        "start_time": "2026-01-01T00:00:00.000000Z",
        "last_checkpoint": "",
        "current_iteration": None,
        "total_iterations": None,
    }
    (step,) = document["completed_steps"]
    extension = step.pop("x_prodigy")
    assert step == {
        "step_index": 0,
        "command": "shell: make part-0",
        "success": True,
        "output": None,
        "captured_variables": {},
        "duration": {"secs": 1, "nanos": 500_000_000},
        "completed_at": "2026-01-01T00:00:05.000000Z",
    }
    assert "git" not in extension
    assert extension["log"] == "logs/000-1.log"
    assert list(document["x_prodigy"]) == [
        *("format", "session_id", "seq", "kind", "attempt", "pass", "passes", "workflow"),
        *("invocation", "repo", "worktree", "head", "env", "in_flight", "failure", "stop"),
        *("spilled", "masked", "usage"),
    ]


def test_the_text_of_the_file_is_that_of_the_document() -> None:
    made = checkpoint(index=2)
    made.variables = {"multi": "a\nb", "list": [1, {"é": None}], "empty": {}}
    assert made.to_bytes({}) == atomic.dump_json(made.to_document())
    assert checkpoint().to_bytes({}) == atomic.dump_json(checkpoint().to_document())


texts = st.text(max_size=8)
options = st.none() | texts
tables = st.dictionaries(texts, st.none() | st.integers() | texts, max_size=2)
steps = st.builds(
    CompletedStep,
    index=st.just(0),
    command=texts,
    success=st.booleans(),
    output=options,
    duration_seconds=st.integers(0, 10**6).map(float),
    completed_at=texts,
    kind=texts,
    label=texts,
    exit_code=st.none() | st.integers(-200, 255),
    signal=st.none() | st.integers(1, 60),
    tolerated=st.booleans(),
    skipped=options,
    head_before=options,
    git=st.none() | tables,
    usage=st.none() | tables,
)


@settings(deadline=None)
@given(
    done_steps=st.lists(steps, max_size=3),
    variables=st.dictionaries(texts.filter(lambda name: name[:2] != "__"), tables | texts),
    status=st.sampled_from(CheckpointStatus),
    kind=st.sampled_from(CheckpointKind),
    stop=st.none() | tables,
    masked=st.dictionaries(texts, st.lists(texts, max_size=2), max_size=2),
)
def test_a_checkpoint_is_read_back_as_it_was(
    done_steps: list[CompletedStep],
    variables: dict[str, Any],
    status: CheckpointStatus,
    kind: CheckpointKind,
    stop: dict[str, Any] | None,
    masked: dict[str, list[str]],
) -> None:
    made = checkpoint(total=5)
    made.completed_steps = [
        CompletedStep(**{**vars(step), "index": place}) for place, step in enumerate(done_steps)
    ]
    made.index = len(done_steps)
    made.variables, made.status, made.kind, made.seq = variables, status, kind, 7
    made.x.stop, made.x.masked = stop, masked
    read = WorkflowCheckpoint.parse(atomic.parse_json(made.to_bytes({}), PATH), PATH)
    if status is CheckpointStatus.FAILED:
        assert read.error_message is not None
        read.error_message = None
    assert read == made


def test_unknown_fields_at_every_level_survive_ten_rewrites() -> None:
    document = checkpoint(index=1).to_document()
    document["error_recovery_state"] = {"a": 1}
    document["x_prodigy"]["later"] = [1]
    document["completed_steps"][0] |= {"retry_state": None, "future": "f"}
    document["completed_steps"][0]["x_prodigy"]["weather"] = "fine"
    for _ in range(10):
        document = json.loads(WorkflowCheckpoint.parse(document, PATH).to_bytes({}))
    assert document["error_recovery_state"] == {"a": 1}
    assert document["x_prodigy"]["later"] == [1]
    step = document["completed_steps"][0]
    assert (step["retry_state"], step["future"]) == (None, "f")
    assert step["x_prodigy"]["weather"] == "fine"


def test_a_failed_checkpoint_says_why_and_a_resumed_one_has_forgotten_it() -> None:
    made = checkpoint(index=1)
    made.status = CheckpointStatus.FAILED
    made.x.failure = {"step_index": 1, "message": "exit 2", "at": "2026-01-01T00:00:09.000000Z"}
    made.variables = {"ARG": "v", "__kept": "k"}
    document = made.to_document()
    assert document["variable_state"] == {
        "ARG": "v",
        "__kept": "k",
        "__error_message": "exit 2",
        "__failed_step_index": 1,
        "__error_timestamp": "2026-01-01T00:00:09.000000Z",
    }
    read = WorkflowCheckpoint.parse(document, PATH)
    assert read.error_message == "exit 2"
    read.status = CheckpointStatus.RUNNING
    assert read.to_document()["variable_state"] == {"ARG": "v", "__kept": "k"}


def test_a_checkpoint_of_the_original_is_read_with_defaults() -> None:
    document = {
        "workflow_id": WORKFLOW_ID,
        "execution_state": {
            "current_step_index": 1,
            "total_steps": 3,
            "status": "Interrupted",
            "start_time": "2026-01-01T00:00:00.123456789Z",
            "last_checkpoint": "2026-01-01T00:00:00.123456789Z",
            "current_iteration": None,
            "total_iterations": None,
        },
        "completed_steps": [
            {
                "step_index": 0,
                "command": "shell: echo one",
                "success": True,
                "output": "one",
                "captured_variables": {"x": "1"},
                "duration": {"secs": 2, "nanos": 5},
                "completed_at": "2026-01-01T00:00:00.123456789Z",
                "retry_state": None,
            }
        ],
        "variable_state": {"shell.output": "one"},
        "mapreduce_state": None,
        "timestamp": "2026-01-01T00:00:00.123456789Z",
        "version": 1,
        "workflow_hash": "test-hash-12345",
        "total_steps": 3,
        "workflow_name": "w",
        "workflow_path": "workflow.yml",
    }
    read = WorkflowCheckpoint.parse(document, PATH)
    assert (read.seq, read.kind, read.index) == (0, CheckpointKind.STOP, 1)
    assert read.completed_steps[0].kind == "shell"
    assert read.completed_steps[0].duration_seconds == pytest.approx(2.0)
    assert read.x.session_id == ""
    assert read.read_only is None


def test_repeated_and_overshooting_steps_of_the_original_are_set_right() -> None:
    found = [
        {"step_index": 0, "command": "first"},
        {"step_index": 0, "command": "again"},
        {"step_index": 5, "command": "beyond"},
    ]
    read = WorkflowCheckpoint.parse(least(completed_steps=found), PATH)
    assert [(step.index, step.command) for step in read.completed_steps] == [(0, "again")]


def test_the_name_of_its_file_is_the_id_of_a_checkpoint() -> None:
    assert WorkflowCheckpoint.parse(least(workflow_id="workflow-2"), PATH).workflow_id == (
        WORKFLOW_ID
    )
    in_history = WorkflowCheckpoint.parse(least(workflow_id="workflow-2"), Path("000001.json"))
    assert in_history.workflow_id == "workflow-2"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"execution_state": []},
        {"execution_state": {"status": "Running"}},
        {"execution_state": {"current_step_index": 1}},
        {"execution_state": {"current_step_index": -1, "status": "Running"}},
    ],
)
def test_a_checkpoint_without_index_or_status_is_unreadable(document: object) -> None:
    with pytest.raises(Unreadable):
        WorkflowCheckpoint.parse(document, PATH)


def test_an_unknown_status_is_named() -> None:
    with pytest.raises(ReadOnly, match="Hibernating"):
        WorkflowCheckpoint.parse(
            {"execution_state": {"current_step_index": 1, "status": "Hibernating"}}, PATH
        )


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"checkpoint_format_version": 2}, {"x_prodigy": {"format": 2}}]
)
def test_a_newer_format_is_shown_and_marked(change: dict[str, Any]) -> None:
    read = WorkflowCheckpoint.parse(least(**change), PATH)
    assert read.index == 1
    assert read.read_only == "written by a newer version (format 2)"


def test_output_kept_in_a_checkpoint_is_short() -> None:
    document = done(0, output="é" * 10_000).to_document()
    assert len(document["output"].encode()) <= 4096
