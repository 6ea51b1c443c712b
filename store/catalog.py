"""Every session of a home as rows: found by looking at the files, remembered in the index.

A refresh opens only files that changed. What cannot be remembered — whether a run is live — is
asked at every refresh of those runs for which it can matter.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from store.cards import About, Card
from store.errors import NotFound, StoreError
from store.home import Home
from store.index import Index
from store.known_runs import KnownRuns
from store.resting import state_of_words
from store.row import SessionRow
from store.rows import row_from, with_worktree
from store.scan import Listing, check_sessions, list_home, list_runs
from store.session_filter import Order, SessionFilter
from store.states import STALL_AFTER_SECONDS, State

if TYPE_CHECKING:  # loaded only when there is a run whose record is not enough
    from store.standing import Standing

__all__ = ["Catalog", "Changed", "Order", "Selection", "SessionFilter"]

_UNFINISHED = frozenset({"Initializing", "Running", None})
"""Words of records that cannot say by themselves how the run stands; None is no readable record."""
_AT_A_TIME = 500
_MANY_OBJECTS = 10_000


class Changed(NamedTuple):
    """What is different since the last refresh."""

    ids: frozenset[str] = frozenset()
    """New ones, and those whose row may look different."""
    removed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ids or self.removed)


class Selection(NamedTuple):
    """The rows a filter shows, and how many it would show without offset and limit."""

    rows: list[SessionRow]
    total: int


class Catalog:
    """All sessions of a home; safe to use from several threads.

    Args:
        home: the state home; it need not exist.
        use_index: whether to remember between two catalogs what files say.
        stall_after_seconds: from when on a step that prints nothing counts as stalled.
        clock_ns: the present moment in nanoseconds since the epoch.
    """

    def __init__(
        self,
        home: Home,
        *,
        use_index: bool = True,
        stall_after_seconds: float = STALL_AFTER_SECONDS,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.home = home
        self._stall_after_seconds = stall_after_seconds
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._use_index = use_index
        self._known: KnownRuns | None = None
        self._standings: dict[str, Standing] = {}
        self._owned: set[str] = set()
        self._duplicates: dict[str, str] = {}
        self._rows: dict[str, SessionRow] = {}
        self._before: dict[str, SessionRow] = {}
        self._unfinished: set[str] = set()

    def refresh(self, ids: Collection[str] | None = None) -> Changed:
        """Look at the files again.

        Args:
            ids: only at those of these runs; None for everything.

        Returns:
            What may look different now.

        Raises:
            StoreError: the home cannot be listed; the rows stay as they were.
        """
        with self._lock, _without_collecting():
            known = self._runs()
            self._check_home(known)
            if ids is None:
                listing = list_home(self.home, known.record_ids(), known.surplus)
            else:
                listing = list_runs(self.home, ids)
            self._before = {}
            changed, removed = known.update(listing, ids)
            for run_id in changed | removed:
                self._drop_row(run_id)
            for run_id in removed:
                self._standings.pop(run_id, None)
            self._find_unfinished(changed | removed)
            self._owned = listing.owned | (self._owned - set(ids) if ids is not None else set())
            if ids is None:
                changed |= self._find_duplicates(listing)
            changed |= self._assess(None if ids is None else set(ids) | changed)
            known.save_if_due()
            before, self._before = self._before, {}
            seen = {run_id for run_id in changed if self._looks_as(before.get(run_id))}
            return Changed(frozenset(changed - seen), frozenset(removed))

    def _check_home(self, known: KnownRuns) -> None:
        """A home that cannot be looked at does not have fewer sessions than before."""
        root = self.home.root
        if not root.is_dir():
            if root.exists():
                raise StoreError("the state home is not a directory", path=root, operation="list")
            if known.cards:
                raise NotFound("the state home is gone", path=root, operation="list")
        check_sessions(self.home)

    def _find_unfinished(self, among: Collection[str]) -> None:
        cards = self._runs().cards
        self._unfinished.difference_update(among)
        self._unfinished.update(
            one for one in among if one in cards and cards[one].status in _UNFINISHED
        )

    def _drop_row(self, run_id: str) -> None:
        """Forget how a row looks; until the end of a refresh it can be compared with the new."""
        row = self._rows.pop(run_id, None)
        if row is not None:
            self._before[run_id] = row

    def _looks_as(self, before: SessionRow | None) -> bool:
        """Whether a row that was shown is still right, although its files were read again."""
        if before is None or before != self.row(before.id):
            return False
        self._rows[before.id] = before
        return True

    def _runs(self) -> KnownRuns:
        if self._known is None:
            self._known = KnownRuns(self.home, Index(self.home) if self._use_index else None)
            self._find_unfinished(self._known.cards)
        return self._known

    def _find_duplicates(self, listing: Listing) -> set[str]:
        """A record without a directory of its own may be a second one of another run."""
        cards, directories = self._runs().cards, set(listing.state_names)
        found = {}
        for run_id in listing.strays:
            if run_id not in cards or not cards[run_id].has_record:
                continue
            workflow_id = self._runs().values(run_id).get("workflow_id")
            if workflow_id in directories:
                found[run_id] = workflow_id
        before, self._duplicates = self._duplicates, found
        changed = before.keys() ^ found.keys()
        for run_id in changed:
            self._drop_row(run_id)
        return set(changed)

    # -- how runs stand whose record alone cannot say

    def _assess(self, only: set[str] | None) -> set[str]:
        known = self._runs()
        changed = self._settle()
        doubtful = self._doubtful(only)
        if not doubtful:
            return changed
        from store.standing import assess

        now_us = self._clock_ns() // 1_000
        for run_id in doubtful:
            card = known.cards[run_id]
            standing = assess(
                self.home,
                card,
                known,
                stall_after_seconds=self._stall_after_seconds,
                now_us=now_us,
            )
            if self._standings.get(run_id) != standing:
                self._standings[run_id] = standing
                self._drop_row(run_id)
                changed.add(run_id)
                if not card.has_record:
                    known.learn(run_id)
        return changed

    def _settle(self) -> set[str]:
        """Drop what was found out about runs that are by now as their record says."""
        cards = self._runs().cards
        settled = {
            run_id
            for run_id in self._standings
            if run_id not in self._owned
            and (run_id not in cards or cards[run_id].status not in _UNFINISHED)
        }
        for run_id in settled:
            del self._standings[run_id]
            self._drop_row(run_id)
        return settled & cards.keys()

    def _doubtful(self, only: set[str] | None) -> list[str]:
        doubtful = self._unfinished | (self._owned & self._runs().cards.keys())
        return list(doubtful if only is None else doubtful & only)

    # -- answering

    def rows(self, wanted: SessionFilter | None = None) -> list[SessionRow]:
        """The sessions a filter shows (all that are not archived), in its order."""
        return self.select(wanted).rows

    def select(self, wanted: SessionFilter | None = None) -> Selection:
        """The sessions a filter shows, and how many there are without its offset and limit."""
        wanted = wanted or SessionFilter()
        with self._lock, _without_collecting():
            found = self._matching(wanted)
            end = wanted.offset + wanted.limit if wanted.limit else None
            shown = islice(_sorted(found, wanted.order, end), wanted.offset, end)
            rows: list[SessionRow] = []
            while some := list(islice(shown, _AT_A_TIME)):
                self._runs().load_values(card.id for card in some if card.id not in self._rows)
                rows.extend(map(self._row, some))
            return Selection(rows, sum(map(len, found.values())))

    def row(self, run_id: str) -> SessionRow | None:
        """The row of one session as it was at the last refresh, or None."""
        with self._lock:
            card = self._runs().cards.get(run_id)
            return None if card is None else self._row(card)

    def counts(self, wanted: SessionFilter | None = None) -> Counter[State]:
        """How many sessions a filter shows in each state."""
        with self._lock:
            found = self._matching(wanted or SessionFilter())
            return Counter({state: len(cards) for state, cards in found.items()})

    @property
    def records_read(self) -> int:
        """How many records were read from their files so far; asked while a refresh goes on."""
        known = self._known
        return 0 if known is None else known.records_read

    @property
    def rebuilt_index(self) -> bool:
        """Whether the index had nothing to tell of the sessions there are, so all were read."""
        with self._lock:
            return self._use_index and self._runs().began_empty and bool(self._runs().cards)

    def abouts(self) -> dict[str, About]:
        """What each session is about, archived ones too."""
        with self._lock:
            self._runs().load_abouts()
            return {card.id: card.about or About() for card in self._runs().cards.values()}

    def close(self) -> None:
        """Write what was learned to the index, and close it."""
        with self._lock:
            if self._known is not None:
                self._known.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _matching(self, wanted: SessionFilter) -> dict[State, list[Card]]:
        known, standings = self._runs(), self._standings
        # Thousands of sessions are of a few kinds, and most questions are about these.
        alike: defaultdict[tuple[State | None, str | None, str | None, bool], list[Card]]
        alike = defaultdict(list)
        for card in known.cards.values():
            standing = standings.get(card.id)
            state = standing.state if standing else None
            alike[state, card.status, card.merge, card.archived].append(card)
        found: defaultdict[State, list[Card]] = defaultdict(list)
        for (assessed, status, merge, archived), cards in alike.items():
            state = assessed or state_of_words(status, merge)
            if wanted.holds(state, status, archived=archived):
                found[state] += cards
        if wanted.since is not None:
            since_us = wanted.since.timestamp() * 1_000_000
            _keep(found, lambda card: card.updated_us >= since_us)
        if wanted.needs_about:
            known.load_abouts()
            _keep(found, lambda card: wanted.holds_about(_about(card)))
        return found

    def _row(self, card: Card) -> SessionRow:
        row = self._rows.get(card.id)
        if row is not None:
            return row
        known, standing = self._runs(), self._standings.get(card.id)
        if standing is None:
            state = state_of_words(card.status, card.merge)
            row = row_from(with_worktree(self.home, known.values(card.id)), state)
            known.release(card.id)  # the row has it all, and ten thousand twice is much
        else:
            from store.standing import standing_row

            row = standing_row(self.home, card, known, standing)
        if card.id in self._duplicates:
            row = row._replace(problem=f"duplicate record of {self._duplicates[card.id]}")
        self._rows[card.id] = row
        return row


def _keep(found: dict[State, list[Card]], holds: Callable[[Card], bool]) -> None:
    for state, cards in found.items():
        found[state] = list(filter(holds, cards))


def _sorted(found: dict[State, list[Card]], order: Order, count: int | None) -> Iterator[Card]:
    """The sessions in order, at least so many of them; None for all."""
    if order is not Order.ATTENTION:
        yield from sorted(chain.from_iterable(found.values()), key=_SORT_KEYS[order])
        return
    # Of thousands mostly the first few are shown, so no more than those are sorted.
    for state in sorted(found, key=lambda state: state.order):
        cards = found[state]
        if count is not None and 0 < count < len(cards):
            least = sorted(card.updated_us for card in cards)[-count]
            cards = [card for card in cards if card.updated_us >= least]
        yield from sorted(cards, key=_newest_change)


def _newest_change(card: Card) -> tuple[Any, ...]:
    return -card.updated_us, card.id


def _about(card: Card) -> About:
    return card.about or About()


_SORT_KEYS: dict[Order, Callable[[Card], tuple[Any, ...]]] = {
    Order.CHANGED: _newest_change,
    Order.STARTED: lambda card: (-_about(card).started_us, card.id),
    Order.WORKFLOW: lambda card: (_about(card).workflow, *_newest_change(card)),
    Order.REPOSITORY: lambda card: (_about(card).repo, *_newest_change(card)),
}


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Ten thousand small objects that all stay make the garbage collector look again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if gc.get_count()[0] > _MANY_OBJECTS:
                gc.freeze()
            gc.enable()
