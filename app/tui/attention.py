"""Telling once that a session began to need a person: one message for all of some seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from app import format as form
from app.status_style import word_of
from app.tui.notes import name_of
from store.row import SessionRow

GATHER_SECONDS = 5.0


class Call(StrEnum):
    """How a person is called when a session needs one."""

    BELL = "bell"
    NOTIFY = "notify"
    """A notification of the terminal (OSC 9)."""
    OFF = "off"


class Attention:
    """Gathers sessions that entered *Needs you*; each is told once for each time it does."""

    def __init__(self) -> None:
        self._new: dict[str, SessionRow] = {}

    def look(self, before: Mapping[str, SessionRow], now: Iterable[SessionRow]) -> bool:
        """Take note of changed sessions; says whether there is something to tell by now."""
        for row in now:
            old = before.get(row.id)
            if not row.state.needs_attention:
                self._new.pop(row.id, None)
            elif old is None or not old.state.needs_attention:
                self._new[row.id] = row
        return bool(self._new)

    def take(self) -> str:
        """The words for what was gathered, and begin anew: ``3 sessions failed``."""
        rows, self._new = list(self._new.values()), {}
        if not rows:
            return ""
        if len(rows) == 1:
            return f"{name_of(rows[0])}: {word_of(rows[0].state)}"
        words = Counter(word_of(row.state) for row in rows)
        if len(words) == 1:
            return f"{form.count(len(rows), 'session')} {next(iter(words))}"
        return ", ".join(f"{number} {word}" for word, number in words.most_common())
