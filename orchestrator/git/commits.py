"""Commits made for a step, and commits counted and listed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import read_head
from orchestrator.steps.process_end import marks_of
from orchestrator.workflow.globs import select
from orchestrator.workflow.model import CommitConfig

_FORMAT = "%x01%H%x00%h%x00%an%x00%ae%x00%aI%x00%B%x02"


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """One commit; ``timestamp`` is the author's, RFC 3339."""

    id: str
    short_id: str
    author_name: str
    author_email: str
    message: str
    timestamp: str
    files_changed: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file a branch changes. Sizes in bytes, None where the file is not there."""

    path: str
    modification_type: str
    """``added``, ``modified`` or ``deleted``."""
    size_before: int | None
    size_after: int | None
    last_modified: str
    commit_id: str


def auto_commit(
    worktree: Path,
    config: CommitConfig,
    message: str,
    *,
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """Commit what a step left uncommitted; hooks of the repository run.

    Args:
        worktree: where.
        config: author, signing, and which files.
        message: the message, references resolved.
        environment: for git: identity, and what hooks need; that of this process if None.

    Returns:
        The new commit, or None when there was nothing to commit.

    Raises:
        GitError: a hook refused, or git failed.
    """
    git = _git(worktree, environment)
    paths = _chosen(git, config)
    if not paths:
        return None
    before = read_head(worktree)
    _commit(git, config, message, paths)
    after = read_head(worktree)
    return after if after != before else None


def squash_since(
    worktree: Path,
    since: str,
    message: str,
    *,
    config: CommitConfig | None = None,
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """Join all commits since a commit into one; what is not committed stays so.

    Args:
        worktree: where.
        since: the last commit that is not touched; an ancestor of HEAD.
        message: the message of the joined commit.
        config: author and signing.
        environment: for git: identity, and what hooks need; that of this process if None.

    Returns:
        The joined commit, or None when there was at most one.

    Raises:
        GitError: a hook refused, or git failed; the commits are then as before.
    """
    if commit_count(worktree, since) < 2:
        return None
    git = _git(worktree, environment)
    tip = read_head(worktree)
    index = git.run("write-tree").text
    # the joined commit is to have exactly what the last one has, not what is staged
    git.run("read-tree", tip)
    git.run("reset", "--soft", since)
    try:
        git.run(*_commit_arguments(config or CommitConfig(), message))
    except GitError:
        git.run("reset", "--soft", tip)
        raise
    finally:
        git.run("read-tree", index)
    return read_head(worktree)


def commit_count(worktree: Path, base: str, tip: str = "HEAD") -> int:
    """How many commits ``tip`` has that ``base`` does not.

    Raises:
        GitError: git cannot say.
    """
    return int(Git(worktree).look("rev-list", "--count", f"{base}..{tip}").text)


def commit_list(worktree: Path, base: str, tip: str = "HEAD", *, limit: int) -> list[CommitInfo]:
    """The newest commits of ``tip`` that ``base`` does not have, newest first.

    Raises:
        GitError: git cannot say.
    """
    options = ("log", f"--max-count={limit}", "--name-only", "--no-renames", "-z")
    listed = Git(worktree).look(*options, f"--format={_FORMAT}", f"{base}..{tip}").stdout
    commits = []
    for entry in listed.split("\x01")[1:]:
        facts, _, names = entry.partition("\x02")
        full, short, name, email, timestamp, message = facts.split("\0", 5)
        files = [path for path in names.strip("\n").split("\0") if path.strip()]
        commits.append(
            CommitInfo(full, short, name, email, message.rstrip("\n"), timestamp, len(files))
        )
    return commits


def file_changes(worktree: Path, base: str, tip: str = "HEAD", *, limit: int) -> list[FileChange]:
    """The files that differ between two commits, by path.

    Raises:
        GitError: git cannot say.
    """
    git = Git(worktree)
    fields = git.look(
        "diff", "--no-ext-diff", "--no-renames", "--raw", "--no-abbrev", "-z", base, tip
    ).fields
    entries = [
        (*facts.split(" "), path) for facts, path in zip(fields[::2], fields[1::2], strict=True)
    ][:limit]
    sizes = _sizes(git, {blob for entry in entries for blob in (entry[2], entry[3])})
    last = _last_commits(git, base, tip)
    words = {"A": "added", "D": "deleted"}
    return [
        FileChange(
            path=path,
            modification_type=words.get(letter, "modified"),
            size_before=sizes.get(before),
            size_after=sizes.get(after),
            last_modified=last.get(path, ("", ""))[1],
            commit_id=last.get(path, ("", ""))[0],
        )
        for _, _, before, after, letter, path in entries
    ]


def _git(worktree: Path, environment: Mapping[str, str] | None) -> Git:
    """git for changing a worktree: marked as the run's, so that it does not outlive its owner."""
    variables = os.environ if environment is None else environment
    return Git(worktree, {**variables, **marks_of(worktree.name)})


def _chosen(git: Git, config: CommitConfig) -> list[str]:
    """The uncommitted paths that the configuration wants committed."""
    options = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    paths = [field[3:] for field in git.look(*options).fields]
    if config.include_files:
        paths = select(config.include_files, paths)
    left_out = set(select(config.exclude_files, paths))
    return [path for path in paths if path not in left_out]


def _commit(git: Git, config: CommitConfig, message: str, paths: list[str]) -> None:
    if not config.include_files and not config.exclude_files:
        git.run("add", "--all")
        git.run(*_commit_arguments(config, message))
        return
    # only these paths, whatever else is staged
    listed = "".join(f"{path}\0" for path in paths)
    from_input = ("--pathspec-from-file=-", "--pathspec-file-nul")
    git.run("--literal-pathspecs", "add", "--all", *from_input, stdin=listed)
    git.run(
        "--literal-pathspecs",
        *_commit_arguments(config, message),
        "--only",
        *from_input,
        stdin=listed,
    )


def _commit_arguments(config: CommitConfig, message: str) -> list[str]:
    arguments = ["commit", "--quiet", "--message", message]
    if config.author:
        arguments += ["--author", config.author]
    if config.sign:
        arguments.append("--gpg-sign")
    return arguments


def _sizes(git: Git, blobs: set[str]) -> dict[str, int]:
    wanted = sorted(blob for blob in blobs if blob.strip("0"))
    if not wanted:
        return {}
    answer = git.run(
        "cat-file",
        "--batch-check=%(objectname) %(objectsize)",
        stdin="\n".join(wanted) + "\n",
        look=True,
    )
    sizes = {}
    for line in answer.text.split("\n"):
        blob, _, size = line.partition(" ")
        if size.isdigit():
            sizes[blob] = int(size)
    return sizes


def _last_commits(git: Git, base: str, tip: str) -> dict[str, tuple[str, str]]:
    """Id and time of the last commit that touched each path."""
    options = ("log", "--name-only", "--no-renames", "-z", "--format=%x01%H %cI%x02")
    listed = git.look(*options, f"{base}..{tip}").stdout
    last: dict[str, tuple[str, str]] = {}
    for entry in listed.split("\x01")[1:]:
        facts, _, names = entry.partition("\x02")
        commit, _, timestamp = facts.partition(" ")
        for path in filter(None, (name.strip("\n") for name in names.split("\0"))):
            last.setdefault(path, (commit, timestamp))
    return last
