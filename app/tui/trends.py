"""What Trends shows, as values: periods, workflows, days; worked out from rows and events."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from app import format as form
from store.row import SessionRow
from store.statistics import (
    DayStatistics,
    GroupStatistics,
    Totals,
    by_day,
    group_statistics,
    in_slots,
    of_repository,
    of_workflow,
    totals,
)
from store.step_statistics import StepStatistics

SLOTS = 28
"""Cells of a sparkline."""
_LEVELS = "▁▂▃▄▅▆"
_MIDDLE = 2
_LEVEL_SHARE = 0.2
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TICKS = (
    *(1, 2, 5, 10, 15, 20, 30),
    *(count * _MINUTE for count in (1, 2, 3, 5, 8, 10, 12, 15, 20, 30)),
    *(count * _HOUR for count in (1, 2, 3, 4, 6, 8, 12)),
    *(count * _DAY for count in (1, 2, 4, 7, 14, 30)),
)
_TICK_COUNT = 4


class Period(StrEnum):
    """How far back to look, in the order of their digits."""

    WEEK = "7 days"
    MONTH = "30 days"
    QUARTER = "90 days"
    ALL = "all"

    @property
    def days(self) -> int | None:
        return {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 90}.get(self)

    @property
    def words(self) -> str:
        """In a sentence: ``the last 30 days``."""
        return "all there is" if self is Period.ALL else f"the last {self.value}"


class TrendGroup(StrEnum):
    """What runs are taken together by."""

    WORKFLOW = "workflow"
    REPOSITORY = "repository"


_NAMES = {TrendGroup.WORKFLOW: of_workflow, TrendGroup.REPOSITORY: of_repository}


class TrendSort(StrEnum):
    """Orders of the groups; the value says what stands first."""

    RUNS = "most runs first"
    DONE = "least done first"
    P50 = "slowest first"
    COST = "most expensive first"
    CHANGE = "grown most first"


_KEYS: dict[TrendSort, Callable[[GroupStatistics], float]] = {
    TrendSort.RUNS: lambda one: -one.totals.runs,
    TrendSort.DONE: lambda one: _or(one.totals.success_rate, 2),
    TrendSort.P50: lambda one: -_or(one.totals.p50_seconds, -1),
    TrendSort.COST: lambda one: -_or(one.totals.cost_usd, -1),
    TrendSort.CHANGE: lambda one: -_or(one.change, -math.inf),
}


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


@dataclass(frozen=True, slots=True)
class CostWords:
    """Facts about what was spent: today, this week (from Monday), most in a day."""

    today: str
    week: str
    most: str


@dataclass(frozen=True, slots=True)
class Trends:
    """Every workflow or repository of a period, and all of them together."""

    period: Period
    by: TrendGroup
    since: datetime
    now: datetime
    zone: tzinfo | None
    total: Totals
    groups: tuple[GroupStatistics, ...]
    rows: tuple[SessionRow, ...]
    spent: CostWords
    sparks: Mapping[str, str]
    """Sparklines by group."""
    _days: dict[int, tuple[list[DayStatistics], int]] = field(default_factory=dict, compare=False)

    def sorted(self, order: TrendSort) -> tuple[GroupStatistics, ...]:
        """The groups in an order; within the same, by runs and name."""
        return tuple(sorted(self.groups, key=_KEYS[order]))

    def days(self, rows: Iterable[SessionRow], bars: int) -> tuple[list[DayStatistics], int]:
        """Runs by day for at most so many bars, and how many days go into a bar."""
        first = self.since.astimezone(self.zone).date()
        last = self.now.astimezone(self.zone).date()
        each = max(1, math.ceil(((last - first).days + 1) / max(1, bars)))
        return by_day(rows, first, last, zone=self.zone, days_each=each), each

    def days_of_all(self, bars: int) -> tuple[list[DayStatistics], int]:
        """All runs by day; worked out once for each number of bars."""
        if bars not in self._days:
            self._days[bars] = self.days(self.rows, bars)
        return self._days[bars]


def read_trends(
    rows: Iterable[SessionRow],
    period: Period,
    now: datetime,
    zone: tzinfo | None = None,
    by: TrendGroup = TrendGroup.WORKFLOW,
) -> Trends:
    """Work out the trends of a period.

    Args:
        rows: all sessions there are.
        period: how far back to look.
        now: the present.
        zone: where days begin; None is this machine's.
        by: what runs are taken together by.
    """
    every = list(rows)
    days = period.days
    since = None
    if days is not None:
        today = datetime.combine(now.astimezone(zone).date(), datetime.min.time())
        midnight = today.replace(tzinfo=zone) if zone is not None else today.astimezone()
        since = midnight - timedelta(days=days - 1)
    found = group_statistics(every, since, now, _NAMES[by])
    inside = [row for one in found for row in one.rows]
    first = min((row.started_us for row in inside), default=None)
    if since is None:
        since = datetime.fromtimestamp(first / 1e6, UTC) if first is not None else now
    return Trends(
        period, by, since, now, zone, totals(inside), tuple(found), tuple(inside),
        cost_words(inside, now, zone), {one.name: sparkline(one, since, now) for one in found},
    )  # fmt: skip


def sparkline(one: GroupStatistics, since: datetime, now: datetime) -> str:
    """Middle durations over a period, a sign for each slot, against their own middle."""
    return "".join(levels(in_slots(one.rows, since, now, SLOTS), one.totals.p50_seconds))


def named(one: GroupStatistics) -> str:
    """The name of a group, as it is shown."""
    return form.one_line(one.name) or form.UNKNOWN


def levels(values: Sequence[float | None], middle: float | None) -> list[str]:
    """Signs for values: ``▃`` is the middle, a level more or less for each 20 %, blank is none."""
    found = []
    for value in values:
        if value is None:
            found.append(" ")
            continue
        share = value / middle - 1 if middle else 0.0
        level = _MIDDLE + int(share / _LEVEL_SHARE)
        found.append(_LEVELS[max(0, min(len(_LEVELS) - 1, level))])
    return found


# -- scales ----------------------------------------------------------------------------------------


def duration_step(highest: float) -> int:
    """The distance of ticks, in seconds, with which four of them reach over the highest value."""
    return next((tick for tick in _TICKS if tick * _TICK_COUNT >= highest), 30 * _DAY)


def tick_words(seconds: int) -> str:
    """A tick of an axis of time: ``0``, ``30s``, ``12m``, ``2h``, ``1d``."""
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds // unit}{letter}"
    if seconds > _HOUR:
        return form.duration(seconds)
    return f"{seconds}s" if seconds else "0"


def day_words(day: date, today: date) -> str:
    """A day below an axis: ``8 Nov``, ``today``."""
    if day >= today:
        return "today"
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return f"{day.day} {moment:%b}"


def cost_words(rows: Sequence[SessionRow], now: datetime, zone: tzinfo | None) -> CostWords:
    """What was spent lately, and at most on one day."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    paid = [row for row in rows if row.cost_usd is not None]
    first = min((row.started_us for row in paid), default=None)
    spent: dict[date, float] = {}
    if first is not None:
        begun = datetime.fromtimestamp(first / 1e6, UTC).astimezone(zone).date()
        for entry in by_day(paid, begun, today, zone=zone):
            if entry.totals.cost_usd is not None:
                spent[entry.day] = entry.totals.cost_usd
    most = max(spent, key=lambda day: spent[day], default=None)
    return CostWords(
        form.cost(spent.get(today)) if spent else form.UNKNOWN,
        form.cost(math.fsum(cost for day, cost in spent.items() if day >= monday))
        if spent
        else form.UNKNOWN,
        f"{form.cost(spent[most])}  {day_words(most, today)}" if most else form.UNKNOWN,
    )


@dataclass(frozen=True, slots=True)
class StepsView:
    """The steps of one workflow or repository, as the newest of its runs had them."""

    name: str
    slowest: tuple[StepStatistics, ...] = ()
    flakiest: tuple[StepStatistics, ...] = ()
