"""Commits made for a step hold what they should, and nothing else changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.git.command import FALLBACK_IDENTITY, GitError
from orchestrator.git.commits import (
    auto_commit,
    commit_count,
    commit_list,
    file_changes,
    squash_since,
)
from orchestrator.git.repository import read_head
from orchestrator.workflow.model import CommitConfig
from tests.orchestrator.git.repositories import commit, git, write
from tests.orchestrator.git.test_command import hook


def test_everything_left_is_committed(worktree: Path) -> None:
    commit(worktree, {"gone": "x"})
    (worktree / "gone").unlink()
    write(worktree, {"new": "x", "README.md": "y\n"})
    made = auto_commit(worktree, CommitConfig(), "-- a message\n\nwith a body")
    assert made == read_head(worktree)
    assert git(worktree, "status", "--porcelain=v1") == ""
    assert git(worktree, "log", "-1", "--format=%B").strip() == "-- a message\n\nwith a body"


def test_nothing_left_is_no_commit(worktree: Path) -> None:
    before = read_head(worktree)
    assert auto_commit(worktree, CommitConfig(), "x") is None
    assert read_head(worktree) == before


def test_only_the_files_that_are_wanted_are_committed(worktree: Path) -> None:
    config = CommitConfig(include_files=("*.py", "docs/**"), exclude_files=("secret*",))
    write(worktree, {"a.py": "", "docs/x/y": "", "secret.py": "", "other": "", "[x].py": ""})
    git(worktree, "add", "other")
    assert auto_commit(worktree, config, "x") is not None
    listed = git(worktree, "show", "--name-only", "--format=").split("\n")
    assert listed == ["[x].py", "a.py", "docs/x/y"]
    assert git(worktree, "status", "--porcelain=v1") == "A  other\n?? secret.py"
    assert auto_commit(worktree, config, "x") is None


def test_the_author_is_the_one_configured(worktree: Path) -> None:
    write(worktree, {"a": ""})
    auto_commit(worktree, CommitConfig(author="Ana <ana@localhost>"), "x")
    assert git(worktree, "log", "-1", "--format=%an <%ae>") == "Ana <ana@localhost>"


def test_a_hook_that_refuses_is_told(repository: Path, worktree: Path) -> None:
    hook(repository, "pre-commit", "echo no tabs please >&2; exit 1")
    write(worktree, {"a": ""})
    with pytest.raises(GitError, match="no tabs please"):
        auto_commit(worktree, CommitConfig(), "x")


def test_an_environment_gives_the_identity(worktree: Path, no_git_identity: None) -> None:
    write(worktree, {"a": ""})
    with pytest.raises(GitError, match="git commit failed"):
        auto_commit(worktree, CommitConfig(), "x")
    environment = {**os.environ, **FALLBACK_IDENTITY}
    assert auto_commit(worktree, CommitConfig(), "x", environment=environment)


def test_commits_are_joined_and_what_is_uncommitted_stays(worktree: Path) -> None:
    since = read_head(worktree)
    for name in ("a", "b"):
        commit(worktree, {name: name})
    write(worktree, {"staged": "", "README.md": "edited\n"})
    git(worktree, "add", "staged")
    joined = squash_since(worktree, since, "both")
    assert joined == read_head(worktree)
    assert git(worktree, "show", "--name-only", "--format=%s").split() == ["both", "a", "b"]
    assert git(worktree, "status", "--porcelain=v1") == " M README.md\nA  staged"
    assert squash_since(worktree, since, "again") is None


def test_joining_that_is_refused_changes_nothing(repository: Path, worktree: Path) -> None:
    since = read_head(worktree)
    for name in ("a", "b"):
        commit(worktree, {name: name})
    tip = read_head(worktree)
    hook(repository, "commit-msg", "exit 1")
    with pytest.raises(GitError):
        squash_since(worktree, since, "both")
    assert (read_head(worktree), git(worktree, "status", "--porcelain=v1")) == (tip, "")


def test_commits_are_counted_and_listed_newest_first(worktree: Path) -> None:
    base = read_head(worktree)
    first = commit(worktree, {"a": "", "b c": ""}, "first\n\nbody")
    second = commit(worktree, {"a": "2"}, "second")
    assert commit_count(worktree, base) == 2
    newest, oldest = commit_list(worktree, base, limit=10)
    assert (newest.id, newest.message, newest.files_changed) == (second, "second", 1)
    assert (oldest.id, oldest.message, oldest.files_changed) == (first, "first\n\nbody", 2)
    assert first.startswith(oldest.short_id)
    assert (oldest.author_name, oldest.author_email) == ("Test Person", "test@localhost")
    assert [c.id for c in commit_list(worktree, base, limit=1)] == [second]
    assert commit_list(worktree, second, limit=10) == []


def test_changed_files_are_listed_with_sizes_and_last_commit(worktree: Path) -> None:
    base = commit(worktree, {"edited": "123", "gone": "12"})
    (worktree / "gone").unlink()
    first = commit(worktree, {"edited": "1234", "new": "1"})
    second = commit(worktree, {"edited": "12345"})
    edited, gone, new = file_changes(worktree, base, limit=10)
    assert (edited.path, edited.modification_type) == ("edited", "modified")
    assert (edited.size_before, edited.size_after, edited.commit_id) == (3, 5, second)
    assert (gone.modification_type, gone.size_before, gone.size_after) == ("deleted", 2, None)
    assert (new.modification_type, new.size_before, new.commit_id) == ("added", None, first)
    assert new.last_modified == git(worktree, "log", "-1", "--format=%cI", first)
    assert len(file_changes(worktree, base, limit=2)) == 2
