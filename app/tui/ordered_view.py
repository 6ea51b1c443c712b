"""The shown sessions in their order, with the headings of groups among them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from heapq import merge

from app.tui.ordering import Grouping, Key, group_key
from store.row import SessionRow

HEADING = "\0"
"""How the entry of a group's heading begins; no id does."""


_SORTED_AT_ONCE = 5_000


class OrderedView:
    """Entries of lines, sorted by keys; finding, adding and removing one costs no look at all."""

    def __init__(self, grouping: Grouping = Grouping.NONE) -> None:
        self.entries: list[str] = []
        """What stands on each line: an id, or the heading of a group."""
        self.key_of: dict[str, Key] = {}
        """The keys of the shown sessions, by id."""
        self.groups: Counter[str] = Counter()
        self.attention: Counter[str] = Counter()
        self._keys: list[Key] = []
        self._grouping = grouping

    @classmethod
    def of(
        cls, rows: Iterable[SessionRow], key: Callable[[SessionRow], Key], grouping: Grouping
    ) -> OrderedView:
        """The view of these sessions."""
        view = cls(grouping)
        rows = list(rows)
        pairs = [(key(row), row.id) for row in rows]
        view.key_of = {run_id: known for known, run_id in pairs}
        if grouping is not Grouping.NONE:
            for row in rows:
                view._count(row, 1)
            pairs += [((*group_key(name), 0), f"{HEADING}{name}") for name in view.groups]
        pairs = _in_order(pairs)
        view._keys = [known for known, _ in pairs]
        view.entries = [entry for _, entry in pairs]
        return view

    def line_of(self, run_id: str) -> int | None:
        """The line of a session, if it is shown."""
        key = self.key_of.get(run_id)
        return None if key is None else bisect_left(self._keys, key)

    def place_of(self, run_id: str) -> int:
        """Which of the sessions it is, from 1; 0 when it is not shown."""
        y = self.line_of(run_id)
        if y is None or self._grouping is Grouping.NONE:
            return 0 if y is None else y + 1
        return sum(1 for entry in self.entries[: y + 1] if not entry.startswith(HEADING))

    def put_in(self, row: SessionRow, key: Key) -> None:
        """Add a session."""
        self.key_of[row.id] = key
        self._insert(key, row.id)
        if self._grouping is not Grouping.NONE:
            name = self._grouping.of(row)
            if not self.groups[name]:
                self._insert((*group_key(name), 0), f"{HEADING}{name}")
            self._count(row, 1)

    def take_out(self, row: SessionRow) -> bool:
        """Remove a session, as it was when it was added; says whether it was there."""
        key = self.key_of.pop(row.id, None)
        if key is None:
            return False
        self._remove(key)
        if self._grouping is not Grouping.NONE:
            self._count(row, -1)
            name = self._grouping.of(row)
            if not self.groups[name]:
                del self.groups[name]
                self._remove((*group_key(name), 0))
        return True

    def are_together(self, row: SessionRow, before: SessionRow) -> bool:
        """Whether two sessions stand under the same heading."""
        return self._grouping is Grouping.NONE or (
            self._grouping.of(row) == self._grouping.of(before)
        )

    def recount(self, row: SessionRow, before: SessionRow) -> None:
        """A session that stays where it is looks different now."""
        if self._grouping is not Grouping.NONE:
            self._count(before, -1)
            self._count(row, 1)

    def _count(self, row: SessionRow, by: int) -> None:
        name = self._grouping.of(row)
        self.groups[name] += by
        self.attention[name] += by * row.state.needs_attention

    def _insert(self, key: Key, entry: str) -> None:
        place = bisect_left(self._keys, key)
        self._keys.insert(place, key)
        self.entries.insert(place, entry)

    def _remove(self, key: Key) -> None:
        place = bisect_left(self._keys, key)
        del self._keys[place], self.entries[place]


def _in_order(pairs: list[tuple[Key, str]]) -> list[tuple[Key, str]]:
    """Sorted in pieces: while one sort of very many goes on, nothing else can."""
    starts = range(0, len(pairs), _SORTED_AT_ONCE)
    pieces = [sorted(pairs[start : start + _SORTED_AT_ONCE]) for start in starts]
    return list(merge(*pieces))
