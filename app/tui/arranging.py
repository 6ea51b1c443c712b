"""Very many sessions are read and put in order in threads, so that no key waits for them."""

from __future__ import annotations

import gc

from app.tui.board import Board
from app.tui.listing import Listing

REST_SECONDS = 0.03


def read_listing(board: Board) -> Listing:
    """All sessions, in the order that is chosen. It blocks."""
    listing = Listing(board.now)
    listing.choices = board.listing.choices
    listing.replace_all(board.backend.load())
    gc.freeze()  # they stay, and to look at each again and again would stop everything else
    return listing


class Arranging:
    """Puts the list in order as was chosen last; what is shown stays until that is done."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._is_busy = False

    def begin(self) -> None:
        """Arrange a copy of the list, one at a time, once what was typed is on the screen."""
        if not self._is_busy:
            self._is_busy = True
            self._board.set_timer(REST_SECONDS, self._begin)

    def _begin(self) -> None:
        copy = self._board.listing.copy()
        self._board.run_worker(
            lambda: self._arrange(copy), thread=True, group="arrange", exit_on_error=False
        )

    def _arrange(self, copy: Listing) -> None:
        try:
            copy.arrange()
        finally:
            self._board.call_later(self._take, copy)

    def _take(self, copy: Listing) -> None:
        self._is_busy = False
        listing = self._board.listing
        if copy.choices is not listing.choices:  # somebody typed on
            self.begin()
            return
        listing.take_view(copy)
        self._board.view_changed()
