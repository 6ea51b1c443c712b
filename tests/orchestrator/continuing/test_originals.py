"""Runs that the original tool left are resumed where they stopped, and stay readable for it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Config
from orchestrator.resume import ResumeOptions, make_plan
from store.home import Home
from tests.orchestrator.continuing.stage import Stage

ID = "session-abc12345-test-resume"
AT = "2025-03-01T10:00:00.123456789Z"


def completed(index: int) -> dict[str, Any]:
    return {
        "step_index": index,
        "command": f"shell: echo step {index}",
        "success": True,
        "output": None,
        "captured_variables": {},
        "duration": {"secs": 1, "nanos": 5},
        "completed_at": AT,
        "retry_state": None,
    }


def left_by_the_original(
    stage: Stage,
    *,
    done: int = 2,
    worktree_name: str = ID,
    worktrees: Path | None = None,
    with_record: bool = True,
    status: str = "Interrupted",
    **changes: Any,
) -> None:
    """A run of four steps of the original: its record, checkpoint, worktree; no key of ours."""
    home = stage.world.home
    workflow = stage.world.repository / "flow.yml"
    notes = [stage.note(f"s{number}-${{ARG}}") for number in range(1, 5)]
    workflow.write_text(json.dumps([{"shell": note} for note in notes]))
    place = (worktrees or home.worktrees) / stage.world.repository.name / worktree_name
    stage.git("worktree", "add", "-q", "-b", f"prodigy-{worktree_name}", str(place), "main")
    checkpoint: dict[str, Any] = {
        "workflow_id": ID,
        "execution_state": {
            "current_step_index": done,
            "total_steps": 4,
            "status": status,
            "start_time": AT,
            "last_checkpoint": AT,
            "current_iteration": None,
            "total_iterations": None,
        },
        "completed_steps": [completed(index) for index in range(done)],
        "variable_state": {"ARG": "given"},
        "mapreduce_state": None,
        "timestamp": AT,
        "version": 1,
        "workflow_hash": "test-hash-12345",
        "total_steps": 4,
        "workflow_name": "flow",
        "workflow_path": "flow.yml",
    } | changes
    directory = home.checkpoints_directory(ID)
    directory.mkdir(parents=True)
    (directory / f"{ID}.checkpoint.json").write_text(json.dumps(checkpoint))
    if with_record:
        home.sessions.mkdir(parents=True)
        home.session_file(ID).write_text(
            json.dumps(
                {
                    "id": ID,
                    "session_type": "Workflow",
                    "status": "Paused",
                    "started_at": AT,
                    "updated_at": AT,
                    "completed_at": None,
                    "metadata": {},
                    "checkpoints": [],
                    "timings": {},
                    "error": None,
                    "workflow_data": {
                        "workflow_id": ID,
                        "workflow_name": "flow",
                        "current_step": 0,
                        "total_steps": 0,
                        "completed_steps": [],
                        "variables": {},
                        "iterations_completed": 0,
                        "files_changed": 0,
                        "worktree_name": worktree_name,
                    },
                    "mapreduce_data": None,
                }
            )
        )


def assert_goes_on(stage: Stage, first: int = 3) -> None:
    result = stage.resume(run_id=ID)
    assert result.exit_code == 0, result
    assert stage.noted == [f"s{number}-given" for number in range(first, 5)]
    record = stage.world.record(ID)
    assert record["status"] == "Completed"
    assert record["started_at"].startswith(("2025-03-01T10:00:00", "2025-03-01T09:59:59"))
    assert record["workflow_data"]["current_step"] == 4
    assert record["workflow_data"]["completed_steps"] == [0, 1, 2, 3]


def test_the_fixture_of_the_original_resumes_at_its_index(stage: Stage) -> None:
    left_by_the_original(stage)
    assert_goes_on(stage)
    checkpoint = stage.checkpoint
    assert stage.main_checkpoint.name == f"{ID}.checkpoint.json"
    assert checkpoint["workflow_id"] == ID
    assert Path(checkpoint["workflow_path"]).is_absolute()
    assert [step["step_index"] for step in checkpoint["completed_steps"]] == [0, 1, 2, 3]
    history = sorted(stage.world.home.history_directory(ID).glob("*.json"))
    assert "x_prodigy" not in json.loads(history[0].read_text()), "their checkpoint is kept"
    assert (history[0].stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize("directory", ["repository", "elsewhere"])
def test_its_relative_workflow_is_found_from_anywhere(
    stage: Stage, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by_the_original(stage)
    elsewhere = stage.place / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(stage.world.repository if directory == "repository" else elsewhere)
    assert_goes_on(stage)


def test_without_its_workflow_all_places_are_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by_the_original(stage)
    (stage.world.repository / "flow.yml").unlink()
    monkeypatch.chdir(stage.place)
    refused = stage.refusal(run_id=ID)
    assert refused.exit_code == 1
    for place in (stage.place, stage.world.repository, stage.world.worktree(ID)):
        assert str(place / "flow.yml") in refused.message


def test_its_worktree_under_another_name_is_found(stage: Stage) -> None:
    left_by_the_original(stage, worktree_name="session-other")
    assert_goes_on(stage)
    branch = stage.checkpoint["x_prodigy"]["worktree"]["branch"]
    assert branch == "prodigy-session-other"


def test_its_worktree_outside_of_the_home_is_found(stage: Stage, world_of_its_own: Path) -> None:
    left_by_the_original(stage, worktrees=Home(world_of_its_own / ".prodigy").worktrees)
    assert_goes_on(stage)


def test_it_needs_no_record(stage: Stage) -> None:
    left_by_the_original(stage, with_record=False)
    assert_goes_on(stage)


def test_steps_it_did_not_list_are_done_all_the_same(stage: Stage) -> None:
    left_by_the_original(stage, completed_steps=[])
    assert_goes_on(stage)


def test_a_total_of_nothing_is_that_of_the_workflow(stage: Stage) -> None:
    left_by_the_original(stage, total_steps=0, status="Failed")
    assert_goes_on(stage)


def test_a_second_resume_uses_the_copy_saved_by_the_first(stage: Stage) -> None:
    left_by_the_original(stage)
    (stage.world.repository / "flow.yml").write_text(
        json.dumps([{"shell": "true"}, {"shell": "true"}, stage.failing(), {"shell": "true"}])
    )
    assert stage.resume(run_id=ID).exit_code == 1
    (stage.world.repository / "flow.yml").unlink()
    stage.repair()
    assert stage.resume(run_id=ID).exit_code == 0
    assert stage.noted == ["bad", "bad"]


def test_a_resume_of_the_original_under_way_is_respected(stage: Stage) -> None:
    left_by_the_original(stage)
    lock = stage.world.home.resume_lock(ID)
    lock.parent.mkdir()
    lock.write_text(
        json.dumps(
            {
                "job_id": ID,
                "process_id": os.getpid(),
                "hostname": socket.gethostname(),
                "acquired_at": "2999-01-01T00:00:00Z",
            }
        )
    )
    before = lock.read_bytes()
    refused = stage.refusal(run_id=ID, force=True)
    assert refused.exit_code == 4
    assert str(os.getpid()) in refused.message
    assert lock.read_bytes() == before
    assert not stage.noted


def test_a_run_of_the_original_that_may_be_running_needs_force(stage: Stage) -> None:
    left_by_the_original(stage, status="Running")
    record = stage.world.home.session_file(ID)
    record.write_text(record.read_text().replace('"Paused"', '"Running"'))
    refused = stage.refusal(run_id=ID)
    assert "original" in refused.message
    assert not stage.noted
    assert stage.resume(run_id=ID, force=True).exit_code == 0
    assert stage.noted == ["s3-given", "s4-given"]


def test_a_workflow_that_was_not_recorded_can_be_named(stage: Stage) -> None:
    left_by_the_original(stage, workflow_path=None, workflow_hash="flow-4")
    named = stage.place / "elsewhere.yml"
    (stage.world.repository / "flow.yml").rename(named)
    refused = stage.refusal(run_id=ID)
    assert "none was recorded" in refused.message
    assert refused.hint == f"prodigy resume {ID} --workflow FILE"
    options = ResumeOptions(workflow=named)
    plan = make_plan(stage.world.home, ID, options, os.environ, Config())
    assert plan.command == f"prodigy resume {ID} --workflow {named}"
    result = stage.resume(run_id=ID, workflow=named)
    assert result.exit_code == 0, result
    assert stage.noted == ["s3-given", "s4-given"]
    assert stage.checkpoint["workflow_path"] == str(named)
    assert stage.checkpoint["x_prodigy"]["workflow"]["files"][0]["path"] == str(named)


def test_a_workflow_that_is_named_has_steps(stage: Stage) -> None:
    left_by_the_original(stage, workflow_path=None)
    job = stage.place / "job.yml"
    job.write_text("name: j\nmap: {input: a.json, agent_template: [{shell: a}]}\n")
    assert "MapReduce" in stage.refusal(run_id=ID, workflow=job).message
