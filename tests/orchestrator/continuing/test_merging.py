"""A finished run is merged once, verified, whatever interrupts the merge."""

from __future__ import annotations

import os
import signal
import stat
from typing import Any

import pytest

from orchestrator.merging import check_merge
from orchestrator.refusal import Refused
from store.states import MergeState
from tests.orchestrator.continuing.stage import Stage, merge
from tests.program import wait_until

COMMITS = [{"shell": "echo ours > ours.txt", "auto_commit": True}]


def unmerged(stage: Stage, steps: list[dict[str, Any]] | None = None, **keys: Any) -> str:
    """A completed run with a commit that is not merged; the id."""
    result = stage.run(stage.workflow(steps or COMMITS, **keys))
    assert result.state == "unmerged", result
    return stage.id


def commit(stage: Stage, name: str, text: str = "theirs\n", branch: str | None = None) -> str:
    """A commit in the user's checkout."""
    if branch is not None:
        stage.git("checkout", "-q", "-b", branch)
    (stage.world.repository / name).write_text(text)
    stage.git("add", "-A")
    stage.git("commit", "-q", "-m", f"change {name}")
    return stage.git("rev-parse", "HEAD")


def assert_merged(stage: Stage, target: str = "main") -> None:
    record = stage.record
    assert record["status"] == "Completed"
    assert record["metadata"]["merge"] == "merged"
    assert record["metadata"]["x_prodigy"]["merge"]["target"] == target
    assert stage.world.metadata(stage.id)["status"] == "cleaned_up"
    assert not stage.worktree.exists()
    assert not stage.git("branch", "--list", f"prodigy-{stage.id}")
    stage.world.assert_nothing_is_held(stage.id)


def test_a_merge_brings_the_work_in_and_cleans_up(stage: Stage) -> None:
    unmerged(stage)
    result = merge(stage)
    assert (result.state, result.target) == (MergeState.MERGED, "main")
    assert (stage.world.repository / "ours.txt").read_text() == "ours\n"
    assert result.commit == stage.git("rev-parse", "main")
    assert_merged(stage)


def test_a_check_changes_nothing(stage: Stage) -> None:
    unmerged(stage)
    commit(stage, "other.txt")
    before = stage.git("for-each-ref")
    found = check_merge(stage.world.home, stage.id)
    assert (found.target, found.commits, found.files, found.insertions) == ("main", 1, 1, 1)
    assert (found.behind, found.conflicts, found.merged) == (1, (), False)
    assert stage.git("for-each-ref") == before
    assert stage.git("status", "--porcelain") == ""


@pytest.mark.parametrize("names", [(), ("edit.txt", "new/one.txt", "new/two.txt")])
def test_a_check_counts_the_files_a_merge_leaves_out(stage: Stage, names: tuple[str, ...]) -> None:
    unmerged(stage)
    for name in names:
        (stage.worktree / name).parent.mkdir(exist_ok=True)
        (stage.worktree / name).write_text("mine\n")
    assert check_merge(stage.world.home, stage.id).uncommitted == len(names)
    assert bool(merge(stage).kept) == bool(names) == stage.worktree.exists()


def test_a_check_of_a_lost_worktree_counts_nothing(stage: Stage) -> None:
    unmerged(stage)
    stage.git("worktree", "remove", "--force", str(stage.worktree))
    assert check_merge(stage.world.home, stage.id).uncommitted == 0


def test_a_merge_by_git_needs_no_secret(stage: Stage) -> None:
    path = stage.workflow(COMMITS, secrets={"KEY": "KEY_SOURCE"})
    stage.run(path, env={"KEY_SOURCE": "of-the-run-only"}, args=("of-the-run-only",))
    assert merge(stage).state is MergeState.MERGED
    assert_merged(stage)


def test_the_steps_of_a_merge_block_have_their_secrets_or_do_not_run(stage: Stage) -> None:
    steps = [{"shell": 'test $KEY = of-the-run && git -C "$PLACE" merge ${merge.source_branch}'}]
    path = stage.workflow(COMMITS, secrets={"KEY": "KEY_SOURCE"}, merge=steps)
    stage.run(path, env={"KEY_SOURCE": "of-the-run"})
    with pytest.raises(Refused, match="KEY_SOURCE"):
        merge(stage)
    known = {"KEY_SOURCE": "of-the-run", "PLACE": str(stage.world.repository)}
    assert merge(stage, environment={**os.environ, **known}).state is MergeState.MERGED


def test_a_target_that_moved_is_taken_in_first(stage: Stage) -> None:
    unmerged(stage)
    theirs = commit(stage, "other.txt")
    assert merge(stage).state is MergeState.MERGED
    stage.git("merge-base", "--is-ancestor", theirs, "main")
    assert (stage.world.repository / "ours.txt").exists()
    assert_merged(stage)


def test_it_is_merged_into_another_branch_by_name(stage: Stage) -> None:
    unmerged(stage)
    stage.git("branch", "release")
    main = stage.git("rev-parse", "main")
    assert merge(stage, into="release").target == "release"
    assert stage.git("rev-parse", "main") == main
    assert stage.git("show", "release:ours.txt") == "ours"
    assert_merged(stage, "release")


def test_a_conflict_fails_names_the_files_and_leaves_the_checkout_alone(stage: Stage) -> None:
    unmerged(stage)
    theirs = commit(stage, "ours.txt")
    result = merge(stage)
    assert result.state is MergeState.FAILED
    assert "ours.txt" in result.error
    assert check_merge(stage.world.home, stage.id).conflicts == ("ours.txt",)
    assert stage.git("rev-parse", "main") == theirs
    assert stage.git("status", "--porcelain") == ""
    assert stage.git("status", "--porcelain", cwd=stage.worktree) == ""
    assert stage.record["metadata"]["merge"] == "failed"
    assert stage.world.state(stage.id) == "merge_failed"
    stage.git("reset", "-q", "--hard", "HEAD~1")
    assert merge(stage).state is MergeState.MERGED
    assert_merged(stage)


@pytest.mark.parametrize(
    ("answer", "state", "shown"), [(False, "declined", "unmerged"), (None, "pending", "unmerged")]
)
def test_only_a_no_declines(stage: Stage, answer: bool | None, state: str, shown: str) -> None:
    unmerged(stage)
    assert merge(stage, ask=lambda *_: answer).state == state
    assert stage.record["metadata"]["merge"] == state
    assert stage.world.state(stage.id) == shown
    assert merge(stage, ask=lambda *_: True).state is MergeState.MERGED
    assert_merged(stage)


def test_a_run_merges_at_its_end_when_told_to(stage: Stage) -> None:
    assert stage.run(COMMITS, merge=True).state == "merged"
    assert_merged(stage)


@pytest.mark.parametrize(
    ("point", "block"),
    [
        ("M1", False),
        ("M2", False),
        ("M3", False),
        ("M4", False),
        ("M5", False),
        ("M2", True),
        ("M3", True),
    ],  # fmt: skip
)
def test_a_killed_merge_is_finished_by_the_next_one(stage: Stage, point: str, block: bool) -> None:
    keys: dict[str, Any] = {}
    if block:
        into = f"git -C '{stage.world.repository}' merge -q --no-edit ${{merge.source_branch}}"
        keys["merge"] = [{"shell": f"{stage.note('merged')}; {into}"}]
    unmerged(stage, **keys)
    child = stage.child(lambda: merge(stage), fault=f"{point}=kill")
    assert child.finish() == -signal.SIGKILL, stage.child_error
    if point in ("M4", "M5"):
        with pytest.raises(Refused, match="merged already"):
            merge(stage)
        assert stage.record["metadata"]["merge"] == "merged"
    else:
        assert stage.record["metadata"]["merge"] == "pending"
        assert merge(stage).state is MergeState.MERGED
        assert_merged(stage)
    assert (stage.world.repository / "ours.txt").exists()
    assert stage.noted.count("merged") == (1 if block else 0), "the merge block ran twice"


def test_a_squash_by_hand_is_recognised(stage: Stage) -> None:
    run_id = unmerged(stage)
    stage.git("merge", "-q", "--squash", f"prodigy-{run_id}")
    stage.git("commit", "-q", "-m", "squashed")
    tip = stage.git("rev-parse", "main")
    assert check_merge(stage.world.home, run_id).merged
    assert merge(stage).state is MergeState.MERGED
    assert stage.git("rev-parse", "main") == tip, "nothing was left to merge"
    assert_merged(stage)


def test_a_target_that_is_gone_is_named(stage: Stage) -> None:
    stage.git("checkout", "-q", "-b", "topic")
    unmerged(stage)
    stage.git("checkout", "-q", "main")
    stage.git("branch", "-q", "-D", "topic")
    with pytest.raises(Refused, match="no branch topic"):
        check_merge(stage.world.home, stage.id)
    result = merge(stage)
    assert result.state is MergeState.FAILED
    assert "topic" in result.error
    assert merge(stage, into="main").state is MergeState.MERGED
    assert_merged(stage)


def test_a_detached_start_has_no_target_until_one_is_named(stage: Stage) -> None:
    stage.git("checkout", "-q", "--detach")
    assert stage.run(COMMITS, merge=True).state == "unmerged"
    with pytest.raises(Refused, match="detached") as refused:
        merge(stage)
    assert refused.value.exit_code == 2
    assert merge(stage, into="main").state is MergeState.MERGED


def test_a_lost_worktree_is_made_again_for_the_merge(stage: Stage) -> None:
    unmerged(stage)
    stage.git("worktree", "remove", "--force", str(stage.worktree))
    assert merge(stage).state is MergeState.MERGED
    assert_merged(stage)


def test_uncommitted_files_keep_the_worktree(stage: Stage) -> None:
    unmerged(stage)
    (stage.worktree / "left.txt").touch()
    result = merge(stage)
    assert result.state is MergeState.MERGED
    assert "uncommitted" in result.kept
    assert (stage.worktree / "left.txt").exists()


def test_what_is_not_completed_merged_or_empty_is_not_merged(stage: Stage) -> None:
    stage.run([stage.failing()])
    with pytest.raises(Refused, match="not completed"):
        merge(stage)
    stage.repair()
    stage.resume()
    with pytest.raises(Refused, match="nothing to merge"):
        merge(stage)
    stage.world.assert_nothing_is_held(stage.id)


def test_a_live_run_is_not_merged(stage: Stage) -> None:
    child = stage.started([*COMMITS, stage.waiting()])
    with pytest.raises(Refused) as refused:
        merge(stage)
    assert refused.value.exit_code == 4
    stage.world.prodigy("merge", stage.id, "--yes").expect(4)
    stage.open_gate()
    assert child.finish() == 0


def test_a_failing_merge_block_fails_the_merge_and_can_be_run_again(stage: Stage) -> None:
    into = f"git -C '{stage.world.repository}' merge -q --no-edit ${{merge.source_branch}}"
    unmerged(stage, merge=[stage.failing("block"), {"shell": into}])
    result = merge(stage)
    assert result.state is MergeState.FAILED
    assert "failed with exit code 1" in result.error
    assert stage.record["status"] == "Completed"
    stage.repair()
    assert merge(stage).state is MergeState.MERGED
    assert stage.noted == ["block", "block"]
    assert_merged(stage)
    assert not (stage.world.home.run_directory(stage.id) / "tmp").exists()


def test_a_merge_block_that_merges_nothing_is_found_out(stage: Stage) -> None:
    unmerged(stage, merge=[{"shell": "true"}])
    result = merge(stage)
    assert result.state is MergeState.FAILED
    assert "does not have all of" in result.error


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (None, 130)]
)
def test_a_merge_that_is_stopped_stays_open(
    stage: Stage, stop: signal.Signals | None, code: int
) -> None:
    into = f"git -C '{stage.world.repository}' merge -q --no-edit ${{merge.source_branch}}"
    path = stage.workflow(COMMITS, merge=[stage.waiting("block"), {"shell": into}])
    child = stage.started(path, merge=True)
    if stop is None:
        stage.ask("pause_now")
    else:
        child.signal(stop)
    assert child.finish() == code, stage.child_error
    assert stage.record["status"] == "Completed"
    assert stage.record["metadata"]["merge"] == "pending"
    stage.world.assert_nothing_is_held(stage.id)
    stage.open_gate()
    assert merge(stage).state is MergeState.MERGED
    assert_merged(stage)


def test_a_conflict_whose_solver_is_stopped_is_taken_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = stage.place / "bin"
    programs.mkdir()
    claude = programs / "claude"
    claude.write_text(f"#!/bin/sh\ntouch '{stage.mark('waiting')}'\nsleep 60\n")
    claude.chmod(claude.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    command = stage.world.repository / ".claude/commands/prodigy-merge-worktree.md"
    command.parent.mkdir(parents=True)
    command.write_text("solve it")
    commit(stage, "unrelated.txt")
    unmerged(stage)
    commit(stage, "ours.txt")
    child = stage.child(lambda: merge(stage))
    wait_until(stage.mark("waiting").exists, "the solver works")
    child.signal(signal.SIGINT)
    child.finish()
    assert stage.record["metadata"]["merge"] == "pending"
    assert stage.git("status", "--porcelain", cwd=stage.worktree) == ""
    stage.world.assert_nothing_is_held(stage.id)


def test_a_resume_of_a_run_whose_merge_is_open_offers_the_merge(stage: Stage) -> None:
    unmerged(stage)
    refused = stage.refusal()
    assert "the merge is open" in refused.message
    assert refused.hint == f"prodigy merge {stage.id}"
    stage.world.prodigy("resume", stage.id, "--yes").expect(0)
    assert_merged(stage)
