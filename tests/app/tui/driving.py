"""Driving the dashboard in tests: an app on a home, and waiting for it to have settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from app.tui.app import ProdigyApp
from app.tui.backend import Backend
from store.home import Home
from tests.app.tui.prepared_store import NOW

DEADLINE_SECONDS = 20.0
PATH_LENGTH = 160


def dashboard(
    home: Home,
    directory: Path,
    *,
    clock: Callable[[], datetime] = lambda: NOW,
    live: bool = False,
    **options: Any,
) -> ProdigyApp:
    """The app on a home; unless it is live it reads the store once and follows nothing."""
    read_only = options.pop("read_only", False)
    backend = Backend(home, directory, clock=clock, use_index=False, read_only=read_only)
    app = ProdigyApp(backend, live=live, ascii_only=options.pop("ascii_only", False), **options)
    app.editor_environment.setdefault("EDITOR", "vi")  # so that pictures say the same everywhere
    return app


def as_long_everywhere(path: Path) -> Path:
    """A directory under that path whose own path has the same length on every machine.

    Paths stand in checkpoints, whose sizes are shown.
    """
    made = path / ("d" * (PATH_LENGTH - len(str(path)) - 1))
    made.mkdir()
    return made


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until all workers are done, rests are over, and what they found is painted."""
    app = pilot.app
    for _ in range(3):
        await _workers_done(app)
        await pilot.pause(0.1)
    await _workers_done(app)
    await pilot.pause()
    if app._exception is not None:
        raise app._exception


async def _workers_done(app: App[Any]) -> None:
    while True:
        try:
            await app.workers.wait_for_complete()
        except WorkerCancelled:  # a newer one took its place
            continue
        return


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each after the one before took effect."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def until(pilot: Pilot[Any], holds: Callable[[], bool], what: str) -> None:
    """Wait for something, at most twenty seconds."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not holds():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not so after {DEADLINE_SECONDS:.0f} s: {what}")
        await pilot.pause(0.05)


@asynccontextmanager
async def running(app: ProdigyApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[Any]]:
    """The app, loaded."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.listing.loaded or bool(app.store_problem), "it has loaded")
        await settled(pilot) if not app._live else await pilot.pause()
        yield pilot
