"""Killed between any two writes, a run goes on where it was and repeats no finished step."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from typing import Any

import pytest

from orchestrator.refusal import Refused
from orchestrator.resume_plan import Action
from store.step_logs import next_log
from tests.orchestrator.continuing.stage import Stage, merge
from tests.program import wait_until
from tests.world import marked

BEFORE_THE_FIRST_CHECKPOINT = ("R3", "R4", "worktree.added", "R5", "R6")


def three_steps(stage: Stage) -> list[dict[str, Any]]:
    """Steps that note themselves; the second commits, the third sees what the first captured."""
    return [
        {"shell": f"{stage.note('one')}; echo said", "capture": "heard"},
        {"shell": f"{stage.note('two')}; echo two > two.txt", "auto_commit": True},
        {"shell": stage.note("three-${heard}")},
    ]


@pytest.mark.parametrize("point", ["R1", "R2"])
def test_killed_before_its_record_a_run_never_was(stage: Stage, point: str) -> None:
    stage.killed(three_steps(stage), point)
    assert not stage.world.records
    with pytest.raises(Refused) as refused:
        stage.resume()
    assert refused.value.exit_code == 3
    assert not stage.noted


@pytest.mark.parametrize("point", BEFORE_THE_FIRST_CHECKPOINT)
def test_before_the_first_checkpoint_the_worktree_is_made_anew(stage: Stage, point: str) -> None:
    stage.killed(three_steps(stage), point)
    run_id = stage.id
    assert stage.record["status"] == "Initializing"
    left = stage.worktree / "left-by-the-killed-start.txt"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    assert stage.plan().start == 0
    result = stage.resume()
    assert result.exit_code == 0
    assert not left.exists(), "the half-made worktree was used"
    assert stage.noted == ["one", "two", "three-said"]
    assert stage.id == run_id
    stage.assert_complete()
    assert stage.git("worktree", "list").count("\n") == 1


def test_a_step_killed_in_its_first_moment_counts_as_begun_and_not_before(stage: Stage) -> None:
    stage.killed(three_steps(stage), "S1.log@2")
    assert stage.plan().steps[1].action is Action.RUN
    next_log(stage.world.home, stage.id, 1)
    planned = stage.plan().steps[1]
    assert (planned.action, planned.why) == (Action.RUN_AGAIN, "it was interrupted midway")
    chosen = stage.plan(from_checkpoint="1").steps[0]
    assert chosen.action is Action.RUN, "that checkpoint says nothing of what came after it"


@pytest.mark.parametrize(
    ("point", "repeated"),
    [
        ("R7", []), ("R8", []), ("S1@2", []), ("S2@2", ["two"]), ("checkpoint.linked@3", []),
        ("S3@1", []), ("S4@2", []), ("S5@2", []), ("S5@3", []), ("S2@3", ["three-said"]),
    ],
)  # fmt: skip
def test_a_killed_run_repeats_at_most_the_step_it_was_in(
    stage: Stage, point: str, repeated: list[str]
) -> None:
    stage.killed(three_steps(stage), point)
    result = stage.resume()
    assert result.exit_code == 0, result
    assert sorted(stage.noted) == sorted(["one", "two", "three-said", *repeated])
    stage.assert_complete()
    assert stage.git("rev-list", "--count", "main..HEAD", cwd=stage.worktree) == "1"
    outcomes = [one["outcome"] for one in stage.record["metadata"]["x_prodigy"]["attempts"]]
    assert outcomes[-1] == "completed"
    assert outcomes[:-1] in (["crashed"], ["completed"], [])


@pytest.mark.parametrize("point", ["F1", "F2", "F3"])
def test_killed_after_its_last_checkpoint_a_run_is_complete(stage: Stage, point: str) -> None:
    stage.killed(three_steps(stage), point)
    refused = stage.refusal()
    assert "complete" in refused.message or "merge is open" in refused.message
    assert refused.exit_code == 1
    record = stage.record
    assert record["status"] == "Completed"
    assert record["metadata"]["merge"] == "pending", "its commits would be forgotten"
    assert record["completed_at"] >= stage.checkpoint["timestamp"]
    if point == "F1":
        assert stage.world.metadata(stage.id)["status"] == "completed"
    assert stage.noted == ["one", "two", "three-said"]
    stage.assert_complete()
    assert merge(stage).state == "merged"
    assert (stage.world.repository / "two.txt").exists()


def test_a_merge_finds_what_a_killed_end_left(stage: Stage) -> None:
    stage.killed(three_steps(stage), "F1")
    assert merge(stage).state == "merged"
    assert stage.record["status"] == "Completed"
    assert stage.record["metadata"]["merge"] == "merged"


def test_the_program_completes_the_record_of_a_run_killed_at_its_end(stage: Stage) -> None:
    stage.killed([{"shell": stage.note("one")}], "F1")
    done = stage.world.prodigy("resume", stage.id).expect(1)
    assert "already complete" in done.stderr
    stage.assert_complete()
    assert "merge" not in stage.record["metadata"]


@pytest.mark.parametrize("point", ["X1", "X2", "X3", "X4", "X5"])
def test_killed_while_it_was_failing_a_run_runs_that_step_again(stage: Stage, point: str) -> None:
    stage.killed([{"shell": stage.note("one")}, stage.failing()], point)
    plan = stage.plan()
    assert plan.start == 1
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "bad", "bad"]
    first = stage.record["metadata"]["x_prodigy"]["attempts"][0]
    assert first["outcome"] == ("crashed" if point == "X1" else "failed")
    if point != "X1":
        assert "bad" in first["error"] or "exit" in first["error"]
    stage.assert_complete()


@pytest.mark.parametrize("point", ["H1", "H2", "H3", "H4", "F6"])
def test_killed_while_it_was_pausing_a_run_is_paused(stage: Stage, point: str) -> None:
    steps = [{"shell": stage.note("one")}, stage.waiting(), {"shell": stage.note("three")}]
    child = stage.child(lambda: stage.run(steps), fault=f"{point}=kill")
    wait_until(stage.mark("waiting").exists, "the step waits")
    child.signal(signal.SIGINT)
    assert child.finish() == -signal.SIGKILL
    assert stage.world.state(stage.id) == "paused"
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "waiting", "waiting", "three"]
    first = stage.record["metadata"]["x_prodigy"]["attempts"][0]
    assert first["outcome"] == "paused"
    stage.assert_complete()


def test_killed_while_it_was_cancelled_a_run_is_cancelled(stage: Stage) -> None:
    child = stage.child(lambda: stage.run([stage.waiting()]), fault="H1=kill")
    wait_until(stage.mark("waiting").exists, "the step waits")
    stage.ask("cancel")
    assert child.finish() == -signal.SIGKILL
    refused = stage.refusal(force=True)
    assert "cancelled" in refused.message
    assert stage.record["status"] == "Cancelled"
    stage.world.assert_agrees(stage.id)
    assert stage.world.metadata(stage.id)["status"] == "abandoned"


@pytest.mark.parametrize("point", ["U1", "U3", "U4", "U5", "U6", "U7", "S1", "S3"])
def test_a_killed_resume_is_resumed(stage: Stage, point: str) -> None:
    stage.run([{"shell": stage.note("one")}, stage.failing(), {"shell": stage.note("three")}])
    stage.repair()
    stage.killed_resume(point)
    assert stage.world.state(stage.id) in ("failed", "interrupted")
    assert stage.resume().exit_code == 0
    assert stage.noted[:2] == ["one", "bad"]
    assert stage.noted.count("one") == 1
    assert stage.noted.count("three") == 1
    stage.assert_complete()


@pytest.mark.parametrize("point", ["U2", "U3", "U5"])
def test_a_resume_that_fails_before_it_runs_leaves_the_status_as_it_was(
    stage: Stage, point: str
) -> None:
    stage.run([stage.failing()])
    before = stage.record
    child = stage.child(stage.resume, fault=f"{point}=EIO")
    assert child.finish() == 1, stage.child_error
    assert stage.record == before
    stage.world.assert_nothing_is_held(stage.id)


def test_a_checkpoint_that_cannot_be_written_refuses_the_resume(stage: Stage) -> None:
    stage.run([stage.failing()])
    before = stage.record
    child = stage.child(stage.resume, fault="checkpoint.temp=ENOSPC+")
    assert child.finish() == 1, stage.child_error
    assert stage.record == before
    assert stage.noted == ["bad"]


def test_killed_between_two_passes_the_next_pass_begins(stage: Stage) -> None:
    changing = {"shell": f"{stage.note('b-$ITERATION')}; echo $ITERATION > changed.txt"}
    steps = [{"shell": stage.note("a-$ITERATION")}, changing]
    stage.killed(steps, "S5@2", max_iterations=3)
    plan = stage.plan()
    assert plan.sentence.startswith("Every step of this pass is done.")
    assert stage.resume().exit_code == 0
    assert stage.noted == ["a-1", "b-1", "a-2", "b-2", "a-3", "b-3"]
    assert stage.record["workflow_data"]["iterations_completed"] == 3


def test_killed_in_the_second_of_three_inputs_it_goes_on_there(stage: Stage) -> None:
    steps = [{"shell": stage.note("a-$ARG")}, {"shell": stage.note("b-$ARG")}]
    stage.killed(steps, "S2@4", args=("x", "y", "z"))
    assert stage.plan().sentence.endswith("Then all steps run for 1 more input (z).")
    assert stage.resume().exit_code == 0
    assert stage.noted == ["a-x", "b-x", "a-y", "b-y", "b-y", "a-z", "b-z"]


def test_a_killed_foreach_repeats_only_what_had_not_succeeded(stage: Stage) -> None:
    items, gate = stage.mark("items"), stage.mark("gate")
    items.write_text("a\nb\nc\nd\n")
    waits = f"touch '{stage.mark('waiting')}'; while [ ! -e '{gate}' ]; do sleep 0.05; done"
    body = {"shell": f"{stage.note('$item')}; test $item != c || {{ {waits}; }}"}
    child = stage.started([{"foreach": f"cat '{items}'", "do": [body]}])
    assert child.kill() == -signal.SIGKILL
    items.write_text("other\n")  # the list was frozen
    (step,) = stage.plan().steps
    assert step.why.endswith("; 2 of 4 items are done and kept")
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["a", "b", "c", "c", "d"]


def test_after_a_rewind_a_foreach_runs_all_its_items_again_even_after_a_crash(
    stage: Stage,
) -> None:
    repaired = stage.mark("repaired")
    body = {"shell": f"{stage.note('$item')}; test $item != b || test -e '{repaired}'"}
    stage.run([{"shell": stage.note("one")}, {"foreach": ["a", "b"], "do": [body]}])
    stage.repair()
    stage.killed_resume("S5@1", from_step=1)
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "a", "b", "one", "a", "b"]


def test_a_step_killed_after_its_commit_satisfies_the_rule_that_it_commits(stage: Stage) -> None:
    commit = "test -e done.txt || { echo x > done.txt; git add -A; git commit -qm work; }"
    stage.killed([{"shell": commit, "commit_required": True}], "S2")
    plan = stage.plan()
    (worktree,) = (check for check in plan.checks if check.name == "Worktree")
    assert "the step left 1 commit" in worktree.words
    assert stage.resume().exit_code == 0
    assert stage.git("rev-list", "--count", "main..HEAD", cwd=stage.worktree) == "1"


def test_what_a_killed_owner_left_running_is_named_and_ended(stage: Stage) -> None:
    pid_file = stage.mark("pid")
    left = f"trap '' TERM HUP INT; echo $$ > '{pid_file}'; while :; do sleep 0.1; done"
    stage.run([stage.failing()])
    run_id = stage.id
    survivor = subprocess.Popen(
        ["sh", "-c", left],
        env={**os.environ, "PRODIGY_SESSION_ID": run_id, "PRODIGY_STEP": "0-1"},
        start_new_session=True,
    )
    wait_until(pid_file.exists, "the survivor runs")
    plan = stage.plan()
    (process,) = (check for check in plan.checks if check.name == "Process")
    assert str(survivor.pid) in process.words
    stage.repair()
    assert stage.resume().exit_code == 0
    survivor.wait(5)
    assert not marked(run_id)
    assert f"{survivor.pid}" in stage.warnings


@pytest.mark.parametrize("point", ["R8", "S2"])
def test_locks_that_a_killed_git_left_are_cleared(stage: Stage, point: str) -> None:
    stage.killed(three_steps(stage), point)
    run_id = stage.id
    common = stage.world.repository / ".git"
    own = common / "worktrees" / run_id
    dead = [own / "index.lock", own / "HEAD.lock", common / "refs/heads" / f"prodigy-{run_id}.lock"]
    foreign = [common / "index.lock", common / "refs/heads/main.lock"]
    for lock in [*dead, *foreign]:
        lock.touch()
    assert stage.resume().exit_code == 0
    assert not [lock for lock in dead if lock.exists()]
    assert all(lock.exists() for lock in foreign), "a lock of somebody else was removed"
    assert "index.lock" in stage.warnings


def test_a_worktree_that_was_removed_meanwhile_does_not_matter_before_the_first_step(
    stage: Stage,
) -> None:
    stage.killed(three_steps(stage), "R6")
    shutil.rmtree(stage.worktree)
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "two", "three-said"]


def test_the_timeline_says_what_a_resume_corrected(stage: Stage) -> None:
    stage.killed(three_steps(stage), "S3@1")
    stage.resume()
    (corrected,) = (
        event
        for event in stage.world.events(stage.id)
        if event["event_type"] == "session_reconciled"
    )
    fields = {change["field"] for change in corrected["changes"]}
    assert "current_step" in fields, json.dumps(corrected)
