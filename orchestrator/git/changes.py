"""What changed in a worktree: between two moments, and compared with its last commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.backup import content_tree
from orchestrator.git.command import Git
from orchestrator.git.repository import current_branch, read_head


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A worktree at one moment: the commit it was at, and a tree or commit with its content."""

    head: str
    content: str

    @classmethod
    def of_commit(cls, commit: str) -> Snapshot:
        """The moment at which a worktree was at a commit, with nothing uncommitted."""
        return cls(commit, commit)


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths whose content differs, sorted; a rename is one deletion and one addition.

    ``commits`` are the new ones, oldest first, full ids.
    """

    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    insertions: int = 0
    deletions: int = 0

    @property
    def changed(self) -> tuple[str, ...]:
        """All paths, sorted."""
        return tuple(sorted((*self.added, *self.modified, *self.deleted)))


@dataclass(frozen=True, slots=True)
class WorktreeStatus:
    """A worktree now. ``unstaged_files`` and ``modified_files`` include untracked files."""

    branch: str | None
    commit: str
    staged_files: tuple[str, ...]
    unstaged_files: tuple[str, ...]
    modified_files: tuple[str, ...]
    """Every uncommitted path."""


@dataclass(frozen=True, slots=True)
class DiffStat:
    files: int = 0
    insertions: int = 0
    deletions: int = 0


def take_snapshot(worktree: Path) -> Snapshot:
    """Remember the content of a worktree, uncommitted and untracked files included.

    Raises:
        GitError: git cannot read the worktree.
    """
    head = read_head(worktree)
    if not Git(worktree).look("status", "--porcelain=v1", "-z").stdout:
        return Snapshot.of_commit(head)
    return Snapshot(head, content_tree(worktree))


def changes(worktree: Path, since: Snapshot | str | None) -> Changes:
    """What changed from a moment to now, committed or not, ignored files excluded.

    Args:
        worktree: where.
        since: the moment; a commit if nothing was uncommitted then; None gives no changes.

    Raises:
        GitError: git cannot say.
    """
    if since is None:
        return Changes()
    begun = Snapshot.of_commit(since) if isinstance(since, str) else since
    return changes_between(worktree, begun, take_snapshot(worktree))


def changed_paths(worktree: Path, base: str, tip: str = "HEAD") -> list[str]:
    """The paths that differ between two commits.

    Raises:
        GitError: git cannot say.
    """
    options = ("diff", "--no-ext-diff", "--no-renames", "--name-only", "-z")
    return Git(worktree).look(*options, base, tip).fields


def changes_between(worktree: Path, since: Snapshot, until: Snapshot) -> Changes:
    """What changed between two moments.

    Raises:
        GitError: git cannot say.
    """
    git = Git(worktree)
    commits: tuple[str, ...] = ()
    if since.head != until.head:
        listed = git.look("rev-list", "--reverse", f"{since.head}..{until.head}").text
        commits = tuple(filter(None, listed.split("\n")))
    if since.content == until.content:
        return Changes(commits=commits)
    kinds = ("diff", "--no-ext-diff", "--no-renames", "-z")
    fields = git.look(*kinds, "--name-status", since.content, until.content).fields
    by_letter: dict[str, list[str]] = {"A": [], "D": [], "M": []}
    for letter, path in zip(fields[::2], fields[1::2], strict=True):
        by_letter[letter if letter in "AD" else "M"].append(path)
    stat = _stat(git.look(*kinds, "--numstat", since.content, until.content).fields)
    return Changes(
        added=tuple(sorted(by_letter["A"])),
        modified=tuple(sorted(by_letter["M"])),
        deleted=tuple(sorted(by_letter["D"])),
        commits=commits,
        insertions=stat.insertions,
        deletions=stat.deletions,
    )


def diff_stat(worktree: Path, base: str, tip: str = "HEAD") -> DiffStat:
    """Size of the difference from one commit to another.

    Raises:
        GitError: git cannot say.
    """
    options = ("diff", "--no-ext-diff", "--no-renames", "-z", "--numstat")
    return _stat(Git(worktree).look(*options, base, tip).fields)


def worktree_status(worktree: Path) -> WorktreeStatus:
    """Branch, commit and uncommitted files of a worktree.

    Raises:
        GitError: git cannot say.
    """
    options = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    entries = [(field[:2], field[3:]) for field in Git(worktree).look(*options).fields]
    return WorktreeStatus(
        branch=current_branch(worktree),
        commit=read_head(worktree),
        staged_files=tuple(sorted(path for code, path in entries if code[0] not in " ?")),
        unstaged_files=tuple(sorted(path for code, path in entries if code[1] != " ")),
        modified_files=tuple(sorted(path for _, path in entries)),
    )


def _stat(fields: list[str]) -> DiffStat:
    insertions = deletions = 0
    for field in fields:
        added, removed, _ = field.split("\t", 2)
        # binary files have a dash instead of numbers
        insertions += int(added) if added.isdigit() else 0
        deletions += int(removed) if removed.isdigit() else 0
    return DiffStat(len(fields), insertions, deletions)
