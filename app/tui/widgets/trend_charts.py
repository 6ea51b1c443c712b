"""Columns by day: how long runs took, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from app import format as form
from app.tui.drawing import Line, rule
from app.tui.notes import short_label
from app.tui.trends import (
    StepsView,
    TrendGroup,
    Trends,
    day_words,
    duration_step,
    named,
    tick_words,
)
from app.tui.widgets.painted import Painted
from store.statistics import DayStatistics, GroupStatistics
from store.step_statistics import StepStatistics

AXIS = 9
"""The column of the vertical axis."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_RETRIED_OFTEN = 0.25
_MANY = {TrendGroup.WORKFLOW: "workflows", TrendGroup.REPOSITORY: "repositories"}


def _split(width: int) -> int:
    """The column at which the columns by day end."""
    return 103 if width >= 160 else 73 if width >= 110 else 43


def bars_that_fit(width: int) -> int:
    """How many columns by day a screen of that width has."""
    return (_split(width) - AXIS - 3) // 2


def _column(line: Line, place: int) -> int:
    return AXIS + 2 + 2 * place


def _axis_days(days: Sequence[DayStatistics], today: date) -> Line:
    """Dates at the start, in the middle, and today."""
    line = Line()
    if not days:
        return line
    last = len(days) - 1
    end = _column(line, last) + 1
    start = line.put(_column(line, 0), day_words(days[0].day, today), "faint")
    final = line.right(max(end, start + 7), "today", "faint") if last else end
    middle = day_words(days[last // 2].day, today)
    x = _column(line, last // 2)
    if last > 8 and x > start + 1 and x + len(middle) + 1 < final:
        line.put(x, middle, "faint")
    return line


class TimeChart(Painted):
    """Time per run of one workflow, by day; beside it its slowest and flakiest steps."""

    def __init__(self) -> None:
        super().__init__(id="time-chart")
        self._trends: Trends | None = None
        self._one: GroupStatistics | None = None
        self._steps: StepsView | None = None

    def show(self, trends: Trends, one: GroupStatistics | None, steps: StepsView | None) -> None:
        self._trends, self._one, self._steps = trends, one, steps
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        trends, one = self._trends, self._one
        if trends is None or one is None:
            return []
        normal = width >= 110
        split = _split(width)
        days, each = trends.days(one.rows, bars_that_fit(width))
        more = "time per run" + (f", a column is {each} days" if each > 1 else "")
        head = rule(width, named(one), more, right=_legend if normal else None)
        body = [Line() for _ in range(max(0, height - 1))]
        self._draw(body, days, trends)
        for line in body:
            line.put(split, "│", "line")
        self._tell_steps(body, split + 3, width - (2 if normal else 1))
        return [head, *body][:height]

    def _draw(self, body: list[Line], days: list[DayStatistics], trends: Trends) -> None:
        rows = len(body) - 2
        highest = max((day.totals.p95_seconds or 0.0 for day in days), default=0.0)
        if rows < 2:
            return
        if not highest:
            body[1].put(2, "No completed run in this time.", "muted")
            return
        step = duration_step(highest)
        cell = step * 4 / rows
        for number in range(4):
            row = rows - 1 - round(number * rows / 4)
            body[row].right(AXIS - 1, tick_words(number * step), "faint")
        for row in range(rows):
            body[row].put(AXIS, "│", "line")
        body[rows].put(AXIS, "└", "line")
        for place, day in enumerate(days):
            x = _column(body[0], place)
            summed = day.totals
            _bar(body[:rows], x, (summed.p50_seconds or 0.0) / cell, "live")
            _whisker(body[:rows], x, (summed.p50_seconds or 0) / cell,
                     (summed.p95_seconds or 0) / cell)  # fmt: skip
            if summed.failed:
                body[rows].put(x, "×", "error")
        body[rows + 1].pieces += _axis_days(days, trends.now.astimezone(trends.zone).date()).pieces

    def _tell_steps(self, body: list[Line], x: int, end: int) -> None:
        steps = self._steps
        if steps is None or not body:
            return
        room = max(1, (len(body) - 3) // 2)
        y = 0
        for title, names, found in (
            ("SLOWEST STEPS", ("P50", "P95"), steps.slowest),
            ("FLAKIEST STEPS", ("RETRIED", "FAILED"), steps.flakiest),
        ):
            if y >= len(body):
                return
            line = body[y]
            line.put(x, title, "faint")
            line.right(end, names[1], "faint")
            line.right(end - 9, names[0], "faint")
            y += 1
            if not found and y < len(body):
                body[y].put(x, "none in these runs", "muted", limit=end - x)
                y += 1
            for step in found[:room]:
                if y < len(body):
                    self._step(body[y], x, end, step, names[0])
                    y += 1
            y += 1 if len(body) >= 9 else 0

    @staticmethod
    def _step(line: Line, x: int, end: int, step: StepStatistics, first: str) -> None:
        if first == "P50":
            left = form.duration(step.p50_seconds, finished=True)
            right, role = form.duration(step.p95_seconds, finished=True), "fg"
        else:
            left, right = form.percent(step.retried, 1), form.percent(step.failed, 1)
            role = "warn" if step.retried >= _RETRIED_OFTEN else "fg"
        line.right(end, right, "muted")
        line.right(end - 9, left, role)
        line.put(x, f"{step.number} {short_label(step.label)}", "fg", limit=end - 18 - x)


def _bar(rows: list[Line], x: int, cells: float, role: str) -> None:
    """A solid column of so many cells, to an eighth; what is not nothing is seen."""
    eighths = max(1, round(cells * 8)) if cells > 0 else 0
    for up in range(len(rows)):
        part = max(0, min(8, eighths - 8 * up))
        if part:
            rows[len(rows) - 1 - up].put(x, _EIGHTHS[part], role)


def _whisker(rows: list[Line], x: int, below: float, top: float) -> None:
    """A thin line from the end of a column up to a value."""
    for up in range(math.ceil(max(1, round(below * 8)) / 8) if below else 0, len(rows)):
        share = top - up
        if share <= 0.25:
            return
        rows[len(rows) - 1 - up].put(x, "│" if share >= 0.75 else "╷", "muted")


def _legend(line: Line, end: int) -> int:
    x = line.right(end, "a run failed", "muted")
    x = line.right(x - 1, "×", "error")
    x = line.right(x - 3, "to p95", "muted")
    x = line.right(x - 1, "│", "muted")
    x = line.right(x - 3, "p50", "muted")
    return line.right(x - 1, "█", "live")


class CostChart(Painted):
    """What everything cost, by day."""

    def __init__(self) -> None:
        super().__init__(id="cost-chart")
        self._trends: Trends | None = None

    def show(self, trends: Trends) -> None:
        self._trends = trends
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        trends = self._trends
        if trends is None or height < 4:
            return []
        words = trends.spent
        total = trends.total
        said = f"{form.cost(total.cost_usd)} in all" if total.cost_usd is not None else ""
        if total.unpriced:
            said += f", {form.count(total.unpriced, 'run')} without a price"
        right = (lambda line, end: line.right(end, said, "muted")) if said else None
        days, each = trends.days_of_all(bars_that_fit(width))
        more = f"all {_MANY[trends.by]}" + (f", a column is {each} days" if each > 1 else "")
        body = [Line() for _ in range(height - 1)]
        highest = max((day.totals.cost_usd or 0.0 for day in days), default=0.0)
        if not highest:
            body[0].put(2, "No agent was paid for in this time.", "muted")
            return [rule(width, "Cost by day", more), *body]
        for row, line in enumerate(body):
            line.put(AXIS, "│", "line")
            if row in (0, len(body) - 1):
                text = _dollars(highest) if row == 0 else "0"
                line.right(AXIS - 1, text, "faint")
        for place, day in enumerate(days):
            cells = (day.totals.cost_usd or 0.0) / highest * len(body)
            _bar(body, _column(body[0], place), cells, "accent")
        x, end = _split(width) + 3, width - (2 if width >= 110 else 1)
        facts = (("Today", words.today), ("This week", words.week), ("Most in a day", words.most))
        for line, (label, text) in zip(body, facts, strict=False):
            line.put(x, label, "faint")
            line.right(end, text, "fg")
        return [rule(width, "Cost by day", more, right=right), *body]


def _dollars(value: float) -> str:
    return f"${value:.0f}" if value >= 2 else form.cost(value)
