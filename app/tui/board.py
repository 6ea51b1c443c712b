"""The app as screens, widgets and actions know it: what they share, and what they may ask of it.

Nothing here knows a screen. ``app/tui/app.py`` makes the app itself, of this and of all screens.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from textual.message_pump import MessagePump
from textual.screen import Screen

from app import format as form
from app.status_style import wants_ascii
from app.tui import theme as themes
from app.tui.backend import Backend
from app.tui.driver import driver_class
from app.tui.editing import CONFIGURED
from app.tui.keyboard import KeysInOrder
from app.tui.listing import Listing
from app.tui.settings import Settings
from app.tui.terminal import through_multiplexer
from store.row import SessionRow


class Board(KeysInOrder):
    """What is shown, how it is drawn, and what was begun here."""

    def __init__(
        self,
        backend: Backend,
        *,
        theme: str | None = None,
        ascii_only: bool | None = None,
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
        asked = self.settings.ascii if ascii_only is None else ascii_only
        self.ascii_only = wants_ascii() if asked is None else asked
        self.set_class(self.ascii_only, "-ascii")
        self.backend = backend
        self.listing = Listing(self.now)
        self.listing.saved_filters = self.settings.filters
        self.store_problem = ""
        self.store_problem_words = ""
        self.reading = ""
        """What is being read, as long as there is nothing else to show."""
        self.started_here: set[str] = set()
        """Runs started from here that still go on."""
        self.drafts: dict[str, dict[str, str]] = {}
        """What was typed for workflows that were not started yet, by path."""
        self.archived: tuple[tuple[SessionRow, ...], float] = ((), 0.0)
        """What was archived last, and until when it can be brought back."""
        self.archive_asked: tuple[str, float] | None = None
        """The unmerged session that a second ``D`` archives, and until when."""
        self.zoomed: dict[str, int] = {}
        """Which pane of a screen or tab is alone, by the name of that."""
        self.repository: str | None = None
        """The repository the dashboard was opened in; known a moment after it is shown."""
        configured = {CONFIGURED: self.settings.editor} if self.settings.editor else {}
        self.editor_environment: dict[str, str] = {**os.environ, **configured}
        self._ink: themes.Ink | None = None

    # -- how things are drawn

    @property
    def ink(self) -> themes.Ink:
        """The colours now."""
        if self._ink is None:
            self._ink = themes.Ink.of(self)
        return self._ink

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variables_for(self.current_theme)

    def watch_theme(self, _name: str) -> None:
        self._ink = None
        if self.is_running:
            self.call_after_refresh(self._colours_changed)

    def _colours_changed(self) -> None:
        self._ink = None
        self.ink_changed()

    def now(self) -> datetime:
        """The present."""
        return self.backend.clock()

    def now_us(self) -> int:
        """The present, microseconds since the epoch."""
        return int(self.now().timestamp() * 1_000_000)

    # -- what may be done

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

    def notify_terminal(self, words: str) -> None:
        """Have the terminal tell something, wherever the person looks (OSC 9)."""
        sequence = f"\x1b]9;prodigy: {form.visible(words)}\x07"
        self.write_to_terminal(through_multiplexer(sequence, os.environ))

    def write_to_terminal(self, sequence: str) -> None:
        """Send the terminal something that draws nothing."""
        if self._driver is not None:
            self._driver.write(sequence)

    # -- what the app does for them

    def perform(self, screen: Screen[None], name: str, key: str) -> None:
        """Do an action of the table on a screen."""
        raise NotImplementedError

    def say(self, words: str, role: str = "fg") -> None:
        """Say something in the footer of the screen in front."""
        raise NotImplementedError

    def toast(self, words: str, role: str = "fg") -> None:
        """Say something above the footer of the screen in front."""
        raise NotImplementedError

    def take(self, rows: tuple[SessionRow, ...], removed: tuple[str, ...] = ()) -> None:
        """Take sessions as they are now, and show what changed."""
        raise NotImplementedError

    def unmark(self, ids: Iterable[str]) -> None:
        """Take the marks of sessions away: what was asked of them is done."""
        raise NotImplementedError

    def view_changed(self) -> None:
        """Show the list anew: its order, filter or grouping is another."""
        raise NotImplementedError

    def ink_changed(self) -> None:
        """Paint everything anew: the colours are others."""
        raise NotImplementedError

    def read_again(self) -> None:
        """Read the whole store again."""
        raise NotImplementedError


def board_of(node: MessagePump) -> Board:
    """The app of a screen or widget, as what it is."""
    return cast(Board, node.app)
