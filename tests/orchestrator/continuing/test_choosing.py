"""Where a resume begins, who may begin it, and what a signal leaves to begin with."""

from __future__ import annotations

import json
import signal

import pytest

from orchestrator.refusal import Refused
from tests.orchestrator.continuing.stage import Stage, finish, stopped
from tests.program import wait_until

# -- choosing where


def test_a_chosen_checkpoint_brings_back_its_whole_state(stage: Stage) -> None:
    steps = [
        {"shell": f"{stage.note('one')}; echo 1", "capture": "said"},
        {"shell": f"{stage.note('two-${said}')}; echo 2", "capture": "said"},
        stage.failing(),
    ]
    stage.run(steps)
    stage.repair()
    before = stage.checkpoint["x_prodigy"]["seq"]
    assert stage.resume(from_checkpoint="2").exit_code == 0
    assert stage.noted == ["one", "two-1", "bad", "two-1", "bad"]
    stage.assert_complete()
    history = stage.world.home.history_directory(stage.id)
    rewind = json.loads((history / f"{before + 1:06}.json").read_text())
    assert rewind["x_prodigy"]["kind"] == "rewind"
    assert (history / f"{before:06}.json").exists(), "later checkpoints stay"


def test_an_unknown_checkpoint_is_not_found(stage: Stage) -> None:
    stopped(stage)
    with pytest.raises(Refused) as refused:
        stage.resume(from_checkpoint="99")
    assert refused.value.exit_code == 3


def test_a_step_that_is_repeated_by_choice_measures_its_commits_from_here(stage: Stage) -> None:
    stopped(stage)
    refused = stage.resume(from_step=2)
    assert refused.exit_code == 1
    head = stage.git("rev-parse", "HEAD", cwd=stage.worktree)
    assert stage.checkpoint["x_prodigy"]["head"]["last"] == head


def test_a_step_can_be_left_out(stage: Stage) -> None:
    stopped(stage)
    assert stage.resume(skip_step=2).exit_code == 0
    assert stage.noted == ["one", "bad", "three"]
    assert stage.checkpoint["completed_steps"][1]["x_prodigy"]["skipped"]


def test_a_rewind_that_crashes_goes_on_from_where_it_was(stage: Stage) -> None:
    stopped(stage)
    stage.repair()
    stage.killed_resume("S5@1", restart=True)
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "bad", "one", "bad", "three"]
    stage.assert_complete()


def test_a_completed_run_is_reopened_by_force(stage: Stage) -> None:
    stopped(stage)
    finish(stage)
    assert stage.refusal(restart=True).code == "already_complete"
    assert stage.resume(from_step=3, force=True).exit_code == 0
    assert stage.noted == ["one", "bad", "bad", "three", "three"]
    assert stage.record["metadata"]["merge"] == "pending"
    stage.assert_complete()


# -- who may


def test_an_owner_on_another_machine_needs_force(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.repair()
    owner = {"format": 1, "pid": 1, "host": "orion", "command": "run", "attempt": 1, "token": "t",
             "started_at": "2026-01-01T00:00:00.000000Z", "tool_version": "1"}  # fmt: skip
    stage.world.home.owner_file(run_id).write_text(json.dumps(owner))
    assert "orion" in stage.plan().needs_force[0]
    for _ in range(2):
        assert "orion" in stage.refusal().message, "the first refusal forgot the other owner"
    finish(stage, force=True)


def test_a_live_run_is_not_resumed(stage: Stage) -> None:
    child = stage.started([stage.waiting()])
    for force in (False, True):
        refused = stage.refusal(force=force)
        assert refused.exit_code == 4
        assert str(child.pid) in refused.message
    stage.world.prodigy("resume", stage.id).expect(4)
    stage.open_gate()
    assert child.finish() == 0


def test_of_three_resumes_one_runs_and_the_others_are_told_to_wait(stage: Stage) -> None:
    repaired, waiting = stage.mark("repaired"), stage.mark("waiting")
    gate = stage.mark("gate")
    wait = f"touch '{waiting}'; while [ ! -e '{gate}' ]; do sleep 0.02; done"
    stage.run([{"shell": f"test ! -e '{repaired}' || {{ {wait}; }}; test -e '{gate}.done'"}])
    stage.repair()
    for round_ in range(10):
        waiting.unlink(missing_ok=True)
        gate.unlink(missing_ok=True)
        racing = [stage.child(stage.resume) for _ in range(3)]
        wait_until(lambda: sum(child.has_ended for child in racing) == 2, "two are refused")  # noqa: B023
        gate.touch()
        codes = sorted(child.finish() for child in racing)
        assert codes == [1, 4, 4], f"round {round_}: {stage.child_error}"
    assert len(stage.record["metadata"]["x_prodigy"]["attempts"]) == 11


# -- stopping by signal


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signalled_run_goes_on_in_the_step_it_was_in(
    stage: Stage, number: signal.Signals, code: int
) -> None:
    child = stage.started([{"shell": stage.note("one")}, stage.waiting(), {"shell": "true"}])
    child.signal(number)
    assert child.finish() == code
    stage.world.assert_agrees(stage.id)
    stage.world.assert_nothing_is_held(stage.id)
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "waiting", "waiting"]
