"""The axis of active time: hours in which nothing ran are cut out of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app import format as form
from app.tui.details import Span, SpanKind
from app.tui.drawing import Line

CUT_CELLS = 2
"""Cells a cut takes."""
LONGEST_GAP_SECONDS = 30.0
"""A longer time in which nothing ran is cut out."""
_MINUTE, _HOUR = 60, 3600
_TICKS = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * _MINUTE for minutes in (1, 2, 3, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12, 24)),
)


@dataclass(frozen=True, slots=True)
class Cut:
    """Time left out of the axis: at which active second, and how long."""

    at: float
    seconds: float


class Axis:
    """Maps moments to cells, for all rows of a timeline alike.

    Args:
        spans: everything that ran.
        cells: width of the axis.
        now_us: where a span that still runs ends.
    """

    def __init__(self, spans: Iterable[Span], cells: int, now_us: int) -> None:
        self.cells = max(4, cells)
        self._now_us = now_us
        self._pieces: list[tuple[int, int, float]] = []
        """Start, end, and the active second at the start."""
        self.cuts: list[Cut] = []
        """One between each two pieces."""
        running = False
        total = 0.0
        for span in sorted(spans, key=lambda one: one.started_us):
            start, end = span.started_us, self.end_us(span)
            running = running or span.running
            if not self._pieces:
                self._pieces.append((start, end, 0.0))
            else:
                first, last, at = self._pieces[-1]
                gap = (start - last) / 1e6
                if gap > LONGEST_GAP_SECONDS:
                    at += (last - first) / 1e6
                    self.cuts.append(Cut(at, gap))
                    self._pieces.append((start, end, at))
                else:
                    self._pieces[-1] = (first, max(last, end), at)
        if self._pieces:
            first, last, at = self._pieces[-1]
            total = at + (last - first) / 1e6
        wide = 2 * CUT_CELLS * len(self.cuts) <= self.cells
        self._cut_cells = CUT_CELLS if wide else 0
        self.step = _tick_step(total)
        # While something runs the axis grows in steps of its ticks, not each second.
        self.seconds = (int(total / self.step) + 1) * self.step if running else max(total, 0.1)

    def end_us(self, span: Span) -> int:
        """When a span ended, or now."""
        if span.running:
            return span.started_us + int(span.seconds_until(self._now_us) * 1e6)
        return span.started_us + int(span.seconds * 1e6)

    def at(self, moment_us: int) -> float:
        """The active second of a moment."""
        return self._place(moment_us)[0]

    def _place(self, moment_us: int) -> tuple[float, int]:
        """The active second of a moment, and how many cuts lie before it."""
        number = bisect_right(self._pieces, moment_us, key=lambda piece: piece[0]) - 1
        if number < 0:
            return 0.0, 0
        start, end, at = self._pieces[number]
        return at + (min(moment_us, end) - start) / 1e6, number

    def half(self, seconds: float, cuts: int) -> int:
        """The half cell of an active second that so many cuts lie before."""
        free = self.cells - self._cut_cells * len(self.cuts)
        half = round(seconds / self.seconds * 2 * free) + 2 * self._cut_cells * cuts
        return min(2 * self.cells, max(0, half))

    def half_of(self, moment_us: int) -> int:
        """The half cell of a moment."""
        return self.half(*self._place(moment_us))

    @cached_property
    def cut_cells(self) -> list[tuple[int, Cut]]:
        """The first cell of every cut."""
        if not self._cut_cells:
            return []
        return [((self.half(cut.at, number) + 1) // 2, cut) for number, cut in enumerate(self.cuts)]

    @cached_property
    def ticks(self) -> list[tuple[int, str]]:
        """Cell and label of every tick."""
        found = []
        for number in range(int(self.seconds / self.step + 0.001) + 1):
            seconds = number * self.step
            cuts = sum(1 for cut in self.cuts if cut.at < seconds)
            cell = self.half(seconds, cuts) // 2
            if cell < self.cells:
                found.append((cell, _tick_label(seconds)))
        return found

    def draw_heads(self, line: Line, x: int) -> None:
        """The labels of the ticks, and how long the cuts are."""
        taken: set[int] = set()
        labels = [(cell, form.age(cut.seconds), "muted") for cell, cut in self.cut_cells]
        labels += [(cell, label, "faint") for cell, label in self.ticks]
        for cell, label, token in labels:
            cells = set(range(cell, cell + len(label)))
            if cell + len(label) <= self.cells and not taken & cells:
                line.put(x + cell, label, token)
                taken |= {cell - 1, *cells, cell + len(label)}

    def draw(
        self, line: Line, x: int, spans: Sequence[Span], role: str, *, words: str = ""
    ) -> None:
        """One row: what ran heavy, handlers and waits thin, on the ticks; or words instead."""
        cells: dict[int, tuple[str, str]] = {}
        for cell, _ in self.ticks:
            cells[cell] = ("┊", "line")
        for cell, _ in self.cut_cells:
            for place in range(cell, min(self.cells, cell + CUT_CELLS)):
                cells[place] = ("╱", "line")
        for span in sorted(spans, key=lambda one: one.kind is SpanKind.ATTEMPT):
            self._span(cells, span, role)
        shown = "" if spans else form.cut(words, self.cells - 2)
        for cell, (sign, token) in cells.items():
            if not shown or not 0 < cell < form.width(shown) + 2:
                line.put(x + cell, sign, token)
        line.put(x + 1, shown, "faint")

    def _span(self, cells: dict[int, tuple[str, str]], span: Span, role: str) -> None:
        start = self.half_of(span.started_us)
        end = max(start + 1, self.half_of(self.end_us(span)))
        if start >= 2 * self.cells:
            start, end = 2 * self.cells - 1, 2 * self.cells
        thin = span.kind is not SpanKind.ATTEMPT
        for cell in range(start // 2, (end + 1) // 2):
            left, right = start <= 2 * cell < end, start <= 2 * cell + 1 < end
            if thin:
                cells[cell] = ("─", "wait")
            else:
                sign = "━" if left and right else "╸" if left else "╺"
                cells[cell] = (sign, role)
        last = min(self.cells - 1, (end - 1) // 2)
        if thin:
            return
        if span.failed:
            cells[last] = ("×", "error")
        elif span.running:
            cells[last] = ("►", role)


def _tick_step(total: float) -> int:
    for step in _TICKS:
        if total / step <= 5.5:
            return step
    days = int(total // (5 * 86400)) + 1
    return days * 86400


def _tick_label(seconds: int) -> str:
    if seconds == 0:
        return "0"
    if seconds % 86400 == 0:
        return f"{seconds // 86400}d"
    if seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    if seconds >= 60:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes}m" if not rest else f"{minutes}m{rest:02}"
    return f"{seconds}s"
