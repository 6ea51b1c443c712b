"""The final merge: the target only moves forward, and a conflict never reaches the user."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orchestrator.git.merge import (
    MergePrediction,
    integrate,
    is_merged,
    remove_after_merge,
    would_merge_cleanly,
)
from orchestrator.git.repository import discover, read_head
from orchestrator.git.worktrees import branch_commit, in_progress_operation
from store.states import MergeState
from tests.orchestrator.git.repositories import BRANCH, commit, git, make_run_worktree, write
from tests.orchestrator.git.test_command import hook


def test_the_checked_out_target_moves_forward_with_its_files(
    repository: Path, worktree: Path
) -> None:
    tip = commit(worktree, {"work": "x"})
    write(repository, {"notes": "mine"})
    outcome = integrate(discover(repository), worktree, BRANCH, "main")
    assert (outcome.state, outcome.commit) == (MergeState.MERGED, tip)
    assert (read_head(repository), (repository / "work").read_text()) == (tip, "x")
    assert git(repository, "status", "--porcelain=v1") == "?? notes"


def test_a_target_that_moved_on_is_merged_in_the_worktree(repository: Path, worktree: Path) -> None:
    commit(worktree, {"work": "x"})
    moved = commit(repository, {"other": "x"})
    outcome = integrate(discover(repository), worktree, BRANCH, "main")
    assert outcome.state is MergeState.MERGED
    assert git(repository, "rev-list", "--parents", "-1", "HEAD").split()[2] == moved
    assert git(repository, "log", "-1", "--format=%s") == f"Merge branch 'main' into {BRANCH}"
    assert {p.name for p in repository.iterdir()} >= {"work", "other"}


def test_a_target_checked_out_nowhere_moves_without_touching_files(
    repository: Path, worktree: Path
) -> None:
    tip = commit(worktree, {"work": "x"})
    git(repository, "checkout", "-q", "-b", "elsewhere")
    outcome = integrate(discover(repository), worktree, BRANCH, "main")
    assert outcome.state is MergeState.MERGED
    assert git(repository, "rev-parse", "main") == tip
    assert not (repository / "work").exists()
    assert not (repository / ".git" / "FETCH_HEAD").exists()


def test_edits_in_the_way_make_git_refuse_and_stay(repository: Path, worktree: Path) -> None:
    commit(worktree, {"README.md": "theirs\n"})
    before = read_head(repository)
    write(repository, {"README.md": "mine\n"})
    outcome = integrate(discover(repository), worktree, BRANCH, "main")
    assert outcome.state is MergeState.FAILED
    assert "README.md" in (outcome.error or "")
    assert (repository / "README.md").read_text() == "mine\n"
    assert (read_head(repository), in_progress_operation(repository)) == (before, None)


def conflicting(repository: Path, worktree: Path) -> None:
    commit(worktree, {"README.md": "ours\n"})
    commit(repository, {"README.md": "theirs\n"})


def test_a_conflict_is_named_and_leaves_everything_as_it_was(
    repository: Path, worktree: Path
) -> None:
    conflicting(repository, worktree)
    heads = read_head(repository), read_head(worktree)
    outcome = integrate(discover(repository), worktree, BRANCH, "main")
    assert (outcome.state, outcome.conflicts) == (MergeState.FAILED, ("README.md",))
    assert outcome.error == "conflict in README.md · main moved by 1"
    assert (read_head(repository), read_head(worktree)) == heads
    for place in (repository, worktree):
        assert git(place, "status", "--porcelain=v1") == ""
        assert in_progress_operation(place) is None


def test_a_conflict_may_be_solved_while_the_target_moves_once_more(
    repository: Path, worktree: Path
) -> None:
    conflicting(repository, worktree)
    seen: list[tuple[str, ...]] = []

    def solve(paths: tuple[str, ...]) -> bool:
        seen.append(paths)
        with discover(repository).lock():
            commit(repository, {"moved": "on"})
        commit(worktree, {"README.md": "both\n"})
        return True

    outcome = integrate(discover(repository), worktree, BRANCH, "main", solve=solve)
    assert outcome.state is MergeState.MERGED
    assert seen == [("README.md",)]
    assert (repository / "README.md").read_text() == "both\n"
    assert (repository / "moved").exists()


def test_a_solver_that_leaves_the_conflict_is_not_believed(
    repository: Path, worktree: Path
) -> None:
    conflicting(repository, worktree)
    outcome = integrate(discover(repository), worktree, BRANCH, "main", solve=lambda _: True)
    assert outcome.state is MergeState.FAILED
    assert in_progress_operation(worktree) is None


def test_what_stands_in_the_way_is_told(repository: Path, worktree: Path) -> None:
    found = discover(repository)
    assert "no branch nowhere" in (integrate(found, worktree, BRANCH, "nowhere").error or "")
    conflicting(repository, worktree)
    git(worktree, "rebase", "main", check=False)
    assert "rebase is in progress" in (integrate(found, worktree, BRANCH, "main").error or "")


def test_a_tag_of_the_same_name_is_not_taken_for_the_branch(
    repository: Path, worktree: Path
) -> None:
    git(repository, "tag", "main")
    git(repository, "tag", BRANCH)
    moved = commit(repository, {"other": "x"})
    commit(worktree, {"work": "x"})
    assert integrate(discover(repository), worktree, BRANCH, "main").state is MergeState.MERGED
    assert moved in git(repository, "rev-list", "HEAD")
    assert (repository / "work").exists()


def test_merges_run_the_hooks_of_the_repository(repository: Path, worktree: Path) -> None:
    commit(worktree, {"work": "x"})
    hook(repository, "post-merge", "touch hook-ran")
    integrate(discover(repository), worktree, BRANCH, "main")
    assert (repository / "hook-ran").exists()


def test_eight_merges_at_once_all_succeed_and_leave_the_checkout_clean(
    repository: Path, tmp_path: Path
) -> None:
    trees = [make_run_worktree(repository, tmp_path / "w", f"session-{n}") for n in range(8)]
    for number, tree in enumerate(trees):
        commit(tree, {f"work-{number}": "x"})
    states: list[MergeState] = []

    def merge(tree: Path) -> None:
        outcome = integrate(discover(repository), tree, f"prodigy-{tree.name}", "main")
        states.append(outcome.state)

    threads = [threading.Thread(target=merge, args=[tree]) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == [MergeState.MERGED] * 8
    assert git(repository, "status", "--porcelain=v1") == ""
    assert all((repository / f"work-{n}").exists() for n in range(8))


@pytest.mark.parametrize("old_git", [False, True])
def test_a_squash_merge_counts_as_merged(
    repository: Path, worktree: Path, old_git: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if old_git:
        monkeypatch.setattr("orchestrator.git.merge._try_merge", lambda *_: None)
    found = discover(repository)
    commit(worktree, {"a": "1"})
    commit(worktree, {"b": "1"})
    assert not is_merged(found, BRANCH, "main")
    git(repository, "merge", "-q", "--squash", BRANCH)
    commit(repository, {})
    assert is_merged(found, BRANCH, "main")
    commit(repository, {"later": "1"})
    assert is_merged(found, BRANCH, "main")
    commit(worktree, {"c": "1"})
    assert not is_merged(found, BRANCH, "main")
    assert not is_merged(found, BRANCH, "no-such-branch")


def test_a_merge_can_be_tried_without_touching_anything(repository: Path, worktree: Path) -> None:
    found = discover(repository)
    commit(worktree, {"work": "x"})
    assert would_merge_cleanly(found, BRANCH, "main") == MergePrediction(True)
    conflicting(repository, worktree)
    assert would_merge_cleanly(found, BRANCH, "main") == MergePrediction(False, ("README.md",))
    assert git(worktree, "status", "--porcelain=v1") == ""


def test_only_merged_and_saved_work_is_removed(repository: Path, worktree: Path) -> None:
    found = discover(repository)
    commit(worktree, {"work": "x"})
    assert "not merged" in (remove_after_merge(found, worktree, BRANCH, "main") or "")
    integrate(found, worktree, BRANCH, "main")
    write(worktree, {"precious": "x"})
    assert "uncommitted" in (remove_after_merge(found, worktree, BRANCH, "main") or "")
    (worktree / "precious").unlink()
    assert remove_after_merge(found, worktree, BRANCH, "main") is None
    assert not worktree.exists() and branch_commit(found, BRANCH) is None
    assert remove_after_merge(found, worktree, BRANCH, "main") is None
