"""The configuration that holds where a run works: that of its repository included."""

from __future__ import annotations

from pathlib import Path

from app.cli.invocation import Invocation
from orchestrator.config import Config


def config_for(invocation: Invocation, directory: Path) -> Config:
    """The settings in effect for work in a directory.

    Outside a repository there is none of its own; what else is wrong there is said by others.
    """
    return invocation.config(repository_of(directory))


def repository_of(directory: Path) -> Path | None:
    """The main checkout a directory belongs to, or None."""
    from orchestrator.git.command import GitError
    from orchestrator.git.repository import NoCommits, NotARepository, discover

    try:
        return discover(directory).path
    except (NotARepository, NoCommits, GitError, OSError):
        return None
