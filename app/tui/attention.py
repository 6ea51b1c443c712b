"""Calling a person once for sessions that began to need one: all of some seconds together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from app import format as form
from app.status_style import word_of
from app.tui.actions import action
from app.tui.board import Board
from app.tui.notes import name_of
from app.tui.screens.action_screen import ActionScreen
from app.tui.settings import Call
from store.row import SessionRow

GATHER_SECONDS = 5.0


class Attention:
    """Gathers sessions that entered *Needs you*, and calls once for each time one does."""

    def __init__(self, board: Board, screens: Callable[[], list[ActionScreen]]) -> None:
        self._board = board
        self._screens = screens
        self._new: dict[str, SessionRow] = {}
        self._gathers = False

    def look(self, before: Mapping[str, SessionRow], now: Iterable[SessionRow]) -> None:
        """Take note of changed sessions, given as they were and as they are."""
        for row in now:
            old = before.get(row.id)
            if not row.state.needs_attention:
                self._new.pop(row.id, None)
            elif old is None or not old.state.needs_attention:
                self._new[row.id] = row
        if self._new and not self._gathers:
            self._gathers = True
            self._board.set_timer(GATHER_SECONDS, self._call)

    def _call(self) -> None:
        """The bell is about all of them; the words are about those that are not to be seen."""
        rows, self._new = list(self._new.values()), {}
        self._gathers = False
        board = self._board
        screens = self._screens()
        if not rows or not screens:
            return
        if board.settings.call is Call.BELL:
            board.bell()
        elif board.settings.call is Call.NOTIFY:
            board.notify_terminal(words_for(rows))
        front = screens[-1]
        hidden = [row for row in rows if not (front is board.screen and front.has_in_view(row.id))]
        if hidden:
            leads = front.where in action("next_attention").where
            board.toast(f"{words_for(hidden)}{'  ! goes there' if leads else ''}", "warn")


def words_for(rows: Sequence[SessionRow]) -> str:
    """What became of sessions: ``3 sessions failed``."""
    if len(rows) == 1:
        return f"{name_of(rows[0])}: {word_of(rows[0].state)}"
    words = Counter(word_of(row.state) for row in rows)
    if len(words) == 1:
        return f"{form.count(len(rows), 'session')} {next(iter(words))}"
    return ", ".join(f"{number} {word}" for word, number in words.most_common())
