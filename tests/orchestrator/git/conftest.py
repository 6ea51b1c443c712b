"""A worktree as runs have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrator.git.repositories import make_run_worktree


@pytest.fixture
def worktree(repository: Path, tmp_path: Path) -> Path:
    """The worktree ``session-1`` of the repository, on ``prodigy-session-1``."""
    return make_run_worktree(repository, tmp_path / "worktrees")
