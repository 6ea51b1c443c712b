"""The one place that calls git."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LOCATION_VARIABLES = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_PREFIX",
        "GIT_NAMESPACE",
    }
)
"""Set by git for its hooks: with them, a commit "in the worktree" would land elsewhere."""

FALLBACK_NAME = "Prodigy"
FALLBACK_EMAIL = "prodigy@localhost"
FALLBACK_IDENTITY: Mapping[str, str] = {
    "GIT_AUTHOR_NAME": FALLBACK_NAME,
    "GIT_AUTHOR_EMAIL": FALLBACK_EMAIL,
    "GIT_COMMITTER_NAME": FALLBACK_NAME,
    "GIT_COMMITTER_EMAIL": FALLBACK_EMAIL,
}

_NEVER_ASK = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_MERGE_AUTOEDIT": "no"}
_NO_HOUSEKEEPING = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
_MESSAGE_LINES = 20


class GitError(Exception):
    """git did not do what was asked; the text says what and why, for people.

    Args:
        message: what is so.
        exit_code: that of git, or 127 when git is not there.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Completed:
    """What git answered. Bytes that are not UTF-8 are kept as surrogates, as in paths."""

    stdout: str
    stderr: str
    returncode: int

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    @property
    def text(self) -> str:
        """stdout without its trailing newlines."""
        return self.stdout.rstrip("\n")

    @property
    def fields(self) -> list[str]:
        """stdout cut at NULs, as with ``-z``."""
        return self.stdout.split("\0")[:-1] if self.stdout else []


def find_git(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where git is on PATH; None if it is not."""
    variables = os.environ if environment is None else environment
    found = shutil.which("git", path=variables.get("PATH"))
    return Path(found) if found else None


def without_locations(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the variables that would send git elsewhere."""
    return {name: value for name, value in environment.items() if name not in LOCATION_VARIABLES}


class Git:
    """git in one directory.

    Args:
        directory: where it runs.
        environment: for its hooks, filters and identity; that of this process if None.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self._environment = os.environ if environment is None else environment

    def run(
        self,
        *arguments: str,
        check: bool = True,
        stdin: str | None = None,
        lock_fd: int | None = None,
        look: bool = False,
        hooks: bool = True,
        extra: Mapping[str, str] | None = None,
    ) -> Completed:
        """Call git and wait for it.

        Args:
            arguments: the command and its arguments.
            check: raise when it fails.
            stdin: its input.
            lock_fd: descriptor of the repository lock, which git then holds too.
            look: it only looks, and so takes no locks.
            hooks: whether hooks of the repository run.
            extra: more environment variables, such as an index file.

        Raises:
            GitError: it failed and ``check`` is set, or there is no git.
        """
        housekeeping = () if lock_fd is None else _NO_HOUSEKEEPING
        options = (*housekeeping, *(() if hooks else _NO_HOOKS))
        environment = {
            **without_locations(self._environment),
            **_NEVER_ASK,
            **({"GIT_OPTIONAL_LOCKS": "0"} if look else {}),
            **(extra or {}),
        }
        # files, not pipes: what a hook leaves running in the background would keep a pipe open
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            _input(stdin) as given,
        ):
            try:
                # a session of its own, so that Ctrl-C in a terminal does not cut it short
                code = subprocess.run(
                    ["git", *options, *arguments],
                    cwd=self.directory,
                    env=environment,
                    stdin=given,
                    stdout=out,
                    stderr=err,
                    pass_fds=() if lock_fd is None else (lock_fd,),
                    start_new_session=True,
                    check=False,
                ).returncode
            except OSError as error:
                raise GitError(_cannot_start(self.directory, error), exit_code=127) from error
            completed = Completed(_content(out), _content(err), code)
        if check and code != 0:
            raise GitError(_failure(arguments, completed), exit_code=code)
        return completed

    def look(self, *arguments: str, check: bool = True) -> Completed:
        """Call git for something that only looks.

        Raises:
            GitError: it failed and ``check`` is set, or there is no git.
        """
        return self.run(*arguments, check=check, look=True)

    def succeeds(self, *arguments: str) -> bool:
        """Whether a call that only looks exits with 0.

        Raises:
            GitError: there is no git.
        """
        return self.look(*arguments, check=False).ok


def identity_fallback(git: Git) -> dict[str, str]:
    """Variables that give commits a name where git knows none; empty where it does.

    Raises:
        GitError: there is no git.
    """
    return {} if git.succeeds("var", "GIT_COMMITTER_IDENT") else dict(FALLBACK_IDENTITY)


@contextmanager
def _input(text: str | None) -> Iterator[int | IO[bytes]]:
    if text is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(text.encode("utf-8", "surrogateescape"))
        file.seek(0)
        yield file


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


def _cannot_start(directory: Path, error: OSError) -> str:
    if not directory.is_dir():
        return f"not a directory: {directory}"
    if isinstance(error, FileNotFoundError):
        return "git is not installed, or not on PATH"
    return f"git cannot be started: {error.strerror}"


def _failure(arguments: tuple[str, ...], completed: Completed) -> str:
    said = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
    reason = "\n".join(said[-_MESSAGE_LINES:]) or f"exit code {completed.returncode}"
    return f"git {_name(arguments)} failed: {reason}"


def _name(arguments: tuple[str, ...]) -> str:
    """The command without its options: ``worktree add``."""
    words = [word for word in arguments if not word.startswith("-")]
    return " ".join(words[: 2 if words[:1] == ["worktree"] else 1])
