"""How often a step usually says something, as its timeline tells."""

from __future__ import annotations

from itertools import islice
from statistics import median

from store.events import newest_events
from store.home import Home
from store.rows import microseconds

_LOOKED_AT = 2_000
_FEWEST_GAPS = 3
"""Below this nothing is usual."""


def usual_gap(home: Home, run_id: str, step_index: int) -> float | None:
    """Seconds between two outputs of the step's present run, the median; None when not known."""
    moments: list[int] = []
    for event in islice(newest_events(home, run_id), _LOOKED_AT):
        if event.fields.get("step_index") != step_index:
            continue
        if event.type == "step_started":
            break
        moment = microseconds(event.timestamp) if event.type == "step_output_ref" else None
        if moment is not None:
            moments.append(moment)
    gaps = [later - earlier for later, earlier in zip(moments, moments[1:], strict=False)]
    gaps = [gap for gap in gaps if gap >= 0]  # the clock may have gone back
    return median(gaps) / 1e6 if len(gaps) >= _FEWEST_GAPS else None
