"""The list of sessions as a value: which are shown, in which order, and what changed of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.status_style import Chip, chip_of
from app.tui.query import Query, parse
from store.row import SessionRow

HOLD_US = 3_000_000
"""A row that changes state keeps its place this long after the list was last used."""


class Sort(StrEnum):
    """Orders of the list; the value is what the screen calls them."""

    ATTENTION = "attention first"
    RECENT = "newest change"
    STARTED = "newest start"
    WORKFLOW = "workflow"
    REPOSITORY = "repository"


def _attention(row: SessionRow) -> tuple[object, ...]:
    return (row.state.order, -(row.state_since_us or row.updated_us), row.id)


_KEYS: Mapping[Sort, Callable[[SessionRow], tuple[object, ...]]] = {
    Sort.ATTENTION: _attention,
    Sort.RECENT: lambda row: (-(row.state_since_us or row.updated_us), row.id),
    Sort.STARTED: lambda row: (-row.started_us, row.id),
    Sort.WORKFLOW: lambda row: (row.workflow.casefold(), *_attention(row)),
    Sort.REPOSITORY: lambda row: (row.repo.casefold(), *_attention(row)),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to the list: lines to draw again, or all of it when it was reordered."""

    reordered: bool
    lines: tuple[int, ...] = ()


class Listing:
    """All sessions, and the view of them that is shown.

    ``rows`` holds every session by id; ``view`` the ids shown, in order. The cursor is an id, so it
    stays on its session whatever happens to the order.
    """

    def __init__(self) -> None:
        self.rows: dict[str, SessionRow] = {}
        self.view: list[str] = []
        self.chip: Chip | None = None
        self.query = Query()
        self.sort = Sort.ATTENTION
        self.selected: str | None = None
        self.loaded = False
        """Whether the store has been read once."""
        self.output_us: dict[str, int] = {}
        """When the log of a live session's step last grew, microseconds since the epoch."""
        self.silent: dict[str, str] = {}
        """What is known about owners that do not answer."""
        self._place: dict[str, int] = {}
        self._chips: dict[str, Chip] = {}
        self._counts: Counter[Chip] = Counter()
        self._stale_order = False
        self.one_repository = False
        """Whether all sessions are of the same repository."""

    # -- looking

    def __len__(self) -> int:
        return len(self.view)

    def at(self, y: int) -> SessionRow | None:
        """The session on a line."""
        return self.rows.get(self.view[y]) if 0 <= y < len(self.view) else None

    def line_of(self, run_id: str | None) -> int | None:
        """The line of a session, if it is shown."""
        return self._place.get(run_id) if run_id is not None else None

    @property
    def current(self) -> SessionRow | None:
        """The session the cursor is on."""
        if self.selected is None or self.selected not in self._place:
            return None
        return self.rows.get(self.selected)

    def count(self, chip: Chip | None) -> int:
        """How many sessions a chip counts; None is all of them."""
        return len(self.rows) if chip is None else self._counts[chip]

    def matching(self, query: Query) -> int:
        """How many sessions of the chip another question would find."""
        return sum(1 for row in self.rows.values() if self._in_chip(row) and query.matches(row))

    # -- changing what is shown

    def choose_chip(self, chip: Chip | None) -> None:
        self.chip = chip
        self.arrange()

    def choose_query(self, text: str) -> None:
        self.query = parse(text)
        self.arrange()

    def choose_sort(self, sort: Sort) -> None:
        self.sort = sort
        self.arrange()

    def replace_all(self, rows: Iterable[SessionRow]) -> None:
        """Take these as all there are."""
        self.rows = {row.id: row for row in rows}
        self._chips = {run_id: chip_of(row.state) for run_id, row in self.rows.items()}
        self._counts = Counter(self._chips.values())
        self.loaded = True
        self.arrange()

    def apply(
        self, changed: Iterable[SessionRow], removed: Iterable[str] = (), *, hold: bool = False
    ) -> Change:
        """Take changed and removed sessions.

        Args:
            changed: sessions as they are now.
            removed: ids that are gone.
            hold: leave every row where it is for now (the list is in use); :meth:`settle` orders
                them later.
        """
        lines: list[int] = []
        reordered = False
        key = _KEYS[self.sort]
        for run_id in removed:
            if self.rows.pop(run_id, None) is not None:
                self._counts[self._chips.pop(run_id)] -= 1
                reordered = True
        moved = False
        for row in changed:
            before = self.rows.get(row.id)
            if before == row:
                continue
            self.rows[row.id] = row
            chip = chip_of(row.state)
            if before is None or self._chips[row.id] is not chip:
                if before is not None:
                    self._counts[self._chips[row.id]] -= 1
                self._chips[row.id] = chip
                self._counts[chip] += 1
            place = self._place.get(row.id)
            shown = self._shows(row)
            if before is None:
                moved = reordered = reordered or shown
            elif (place is not None) != shown or (shown and key(before) != key(row)):
                moved = True
                if place is not None:
                    lines.append(place)
            elif place is not None:
                lines.append(place)
        if reordered or (moved and not hold):
            self.arrange()
            return Change(True)
        self._stale_order = self._stale_order or moved
        return Change(False, tuple(lines))

    def settle(self) -> bool:
        """Put rows that were held where they belong; says whether anything moved."""
        if not self._stale_order:
            return False
        self.arrange()
        return True

    def arrange(self) -> None:
        """Choose and order the shown sessions anew; the cursor stays on its session."""
        before = self.line_of(self.selected)
        query = self.query
        self.one_repository = len({row.repo for row in self.rows.values()}) == 1
        if self.chip is None and not query:
            shown = list(self.rows.values())
        else:
            shown = [row for row in self.rows.values() if self._shows(row)]
        shown.sort(key=_KEYS[self.sort])
        self.view = [row.id for row in shown]
        self._place = {run_id: y for y, run_id in enumerate(self.view)}
        self._stale_order = False
        if self.selected not in self._place:
            nearest = min(before or 0, len(self.view) - 1)
            self.selected = self.view[nearest] if self.view else None

    def _in_chip(self, row: SessionRow) -> bool:
        return self.chip is None or chip_of(row.state) is self.chip

    def _shows(self, row: SessionRow) -> bool:
        return self._in_chip(row) and (not self.query or self.query.matches(row))
