"""A run for the tests of steps; nothing of it is alive afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestrator.steps.shells import Shells


@pytest.fixture
def shells(tmp_path: Path) -> Iterator[Shells]:
    directory = tmp_path / "steps"
    directory.mkdir()
    shells = Shells(directory)
    yield shells
    shells.processes.kill_all()
    shells.processes.end_all()
