"""``prodigy pause`` and ``prodigy cancel``, asked of a run in another process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.cli.calling import CommandLine
from tests.world import World


def waiting(go: Path) -> str:
    return f"until test -e {go}; do sleep 0.05; done"


@pytest.fixture
def running(world: World) -> str:
    """The id of a run that is in its first step until ``go`` exists."""
    go = world.repository.parent / "go"
    world.start(f"- shell: {waiting(go)}\n- shell: echo two\n", "--no-merge")
    return world.wait_for_step(0)


def test_pause_waits_for_the_step_and_then_says_so(
    call: CommandLine, world: World, running: str
) -> None:
    asked = call("pause", running).expect(0)
    assert asked.stdout == f"{running}  pausing: stops after step 1/2\n"
    assert world.state(running) == "pausing"
    (world.repository.parent / "go").touch()
    done = call("pause", running, "--wait", "20").expect(0)
    assert "paused after step 1/2" in done.stdout
    assert "already paused" in call("pause", running).expect(0).stdout


def test_pause_now_ends_the_step_and_resume_repeats_it(
    call: CommandLine, world: World, running: str
) -> None:
    done = call("pause", running, "--now", "--wait", "--json").expect(0).document
    assert done["sessions"][0]["state"] == "paused"
    assert "runs again" in done["sessions"][0]["message"]
    plan = call("resume", running, "--plan", "--json").document
    assert [step["action"] for step in plan["steps"]] == ["run_again", "run"]


def test_pause_now_never_promises_the_rest_of_the_step(call: CommandLine, running: str) -> None:
    assert " in step 1/2" in call("pause", running, "--now").expect(0).stdout


def test_cancel_ends_a_run_for_good(call: CommandLine, world: World, running: str) -> None:
    done = call("cancel", running, "--force", "--wait", "20").expect(0)
    assert "cancelled" in done.stdout
    assert world.record(running)["status"] == "Cancelled"


def test_all_means_every_running_session(call: CommandLine, world: World, running: str) -> None:
    assert call("pause", "--all", "--repo", "other").expect(0).stdout == "No session is running.\n"
    done = call("pause", "--all", "--repo", "project", "--now", "--wait").expect(0)
    assert running in done.stdout


def test_a_live_run_is_busy_for_everything_else(
    call: CommandLine, world: World, running: str
) -> None:
    assert call("resume", running).expect(4).stderr
    assert call("resume", running, "--json").expect(4).error["code"] == "busy"
    assert call("merge", running, "--yes").exit_code == 4
    assert call("checkpoints", "delete", running, "-f").exit_code == 4
    kept = call("worktree", "clean", running, "--force").expect(1)
    assert "running" in kept.stdout
    assert world.worktree(running).exists()


def test_what_is_not_running_cannot_be_paused(call: CommandLine, failed: str) -> None:
    assert "not running" in call("pause", failed).expect(1).stderr


def test_a_run_at_rest_is_cancelled_by_whoever_asks(call: CommandLine, failed: str) -> None:
    assert "nobody to ask" in call("cancel", failed).expect(0).stderr
    assert "cancelled" in call("cancel", failed, "-f").expect(0).stdout
    assert "already cancelled" in call("cancel", failed, "-f").expect(0).stdout


def test_a_completed_run_cannot_be_cancelled(call: CommandLine, completed: str) -> None:
    assert "nothing to cancel" in call("cancel", completed, "-f").expect(1).stderr


def test_several_runs_are_told_one_by_one(call: CommandLine, failed: str, completed: str) -> None:
    done = call("cancel", failed, "nothing-like-it", "--force", "--json").expect(1)
    assert [one["id"] for one in done.document["sessions"]] == [failed]
    assert json.loads(done.stderr.splitlines()[0])["error"]["code"] == "not_found"


def test_ids_and_all_contradict_each_other(call: CommandLine) -> None:
    assert call("pause").expect(2).stderr
    assert call("pause", "x", "--all").expect(2).stderr
    assert call("cancel", "x", "--repo", "api").expect(2).stderr
