"""The list of sessions as a value: which are shown, in which order, and what changed of it.

Everything a change of one session costs grows with the logarithm of their number, but for moving
parts of two arrays; only another filter, order or grouping looks at all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from app.status_style import Chip, chip_of
from app.tui.near_ids import NearIds
from app.tui.ordered_view import HEADING, OrderedView
from app.tui.ordering import Grouping, Key, Sort, sort_key
from app.tui.query import Query, parse, search_text
from store.row import SessionRow
from store.times import utc_now

__all__ = ["HOLD_US", "Change", "Grouping", "Heading", "Listing", "Sort"]

MANY = 20_000
"""More sessions than this take longer to put in order than a key may."""
HOLD_US = 3_000_000
"""A row that changes state keeps its place this long after the list was last used."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to the list: lines to draw again, or all of it when it was reordered."""

    reordered: bool
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a group: its name, how many sessions it has, and how many need a person."""

    name: str
    count: int
    attention: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What of all sessions is shown, and how."""

    chip: Chip | None = None
    query: Query = field(default_factory=Query)
    repository: str | None = None
    """Only sessions of this one."""
    sort: Sort = Sort.ATTENTION
    backwards: bool = False
    grouping: Grouping = Grouping.NONE


class Listing:
    """All sessions, and the view of them that is shown.

    ``rows`` holds every session by id; ``view`` the ids shown, in order. The cursor is an id, so it
    stays on its session whatever happens to the order.
    """

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.rows: dict[str, SessionRow] = {}
        self.choices = Choices()
        self.selected: str | None = None
        self.loaded = False
        """Whether there is something to show."""
        self.expected: Mapping[Chip, int] | None = None
        """While only the first sessions are there: how many of each group there will be."""
        self.output_us: dict[str, int] = {}
        """When the log of a live session's step last grew, microseconds since the epoch."""
        self.silent: dict[str, str] = {}
        """What is known about owners that do not answer."""
        self.marked: dict[str, None] = {}
        """The ids of marked sessions, in the order they were marked."""
        self.live: set[str] = set()
        """The ids of sessions with an owner at work."""
        self.unseen: set[str] = set()
        """The ids of sessions that are new and that nobody has seen yet."""
        self.ids = NearIds()
        self.saved_filters: Mapping[str, str] = {}
        """Questions by name."""
        self.arrange_later: Callable[[], None] | None = None
        """Sees to it that many sessions are put in order off the loop, by a :meth:`copy`."""
        self._now = now
        self._view = OrderedView()
        self._arranged = self.choices
        """What was chosen when the view was made."""
        self._version = 0
        self._counts: Counter[Chip] = Counter()
        self._repositories: Counter[str] = Counter()
        self._told: dict[str, str] = {}
        self._gone: set[str] = set()
        """The ids of sessions that were here once: those that come back are not new."""
        self._held: set[str] = set()
        """The ids of sessions that are not where they belong, as the list is in use."""

    # -- what is chosen

    @property
    def chip(self) -> Chip | None:
        return self.choices.chip

    @property
    def query(self) -> Query:
        return self.choices.query

    @property
    def sort(self) -> Sort:
        return self.choices.sort

    @property
    def view(self) -> list[str]:
        """What stands on each line: an id, or the heading of a group."""
        return self._view.entries

    # -- looking

    def __len__(self) -> int:
        """How many sessions are shown."""
        return len(self._view.key_of)

    def at(self, y: int) -> SessionRow | None:
        """The session on a line; None for a heading."""
        entries = self._view.entries
        return self.rows.get(entries[y]) if 0 <= y < len(entries) else None

    def heading_at(self, y: int) -> Heading | None:
        """The heading on a line, if it is one."""
        entries = self._view.entries
        if not 0 <= y < len(entries) or not entries[y].startswith(HEADING):
            return None
        name = entries[y][1:]
        return Heading(name, self._view.groups[name], self._view.attention[name])

    def line_of(self, run_id: str | None) -> int | None:
        """The line of a session, if it is shown."""
        return self._view.line_of(run_id) if run_id is not None else None

    def place_of(self, run_id: str | None) -> int:
        """Which of the shown sessions it is, from 1; 0 when it is not shown."""
        return self._view.place_of(run_id) if run_id is not None else 0

    @property
    def current(self) -> SessionRow | None:
        """The session the cursor is on."""
        if self.selected is None or self.selected not in self._view.key_of:
            return None
        return self.rows.get(self.selected)

    @property
    def one_repository(self) -> bool:
        """Whether all sessions that may be shown are of the same repository."""
        return len(self._repositories) == 1 or self.choices.repository is not None

    @property
    def marked_rows(self) -> tuple[SessionRow, ...]:
        """The marked sessions there are, shown or not."""
        return tuple(self.rows[run_id] for run_id in self.marked if run_id in self.rows)

    def count(self, chip: Chip | None) -> int:
        """How many sessions a chip counts; None is all of them."""
        counts = self._counts if self.expected is None else self.expected
        return sum(counts.values()) if chip is None else counts.get(chip, 0)

    def matching(self, query: Query) -> int:
        """How many sessions of the chip another question would find."""
        choices = self.choices
        return sum(
            1
            for row in self.rows.values()
            if (choices.chip is None or chip_of(row.state) is choices.chip)
            and (choices.repository is None or row.repo == choices.repository)
            and query.matches(row, self._searched(row, query))
        )

    # -- changing what is shown

    def choose(self, **changed: object) -> None:
        """Choose another chip, query, repository, sort, direction or grouping."""
        self.choices = replace(self.choices, **changed)  # type: ignore[arg-type]
        self._arrange_soon()

    def choose_chip(self, chip: Chip | None) -> None:
        self.choose(chip=chip)

    def choose_query(self, text: str) -> None:
        self.choose(query=parse(text, self._now(), self.saved_filters))

    def choose_sort(self, sort: Sort, *, backwards: bool = False) -> None:
        self.choose(sort=sort, backwards=backwards)

    def replace_all(
        self, rows: Iterable[SessionRow], expected: Mapping[Chip, int] | None = None
    ) -> None:
        """Take these as all there are; ``expected`` counts all while these are the first."""
        self.rows = {row.id: row for row in rows}
        self.ids = NearIds(self.rows)
        self._version += 1
        self._counts = Counter(chip_of(row.state) for row in self.rows.values())
        self._repositories = Counter(row.repo for row in self.rows.values())
        self.live = {run_id for run_id, row in self.rows.items() if row.state.is_live}
        self._told.clear()
        self.marked = {run_id: None for run_id in self.marked if run_id in self.rows}
        self.loaded = True
        self.expected = expected
        self.arrange()

    def adopt(self, other: Listing) -> None:
        """Take all sessions of another list, which was made ready in a thread of its own."""
        before = self.line_of(self.selected)
        self.rows, self.ids = other.rows, other.ids
        self.live, self._told = other.live, other._told
        self._counts, self._repositories = other._counts, other._repositories
        self._version += 1
        self.marked = {run_id: None for run_id in self.marked if run_id in self.rows}
        self.loaded, self.expected = True, None
        self._view, self._arranged = other._view, other._arranged
        self._held.clear()
        self._keep_selection(before)
        if self._arranged != self.choices:
            self._arrange_soon()

    def copy(self) -> Listing:
        """The same sessions and choices, to be arranged in a thread while this list goes on."""
        other = Listing(self._now)
        other.rows, other.choices, other._version = dict(self.rows), self.choices, self._version
        return other

    def take_view(self, other: Listing) -> None:
        """Take the view of a :meth:`copy` that was arranged, with what changed since."""
        before = self.line_of(self.selected)
        self._view, self._arranged = other._view, other._arranged
        self._held.clear()
        if self._version != other._version:
            key = self._key()
            for run_id in other.rows.keys() - self.rows.keys():
                self._view.take_out(other.rows[run_id])
            for run_id, row in self.rows.items():
                was = other.rows.get(run_id)
                if was is not row:
                    if was is not None:
                        self._view.take_out(was)
                    if self._shows(row):
                        self._view.put_in(row, key(row))
        self._keep_selection(before)

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
        self._version += 1
        place = self.line_of(self.selected)
        for run_id in removed:
            row = self.rows.pop(run_id, None)
            if row is not None:
                self._forget(row)
                self._gone.add(run_id)
                self.unseen.discard(run_id)
                self.ids.remove(run_id)
                self._held.discard(run_id)
                reordered = self._view.take_out(row) or reordered
        key, view = self._key(), self._view
        for row in changed:
            before = self.rows.get(row.id)
            if before == row:
                continue
            self.rows[row.id] = row
            if before is not None:
                self._forget(before)
            else:
                self.ids.add(row.id)
                if self.expected is None and row.id not in self._gone:
                    self.unseen.add(row.id)
            self._learn(row)
            old, y = view.key_of.get(row.id), view.line_of(row.id)
            new = key(row) if self._shows(row) else None
            stays = hold and before is not None and view.are_together(row, before)
            if y is not None and before is not None and (old == new or stays):
                if old != new:
                    self._held.add(row.id)
                lines.append(y)
                view.recount(row, before)
            elif old != new:
                if before is not None:
                    view.take_out(before)
                if new is not None:
                    view.put_in(row, new)
                reordered = True
        if reordered:
            self._keep_selection(place)
        return Change(reordered, tuple(lines))

    def settle(self) -> bool:
        """Put rows that were held where they belong; says whether anything moved."""
        held, self._held = self._held, set()
        if not held:
            return False
        place, key = self.line_of(self.selected), self._key()
        for row in map(self.rows.__getitem__, held):
            self._view.take_out(row)
            if self._shows(row):
                self._view.put_in(row, key(row))
        self._keep_selection(place)
        return True

    def _arrange_soon(self) -> None:
        if self.arrange_later is not None and len(self.rows) > MANY:
            self.arrange_later()
        else:
            self.arrange()

    def arrange(self) -> None:
        """Choose and order the shown sessions anew; the cursor stays on its session."""
        before = self.line_of(self.selected)
        choices = self._arranged = self.choices
        if choices.chip is None and not choices.query and choices.repository is None:
            shown: Iterable[SessionRow] = self.rows.values()
        else:
            shown = [row for row in self.rows.values() if self._shows(row)]
        self._view = OrderedView.of(shown, self._key(), choices.grouping)
        self._held.clear()
        self._keep_selection(before)

    # -- keeping the view in step

    def _key(self) -> Callable[[SessionRow], Key]:
        choices = self._arranged
        return sort_key(choices.sort, backwards=choices.backwards, grouping=choices.grouping)

    def _keep_selection(self, before: int | None) -> None:
        """A cursor whose session is no longer shown goes to the nearest one."""
        view = self._view
        if self.selected in view.key_of:
            return
        y = max(0, min(before or 0, len(view.entries) - 1))
        near = chain(range(y, len(view.entries)), range(y - 1, -1, -1))
        self.selected = next(
            (view.entries[place] for place in near if not view.entries[place].startswith(HEADING)),
            None,
        )

    def _learn(self, row: SessionRow) -> None:
        self._counts[chip_of(row.state)] += 1
        self._repositories[row.repo] += 1
        if row.state.is_live:
            self.live.add(row.id)

    def _forget(self, row: SessionRow) -> None:
        self._counts[chip_of(row.state)] -= 1
        self._repositories[row.repo] -= 1
        if not self._repositories[row.repo]:
            del self._repositories[row.repo]
        self.live.discard(row.id)
        self._told.pop(row.id, None)
        if row.id not in self.rows:
            self.marked.pop(row.id, None)

    # -- what is asked for

    def _shows(self, row: SessionRow) -> bool:
        choices = self._arranged
        return (
            (choices.chip is None or chip_of(row.state) is choices.chip)
            and (choices.repository is None or row.repo == choices.repository)
            and (
                not choices.query or choices.query.matches(row, self._searched(row, choices.query))
            )
        )

    def _searched(self, row: SessionRow, query: Query) -> str | None:
        if not query.words or len(self.rows) > MANY:
            return None
        told = self._told.get(row.id)
        if told is None:
            told = self._told[row.id] = search_text(row)
        return told
