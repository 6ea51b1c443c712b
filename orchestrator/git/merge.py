"""The final merge of a run's branch, made by git alone, and whether a branch is merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import Repository, current_branch
from orchestrator.git.worktrees import (
    OnWait,
    branch_commit,
    in_progress_operation,
    is_dirty,
    list_worktrees,
    remove,
)
from store.states import MergeState

_ROUNDS = 5

ConflictSolver = Callable[[tuple[str, ...]], bool]
"""Asked to resolve and commit a merge under way in the worktree; whether it says it has."""


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """``state`` is merged or failed; ``commit`` is where the target is then."""

    state: MergeState
    commit: str | None = None
    conflicts: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MergePrediction:
    """Whether a merge would be without conflict; ``clean`` None where this git cannot tell."""

    clean: bool | None
    conflicts: tuple[str, ...] = ()


class _Conflict(Exception):
    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__()
        self.paths = paths


def integrate(
    repository: Repository,
    worktree: Path,
    branch: str,
    target: str,
    *,
    environment: Mapping[str, str] | None = None,
    solve: ConflictSolver | None = None,
    on_wait: OnWait = None,
) -> MergeOutcome:
    """Bring a branch into a target: the target into the worktree first, then only forward.

    So a conflict is met in the worktree and a checkout of the target only ever moves forward. Hooks
    run. While a conflict is being solved the lock is not held, so the target may move meanwhile; it
    is then merged once more.

    Args:
        repository: of both branches.
        worktree: where ``branch`` is checked out.
        branch: what is merged.
        target: where it goes.
        environment: for git: identity, and what hooks need.
        solve: tries to resolve conflicts.
        on_wait: called once when the lock has not come after two seconds.
    """
    git = Git(worktree, environment)
    try:
        _check(repository, worktree, branch, target)
        for _ in range(_ROUNDS):
            try:
                with repository.lock(on_wait) as lock:
                    _take_in(git, lock, branch, target)
                    _move_forward(repository, lock, branch, target, environment)
                    return _believed(repository, branch, target)
            except _Conflict as conflict:
                solved = solve is not None and solve(conflict.paths)
                if not solved or in_progress_operation(worktree) is not None:
                    git.run("merge", "--abort", check=False)
                    return MergeOutcome(
                        MergeState.FAILED,
                        conflicts=conflict.paths,
                        error=_conflict_words(git, conflict.paths, branch, target),
                    )
    except GitError as error:
        return MergeOutcome(MergeState.FAILED, error=error.message)
    return MergeOutcome(MergeState.FAILED, error=f"{target} kept moving; merge again")


def would_merge_cleanly(repository: Repository, branch: str, target: str) -> MergePrediction:
    """Try a merge without touching anything.

    Raises:
        GitError: there is no git.
    """
    answer = _try_merge(repository, branch, target, "--name-only", "-z")
    if answer is None:
        return MergePrediction(None)
    clean, fields = answer
    return MergePrediction(clean, tuple(fields[1:]))


def is_merged(repository: Repository, branch: str, target: str) -> bool:
    """Whether a target has all of a branch: as an ancestor, or because merging changes nothing.

    The latter is what a squash merge leaves.

    Raises:
        GitError: there is no git.
    """
    git = repository.git()
    tip, goal = branch_commit(repository, branch), branch_commit(repository, target)
    if tip is None or goal is None:
        return False
    if git.succeeds("merge-base", "--is-ancestor", tip, goal):
        return True
    answer = _try_merge(repository, branch, target, "-z")
    if answer is None:
        return _changes_are_there(git, tip, goal)
    clean, fields = answer
    return clean and fields[:1] == [git.look("rev-parse", f"{goal}^{{tree}}").text]


def remove_after_merge(
    repository: Repository, worktree: Path, branch: str, target: str, *, on_wait: OnWait = None
) -> str | None:
    """Remove worktree and branch of a run whose work is all in the target.

    Returns:
        Why they were kept, or None if they are gone.

    Raises:
        GitError: git cannot remove them.
    """
    if branch_commit(repository, branch) is not None and not is_merged(repository, branch, target):
        return f"{branch} is not merged into {target}"
    if worktree.exists() and is_dirty(worktree):
        return "the worktree holds uncommitted files"
    remove(repository, worktree, branch=branch, on_wait=on_wait)
    return None


def _check(repository: Repository, worktree: Path, branch: str, target: str) -> None:
    if branch_commit(repository, target) is None:
        raise GitError(f"there is no branch {target}")
    if branch_commit(repository, branch) is None:
        raise GitError(f"there is no branch {branch}")
    operation = in_progress_operation(worktree)
    if operation is not None:
        raise GitError(f"a {operation} is in progress in {worktree}")
    if current_branch(worktree) != branch:
        raise GitError(f"{worktree} is not on {branch}")


def _take_in(git: Git, lock: int, branch: str, target: str) -> None:
    """Merge the target into the worktree's branch, unless it has it already."""
    if git.succeeds("merge-base", "--is-ancestor", f"refs/heads/{target}", "HEAD"):
        return
    message = f"Merge branch '{target}' into {branch}"
    try:
        # the full name, because a tag of the same name would be preferred
        git.run("merge", "--no-ff", "-m", message, f"refs/heads/{target}", lock_fd=lock)
    except GitError:
        unmerged = git.look("diff", "--name-only", "--diff-filter=U", "-z").fields
        if not unmerged:
            git.run("merge", "--abort", check=False, lock_fd=lock)
            raise
        raise _Conflict(tuple(unmerged)) from None


def _conflict_words(git: Git, paths: tuple[str, ...], branch: str, target: str) -> str:
    """``conflict in go.sum · main moved by 3``: what stands in the way, and what brought it."""
    ours, theirs = f"refs/heads/{branch}", f"refs/heads/{target}"
    moved = git.look("rev-list", "--count", f"{ours}..{theirs}").text
    return f"conflict in {', '.join(paths)} · {target} moved by {moved}"


def _move_forward(
    repository: Repository,
    lock: int,
    branch: str,
    target: str,
    environment: Mapping[str, str] | None,
) -> None:
    """Move the target to the branch: with the files where it is checked out, else only itself."""
    for entry in list_worktrees(repository):
        if entry.branch == target and entry.path.is_dir():
            checkout = Git(entry.path, environment)
            checkout.run("merge", "--ff-only", f"refs/heads/{branch}", lock_fd=lock)
            return
    repository.git(environment).run(
        *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
        ".",
        f"refs/heads/{branch}:refs/heads/{target}",
        lock_fd=lock,
    )


def _believed(repository: Repository, branch: str, target: str) -> MergeOutcome:
    commit = branch_commit(repository, target)
    if repository.git().succeeds(
        "merge-base", "--is-ancestor", f"refs/heads/{branch}", f"refs/heads/{target}"
    ):
        return MergeOutcome(MergeState.MERGED, commit)
    return MergeOutcome(
        MergeState.FAILED, commit, error=f"after the merge {target} does not contain {branch}"
    )


def _try_merge(
    repository: Repository, branch: str, target: str, *options: str
) -> tuple[bool, list[str]] | None:
    """Merge in memory: whether it is clean, and the fields git printed; None if it cannot."""
    answer = repository.git().look(
        "merge-tree",
        "--write-tree",
        "--no-messages",
        *options,
        f"refs/heads/{target}",
        f"refs/heads/{branch}",
        check=False,
    )
    # git before 2.38 has no such command and exits with 129
    return (answer.returncode == 0, answer.fields) if answer.returncode in (0, 1) else None


def _changes_are_there(git: Git, tip: str, goal: str) -> bool:
    """Whether every file the branch changed is in the target exactly as in the branch."""
    base = git.look("merge-base", tip, goal, check=False)
    if not base.ok:
        return False
    paths = git.look("diff", "--name-only", "--no-renames", "-z", base.text, tip).fields
    differing = git.look("diff", "--name-only", "--no-renames", "-z", goal, tip).fields
    return not set(paths) & set(differing)
