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
from app.tui.attention import GATHER_SECONDS, Attention, Call
from app.tui.backend import Backend, First, Pulse, Refresh
from app.tui.listing import Listing
from app.tui.screens.action_screen import ActionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.settings import Settings
from app.tui.terminal import leave_in_order_on_signals
from store.errors import StoreError
from store.row import SessionRow

FLUSH_SECONDS = 0.08
"""Changes of the store are gathered this long: at most 12 times a second."""
TICK_SECONDS = 1.0
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

    class StoreTrouble(Message):
        """The store could not be read; None when it can again."""

        def __init__(self, words: str | None) -> None:
            super().__init__()
            self.words = words

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
        super().__init__(ansi_color=True if no_colour else None)
        self.settings = settings or Settings()
        for one in themes.THEMES:
            self.register_theme(one)
        few = no_colour or self.console.color_system in (None, "standard")
        wanted = theme or themes.OUR_NAMES.get(self.settings.theme, self.settings.theme)
        if wanted not in self.available_themes:
            wanted = themes.DARK
        self.theme = themes.WITH_16_COLOURS.get(wanted, wanted) if few else wanted
        self.backend = backend
        self.listing = Listing(self.now)
        self.listing.saved_filters = self.settings.filters
        if query:
            self.listing.choose_query(query)
        asked = self.settings.ascii if ascii_only is None else ascii_only
        self.ascii_only = wants_ascii() if asked is None else asked
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
        self._attention = Attention()
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
        return self.store_problem or None

    @property
    def can_undo(self) -> bool:
        """Whether sessions were archived just now."""
        rows, until = self.archived
        return bool(rows) and time.monotonic() < until

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
        """The screens of ours, the one in front last."""
        return [screen for screen in self.screen_stack if isinstance(screen, ActionScreen)]

    @property
    def sessions_screen(self) -> SessionsScreen | None:
        return next((one for one in self.screen_stack if isinstance(one, SessionsScreen)), None)

    # -- life

    def on_mount(self) -> None:
        leave_in_order_on_signals(self)
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
            self.set_interval(TICK_SECONDS, self._tick)

    def on_unmount(self) -> None:
        self.backend.close()

    # -- the store

    def read_again(self) -> None:
        """Read the whole store, off the loop."""
        self.run_worker(self._load, thread=True, group="load", exclusive=True, exit_on_error=False)

    def _load(self) -> None:
        trouble = self.backend.problem()
        try:
            if trouble is None:
                self._load_all()
        except (StoreError, OSError) as error:
            trouble = str(error)
        if trouble is not None:
            self.post_message(self.StoreTrouble(trouble))
            return
        if self._live:
            self.backend.stop()
            try:
                self.backend.follow(self._heard)
            except (StoreError, OSError) as error:
                self.post_message(self.StoreTrouble(str(error)))

    def _load_all(self) -> None:
        if self.repository is None:
            self.repository = self.backend.repository_name()
        first = self.backend.first()
        if not self.listing.loaded and sum(first.counts.values()) > len(first.rows):
            self.post_message(self.Began(first))
        listing = Listing(self.now)
        listing.choices = self.listing.choices
        listing.replace_all(self.backend.load())
        self.post_message(self.Loaded(listing))

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
            self.action_screens()[-1].action_do("open_session")
        self.look_at_live()

    def on_prodigy_app_store_trouble(self, event: StoreTrouble) -> None:
        self.store_problem = "store not readable" if event.words else ""
        self.store_problem_words = event.words or ""
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
        except (StoreError, OSError) as error:
            self.post_message(self.StoreTrouble(str(error)))
        finally:
            self._refreshing = False

    def on_prodigy_app_refreshed(self, event: Refreshed) -> None:
        self.take(event.refresh.rows, event.refresh.removed)

    def take(self, rows: tuple[SessionRow, ...], removed: tuple[str, ...] = ()) -> None:
        """Take sessions as they are now, and show what changed."""
        home = self.sessions_screen
        if self.store_problem:
            self.store_problem = self.store_problem_words = ""
        if self._live and self._attention.look(self.listing.rows, rows):
            self.set_timer(GATHER_SECONDS, self._call_person)
        change = self.listing.apply(rows, removed, hold=home is not None and home.in_use)
        ids = frozenset((*(row.id for row in rows), *removed))
        for screen in self.action_screens():
            if isinstance(screen, SessionsScreen) and not change.reordered:
                screen.lines_changed(change.lines, ids)
            else:
                screen.sessions_changed(ids)

    def _call_person(self) -> None:
        """Tell once what began to need a person in the last seconds."""
        words = self._attention.take()
        if not words:
            return
        self.toast(f"{words}  ! goes there", "warn")
        if self.settings.call is Call.BELL:
            self.bell()
        elif self.settings.call is Call.NOTIFY and self._driver is not None:
            self._driver.write(f"\x1b]9;prodigy: {form.visible(words)}\x07")

    def _tell_all(self, changed: frozenset[str] | None) -> None:
        for screen in self.action_screens():
            screen.sessions_changed(changed)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Reading the store must not fail silently."""
        if event.state is WorkerState.ERROR:
            self.post_message(self.StoreTrouble(f"{event.worker.error}"))

    # -- the clock

    def _tick(self) -> None:
        self._seconds += 1
        self.look_at_live()
        if self._seconds % LOOK_EVERYWHERE_SECONDS == 0 and not self._refreshing:
            self._look_again(None)
        for screen in self.action_screens():
            screen.tick(full_minute=self._seconds % 60 == 0)

    def look_at_live(self) -> None:
        """Look again at the sessions at work: a killed owner changes no file."""
        ids = list(self.listing.live)
        if not ids or self._pulsing:
            return
        self._pulsing = True
        self.run_worker(lambda: self._look(ids), thread=True, group="pulse", exit_on_error=False)

    def _look(self, ids: list[str]) -> None:
        try:
            self.post_message(self.Pulsed(self.backend.pulse(ids)))
        except (StoreError, OSError) as error:
            self.post_message(self.StoreTrouble(str(error)))
        finally:
            self._pulsing = False

    def on_prodigy_app_pulsed(self, event: Pulsed) -> None:
        pulse = event.pulse
        self.listing.output_us = pulse.output_us
        self.listing.silent = pulse.silent
        changed = tuple(row for row in pulse.rows if self.listing.rows.get(row.id) != row)
        if changed or pulse.removed:
            self.take(changed, pulse.removed)
        home = self.sessions_screen
        if home is not None:
            home.live_looked_at()

    async def action_quit(self) -> None:
        screens = self.action_screens()
        if screens:
            screens[-1].action_do("quit")
        else:
            self.exit(0)
