"""Which repository a directory belongs to, its HEAD, and the lock for what its runs share."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.command import Git, GitError
from orchestrator.reporting import UnseenFiles

_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_LOCK_PAUSE_SECONDS = 0.025
_SAY_AFTER_SECONDS = 2.0


class NotARepository(GitError):
    """The directory is in no git repository with a working tree."""


class NoCommits(GitError):
    """The repository has no commit yet, so there is nothing a worktree could begin at."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, and the checkout of it that was asked about.

    A linked worktree, or a run nested in a step, has the main repository's ``path`` and ``name``.
    """

    name: str
    path: Path
    """The main checkout."""
    common_dir: Path
    checkout: Path
    """Top of the working tree of the directory asked about."""

    @classmethod
    def discover(cls, start: Path, environment: Mapping[str, str] | None = None) -> Repository:
        """Find the repository of a directory.

        Raises:
            NotARepository: there is none.
            NoCommits: it has no commit.
            GitError: there is no git, or it refuses to work there.
        """
        git = Git(start, environment)
        found = git.look(
            "rev-parse", "--show-toplevel", "--git-common-dir", "--absolute-git-dir", check=False
        )
        lines = found.text.split("\n")
        if not found.ok or len(lines) != 3:
            raise _no_repository(start, found.stderr.strip())
        checkout = Path(lines[0]).resolve()
        common_dir = (start / lines[1]).resolve()
        git_dir = Path(lines[2]).resolve()
        path = checkout if git_dir == common_dir else _main_checkout(git, common_dir)
        repository = cls(path.name, path, common_dir, checkout)
        if not git.succeeds("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
            raise NoCommits(f"the repository at {checkout} has no commit yet")
        return repository

    def git(self, environment: Mapping[str, str] | None = None) -> Git:
        """git in the main checkout, for what concerns the whole repository."""
        return Git(self.path, environment)

    @property
    def lock_file(self) -> Path:
        return self.common_dir / "prodigy.lock"

    @contextmanager
    def lock(self, on_wait: Callable[[], None] | None = None) -> Iterator[int]:
        """Hold the repository lock; gives its descriptor, to be handed to the git calls under it.

        Taken for adding, removing and pruning worktrees, deleting branches and the final merge.
        It is waited for as long as needed; nobody waits for a run lock while holding it.

        Args:
            on_wait: called once when it has not come after two seconds.

        Raises:
            GitError: it cannot be made or locked.
        """
        descriptor = _acquire(self.lock_file, on_wait)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def discover(start: Path, environment: Mapping[str, str] | None = None) -> Repository:
    """Find the repository of a directory; see ``Repository.discover``."""
    return Repository.discover(start, environment)


def _no_repository(start: Path, said: str) -> GitError:
    if "dubious ownership" in said:
        return GitError(said)
    if "must be run in a work tree" in said:
        return NotARepository(f"the repository at {start} has no working tree")
    return NotARepository(f"not inside a git repository: {start}")


def _main_checkout(git: Git, common_dir: Path) -> Path:
    """The main working tree as seen from a linked one."""
    if common_dir.name == ".git":
        return common_dir.parent
    configured = git.look(
        "config", "--file", str(common_dir / "config"), "core.worktree", check=False
    )
    if configured.ok and configured.text:
        return (common_dir / configured.text).resolve()
    return common_dir


def _acquire(path: Path, on_wait: Callable[[], None] | None) -> int:
    say_at = time.monotonic() + _SAY_AFTER_SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise GitError(f"cannot lock the repository: {path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # somebody may have removed the file meanwhile: then two could hold "the" lock
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as error:
            os.close(descriptor)
            raise GitError(f"cannot lock the repository: {path}: {error.strerror}") from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if on_wait is not None and time.monotonic() >= say_at:
            on_wait()
            on_wait = None
        time.sleep(_LOCK_PAUSE_SECONDS)


# -- HEAD -----------------------------------------------------------------------------------------


def git_directory(worktree: Path) -> Path:
    """The git directory of a working tree, from its ``.git`` file; no git is called.

    Raises:
        NotARepository: there is none.
    """
    dot_git = worktree / ".git"
    if dot_git.is_dir():
        return dot_git
    try:
        text = dot_git.read_text("utf-8", "surrogateescape")
    except OSError:
        raise NotARepository(f"not a git working tree: {worktree}") from None
    return worktree / text.removeprefix("gitdir:").strip()


def read_head(worktree: Path) -> str:
    """The commit a working tree is at, from git's files where they tell, else from git.

    Raises:
        NotARepository: it is no working tree.
        NoCommits: it is on a branch without a commit.
    """
    directory = git_directory(worktree)
    head = _text_of(directory / "HEAD")
    if _OBJECT_ID.match(head):
        return head
    if head.startswith("ref: refs/heads/"):
        common = directory / (_text_of(directory / "commondir") or ".")
        commit = _read_reference(common, head.removeprefix("ref: "))
        if commit is not None:
            return commit
    answer = Git(worktree).look("rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
    if not answer.ok:
        raise NoCommits(f"{worktree} is at no commit")
    return answer.text


def _read_reference(common: Path, name: str) -> str | None:
    loose = _text_of(common / name)
    if _OBJECT_ID.match(loose):
        return loose
    for line in _text_of(common / "packed-refs").split("\n"):
        commit, _, packed = line.partition(" ")
        if packed == name and _OBJECT_ID.match(commit):
            return commit
    return None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return ""


def current_branch(checkout: Path) -> str | None:
    """The branch a working tree is on; None when HEAD is detached.

    Raises:
        NotARepository: it is no working tree.
    """
    head = _text_of(git_directory(checkout) / "HEAD")
    if head.startswith("ref: refs/heads/.invalid"):
        # a repository whose references are not files
        answer = Git(checkout).look("symbolic-ref", "--quiet", "--short", "HEAD", check=False)
        return answer.text if answer.ok else None
    branch = head.removeprefix("ref: refs/heads/")
    return branch if branch != head else None


def has_identity(checkout: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Whether commits made here would have a name.

    Raises:
        GitError: there is no git.
    """
    return Git(checkout, environment).succeeds("var", "GIT_COMMITTER_IDENT")


def unseen_files(checkout: Path, workflow_path: Path | None = None) -> UnseenFiles:
    """What of a checkout a run that begins at its HEAD will not see.

    Untracked directories count as one; the files named are the workflow's and those of ``.claude``.

    Raises:
        GitError: git cannot say.
    """
    git = Git(checkout)
    entries = _status(git.look("status", "--porcelain=v1", "-z", "--untracked-files=normal").fields)
    uncommitted = [path for code, path in entries if code != "??"]
    named_paths = [".claude"]
    if workflow_path is not None and workflow_path.resolve().is_relative_to(checkout.resolve()):
        named_paths.append(str(workflow_path.resolve().relative_to(checkout.resolve())))
    named = git.look(
        "--literal-pathspecs",
        *("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--"),
        *named_paths,
    )
    return UnseenFiles(
        uncommitted=len(uncommitted),
        untracked=len(entries) - len(uncommitted),
        named=tuple(sorted(path for _, path in _status(named.fields))),
    )


def _status(fields: list[str]) -> list[tuple[str, str]]:
    """Code and path of each entry of ``status --porcelain -z``; a rename is its new path."""
    entries = []
    rest = iter(fields)
    for field in rest:
        code, path = field[:2], field[3:]
        if "R" in code or "C" in code:
            next(rest, None)
        entries.append((code, path))
    return entries
