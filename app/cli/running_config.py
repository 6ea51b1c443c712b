"""The configuration that holds where a run works: that of its repository included."""

from __future__ import annotations

from pathlib import Path

from app.cli.invocation import Invocation
from orchestrator.config import Config
from store.errors import NotFound


def config_for(invocation: Invocation, directory: Path) -> Config:
    """The settings in effect for work in a directory.

    Outside a repository there is none of its own; what else is wrong there is said by others.
    """
    return invocation.config(repository_of(directory))


def config_of_run(invocation: Invocation, run_id: str) -> Config:
    """The settings in effect for a run: those of the repository it belongs to."""
    from app.cli.runs import row_of

    try:
        path = Path(row_of(invocation, run_id).repo_path)
    except NotFound:
        path = Path()
    return invocation.config(path if path.is_absolute() else None)


def repository_of(directory: Path) -> Path | None:
    """The main checkout a directory belongs to, or None."""
    from orchestrator.git.command import GitError
    from orchestrator.git.repository import NoCommits, NotARepository, discover

    try:
        return discover(directory).path
    except (NotARepository, NoCommits, GitError, OSError):
        return None
