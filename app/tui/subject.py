"""What an action would act on: a session, marked ones, and on which screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
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
    archived: tuple[SessionRow, ...] = ()
    """Sessions archived so shortly ago that they can be brought back."""
    repository: str | None = None
    """The repository the dashboard was opened in."""
    prodigy: str = "prodigy"
    """How the program is typed in any terminal, so that it acts on the same home."""
    near: Callable[[str], Collection[str]] = lambda _run_id: ()
    """The ids a session's could be taken for: what is shown of one tells it from these."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What a screen knows of the command lines of its actions, by the names they have there."""

    def alone(self, row: SessionRow) -> Subject:
        """The same for one session of several."""
        return replace(self, row=row, marked=())

    @property
    def id(self) -> str:
        return self.id_of(self.row) if self.row is not None else "ID"

    def id_of(self, row: SessionRow) -> str:
        """An id as short as it is clear."""
        return short_id(row.id, self.near(row.id))


Reason = Callable[[Subject], "str | None"]
"""Says why an action is not possible, or None when it is."""
