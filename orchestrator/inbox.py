"""The owner's side of requests: looks for them, passes them on, removes what was obeyed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from orchestrator.stops import Stop, Stops
from store import requests
from store.errors import StoreError
from store.events import EventLog
from store.home import Home
from store.requests import Request
from store.states import StopKind

LOOK_EVERY_SECONDS = 0.25

_STOPS = {
    "pause": StopKind.PAUSE,
    "pause_now": StopKind.PAUSE_NOW,
    "cancel": StopKind.CANCEL,
}


class Inbox:
    """Reads the requests to one owner while it is entered: four times a second, and when told."""

    def __init__(self, home: Home, run_id: str, token: str, stops: Stops, events: EventLog) -> None:
        self._home = home
        self._run_id = run_id
        self._token = token
        self._stops = stops
        self._events = events
        self._seen: set[tuple[str, str]] = set()
        self._looking = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="inbox", daemon=True)

    def __enter__(self) -> Inbox:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """Take note of what has been asked, and drop what is not for this owner."""
        with self._looking:
            for request in requests.pending(self._home, self._run_id):
                if request.problem is not None or request.to != self._token:
                    reason = request.problem or "addressed to another owner"
                    self._drop(request, reason)
                elif (request.action, request.requested_at) not in self._seen:
                    self._seen.add((request.action, request.requested_at))
                    self._receive(request)

    def _receive(self, request: Request) -> None:
        self._events.append(
            "control_received",
            action=request.action,
            requested_by=dict(request.by),
            requested_at=request.requested_at,
        )
        kind = _STOPS.get(request.action)
        if kind is None:
            self._drop(request, "nothing here runs in parallel")
            return
        by: dict[str, Any] = dict(request.by)
        self._stops.ask(Stop(kind, by))

    def _drop(self, request: Request, reason: str) -> None:
        self._events.append("control_dropped", action=request.action, reason=reason)
        self._discard(request)

    def obeyed(self, kinds: Callable[[StopKind], bool]) -> None:
        """Remove the requests that have been obeyed: those whose stop is of such a kind."""
        for request in requests.pending(self._home, self._run_id):
            kind = _STOPS.get(request.action)
            if kind is not None and request.to == self._token and kinds(kind):
                self._discard(request)

    def decline(self, reason: str, *, cancel_too: bool) -> None:
        """Drop what will not be obeyed any more, because the run has ended by itself.

        Args:
            reason: why, for the timeline.
            cancel_too: whether even a cancel comes too late; else whoever asked carries it out.
        """
        for request in requests.pending(self._home, self._run_id):
            if request.to == self._token and (cancel_too or request.action != "cancel"):
                self._drop(request, reason)

    def _discard(self, request: Request) -> None:
        try:
            requests.discard(request.path)
        except StoreError as error:
            self._events.append("store_warning", path=str(request.path), problem=str(error))
