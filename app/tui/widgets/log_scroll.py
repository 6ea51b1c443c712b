"""Scrolling over lines of any number: cut at the edge or wrapped, only those seen are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from app.tui import log_text
from app.tui.board import board_of
from app.tui.drawing import THIN, Line
from app.tui.log_reel import Reel
from app.tui.log_search import places
from app.tui.widgets.log_rows import LogRow, rows_of
from app.tui.widgets.scroller import Scroller


class LogScroll(Scroller):
    """Draws the lines of a reel. The scroll position is a line, also where lines wrap.

    Args:
        last: show only so many last lines (0: all).
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("w", "wrap", show=False)]

    def __init__(self, *, last: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self.reel: Reel | None = None
        self.last = last
        self.wraps = False
        self.empty_words = "No output yet."
        self.searched = ""
        """The text whose places are underlined."""
        self.current: int | None = None
        """The line of the hit or mark gone to."""
        self._skip = 0
        """Rows of the first line, when it wraps, that are above the view."""
        self._placing = False
        self._seen_rows: tuple[tuple[object, ...], list[LogRow]] = ((), [])

    # -- what others do with it

    def moved(self) -> None:
        """The view is elsewhere, or lines look otherwise."""

    def moved_up(self) -> None:
        """The person went back."""

    # -- lines

    @property
    def total(self) -> int:
        """How many lines there are."""
        return self.reel.count if self.reel is not None else 0

    @property
    def first(self) -> int:
        """The first line that is shown, from 0."""
        return max(0, self.total - self.last) if self.last else 0

    @property
    def count(self) -> int:
        """How many lines can be scrolled over."""
        return self.total - self.first

    @property
    def below(self) -> int:
        """How many lines are below what is seen."""
        rows = self.visible_rows()
        return max(0, self.total - 1 - rows[-1].line) if rows else 0

    @property
    def digits(self) -> int:
        """Cells the largest line number takes."""
        return 4

    @property
    def _gutter(self) -> int:
        return 2 + max(4, self.digits) + 2

    @property
    def _text_width(self) -> int:
        return max(10, self.size.width - self._gutter - 3)

    def _rows(self, place: int, count: int = 1) -> Iterator[list[LogRow]]:
        """The rows of each of some lines, by their place in what can be scrolled over."""
        first, width = self.first + place, self._text_width if self.wraps else 0
        count = min(count, self.count - place)
        lines = self.reel.lines(first, count) if self.reel is not None and count > 0 else ()
        return (rows_of(number, line, width) for number, line in enumerate(lines, first))

    def _height(self, place: int) -> int:
        """How many rows a line takes."""
        return sum(map(len, self._rows(place)))

    def visible_rows(self) -> list[LogRow]:
        """The rows that are seen, from the top; kept until something changes."""
        if self.reel is None:
            return []
        place, height = self.scroll_offset.y, self.size.height
        key = (self.reel, self.total, self.last, place, self._skip, self.size, self.wraps)
        if self._seen_rows[0] == key:
            return self._seen_rows[1]
        rows = list(chain.from_iterable(self._rows(place, height + self._skip)))
        rows = rows[self._skip : self._skip + height]
        self._seen_rows = (key, rows)
        return rows

    def _end(self) -> tuple[int, int]:
        """The scroll position, and rows left out of its first line, at which the end is seen."""
        last = max(0, self.count - self.size.height)
        if not self.wraps or self.reel is None:
            return last, 0
        place, rows = self.count, 0
        for of_line in reversed(list(self._rows(last, self.size.height))):
            if rows >= self.size.height:
                break
            place -= 1
            rows += len(of_line)
        return place, max(0, rows - self.size.height)

    def fit(self) -> None:
        """Say how far it can be scrolled."""
        self._seen_rows = ((), [])
        height = self._end()[0] + self.size.height if self.wraps else self.count
        self.extend_to(height)

    def on_resize(self) -> None:
        self.fit()

    def render_line(self, y: int) -> Strip:
        board = board_of(self)
        width = self.size.width
        line = Line()
        rows = self.visible_rows()
        if not rows and y == 0:
            line.put(2, self.empty_words, "muted")
        elif y < len(rows):
            self._draw(line, rows[y], width)
        return line.strip(board.ink, width, ascii_only=board.ascii_only)

    def _draw(self, line: Line, row: LogRow, width: int) -> None:
        x = self._gutter
        if row.is_mark:
            line.put(0, THIN * 2, "line")
            end = line.put(3, row.text, "muted", limit=max(0, width - 6))
            line.put(end + 1, THIN * max(0, width - end - 2), "line")
            return
        here = row.line == self.current
        number = self.reel.number_of(row.line) if self.reel is not None else None
        if row.is_first and number is not None:
            line.right(x - 2, str(number), "accent" if here else "faint", bold=here)
        if row.is_error and row.is_first:
            line.put(x, "×", "error")
        if here and row.is_first and self.searched:
            row = self._around_hit(row)
        token = "muted" if row.is_quiet and not row.is_error else "fg"
        row.draw(line, x + 2, self._text_width, token, self.searched, strong=here)

    def _around_hit(self, row: LogRow) -> LogRow:
        """The row, or where the hit is beyond what is shown of a very long line all of that."""
        if self.reel is None or places(row.text, self.searched):
            return row
        line = self.reel.whole(row.line)
        if isinstance(line, str) or places(log_text.shown(line), self.searched):
            return row
        return replace(row, text=log_text.whole(line))

    # -- moving

    def go(self, y: int) -> None:
        """Bring a place to the top, as far as that goes."""
        end, skip = self._end()
        self._place(*((end, skip) if y >= end else (max(0, y), 0)))

    def _place(self, y: int, skip: int) -> None:
        self._placing = True
        self._skip = skip
        self.scroll_to(y=y, animate=False, immediate=True, force=True)
        self._placing = False
        self.refresh()
        self.moved()

    def row_of_hit(self, line: int) -> int:
        """Which row of a line that wraps has what is searched for first."""
        if not (self.wraps and self.searched):
            return 0
        rows = next(self._rows(line - self.first), [])
        return next((at for at, row in enumerate(rows) if places(row.text, self.searched)), 0)

    def go_to_row(self, line: int, row: int) -> None:
        """Bring a row of a line that wraps into the upper half."""
        above = max(0, row - self.size.height // 3)
        self._place(*min((line - self.first, above), self._end()))

    def over(self, line: int) -> int:
        """Where the view begins so that a line stands in its upper half."""
        return line - self.first - max(1, self.size.height // 3)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._placing:
            return
        self._skip = 0  # a wheel or a scroll bar goes by whole lines
        if new_value < old_value and self.below > 0:
            self.moved_up()
        self.moved()

    def action_by(self, lines: int) -> None:
        if self.reel is None:
            return
        place, skip = self.scroll_offset.y, self._skip + lines
        end = self._end()
        if not self.wraps:
            place, skip = place + skip, 0
        while skip < 0 < place:
            place -= 1
            skip += self._height(place)
        while skip > 0 and place < end[0] and skip >= (rows := self._height(place)):
            skip -= rows
            place += 1
        if lines < 0:
            self.moved_up()
        self._place(*min((max(0, place), max(0, skip)), end))

    def action_top(self) -> None:
        self.moved_up()
        self.go(0)

    def action_bottom(self) -> None:
        self.go(self.count)

    def action_wrap(self) -> None:
        """Let long lines go on beneath, or cut them."""
        at_end = self.below == 0
        at = self.scroll_offset.y
        self.wraps = not self.wraps
        self.fit()
        self.go(self.count if at_end else at)
