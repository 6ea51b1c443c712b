"""Fixtures of the tests of continuing, stopping, launching and merging."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.orchestrator.continuing.stage import Stage
from tests.world import World


@pytest.fixture
def stage(world: World) -> Iterator[Stage]:
    """Where runs are started, stopped and continued; nothing of them survives the test."""
    stage = Stage(world)
    yield stage
    stage.open_gate()
    for child in stage.children:
        child.kill()
