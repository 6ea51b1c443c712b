"""What steps of earlier runs did, read from the events of the newest of them."""

from __future__ import annotations

from collections.abc import Sequence

from store.errors import StoreError
from store.events import read_events
from store.home import Home
from store.row import SessionRow
from store.step_statistics import StepRun, step_runs

NEWEST_RUNS = 200
"""Runs whose events are read; of more, the newest."""


def past_steps(home: Home, rows: Sequence[SessionRow], most: int = NEWEST_RUNS) -> list[StepRun]:
    """The steps of the newest of these runs; a timeline that cannot be read counts as none."""
    found: list[StepRun] = []
    for row in sorted(rows, key=lambda row: -row.started_us)[:most]:
        try:
            found += step_runs(read_events(home, row.repo or None, row.id))
        except StoreError:
            continue
    return found
