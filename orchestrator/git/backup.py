"""The content of a worktree as a git tree, and edits saved under a reference of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.git.command import FALLBACK_IDENTITY, Git
from orchestrator.git.repository import Repository, git_directory, read_head

_PREFIX = "refs/prodigy/backup"


@dataclass(frozen=True, slots=True)
class Backup:
    """Saved edits: a commit of the whole tree on top of the commit the worktree was at."""

    reference: str
    commit: str
    incomplete: bool
    """Whether files could not be read, and so are not in it."""


def content_tree(worktree: Path) -> str:
    """The id of the tree a worktree's content makes now: committed or not, without ignored files.

    Two equal ids mean equal content. The worktree's own index stays as it is.

    Raises:
        GitError: git cannot read the worktree.
    """
    return _content_tree(worktree)[0]


def save_edits(worktree: Path, session_id: str) -> Backup | None:
    """Save everything uncommitted, untracked files included; None if there is nothing.

    Args:
        worktree: whose content is saved; nothing in it changes.
        session_id: the backup is ``refs/prodigy/backup/{session_id}/{n}``, n counting from 1.

    Raises:
        GitError: git cannot save it.
    """
    git = Git(worktree)
    head = read_head(worktree)
    tree, incomplete = _content_tree(worktree)
    if tree == git.look("rev-parse", f"{head}^{{tree}}").text and not incomplete:
        return None
    message = f"Uncommitted edits of {session_id}"
    commit = git.run(
        "commit-tree", "--no-gpg-sign", tree, "-p", head, "-m", message, extra=FALLBACK_IDENTITY
    ).text
    return _store(git, session_id, commit, incomplete)


def _store(git: Git, session_id: str, commit: str, incomplete: bool) -> Backup:
    listed = git.look("for-each-ref", "--format=%(refname)", f"{_PREFIX}/{session_id}/").text
    last_parts = [name.rpartition("/")[2] for name in listed.split("\n")]
    number = max((int(part) for part in last_parts if part.isdigit()), default=0) + 1
    reference = f"{_PREFIX}/{session_id}/{number}"
    # the old value "nothing" makes git refuse to replace a backup
    git.run("update-ref", reference, commit, "0" * len(commit), hooks=False)
    return Backup(reference, commit, incomplete)


def drop_backups(repository: Repository, older_than: datetime) -> list[str]:
    """Delete the backups made before a moment; their references.

    Raises:
        GitError: git cannot delete them.
    """
    git = repository.git()
    form = "--format=%(refname) %(committerdate:unix)"
    listed = git.look("for-each-ref", form, f"{_PREFIX}/").text
    dropped = []
    for line in filter(None, listed.split("\n")):
        reference, _, seconds = line.partition(" ")
        if int(seconds) < older_than.timestamp():
            git.run("update-ref", "-d", reference, hooks=False)
            dropped.append(reference)
    return dropped


def _content_tree(worktree: Path) -> tuple[str, bool]:
    git = Git(worktree)
    with _index_copy(worktree) as index:
        extra = {"GIT_INDEX_FILE": str(index)}
        added = git.run(
            *("-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false"),
            *("add", "--all", "--ignore-errors"),
            check=False,
            hooks=False,
            extra=extra,
        )
        return git.run("write-tree", extra=extra).text, not added.ok


@contextmanager
def _index_copy(worktree: Path) -> Iterator[Path]:
    """A copy of the index, so that unchanged files need not be read."""
    with tempfile.TemporaryDirectory(prefix="prodigy-index-") as directory:
        copy = Path(directory) / "index"
        try:
            shutil.copy2(git_directory(worktree) / "index", copy)
        except FileNotFoundError:
            pass
        yield copy
