"""Repositories to try things in."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.git.repository import discover, read_head
from orchestrator.git.worktrees import make

BRANCH = "prodigy-session-1"


def git(directory: Path, *words: str, check: bool = True) -> str:
    """What git says, without its last newline."""
    done = subprocess.run(
        ["git", *words], cwd=directory, check=check, capture_output=True, text=True
    )
    return done.stdout.rstrip("\n")


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commit(directory: Path, files: Mapping[str, str], message: str = "work") -> str:
    """Write files, commit everything and return the commit."""
    write(directory, files)
    git(directory, "add", "--all")
    git(directory, "commit", "-q", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def make_run_worktree(repository: Path, parent: Path, name: str = "session-1") -> Path:
    """A worktree of a run, on the branch ``prodigy-{name}``, at the repository's HEAD."""
    found = discover(repository)
    path = parent / name
    make(found, path, f"prodigy-{name}", read_head(repository))
    return path
