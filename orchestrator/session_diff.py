"""What a session changed, as one comparison that git is then asked to show. Only looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.command import Git
from orchestrator.refusal import EXIT_NOT_FOUND, EXIT_USAGE, Refused
from store.checkpoint import WorkflowCheckpoint
from store.row import SessionRow

_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-renames")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two moments of a session. ``until`` None is its worktree as it is, untracked files too."""

    directory: Path
    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class FileChange:
    """A changed file; the counts are None where it is not text."""

    path: str
    added: int | None
    removed: int | None
    untracked: bool = False


def compare(
    row: SessionRow, checkpoint: WorkflowCheckpoint | None, step: int | None = None
) -> Comparison:
    """What to compare for a session: all it did, or one step of it.

    Without a worktree its branch, else its last or its merged commit, stands for it.

    Args:
        row: the session.
        checkpoint: its newest checkpoint.
        step: the number of a step, from 1; None for all.

    Raises:
        Refused: there is nothing left to compare, or no such step.
    """
    worktree = Path(row.worktree) if row.worktree.startswith("/") else None
    if worktree is not None and worktree.is_dir():
        directory, until = worktree, None
    else:
        directory = Path(row.repo_path) if row.repo_path.startswith("/") else Path()
        tip = _tip(Git(directory), row, checkpoint) if directory.is_absolute() else None
        if tip is None:
            raise Refused(
                "its worktree and its branch are gone", code="nothing_to_compare", exit_code=1
            )
        until = tip
    base = row.base_commit
    if not _COMMIT.match(base) or not _is_commit(Git(directory), base):
        raise Refused("the commit it began at is not there", code="nothing_to_compare", exit_code=1)
    if step is None:
        return Comparison(directory, base, until)
    return _of_step(Comparison(directory, base, until), row, checkpoint, step)


def _of_step(
    whole: Comparison, row: SessionRow, checkpoint: WorkflowCheckpoint | None, step: int
) -> Comparison:
    total = max(row.total_steps, checkpoint.total_steps if checkpoint else 0)
    if not 1 <= step <= total:
        raise Refused(
            f"there is no step {step}; it has {total}", code="no_such_step", exit_code=EXIT_USAGE
        )
    done = {one.index: one for one in checkpoint.completed_steps} if checkpoint else {}
    mine = done.get(step - 1)
    if mine is not None:
        before, after = mine.head_before or "", mine.head_after or ""
        git = Git(whole.directory)
        for commit in (before, after):
            if not _COMMIT.match(commit) or not _is_commit(git, commit):
                raise Refused(
                    f"the commits of step {step} are not there",
                    code="nothing_to_compare",
                    exit_code=1,
                )
        return Comparison(whole.directory, before, after)
    if step - 1 != row.step_index or whole.until is not None:
        raise Refused(f"step {step} has not run", code="not_run", exit_code=EXIT_NOT_FOUND)
    heads = [one.head_after for _, one in sorted(done.items()) if one.head_after]
    since = heads[-1] if heads and _COMMIT.match(heads[-1]) else whole.since
    return Comparison(whole.directory, since, None)


def _tip(git: Git, row: SessionRow, checkpoint: WorkflowCheckpoint | None) -> str | None:
    """What stands for a worktree that is gone."""
    if not git.directory.is_dir():
        return None
    branch = f"refs/heads/{row.branch}" if row.branch and not row.branch.startswith("-") else ""
    head = (checkpoint.x.head_last if checkpoint else None) or ""
    for candidate in (branch, head, row.merge_commit or ""):
        is_name = candidate.startswith("refs/heads/") or _COMMIT.match(candidate)
        if is_name and _is_commit(git, candidate):
            return candidate
    return None


def _is_commit(git: Git, name: str) -> bool:
    return git.succeeds("cat-file", "-e", f"{name}^{{commit}}")


def changed_files(comparison: Comparison) -> list[FileChange]:
    """The files that differ, by path.

    Raises:
        GitError: git cannot say.
    """
    git = Git(comparison.directory)
    found = []
    for field in git.look("diff", *_PLAIN, "-z", "--numstat", *_moments(comparison), "--").fields:
        added, removed, path = field.split("\t", 2)
        found.append(FileChange(path, _count(added), _count(removed)))
    for path in _untracked(git, comparison):
        field = git.look(*_as_new(path, "--numstat", "-z"), check=False).stdout
        added, _, _ = field.partition("\t")
        found.append(FileChange(path, _count(added), 0 if added.isdigit() else None, True))
    return sorted(found, key=lambda one: one.path)


def difference(comparison: Comparison, *, color: bool = False) -> str:
    """The whole difference as git writes it; files git does not know yet are new files in it.

    Raises:
        GitError: git cannot say.
    """
    git = Git(comparison.directory)
    shade = "--color=always" if color else "--color=never"
    parts = [git.look("diff", *_PLAIN, shade, *_moments(comparison), "--").stdout]
    for path in _untracked(git, comparison):
        parts.append(git.look(*_as_new(path, shade), check=False).stdout)
    return "".join(parts)


def _moments(comparison: Comparison) -> tuple[str, ...]:
    since, until = comparison.since, comparison.until
    return (since,) if until is None else (since, until)


def _untracked(git: Git, comparison: Comparison) -> list[str]:
    if comparison.until is not None:
        return []
    return sorted(git.look("ls-files", "--others", "--exclude-standard", "-z").fields)


def _as_new(path: str, *options: str) -> tuple[str, ...]:
    return ("diff", *_PLAIN, *options, "--no-index", "--", "/dev/null", path)


def _count(text: str) -> int | None:
    return int(text) if text.isdigit() else None
