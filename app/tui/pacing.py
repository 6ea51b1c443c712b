"""How often what changed is looked at and shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from app.tui.board import Board
from store.row import SessionRow

UNWATCHED_SECONDS = 0.5
"""While the terminal has not the focus, all but changes of state is shown this often."""


class Gathering:
    """Ids of sessions whose files changed, from any thread, until they are looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: set[str] = set()

    def add(self, ids: set[str]) -> bool:
        """Add some; says whether they are the first, so that nobody knows of them yet."""
        with self._lock:
            is_first = not self._ids
            self._ids |= ids
        return is_first

    def take(self) -> set[str]:
        """All of them, once."""
        with self._lock:
            ids, self._ids = self._ids, set()
        return ids


class Unwatched:
    """Sessions that wait to be shown, as nobody seems to look at the terminal."""

    def __init__(self, board: Board, show: Callable[[tuple[SessionRow, ...]], None]) -> None:
        self._board, self._show_rows = board, show
        self._rows: dict[str, SessionRow] = {}
        self._is_timed = False

    def sift(self, rows: tuple[SessionRow, ...], removed: Iterable[str]) -> tuple[SessionRow, ...]:
        """Keep back what is no change of state; returns what is shown at once."""
        known, watched = self._board.listing.rows, self._board.app_focus
        at_once = []
        for run_id in removed:
            self._rows.pop(run_id, None)
        for row in rows:
            before = known.get(row.id)
            if watched or before is None or before.state is not row.state:
                self._rows.pop(row.id, None)
                at_once.append(row)
            else:
                self._rows[row.id] = row
        if self._rows and not self._is_timed:
            self._is_timed = True
            self._board.set_timer(UNWATCHED_SECONDS, self._show)
        return tuple(at_once)

    def _show(self) -> None:
        self._is_timed = False
        waiting, self._rows = self._rows, {}
        self._show_rows(tuple(waiting.values()))
