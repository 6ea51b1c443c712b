"""The application: a shell that is painted first, and everything else loaded behind it."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.message import Message
from textual.worker import Worker, WorkerState

from app import format as form
from app.status_style import wants_ascii
from app.tui import theme as themes
from app.tui.attention import Attention
from app.tui.backend import Backend, First, Pulse, Refresh
from app.tui.driver import driver_class
from app.tui.listing import Listing
from app.tui.screens.action_screen import ActionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.settings import Settings, settings_problem
from app.tui.terminal import keep_in_order, through_multiplexer
from store.row import SessionRow

FLUSH_SECONDS = 0.08
"""Changes of the store are gathered this long: at most 12 times a second."""
TICK_SECONDS = 1.0
COUNT_SECONDS = 0.25
LOOK_EVERYWHERE_SECONDS = 120
"""Runs without a record change no file that is followed, so now and then everything is read."""


class ProdigyApp(App[int]):
    """The dashboard. It reads the store, and asks; it never writes a session itself."""

    TITLE = "prodigy"
    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: $background; color: $foreground; layers: default toast; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
        Binding("ctrl+q", "quit", show=False),
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
        no_colour = themes.wants_no_colour()
        # Textual removes colour for good only in an app that is made with ANSI colours.
        super().__init__(driver_class(), ansi_color=True if no_colour else None)
        self.settings = settings or Settings()
        for one in themes.THEMES:
            self.register_theme(one)
        few = no_colour or self.console.color_system in (None, "standard")
        wanted = theme or themes.find_theme(self.settings.theme) or themes.DARK
        self.theme = themes.WITH_16_COLOURS.get(wanted, wanted) if few else wanted
        self.backend = backend
        self.listing = Listing(self.now)
        self.listing.saved_filters = self.settings.filters
        if query:
            self.listing.choose_query(query)
        asked = self.settings.ascii if ascii_only is None else ascii_only
        self.ascii_only = wants_ascii() if asked is None else asked
        self.set_class(self.ascii_only, "-ascii")
        self.store_problem = ""
        self.store_problem_words = ""
        self.reading = ""
        self.started_here: set[str] = set()
        """Runs started from here that still go on."""
        self.drafts: dict[str, dict[str, str]] = {}
        """What was typed for workflows that were not started yet, by path."""
        self.archived: tuple[tuple[SessionRow, ...], float] = ((), 0.0)
        """What was archived last, and until when it can be brought back."""
        self.archive_asked: tuple[str, float] | None = None
        """The unmerged session that a second ``D`` archives, and until when."""
        self.repository: str | None = None
        """The repository the dashboard was opened in; known a moment after it is shown."""
        self.editor_environment: dict[str, str] = dict(os.environ)
        self._attention = Attention(self)
        self._ink: themes.Ink | None = None
        self._live = live
        self._opens = session
        """The session to open once the list is there."""
        self._hearing = threading.Lock()
        self._changed: set[str] = set()
        self._looked_at = 0.0
        self._refreshing = False
        self._pulsing = False
        self._seconds = 0

    # -- what widgets need

    @property
    def ink(self) -> themes.Ink:
        if self._ink is None:
            self._ink = themes.Ink.of(self)
        return self._ink

    def now(self) -> datetime:
        return self.backend.clock()

    def now_us(self) -> int:
        return int(self.now().timestamp() * 1_000_000)

    @property
    def blocked(self) -> str | None:
        """Why nothing can be written now."""
        if self.backend.read_only:
            return "this dashboard is read-only"
        if self.store_problem:
            return self.store_problem
        return None if self.backend.is_writable else f"{self.backend.home_words} cannot be written"

    @property
    def archived_now(self) -> tuple[SessionRow, ...]:
        """What was archived so shortly ago that it can be brought back."""
        rows, until = self.archived
        return rows if time.monotonic() < until else ()

    def unmark(self, ids: Iterable[str]) -> None:
        """Take the marks of sessions away: what was asked of them is done."""
        for run_id in ids:
            self.listing.marked.pop(run_id, None)
        self._tell_all(frozenset())

    def toast(self, words: str, role: str = "fg") -> None:
        """Say something on the screen in front."""
        screens = self.action_screens()
        if screens and words:
            screens[-1].toast(words, role)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variables_for(self.current_theme)

    def watch_theme(self, _name: str) -> None:
        self._ink = None
        if self.is_running:
            self.call_after_refresh(self._ink_changed)

    def _ink_changed(self) -> None:
        self._ink = None
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
        listing = Listing(self.now)
        listing.choices = self.listing.choices
        listing.replace_all(self.backend.load())
        self.post_message(self.Loaded(listing))
        if self._live:
            self.backend.stop()
            self.backend.follow(self._heard)

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
        with self._hearing:
            first = not self._changed
            self._changed |= ids
        if first:
            self.post_message(self.Heard())

    def on_prodigy_app_heard(self, _event: Heard) -> None:
        """Look at once, or as soon as the last look is long enough ago."""
        wait = self._looked_at + FLUSH_SECONDS - time.monotonic()
        if wait > 0 or self._refreshing:
            self.set_timer(max(0.01, wait), lambda: self.post_message(self.Heard()))
            return
        with self._hearing:
            ids, self._changed = self._changed, set()
        if ids:
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
        """Take sessions as they are now, and show what changed."""
        home = self.sessions_screen
        self._say_trouble()
        if self._live:
            self._attention.look(self.listing.rows, rows)
        change = self.listing.apply(rows, removed, hold=home is not None and home.in_use)
        ids = frozenset((*(row.id for row in rows), *removed))
        self._tell_all(ids, None if change.reordered else change.lines)

    def notify_terminal(self, words: str) -> None:
        """Have the terminal tell something, wherever the person looks (OSC 9)."""
        if self._driver is not None:
            sequence = f"\x1b]9;prodigy: {form.visible(words)}\x07"
            self._driver.write(through_multiplexer(sequence, os.environ))

    def _tell_all(
        self, changed: frozenset[str] | None, lines: tuple[int, ...] | None = None
    ) -> None:
        for screen in self.action_screens():
            if screen is not self.screen:
                screen.missed_changes = True
            elif lines is not None and isinstance(screen, SessionsScreen):
                screen.lines_changed(lines, changed or frozenset())
            else:
                screen.sessions_changed(changed)

    # -- the clock

    def _tick(self) -> None:
        self._seconds += 1
        self.look_at_live()
        if self.store_problem and not any(one.group == "load" for one in self.workers):
            self.read_again()
        if self._seconds % LOOK_EVERYWHERE_SECONDS == 0 and not self._refreshing:
            self._look_again(None)
        if isinstance(self.screen, ActionScreen):
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
            self.screen.live_looked_at()

    async def action_quit(self) -> None:
        screens = self.action_screens()
        if screens:
            screens[-1].action_do("quit")
        else:
            self.exit(0)
