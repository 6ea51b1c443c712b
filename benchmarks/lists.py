"""Listing ten thousand sessions: from the index, without one, and with a thousand crashed ones."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.measuring import Place, Result, median_of, place
from benchmarks.sessions import fill
from store.cards import CLOCK_TICK_NS

MANY = 10_000
SETTLED_SECONDS = 2 * CLOCK_TICK_NS / 1e9
"""A record that was written this shortly ago is not trusted to stay as it is, and read again."""


def measure() -> list[Result]:
    """The list, warm, as a person waits for it."""
    with place() as here:
        fill(here.home, MANY)
        without = median_of(lambda: _list(here, fresh=True), 5)
        indexed = median_of(lambda: _list(here))
    with place() as here:
        fill(here.home, MANY, crashed=1000)
        time.sleep(SETTLED_SECONDS)
        crashed = median_of(lambda: _list(here))
    return [
        Result("sessions list, 10 000 sessions, from the index", indexed, "ms", 150),
        Result("the same without an index", without, "ms", 600),
        Result("the same with 1 000 crashed among them", crashed, "ms", 200),
    ]


def _list(here: Place, *, fresh: bool = False) -> float:
    if fresh:
        for name in ("index.db", "index.db-wal", "index.db-shm"):
            Path(here.home / name).unlink(missing_ok=True)
    return here.prodigy("sessions", "list") * 1000
