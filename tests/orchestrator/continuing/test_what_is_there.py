"""What a resume finds: a worktree that is there, gone or changed; a workflow that was edited."""

from __future__ import annotations

import shutil
import subprocess

from tests.orchestrator.continuing.stage import Stage, finish, stopped

# -- worktree


def lose_worktree_and_branch(stage: Stage, run_id: str) -> None:
    stage.git("worktree", "remove", "--force", str(stage.worktree))
    stage.git("branch", "-D", f"prodigy-{run_id}")


def test_a_lost_worktree_is_made_again_from_its_branch(stage: Stage) -> None:
    stopped(stage)
    shutil.rmtree(stage.worktree)
    finish(stage)
    assert (stage.worktree / "one.txt").exists()


def test_without_worktree_and_branch_it_is_refused(stage: Stage) -> None:
    run_id = stopped(stage)
    lose_worktree_and_branch(stage, run_id)
    before = stage.record
    refused = stage.refusal(force=True)
    assert refused.exit_code == 1
    assert "worktree and its branch are gone" in refused.message
    assert stage.record == before


def test_a_lost_branch_is_made_again_by_the_command_that_is_told(stage: Stage) -> None:
    run_id = stopped(stage)
    head = stage.git("rev-parse", "HEAD", cwd=stage.worktree)
    lose_worktree_and_branch(stage, run_id)
    plan = stage.plan()
    assert plan.impossible is not None and f"commit {head[:7]}" in plan.impossible
    told, _, resume = str(plan.instead).partition(" && ")
    assert resume == f"prodigy resume {run_id}"
    subprocess.run(["sh", "-c", told], check=True)
    finish(stage)
    assert (stage.worktree / "one.txt").exists()


def test_a_lost_branch_without_its_commit_is_lost(stage: Stage) -> None:
    run_id = stopped(stage)
    lose_worktree_and_branch(stage, run_id)
    stage.git("reflog", "expire", "--expire=now", "--all")
    stage.git("gc", "--quiet", "--prune=now")
    plan = stage.plan()
    assert plan.impossible == "Its worktree and its branch are gone."
    assert str(plan.instead).startswith("prodigy run") or "&& prodigy run" in str(plan.instead)


def test_a_moved_worktree_is_found_by_its_branch(stage: Stage) -> None:
    stopped(stage)
    moved = stage.place / "moved"
    stage.git("worktree", "move", str(stage.worktree), str(moved))
    finish(stage)
    assert not stage.worktree.exists()
    assert stage.checkpoint["x_prodigy"]["worktree"]["path"] == str(moved)


def test_uncommitted_files_are_kept(stage: Stage) -> None:
    stopped(stage)
    (stage.worktree / "mine.txt").write_text("precious")
    (stage.worktree / "README.md").write_text("edited")
    (check,) = (check for check in stage.plan().checks if check.name == "Worktree")
    assert "2 uncommitted files kept" in check.words
    finish(stage)
    assert (stage.worktree / "mine.txt").read_text() == "precious"
    assert (stage.worktree / "README.md").read_text() == "edited"


def test_commits_made_meanwhile_are_kept(stage: Stage) -> None:
    stopped(stage)
    stage.git("commit", "-q", "--allow-empty", "-m", "mine", cwd=stage.worktree)
    finish(stage)
    assert stage.git("log", "-1", "--format=%s", cwd=stage.worktree) == "mine"


def test_a_head_that_moved_away_needs_force(stage: Stage) -> None:
    stopped(stage)
    stage.git("reset", "-q", "--hard", "main", cwd=stage.worktree)
    refused = stage.refusal()
    assert refused.code == "needs_force"
    assert "moved away" in refused.message
    assert stage.noted == ["one", "bad"]
    finish(stage, force=True)


def test_restore_puts_the_worktree_back_and_saves_what_was_there(stage: Stage) -> None:
    run_id = stopped(stage)
    at = stage.git("rev-parse", "HEAD", cwd=stage.worktree)
    (stage.worktree / "mine.txt").write_text("precious")
    stage.git("add", "-A", cwd=stage.worktree)
    stage.git("commit", "-q", "-m", "mine", cwd=stage.worktree)
    (stage.worktree / "one.txt").write_text("edited")
    (stage.worktree / "untracked.txt").write_text("new")
    finish(stage, restore=True)
    assert stage.git("rev-parse", "HEAD", cwd=stage.worktree) == at
    assert stage.git("status", "--porcelain", cwd=stage.worktree) == ""
    reference = f"refs/prodigy/backup/{run_id}/1"
    assert stage.git("show", f"{reference}:untracked.txt") == "new"
    assert stage.git("show", f"{reference}:one.txt") == "edited"
    assert stage.git("show", f"{reference}:mine.txt") == "precious"
    assert reference in stage.warnings


def test_restore_leaves_another_branch_that_was_checked_out_alone(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.git("checkout", "-q", "-b", "mine", cwd=stage.worktree)
    stage.git("commit", "-q", "--allow-empty", "-m", "mine", cwd=stage.worktree)
    tip = stage.git("rev-parse", "mine")
    finish(stage, restore=True)
    assert stage.git("rev-parse", "mine") == tip
    assert stage.git("symbolic-ref", "--short", "HEAD", cwd=stage.worktree) == f"prodigy-{run_id}"


# -- workflow


def test_an_edited_workflow_is_not_used(stage: Stage) -> None:
    stopped(stage)
    stage.workflow([{"shell": "echo other"}])
    plan = stage.plan()
    assert plan.changed_on_disk
    finish(stage)


def test_a_workflow_that_was_deleted_or_moved_is_not_needed(stage: Stage) -> None:
    stopped(stage)
    (stage.place / "work.yml").rename(stage.place / "moved.yml")
    finish(stage)


def test_the_file_on_disk_is_used_when_asked_for(stage: Stage) -> None:
    stopped(stage)
    first = {"shell": f"{stage.note('one')}; echo one > one.txt", "auto_commit": True}
    stage.workflow([first, {"shell": stage.note("mended")}, {"shell": stage.note("three")}])
    assert stage.resume(use_file=True).exit_code == 0
    assert stage.noted == ["one", "bad", "mended", "three"]


def test_the_file_that_was_chosen_once_is_used_from_then_on(stage: Stage) -> None:
    stopped(stage)
    first = {"shell": f"{stage.note('one')}; echo one > one.txt", "auto_commit": True}
    other = {"shell": f"{stage.note('other')}; test -e '{stage.mark('repaired')}'"}
    stage.workflow([first, other, {"shell": stage.note("four")}])
    assert stage.resume(use_file=True).exit_code == 1
    (stage.place / "work.yml").unlink()
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "bad", "other", "other", "four"]


def test_a_done_step_that_differs_in_the_file_on_disk_needs_force(stage: Stage) -> None:
    stopped(stage)
    stage.workflow([{"shell": stage.note("other")}, {"shell": stage.note("mended")}])
    refused = stage.refusal(use_file=True)
    assert refused.code == "needs_force"
    assert "finished steps differ in the file on disk: 1" in refused.message
    assert stage.resume(use_file=True, force=True).exit_code == 0
    assert stage.noted == ["one", "bad", "mended"]
    assert stage.record["workflow_data"]["total_steps"] == 2


def test_only_steps_that_mean_something_else_count_as_changed(stage: Stage) -> None:
    text = f"- shell: {stage.note('one')}\n- shell: {stage.failing()['shell']}\n"
    assert stage.run(stage.workflow(text)).exit_code == 1
    stage.workflow("# a comment moves every step down a line\n" + text)
    assert "(step" not in next(c.words for c in stage.plan().checks if c.name == "Workflow")
    stage.workflow(text + "  on_failure: true\n")
    assert "(step 2)" in next(c.words for c in stage.plan().checks if c.name == "Workflow")


def test_a_plan_names_the_variables_that_declared_values_lack_here(stage: Stage) -> None:
    path = stage.workflow([stage.failing()], env={"URL": "https://${TEAM_HOST}/x", "MODE": "fast"})
    assert stage.run(path, env={"TEAM_HOST": "example"}).exit_code == 1
    missing = next(check for check in stage.plan().checks if check.name == "Environment")
    assert missing.words == "missing here: variables TEAM_HOST"
    there = stage.plan(env={"TEAM_HOST": "example"}).checks
    assert next(c.words for c in there if c.name == "Environment") == "nothing is missing"
