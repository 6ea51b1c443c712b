"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.e2e.dashboard import offer, open_gate, owner_pid
from tests.world import World


@pytest.fixture
def runs(world: World) -> Iterator[World]:
    """A world that offers two workflows, ``left`` and ``right``; both wait in their second step."""
    offer(world, "left", "right")
    yield world
    open_gate(world, "left", "right")
    for record in world.records:
        with suppress(OSError):
            os.kill(owner_pid(world, record.stem), signal.SIGCONT)
