"""Workflows with their runs, success, durations, cost, and how the durations went."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from app import format as form
from app.tui.drawing import Line, bar
from app.tui.trends import SLOTS, Period, Trends, TrendSort
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from store.statistics import ENOUGH_RUNS, WorkflowStatistics

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


class TrendHead(Painted):
    """The heads of the columns."""

    def __init__(self) -> None:
        super().__init__(id="trend-head")
        self._sort = TrendSort.RUNS
        self._period = Period.MONTH

    def show(self, sort: TrendSort, period: Period) -> None:
        self._sort, self._period = sort, period
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        columns = _Columns(width)
        line = Line()
        line.put(2, "WORKFLOW", "faint")
        heads = (
            (columns.runs, "RUNS", TrendSort.RUNS),
            (columns.done, "DONE", TrendSort.DONE),
            (columns.p50, "P50", TrendSort.P50),
            (columns.p95, "P95", None),
            (columns.cost, "COST", TrendSort.COST),
            (columns.change, "CHANGE", TrendSort.CHANGE),
        )
        for end, text, sort in heads:
            mark = "▼" if sort is self._sort else ""
            line.right(end, f"{mark}{text}", "muted" if mark else "faint")
        if columns.spark is not None:
            words = "" if self._period is Period.ALL else f", {self._period.value.upper()}"
            line.put(columns.spark, f"DURATION{words}", "faint")
        return [line]


class TrendList(LineList):
    """One row for each workflow; the cursor stays on its workflow."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", show=False)]

    def __init__(self) -> None:
        super().__init__(id="trend-list")
        self._trends: Trends | None = None
        self._shown: tuple[WorkflowStatistics, ...] = ()
        self._sparks: dict[str, list[str]] = {}

    def show(self, trends: Trends, order: TrendSort) -> None:
        """Show these, and stay on the workflow the cursor is on."""
        chosen = self.chosen
        self._trends, self._sparks = trends, {}
        self._shown = trends.sorted(order)
        names = [one.workflow for one in self._shown]
        keep = names.index(chosen.workflow) if chosen and chosen.workflow in names else None
        if keep is None:
            self.cursor = 0
        self.lines_changed(keep=keep)

    @property
    def chosen(self) -> WorkflowStatistics | None:
        """The workflow under the cursor."""
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
        line.put(2, form.one_line(one.workflow), "fg", bold=at_cursor, limit=columns.name)
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
        if columns.spark is not None:
            self._spark(line, columns.spark, one, at_cursor)
        slower = one.change is not None and one.change >= SLOWER
        line.right(columns.change, change_words(one.change), "warn" if slower else "muted")
        return line

    def _spark(self, line: Line, x: int, one: WorkflowStatistics, at_cursor: bool) -> None:
        if self._trends is None:
            return
        if one.workflow not in self._sparks:
            self._sparks[one.workflow] = self._trends.sparkline(one)
        drawn = "".join(self._sparks[one.workflow])[:SLOTS]
        line.put(x, drawn, "live" if at_cursor else "faint")


def change_words(change: float | None) -> str:
    """A change as people read it: ``+38 %``, ``−2 %``, ``0 %``, ``–`` without a verdict."""
    if change is None:
        return form.UNKNOWN
    whole = round(change * 100)
    sign = "+" if whole > 0 else "−" if whole < 0 else ""
    return f"{sign}{form.amount(abs(whole))} %"
