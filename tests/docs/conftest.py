"""Fixtures of the tests of our documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.home import Home
from tests.orchestrator.engine.runs import Runner


@pytest.fixture
def run_workflow(home: Home, repository: Path) -> Runner:
    """Runs the text of a workflow to its end and gives what it left."""
    return Runner(home, repository)
