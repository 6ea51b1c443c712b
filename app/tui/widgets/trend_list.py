"""Workflows or repositories: runs, success, durations, cost, and how the durations went."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from app import format as form
from app.tui.drawing import Line, bar
from app.tui.trends import Period, TrendGroup, Trends, TrendSort, named
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Pressable
from store.statistics import ENOUGH_RUNS, GroupStatistics

LOW, TOO_LOW = 0.9, 0.7
SLOWER = 0.2


class _Columns:
    """Where columns end; ``bar`` and ``spark`` are where they begin, None without room."""

    def __init__(self, width: int) -> None:
        normal = width >= 110
        self.runs, self.done = (31, 41) if normal else (29, 36)
        self.p50, self.p95, self.cost = (61, 70, 79) if normal else (45, 54, 63)
        self.bar = 43 if normal else None
        self.spark = 82 if normal else None
        self.change = width - 2 if normal else width - 1
        self.name = self.runs - 6 - 2


class TrendHead(Pressable):
    """The heads of the columns; a click sorts."""

    class Pressed(Pressable.Pressed):
        """The head of an order was clicked."""

    def __init__(self) -> None:
        super().__init__(id="trend-head")
        self._sort = TrendSort.RUNS
        self._period = Period.MONTH
        self._by = TrendGroup.WORKFLOW

    def show(self, sort: TrendSort, period: Period, by: TrendGroup) -> None:
        self._sort, self._period, self._by = sort, period, by
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        columns = _Columns(width)
        line = Line()
        line.put(2, self._by.value.upper(), "faint")
        heads = (
            (columns.runs, "RUNS", TrendSort.RUNS),
            (columns.done, "DONE", TrendSort.DONE),
            (columns.p50, "P50", TrendSort.P50),
            (columns.p95, "P95", None),
            (columns.cost, "COST", TrendSort.COST),
            (columns.change, "CHANGE", TrendSort.CHANGE),
        )
        for end, text, sort in heads:
            mark = "▼ " if sort is self._sort else ""
            key = sort.name if sort is not None else None
            line.right(end, f"{mark}{text}", "muted" if mark else "faint", key=key)
        if columns.spark is not None:
            words = "" if self._period is Period.ALL else f", {self._period.value.upper()}"
            line.put(columns.spark, f"DURATION{words}", "faint")
        return [line]


class TrendList(LineList):
    """One row for each workflow or repository; the cursor stays on it whatever the order."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", show=False)]

    def __init__(self) -> None:
        super().__init__(id="trend-list")
        self._trends: Trends | None = None
        self._shown: tuple[GroupStatistics, ...] = ()

    def show(self, trends: Trends, order: TrendSort) -> None:
        """Show these, and stay on what the cursor is on."""
        chosen = self.chosen
        self._trends = trends
        self._shown = trends.sorted(order)
        names = [one.name for one in self._shown]
        keep = names.index(chosen.name) if chosen and chosen.name in names else None
        if keep is None:
            self.cursor = 0
        self.lines_changed(keep=keep)

    @property
    def chosen(self) -> GroupStatistics | None:
        """What is under the cursor."""
        return self._shown[self.cursor] if 0 <= self.cursor < len(self._shown) else None

    def action_choose(self) -> None:
        self.choose()

    def line_count(self) -> int:
        return len(self._shown)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one, columns = self._shown[y], _Columns(width)
        summed = one.totals
        few = summed.runs < ENOUGH_RUNS
        line = Line()
        line.put(2, named(one), "fg", bold=at_cursor, limit=columns.name)
        first = "muted" if few else "fg"
        line.right(columns.runs, form.amount(summed.runs), first)
        rate = summed.success_rate
        role = "done" if rate is None or rate >= LOW else "warn" if rate >= TOO_LOW else "error"
        done = form.percent(summed.completed, summed.completed + summed.failed)
        line.right(columns.done, done, first if few or role == "done" else role)
        if columns.bar is not None and rate is not None:
            bar(line, columns.bar, rate, "muted" if few else role)
        line.right(columns.p50, form.duration(summed.p50_seconds, finished=True), first)
        line.right(columns.p95, form.duration(summed.p95_seconds, finished=True), "muted")
        partly = summed.cost_usd is not None and summed.unpriced > 0
        line.right(columns.cost, form.cost(summed.cost_usd, partly=partly), "muted")
        if columns.spark is not None and self._trends is not None:
            drawn = self._trends.sparks.get(one.name, "")
            line.put(columns.spark, drawn, "live" if at_cursor else "faint")
        slower = one.change is not None and one.change >= SLOWER
        line.right(columns.change, change_words(one.change), "warn" if slower else "muted")
        return line


def change_words(change: float | None) -> str:
    """A change as people read it: ``+38 %``, ``−2 %``, ``0 %``, ``–`` without a verdict."""
    if change is None:
        return form.UNKNOWN
    whole = round(change * 100)
    sign = "+" if whole > 0 else "−" if whole < 0 else ""
    return f"{sign}{form.amount(abs(whole))} %"
