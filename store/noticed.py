"""Whether the owner of a run has noticed what it was asked, as its timeline tells."""

from __future__ import annotations

from store.events import newest_events
from store.home import Home
from store.requests import Request
from store.rows import microseconds

_CLOCK_STEP_US = 60_000_000
"""How far the clock may have gone back between a request and its answer."""


def was_noticed(home: Home, run_id: str, request: Request) -> bool:
    """Whether its owner has noticed a request, which it may obey only later."""
    asked_us = microseconds(request.requested_at) or 0
    for event in newest_events(home, run_id):
        if event.type == "control_received" and (
            event.fields.get("action") == request.action
            and event.fields.get("requested_at") == request.requested_at
        ):
            return True
        if (microseconds(event.timestamp) or 0) < asked_us - _CLOCK_STEP_US:
            return False
    return False
