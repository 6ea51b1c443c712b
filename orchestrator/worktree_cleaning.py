"""The worktrees of runs: which there are, which may go and why not, and removing one.

Without force only what is merged, clean, finished and without a live owner goes. Forced, edits and
untracked files are first saved as a commit, and a branch with work that is nowhere else stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.backup import save_edits
from orchestrator.git.command import GitError
from orchestrator.git.merge import is_merged
from orchestrator.git.repository import Repository, discover
from orchestrator.git.worktrees import (
    branch_commit,
    ignored_count,
    is_dirty,
    is_worktree,
    remove,
)
from orchestrator.refusal import Refused
from store.errors import StoreError
from store.home import Home
from store.locks import Liveness, RunLock, probe
from store.manager import SessionManager
from store.row import SessionRow
from store.scan import metadata_directories
from store.session_filter import RESUMABLE
from store.states import MergeState, State
from store.times import utc_now
from store.updates import SessionUpdate
from store.worktree_metadata import (
    WorktreeMetadata,
    WorktreeStatus,
    read_path,
    set_status,
    write_path,
)

_MERGE_OPEN = frozenset({State.UNMERGED, State.MERGE_FAILED})


@dataclass(frozen=True, slots=True)
class RunWorktree:
    """A worktree some run has, by its metadata."""

    session_id: str
    path: Path
    metadata_path: Path
    metadata: WorktreeMetadata

    @property
    def branch(self) -> str:
        return self.metadata.branch

    @property
    def repo_path(self) -> Path:
        return Path(self.metadata.repo_path)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands against removing a worktree; ``keeps`` None means nothing does.

    Where nobody may look into it, or git cannot, ``dirty`` and ``ahead`` are None.
    """

    keeps: str | None
    """Why it stays without force."""
    refuses: str | None
    """Why it stays even with force."""
    merged: bool = False
    dirty: bool | None = None
    ahead: int | None = None
    """Commits its target does not have."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of a removed worktree's contents."""

    branch_kept: str | None
    backup: str | None
    """Reference of the commit that holds its uncommitted files."""
    ignored_files: int


def worktrees_of_runs(home: Home) -> Iterator[RunWorktree]:
    """Every worktree that still exists and belongs to a run."""
    for directory in metadata_directories(home.worktrees):
        for metadata_path in sorted(directory.glob("*.json")):
            try:
                metadata = read_path(metadata_path)
            except StoreError:
                continue
            path = Path(metadata.path or directory.parent / metadata_path.stem)
            if not metadata.is_of_agent and path.exists():
                yield RunWorktree(metadata_path.stem, path, metadata_path, metadata)


def standing_of(home: Home, worktree: RunWorktree, row: SessionRow | None) -> Standing:
    """Judge one worktree; looks only."""
    verdict = probe(home, worktree.session_id, says_active=True)
    if verdict.liveness is Liveness.LIVE:
        return Standing("running", "running")
    if verdict.liveness is Liveness.UNKNOWN:
        return Standing(verdict.reason, verdict.reason)
    return _standing_at_rest(worktree, row)


def _standing_at_rest(worktree: RunWorktree, row: SessionRow | None) -> Standing:
    """Judge a worktree nobody else is at work in."""
    if not is_worktree(worktree.path):
        return Standing("not a worktree any more", "not a worktree any more")
    try:
        repository = discover(worktree.path)
        dirty = is_dirty(worktree.path)
        merged = _is_merged(repository, worktree)
        ahead = 0 if merged else _ahead(repository, worktree)
    except GitError as error:
        return Standing(str(error), str(error))
    reasons = []
    if row is not None and row.state in RESUMABLE:
        reasons.append(f"{row.state}, can be resumed")
    if not merged:
        reasons.append(f"{ahead} unmerged commit{'' if ahead == 1 else 's'}")
    if dirty:
        reasons.append("uncommitted files")
    return Standing(", ".join(reasons) or None, None, merged, dirty, ahead)


def _is_merged(repository: Repository, worktree: RunWorktree) -> bool:
    """Whether nothing on the branch would be lost: it has no commits, or its target has them."""
    tip = branch_commit(repository, worktree.branch)
    if tip is None:
        return False
    if tip == worktree.metadata.base_commit or worktree.metadata.merged:
        return True
    target = worktree.metadata.original_branch
    return bool(target) and is_merged(repository, worktree.branch, target)


def _ahead(repository: Repository, worktree: RunWorktree) -> int:
    target = worktree.metadata.original_branch or worktree.metadata.base_commit
    counted = repository.git().look(
        "rev-list", "--count", f"{target}..refs/heads/{worktree.branch}", check=False
    )
    return int(counted.text) if counted.ok and counted.text.isdecimal() else 0


def remove_worktree(
    home: Home, worktree: RunWorktree, row: SessionRow | None, *, force: bool = False
) -> Removal:
    """Remove a worktree through git, under the lock of its run.

    Raises:
        Busy: somebody holds the run.
        Refused: it would lose something and ``force`` is not set, or it cannot be judged.
        GitError: git cannot remove it.
    """
    with RunLock.acquire(home, worktree.session_id) as lock:
        standing = _standing_at_rest(worktree, row)
        reason = standing.refuses if force else standing.keeps
        if reason is not None:
            raise Refused(
                f"{worktree.session_id} stays: {reason}",
                code="kept",
                hint="" if force else f"prodigy worktree clean {worktree.session_id} --force",
            )
        repository = discover(worktree.path)
        ignored = ignored_count(worktree.path)
        backup = save_edits(worktree.path, worktree.session_id) if standing.dirty else None
        if backup is not None and backup.incomplete:
            raise Refused(
                f"{worktree.session_id} stays: some of its files cannot be read, so not saved",
                code="kept",
            )
        resumable = row is not None and row.state in RESUMABLE
        branch = worktree.branch if standing.merged and not resumable else None
        remove(repository, worktree.path, branch=branch, force=force)
        _note_removed(worktree)
        if standing.merged and row is not None and row.state in _MERGE_OPEN:
            _note_merged(home, worktree, lock)
    return Removal(
        branch_kept=None if branch is not None else worktree.branch,
        backup=backup.reference if backup is not None else None,
        ignored_files=ignored,
    )


def _note_merged(home: Home, worktree: RunWorktree, lock: RunLock) -> None:
    """Record what git says: the target has it all, whoever merged it."""
    target = worktree.metadata.original_branch or None
    merge = {"state": str(MergeState.MERGED), "target": target}
    SessionManager(home, lock=lock).update_session(worktree.session_id, SessionUpdate(merge=merge))


def _note_removed(worktree: RunWorktree) -> None:
    document = worktree.metadata.document
    set_status(document, WorktreeStatus.CLEANED_UP, now=utc_now())
    write_path(worktree.metadata_path, document)


def size_of(directory: Path) -> int:
    """Bytes of everything in a directory; what cannot be read counts nothing."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - many files
            except OSError:
                continue
    return total
