"""What many runs say together: how often they succeed, how long they take, what they cost.

Everything here is pure: rows come in, numbers go out. Durations are seconds of active
time; a run belongs to the day it began on.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from store.row import SessionRow
from store.states import SessionStatus

ENOUGH_RUNS = 5
"""Below this many runs there is no verdict on a change."""

_SUCCEEDED = SessionStatus.COMPLETED
_FAILED = SessionStatus.FAILED


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` of all values do not exceed (nearest rank); None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Totals:
    """Runs taken together. Only runs that completed or failed are judged by ``success_rate``;
    durations are those of completed runs."""

    runs: int = 0
    completed: int = 0
    failed: int = 0
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    active_seconds: float = 0.0
    cost_usd: float | None = None
    """What is known of it; None when nothing is."""
    unpriced: int = 0
    """Runs that used an agent and have no price."""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def success_rate(self) -> float | None:
        """Completed of those that ended, from 0 to 1; None when none ended."""
        ended = self.completed + self.failed
        return self.completed / ended if ended else None


def totals(rows: Iterable[SessionRow]) -> Totals:
    """Add up runs."""
    runs = completed = failed = unpriced = tokens_in = tokens_out = 0
    active = 0.0
    costs: list[float] = []
    durations: list[float] = []
    for row in rows:
        runs += 1
        active += row.active_seconds
        tokens_in += row.input_tokens
        tokens_out += row.output_tokens
        if row.cost_usd is not None:
            costs.append(row.cost_usd)
        elif row.calls or row.input_tokens or row.output_tokens:
            unpriced += 1
        if row.status == _SUCCEEDED:
            completed += 1
            durations.append(row.active_seconds)
        elif row.status == _FAILED:
            failed += 1
    return Totals(
        runs,
        completed,
        failed,
        percentile(durations, 0.5),
        percentile(durations, 0.95),
        active,
        math.fsum(costs) if costs else None,
        unpriced,
        tokens_in,
        tokens_out,
    )


# -- by workflow, by repository --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupStatistics:
    """Runs of one workflow, or of one repository, and how they compare with the period before."""

    name: str
    totals: Totals
    rows: tuple[SessionRow, ...]
    """The runs, oldest first."""
    change: float | None = None
    """Of the middle duration against the period before, as a share; None without a verdict."""


def of_workflow(row: SessionRow) -> str:
    """What runs are taken together by, unless something else is asked for."""
    return row.workflow


def of_repository(row: SessionRow) -> str:
    return row.repo


def group_statistics(
    rows: Iterable[SessionRow],
    since: datetime | None,
    now: datetime,
    of: Callable[[SessionRow], str] = of_workflow,
) -> list[GroupStatistics]:
    """Statistics of every workflow that ran since a moment, most runs first.

    Args:
        rows: all runs, those before ``since`` included: they are the period before.
        since: the beginning of the period; None for all there is.
        now: its end.
        of: the name of the group a run belongs to.
    """
    start = _us(since) if since is not None else 0
    end = _us(now)
    before_start = start - (end - start)
    inside: defaultdict[str, list[SessionRow]] = defaultdict(list)
    before: defaultdict[str, list[SessionRow]] = defaultdict(list)
    for row in rows:
        if not row.workflow or not row.started_us:
            continue
        if row.started_us >= start:
            inside[of(row)].append(row)
        elif row.started_us >= before_start:
            before[of(row)].append(row)
    found = []
    for name, mine in inside.items():
        mine.sort(key=lambda row: row.started_us)
        summed = totals(mine)
        change = _change(summed, totals(before[name])) if since is not None else None
        found.append(GroupStatistics(name, summed, tuple(mine), change))
    found.sort(key=lambda one: (-one.totals.runs, one.name))
    return found


def _change(now: Totals, before: Totals) -> float | None:
    if now.completed < ENOUGH_RUNS or before.completed < ENOUGH_RUNS:
        return None
    if not now.p50_seconds or not before.p50_seconds:
        return None
    return now.p50_seconds / before.p50_seconds - 1


# -- by time ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """The runs that began on one day, or on several in a row from ``day`` on."""

    day: date
    totals: Totals


def by_day(
    rows: Iterable[SessionRow],
    first: date,
    last: date,
    *,
    zone: tzinfo | None = None,
    days_each: int = 1,
) -> list[DayStatistics]:
    """Runs by the day they began on: an entry for each day (or ``days_each`` days), empty or not.

    The last entry ends with ``last``, so the first one may begin before ``first``.

    Args:
        rows: the runs.
        first: the first day.
        last: the last one, included.
        zone: where days begin and end; None is the zone of this machine.
        days_each: how many days go into one entry.
    """
    count = max(1, math.ceil(((last - first).days + 1) / days_each))
    start = last - timedelta(days=count * days_each - 1)
    entries: list[list[SessionRow]] = [[] for _ in range(count)]
    # Where each entry begins: a run's own day is not worked out for every one of many runs.
    begins = [_us(_midnight(start + timedelta(days=n * days_each), zone)) for n in range(count + 1)]
    for row in rows:
        place = bisect_right(begins, row.started_us) - 1
        if 0 <= place < count:
            entries[place].append(row)
    return [
        DayStatistics(start + timedelta(days=place * days_each), totals(entry))
        for place, entry in enumerate(entries)
    ]


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    midnight = datetime.combine(day, datetime.min.time())
    return midnight.replace(tzinfo=zone) if zone is not None else midnight.astimezone()


def day_of(row: SessionRow, zone: tzinfo | None = None) -> date:
    """The day a run began on."""
    return datetime.fromtimestamp(row.started_us / 1e6, UTC).astimezone(zone).date()


def in_slots(
    rows: Iterable[SessionRow], since: datetime, now: datetime, count: int
) -> list[float | None]:
    """The middle duration of completed runs in equal stretches of time, None where there is none.

    Args:
        rows: the runs.
        since: where the first stretch begins.
        now: where the last one ends.
        count: how many there are.
    """
    slots: list[list[float]] = [[] for _ in range(count)]
    start, length = _us(since), max(1, _us(now) - _us(since))
    for row in rows:
        place = (row.started_us - start) * count // length
        if row.status == _SUCCEEDED and 0 <= place <= count:
            slots[min(place, count - 1)].append(row.active_seconds)
    return [percentile(slot, 0.5) for slot in slots]


def _us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
