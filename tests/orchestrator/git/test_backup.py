"""Edits can be saved without touching the worktree, and are there until they are old."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.git.backup import drop_backups, save_edits
from orchestrator.git.repository import discover, read_head
from tests.orchestrator.git.repositories import commit, git, write


def test_everything_uncommitted_is_saved_and_nothing_is_touched(worktree: Path) -> None:
    commit(worktree, {"gone": "x", ".gitignore": "*.log\n"})
    (worktree / "gone").unlink()
    write(worktree, {"README.md": "edited\n", "new/file": "x", "a.log": "x"})
    git(worktree, "add", "README.md")
    before = git(worktree, "status", "--porcelain=v1")
    saved = save_edits(worktree, "session-1")
    assert saved is not None and not saved.incomplete
    assert saved.reference == "refs/prodigy/backup/session-1/1"
    assert git(worktree, "status", "--porcelain=v1") == before
    assert git(worktree, "rev-parse", f"{saved.commit}^") == read_head(worktree)
    listed = git(worktree, "ls-tree", "-r", "--name-only", saved.reference).split("\n")
    assert listed == [".gitignore", "README.md", "new/file"]
    assert git(worktree, "show", f"{saved.commit}:README.md") == "edited"


def test_each_backup_has_a_number_of_its_own(worktree: Path) -> None:
    references = []
    for text in ("1", "2", "3"):
        write(worktree, {"a": text})
        saved = save_edits(worktree, "session-1")
        references.append(saved.reference if saved else None)
    assert references == [f"refs/prodigy/backup/session-1/{n}" for n in (1, 2, 3)]


def test_a_clean_worktree_needs_no_backup(worktree: Path) -> None:
    assert save_edits(worktree, "session-1") is None


def test_it_needs_no_identity_and_survives_a_conflict(repository: Path, worktree: Path) -> None:
    commit(worktree, {"README.md": "ours\n"})
    commit(repository, {"README.md": "theirs\n"})
    git(worktree, "merge", "main", check=False)
    (repository.parent / "user" / "gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    saved = save_edits(worktree, "session-1")
    assert saved is not None
    assert "<<<<<<<" in git(worktree, "show", f"{saved.commit}:README.md")
    assert git(worktree, "status", "--porcelain=v1") == "UU README.md"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_told(worktree: Path) -> None:
    write(worktree, {"a": "1", "b": "1"})
    (worktree / "a").chmod(0)
    saved = save_edits(worktree, "session-1")
    assert saved is not None and saved.incomplete


def test_only_old_backups_are_dropped(repository: Path, worktree: Path) -> None:
    write(worktree, {"a": "1"})
    saved = save_edits(worktree, "session-1")
    assert saved is not None
    found = discover(repository)
    now = datetime.now(UTC)
    assert drop_backups(found, now - timedelta(days=30)) == []
    assert drop_backups(found, now + timedelta(seconds=2)) == [saved.reference]
    assert git(repository, "for-each-ref", "refs/prodigy") == ""
