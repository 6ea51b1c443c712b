"""What is usual for a step is known from its own present run, or not at all."""

from __future__ import annotations

from datetime import timedelta

from app.tui.silence import usual_gap
from store.events import EventLog
from store.home import Home
from tests.app.tui.prepared_store import NOW

ID = "session-00000000-0000-4000-8000-000000000001"


class Speaking:
    """A run whose steps say something, at moments of its own."""

    def __init__(self, home: Home) -> None:
        self._now = NOW
        self._log = EventLog(home, "api", ID, 1, clock=lambda: self._now)

    def says(self, step: int, *gaps: float) -> None:
        self._log.append("step_started", step_index=step, attempt=1)
        for gap in gaps:
            self._now += timedelta(seconds=gap)
            self._log.append("step_output_ref", step_index=step, attempt=1)


def test_the_usual_gap_is_the_median_of_the_present_run(home: Home) -> None:
    run = Speaking(home)
    run.says(2, 1, 1, 1, 1, 1, 1)
    run.says(2, 5, 40, 38, 42, 400)
    assert usual_gap(home, ID, 2) == 41.0


def test_of_few_outputs_nothing_is_usual(home: Home) -> None:
    run = Speaking(home)
    run.says(0, 1, 1, 1)
    assert usual_gap(home, ID, 0) is None
    assert usual_gap(home, ID, 1) is None
