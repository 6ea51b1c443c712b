"""What an action would act on: a session, marked ones, and on which screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from app.format import short_id
from store.row import SessionRow


class Where(StrEnum):
    """The screens an action is for."""

    SESSIONS = "the session list"
    SESSION = "a session"
    NEW_RUN = "a new run"
    TRENDS = "the trends"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action would act on.

    ``blocked`` is why nothing may be written now (read-only, home gone); None when it may.
    """

    row: SessionRow | None
    where: Where = Where.SESSIONS
    blocked: str | None = None
    has_failure: bool | None = None
    """Whether anything ever failed, where that is known."""
    marked: tuple[SessionRow, ...] = ()
    """Marked sessions: what can be done to several is done to these instead."""
    can_undo: bool = False
    """Whether sessions were archived so shortly ago that they can be brought back."""
    repository: str | None = None
    """The repository the dashboard was opened in."""

    def alone(self, row: SessionRow) -> Subject:
        """The same for one session of several."""
        return replace(self, row=row, marked=())

    @property
    def id(self) -> str:
        return short_id(self.row.id) if self.row is not None else "ID"


Reason = Callable[[Subject], "str | None"]
"""Says why an action is not possible, or None when it is."""
