"""The application: a shell that is painted first, and everything else loaded behind it."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from app.tui.arranging import Arranging, read_listing
from app.tui.attention import Attention
from app.tui.backend import Backend, First, Pulse, Refresh
from app.tui.board import Board
from app.tui.calling import unless_half_there
from app.tui.listing import Listing
from app.tui.pacing import Gathering, Unwatched
from app.tui.screens.action_screen import ActionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.settings import Settings, settings_problem
from app.tui.terminal import keep_in_order
from store.row import SessionRow

FLUSH_SECONDS = 0.08
"""Changes of the store are gathered this long: at most 12 times a second."""
TICK_SECONDS = 1.0
COUNT_SECONDS = 0.25
LOOK_EVERYWHERE_SECONDS = 120
"""Runs without a record change no file that is followed, so now and then everything is read."""


class ProdigyApp(Board):
    """The dashboard. It reads the store, and asks; it never writes a session itself."""

    TITLE = "prodigy"
    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: $background; color: $foreground; layers: default toast; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
        Binding("ctrl+q", "quit", show=False),
        Binding("ctrl+c", "tell_how_to_quit", show=False),
        Binding("ctrl+z", "suspend_process", show=False),
    ]

    class Began(Message):
        """The first sessions are there."""

        def __init__(self, first: First) -> None:
            super().__init__()
            self.first = first

    class Loaded(Message):
        """All sessions are there, put in order."""

        def __init__(self, listing: Listing) -> None:
            super().__init__()
            self.listing = listing

    class Heard(Message):
        """Files of sessions changed."""

    class Refreshed(Message):
        def __init__(self, refresh: Refresh) -> None:
            super().__init__()
            self.refresh = refresh

    class Pulsed(Message):
        def __init__(self, pulse: Pulse) -> None:
            super().__init__()
            self.pulse = pulse

    def __init__(
        self,
        backend: Backend,
        *,
        query: str = "",
        session: str | None = None,
        theme: str | None = None,
        ascii_only: bool | None = None,
        live: bool = True,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(backend, theme=theme, ascii_only=ascii_only, settings=settings)
        self.listing.arrange_later = Arranging(self).begin
        if query:
            self.listing.choose_query(query)
        self._attention = Attention(self, self.action_screens)
        self._live = live
        self._opens = session
        """The session to open once the list is there."""
        self._changed = Gathering()
        self._unwatched = Unwatched(self, self.show_changes)
        self._looked_at = 0.0
        self._refreshing = False
        self._pulsing = False
        self._seconds = 0

    # -- what screens and actions ask for

    def perform(self, screen: Screen[None], name: str, key: str) -> None:
        from app.tui import performing

        getattr(performing, name)(screen, key)

    def say(self, words: str, role: str = "fg") -> None:
        for screen in self.action_screens()[-1:]:
            screen.say(words, role)

    def view_changed(self) -> None:
        if self.sessions_screen is not None:
            self.sessions_screen.list_changed()

    def unmark(self, ids: Iterable[str]) -> None:
        for run_id in ids:
            self.listing.marked.pop(run_id, None)
        self._tell_all(frozenset())

    def toast(self, words: str, role: str = "fg") -> None:
        screens = self.action_screens()
        if screens and words:
            screens[-1].toast(words, role)

    def ink_changed(self) -> None:
        for screen in self.action_screens():
            screen.ink_changed()

    def action_screens(self) -> list[ActionScreen]:
        """The screens of ours, the one in front last; none any more while it is being left."""
        if not self.is_running:
            return []
        return [screen for screen in self.screen_stack if isinstance(screen, ActionScreen)]

    @property
    def sessions_screen(self) -> SessionsScreen | None:
        screens = self.action_screens()
        return next((one for one in screens if isinstance(one, SessionsScreen)), None)

    # -- life

    def on_mount(self) -> None:
        keep_in_order(self)
        self.push_screen(SessionsScreen())
        self.call_after_refresh(self._begin)

    def on_resize(self, event: Resize) -> None:
        """Say so when there is no room for anything else."""
        from app.tui.screens.too_small import TooSmallScreen, is_too_small

        covered = isinstance(self.screen, TooSmallScreen)
        too_small = is_too_small(*event.size)
        if too_small and not covered:
            self.push_screen(TooSmallScreen())
        elif covered and not too_small:
            self.pop_screen()

    def _begin(self) -> None:
        gc.freeze()
        gc.enable()
        self.read_again()
        if self._live:
            self.run_worker(self._check_settings, thread=True, group="settings")
            self.set_interval(TICK_SECONDS, self._tick)
        self._counting = self.set_interval(COUNT_SECONDS, self._count)

    def _count(self) -> None:
        """Say how much was read, as long as there is nothing else to show."""
        if self.listing.loaded:
            self._counting.stop()
        elif (number := self.backend.records_read) and self.sessions_screen is not None:
            noun = "session" if number == 1 else "sessions"
            self.reading = f"{number:,} {noun}".replace(",", " ")
            self.sessions_screen.show_reading()

    def _check_settings(self) -> None:
        """Say what of the configuration is not followed; off the loop, and after the first look."""
        if problem := settings_problem(self.backend.home, os.environ):
            self.call_from_thread(self.toast, problem, "error")

    def on_unmount(self) -> None:
        self.backend.close()

    # -- the store

    def read_again(self) -> None:
        """Read the whole store, off the loop."""
        self.run_worker(self._load, thread=True, group="load", exclusive=True, exit_on_error=False)

    def _load(self) -> None:
        if self.repository is None:
            self.repository = self.backend.repository_name()
        first = self.backend.first()
        if not self.listing.loaded and sum(first.counts.values()) > len(first.rows):
            self.post_message(self.Began(first))
        self.post_message(self.Loaded(read_listing(self)))
        if self._live:
            self.backend.stop()
            self.backend.follow(self._heard)
            # Of what changed after it was read and before it was followed nobody tells.
            self.post_message(self.Refreshed(self.backend.refresh()))

    def on_prodigy_app_began(self, event: Began) -> None:
        self.store_problem = self.store_problem_words = ""
        self.listing.replace_all(event.first.rows, event.first.counts)
        self._tell_all(None)

    def on_prodigy_app_loaded(self, event: Loaded) -> None:
        self.store_problem = self.store_problem_words = ""
        self.listing.adopt(event.listing)
        opens, self._opens = self._opens, None
        if opens is not None and opens in self.listing.rows:
            self.listing.selected = opens
        self._tell_all(None)
        if opens is not None and opens in self.listing.rows:
            for screen in self.action_screens()[-1:]:
                screen.action_do("open_session")
        self.look_at_live()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A look at the store that failed is said until one succeeds; what was seen stays."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self._say_trouble(*self.backend.trouble(error))

    def _say_trouble(self, problem: str = "", words: str = "") -> None:
        if (problem, words) != (self.store_problem, self.store_problem_words):
            self.store_problem, self.store_problem_words = problem, words
            self._tell_all(None)

    def _heard(self, ids: set[str]) -> None:
        """Files of these sessions changed; called by the thread that follows the home."""
        if self._changed.add(ids):
            self.post_message(self.Heard())

    def on_prodigy_app_heard(self, _event: Heard) -> None:
        """Look at once, or as soon as the last look is long enough ago."""
        wait = self._looked_at + FLUSH_SECONDS - time.monotonic()
        if wait > 0 or self._refreshing:
            self.set_timer(max(0.01, wait), lambda: self.post_message(self.Heard()))
            return
        if ids := self._changed.take():
            self._look_again(ids)

    def _look_again(self, ids: set[str] | None) -> None:
        """Look again at some sessions, or at the whole home, off the loop."""
        self._refreshing = True
        self._looked_at = time.monotonic()
        self.run_worker(
            lambda: self._refresh(ids), thread=True, group="refresh", exit_on_error=False
        )

    def _refresh(self, ids: set[str] | None) -> None:
        try:
            self.post_message(self.Refreshed(self.backend.refresh(ids)))
        finally:
            self._refreshing = False

    def on_prodigy_app_refreshed(self, event: Refreshed) -> None:
        self.take(event.refresh.rows, event.refresh.removed)

    def take(self, rows: tuple[SessionRow, ...], removed: tuple[str, ...] = ()) -> None:
        self.show_changes(self._unwatched.sift(rows, removed), removed)

    def show_changes(self, rows: tuple[SessionRow, ...], removed: tuple[str, ...] = ()) -> None:
        """The same at once, whether anybody looks or not."""
        home = self.sessions_screen
        self._say_trouble()
        if self._live:
            self._attention.look(self.listing.rows, rows)
        change = self.listing.apply(rows, removed, hold=home is not None and home.in_use)
        ids = frozenset((*(row.id for row in rows), *removed))
        self._tell_all(ids, None if change.reordered else change.lines)

    def _tell_all(self, ids: frozenset[str] | None, lines: tuple[int, ...] | None = None) -> None:
        for screen in self.action_screens():
            if screen is not self.screen:
                screen.missed_changes = True
                continue
            with unless_half_there():
                if lines is not None and isinstance(screen, SessionsScreen):
                    screen.lines_changed(lines, ids or frozenset())
                else:
                    screen.sessions_changed(ids)

    # -- the clock

    def _tick(self) -> None:
        self._seconds += 1
        self.look_at_live()
        if self.store_problem and not any(one.group == "load" for one in self.workers):
            self.read_again()
        if self._seconds % LOOK_EVERYWHERE_SECONDS == 0 and not self._refreshing:
            self._look_again(None)
        if isinstance(self.screen, ActionScreen):
            with unless_half_there():
                self.screen.tick(full_minute=self._seconds % 60 == 0)

    def look_at_live(self) -> None:
        """Look again at the sessions at work: a killed owner changes no file."""
        ids = list(self.listing.live)
        if not ids:
            return
        if self._pulsing:  # by a slow disk; times go on
            self._show_live()
            return
        self._pulsing = True
        self.run_worker(lambda: self._look(ids), thread=True, group="pulse", exit_on_error=False)

    def _look(self, ids: list[str]) -> None:
        try:
            self.post_message(self.Pulsed(self.backend.pulse(ids)))
        finally:
            self._pulsing = False

    def on_prodigy_app_pulsed(self, event: Pulsed) -> None:
        pulse = event.pulse
        self.listing.output_us = pulse.output_us
        self.listing.silent = pulse.silent
        changed = tuple(row for row in pulse.rows if self.listing.rows.get(row.id) != row)
        if changed or pulse.removed:
            self.take(changed, pulse.removed)
        self._show_live()

    def _show_live(self) -> None:
        if isinstance(self.screen, SessionsScreen):
            with unless_half_there():
                self.screen.live_looked_at()

    def action_tell_how_to_quit(self) -> None:
        self.say("q quits the dashboard; runs go on.")

    async def action_quit(self) -> None:
        screens = self.action_screens()
        if screens:
            screens[-1].action_do("quit")
        else:
            self.exit(0)
