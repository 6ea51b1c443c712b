"""A state home with a session in every state, written through the store's own functions."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from store import atomic, requests
from store.home import Home
from store.locks import RunLock
from store.owner import Owner, this_host, write_owner
from store.states import SessionStatus
from store.times import to_text
from tests.app.tui.run_history import ANA as ANA
from tests.app.tui.run_history import NOW as NOW
from tests.app.tui.run_history import History, seconds_of
from tests.app.tui.run_history import Run as Run
from tests.app.tui.run_history import Step as Step


class PreparedStore:
    """Writes runs into a home, and holds the locks of the live ones until closed."""

    def __init__(self, home: Home, projects: Path, now: datetime = NOW) -> None:
        self.home = home
        self.now = now
        self._projects = projects
        self._held = ExitStack()

    def close(self) -> None:
        self._held.close()

    def add(self, run: Run) -> str:
        """Write everything of a run: record, checkpoints, events, logs, owner, requests."""
        done = list(run.steps[: run.at])
        current = run.steps[run.at] if run.at < len(run.steps) else None
        active = sum(seconds_of(step) for step in done)
        active += run.pass_number * sum(seconds_of(step) for step in run.steps)
        if current is not None and run.status is not SessionStatus.COMPLETED:
            active += seconds_of(current)
        began = self.now - timedelta(seconds=run.ended + active)
        history = History(self.home, self._projects, self.now, run, began)
        for number in range(run.pass_number):
            history.complete_pass(number)
        for index, step in enumerate(done):
            history.finish(index, step)
        if current is not None:
            history.reach(run.at, current)
        history.end()
        self._own(run)
        return run.id

    def _own(self, run: Run) -> None:
        if run.owner is None:
            with RunLock.acquire(self.home, run.id):
                return
        host = this_host() if run.owner == "live" else "orion"
        owner = Owner(41822, host, run.command, 1, f"token{run.number}", to_text(self.now), "1.0.0")
        if run.owner == "live":
            self._held.enter_context(RunLock.acquire(self.home, run.id))
        else:
            with RunLock.acquire(self.home, run.id):
                pass
        write_owner(self.home, run.id, owner)
        for action in run.asked:
            with mock.patch.object(requests, "utc_now", lambda: self.now - timedelta(seconds=2)):
                requests.write_request(self.home, run.id, action, owner.token, ANA)

    def spoil(self, number: int) -> str:
        """A record that ends in its middle."""
        run_id = f"session-{number:08x}-7d0e-4b57-9e0a-5c1f2b8d6e40"
        atomic.make_directory(self.home.sessions)
        path = self.home.session_file(run_id)
        path.write_text('{"id": "session-', encoding="utf-8")
        stamp = (self.now - timedelta(hours=2)).timestamp()
        os.utime(path, (stamp, stamp))
        return run_id
