"""What a step changed is what differs in content, however it came about."""

from __future__ import annotations

from pathlib import Path

from orchestrator.git.changes import (
    Changes,
    DiffStat,
    Snapshot,
    changed_paths,
    changes,
    changes_between,
    diff_stat,
    take_snapshot,
    worktree_status,
)
from orchestrator.git.repository import read_head
from tests.orchestrator.git.repositories import BRANCH, commit, git, write


def test_committed_and_uncommitted_changes_count_alike(worktree: Path) -> None:
    base = commit(worktree, {"kept": "1\n", "edited": "1\n", "gone": "1\n", "old name": "1\n"})
    begun = take_snapshot(worktree)
    first = commit(worktree, {"edited": "2\n", "committed": "1\n2\n"})
    git(worktree, "mv", "old name", "new ñame")
    git(worktree, "rm", "-q", "gone")
    write(worktree, {"untracked/deep": "1\n", "edited": "3\n"})
    found = changes(worktree, begun)
    assert found == Changes(
        added=("committed", "new ñame", "untracked/deep"),
        modified=("edited",),
        deleted=("gone", "old name"),
        commits=(first,),
        insertions=5,
        deletions=3,
    )
    assert found.changed == tuple(sorted((*found.added, *found.modified, *found.deleted)))
    assert begun == Snapshot.of_commit(base)


def test_what_was_uncommitted_before_and_stayed_so_is_no_change(worktree: Path) -> None:
    write(worktree, {"README.md": "edited before\n", "left over": "x"})
    begun = take_snapshot(worktree)
    assert changes(worktree, begun) == Changes()
    made = commit(worktree, {})
    assert changes(worktree, begun) == Changes(commits=(made,))
    write(worktree, {"left over": "y"})
    assert changes(worktree, begun).modified == ("left over",)


def test_ignored_files_are_no_change(worktree: Path) -> None:
    base = commit(worktree, {".gitignore": "*.log\n"})
    write(worktree, {"a.log": "x", "b.log": "x"})
    assert changes(worktree, base) == Changes()


def test_changes_taken_back_are_no_change(worktree: Path) -> None:
    begun = take_snapshot(worktree)
    first = commit(worktree, {"a": "1"})
    git(worktree, "revert", "--no-edit", "HEAD")
    found = changes(worktree, begun)
    assert (found.changed, found.commits) == ((), (first, read_head(worktree)))


def test_without_a_beginning_there_are_no_changes(worktree: Path) -> None:
    write(worktree, {"a": "1"})
    assert changes(worktree, None) == Changes()


def test_looking_changes_neither_index_nor_status(worktree: Path) -> None:
    write(worktree, {"a": "1", "README.md": "x\n"})
    git(worktree, "add", "a")
    before = git(worktree, "status", "--porcelain=v1")
    changes(worktree, take_snapshot(worktree))
    assert git(worktree, "status", "--porcelain=v1") == before


def test_a_nested_repository_without_commits_does_not_stop_it(worktree: Path) -> None:
    git(worktree, "init", "-q", "nested")
    write(worktree, {"seen": "x"})
    begun = Snapshot.of_commit(read_head(worktree))
    assert changes(worktree, begun).added == ("seen",)


def test_binary_files_have_no_lines(worktree: Path) -> None:
    begun = read_head(worktree)
    (worktree / "binary").write_bytes(b"\0\1\2")
    found = changes(worktree, begun)
    assert (found.added, found.insertions) == (("binary",), 0)


def test_commits_are_compared_with_each_other(worktree: Path) -> None:
    base = read_head(worktree)
    commit(worktree, {"a": "1\n2\n", "b": "1\n"})
    write(worktree, {"c": "uncommitted"})
    assert diff_stat(worktree, base) == DiffStat(2, 3, 0)
    assert changed_paths(worktree, base) == ["a", "b"]
    both = (Snapshot.of_commit(base), Snapshot.of_commit(read_head(worktree)))
    assert changes_between(worktree, *both).added == ("a", "b")


def test_the_status_tells_staged_from_unstaged(worktree: Path) -> None:
    commit(worktree, {"both": "1", "staged": "1", "unstaged": "1"})
    write(worktree, {"both": "2", "staged": "2", "unstaged": "2"})
    git(worktree, "add", "both", "staged")
    write(worktree, {"both": "3", "un tracked": ""})
    status = worktree_status(worktree)
    assert (status.branch, status.commit) == (BRANCH, read_head(worktree))
    assert status.staged_files == ("both", "staged")
    assert status.unstaged_files == ("both", "un tracked", "unstaged")
    assert status.modified_files == ("both", "staged", "un tracked", "unstaged")
