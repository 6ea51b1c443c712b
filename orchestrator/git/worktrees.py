"""Making, finding and removing the worktrees of runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.backup import content_tree
from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import NotARepository, Repository, git_directory
from orchestrator.steps.process_end import marks_of
from store.atomic import make_directory
from store.faults import point

OnWait = Callable[[], None] | None

_RUN_PREFIX = "session-"
_NO_DOWNLOADS = {"GIT_LFS_SKIP_SMUDGE": "1"}
_OPERATIONS = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}


@dataclass(frozen=True, slots=True)
class WorktreeEntry:
    """A worktree as git lists it; ``branch`` None is a detached HEAD or a bare repository."""

    path: Path
    head: str | None
    branch: str | None
    prunable: bool


def make(
    repository: Repository, path: Path, branch: str, base: str, *, on_wait: OnWait = None
) -> None:
    """Make a worktree on a branch that begins at a commit; no hooks run, nothing is downloaded.

    Only the registration is under the repository lock; checking the files out is not.

    Raises:
        GitError: it cannot be made.
    """
    make_directory(path.parent)
    git = repository.git()
    with repository.lock(on_wait) as lock:
        _clear_half_made(repository)
        git.run("worktree", "prune", lock_fd=lock)
        _add(git, lock, "--no-track", "-B", branch, str(path), base)
    point("worktree.added")
    _check_out(path)


def make_anew(
    repository: Repository, path: Path, branch: str, base: str, *, on_wait: OnWait = None
) -> None:
    """Make a worktree in which no step has run yet, whatever a killed attempt left of it.

    Raises:
        GitError: it cannot be made.
    """
    _clear_reference_lock(repository, branch)
    with repository.lock(on_wait) as lock:
        git = repository.git()
        git.run("worktree", "remove", "-f", "-f", str(path), check=False, lock_fd=lock, hooks=False)
        if path.exists():
            shutil.rmtree(path)
        # a half-made registration can break "git worktree list" for the whole repository
        for registration in _registrations(repository, path):
            shutil.rmtree(registration)
    make(repository, path, branch, base, on_wait=on_wait)


def remake_from_branch(
    repository: Repository, path: Path, branch: str, *, on_wait: OnWait = None
) -> Path | None:
    """Make a lost worktree again from its branch.

    Returns:
        Where files were moved that stood in its place without being a worktree, if there were any.

    Raises:
        GitError: it cannot be made, because the branch is gone or checked out elsewhere.
    """
    make_directory(path.parent)
    moved = _move_aside(path)
    git = repository.git()
    with repository.lock(on_wait) as lock:
        _clear_half_made(repository)
        git.run("worktree", "prune", lock_fd=lock)
        _add(git, lock, str(path), branch)
    _check_out(path)
    return moved


def remove(
    repository: Repository,
    path: Path,
    *,
    branch: str | None = None,
    force: bool = False,
    on_wait: OnWait = None,
) -> None:
    """Remove a worktree, and its branch if one is named.

    Args:
        repository: whose worktree it is.
        path: the worktree; one that is gone already is only unregistered.
        branch: deleted too, merged or not: whoever names it has looked.
        force: remove it although it holds uncommitted or untracked files.
        on_wait: called once when the lock has not come after two seconds.

    Raises:
        GitError: it holds such files and ``force`` is not set, or git cannot remove it.
    """
    git = repository.git()
    with repository.lock(on_wait) as lock:
        if path.exists():
            options = ("-f", "-f") if force else ()
            git.run("worktree", "remove", *options, str(path), lock_fd=lock, hooks=False)
        git.run("worktree", "prune", lock_fd=lock)
        if branch is not None and branch_commit(repository, branch) is not None:
            git.run("branch", "-D", "--", branch, lock_fd=lock, hooks=False)


def list_worktrees(repository: Repository) -> list[WorktreeEntry]:
    """Every worktree of a repository, the main one first.

    Raises:
        GitError: git cannot list them.
    """
    listed = repository.git().look("worktree", "list", "--porcelain").stdout
    entries = []
    for block in listed.split("\n\n"):
        facts = dict(line.partition(" ")[::2] for line in block.splitlines() if line)
        if "worktree" in facts:
            branch = facts.get("branch", "")
            entries.append(
                WorktreeEntry(
                    path=Path(facts["worktree"]),
                    head=facts.get("HEAD"),
                    branch=branch.removeprefix("refs/heads/") or None,
                    prunable="prunable" in facts,
                )
            )
    return entries


def branch_commit(repository: Repository, branch: str) -> str | None:
    """The commit a branch is at; None when there is no such branch.

    Raises:
        GitError: there is no git.
    """
    return tip_of(repository.git(), branch)


def tip_of(git: Git, branch: str) -> str | None:
    """The same, asked of git wherever that works.

    Raises:
        GitError: there is no git.
    """
    reference = f"refs/heads/{branch}^{{commit}}"
    answer = git.look("rev-parse", "--verify", "--quiet", reference, check=False)
    return answer.text if answer.ok else None


def is_worktree(path: Path) -> bool:
    """Whether git can work in a directory: a partial worktree or a foreign directory is none."""
    try:
        git_directory(path)
        top = Git(path).look("rev-parse", "--show-toplevel", check=False)
    except GitError:
        return False
    return top.ok and Path(top.text).resolve() == path.resolve()


def is_dirty(worktree: Path) -> bool:
    """Whether a worktree holds uncommitted or untracked files; ignored ones do not count.

    Raises:
        GitError: git cannot say.
    """
    return bool(Git(worktree).look("status", "--porcelain=v1", "-z").stdout)


def dirty_fingerprint(worktree: Path) -> str:
    """A text that is the same again only if the content of the worktree is, ignored files aside.

    Raises:
        GitError: git cannot read the worktree.
    """
    return content_tree(worktree)


def ignored_count(worktree: Path) -> int:
    """How many ignored files and directories would be deleted with a worktree.

    Raises:
        GitError: git cannot say.
    """
    listed = Git(worktree).look("status", "--porcelain=v1", "-z", "--ignored")
    return sum(field.startswith("!! ") for field in listed.fields)


def in_progress_operation(worktree: Path) -> str | None:
    """The operation that was begun in a worktree and not ended: ``merge``, ``rebase`` …

    Raises:
        NotARepository: it is no worktree.
    """
    directory = git_directory(worktree)
    for name, operation in _OPERATIONS.items():
        if (directory / name).exists():
            return operation
    return None


def clear_dead_locks(repository: Repository, worktree: Path, branch: str) -> list[Path]:
    """Delete the locks that a killed git left in a worktree; to be called when none can be alive.

    Only the worktree's own index and HEAD and its branch: whatever else is locked may be in use.

    Returns:
        The files that were deleted.
    """
    locks = [_reference_lock(repository, branch)]
    try:
        directory = git_directory(worktree)
        locks += [directory / "index.lock", directory / "HEAD.lock"]
    except NotARepository:
        pass
    deleted = []
    for lock in locks:
        try:
            lock.unlink()
        except FileNotFoundError:
            continue
        deleted.append(lock)
    return deleted


def _add(git: Git, lock: int, *arguments: str) -> None:
    git.run("worktree", "add", "--no-checkout", *arguments, lock_fd=lock, hooks=False)


def _check_out(path: Path) -> None:
    # a killed owner's guard, or the next owner, ends it: nobody else's lock says that it runs
    extra = {**_NO_DOWNLOADS, **marks_of(path.name)}
    Git(path).run("reset", "--hard", "--quiet", hooks=False, extra=extra)


def _reference_lock(repository: Repository, branch: str) -> Path:
    return repository.common_dir / "refs" / "heads" / f"{branch}.lock"


def _clear_reference_lock(repository: Repository, branch: str) -> None:
    _reference_lock(repository, branch).unlink(missing_ok=True)


def _registrations(repository: Repository, path: Path) -> list[Path]:
    """The directories in which git keeps what it knows of a worktree."""
    return [
        registration
        for registration in _all_registrations(repository)
        if _worktree_of(registration) == path.resolve()
        or (registration.name == path.name and _worktree_of(registration) is None)
    ]


def _clear_half_made(repository: Repository) -> None:
    """Delete what a killed ``worktree add`` of a run left; such a thing can break every other.

    Only with the repository lock held: nobody is making a worktree of a run then.
    """
    for registration in _all_registrations(repository):
        if registration.name.startswith(_RUN_PREFIX) and (
            _worktree_of(registration) is None
            or not all((registration / name).is_file() for name in ("HEAD", "commondir"))
        ):
            shutil.rmtree(registration)


def _all_registrations(repository: Repository) -> list[Path]:
    directory = repository.common_dir / "worktrees"
    return list(directory.iterdir()) if directory.is_dir() else []


def _worktree_of(registration: Path) -> Path | None:
    try:
        pointed = (registration / "gitdir").read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return None
    return Path(pointed).parent.resolve() if pointed else None


def _move_aside(path: Path) -> Path | None:
    """Free a path that git would refuse because files are in it."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.left-{number}")).exists():
        number += 1
    path.rename(aside)
    return aside
