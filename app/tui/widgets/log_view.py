"""Output of steps: any size of log at once, followed while it grows, with its errors marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.tui import log_text
from app.tui.drawing import THIN, Line
from app.tui.log_reel import LogPart, LogReel, Reel, TailReel
from app.tui.log_search import MOST_HITS
from app.tui.widgets.log_rows import LogRow, rows_of
from app.tui.widgets.painted import dashboard

MARKED_LINES = 200
"""Errors are looked for in so many last lines."""
LOOKS_A_SECOND = 10
COUNTED_AT_ONCE = 4 * 1024 * 1024
"""Of a longer log the end is shown before its lines are counted."""


class LogView(ScrollView, can_focus=True):
    """Lines of logs. Scrolling up pauses following; ``end`` follows again.

    Args:
        last: show only so many last lines (0: all).
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "by(-1)", show=False),
        Binding("down,j", "by(1)", show=False),
        Binding("pageup", "page(-1.0)", show=False),
        Binding("pagedown", "page(1.0)", show=False),
        Binding("ctrl+u", "page(-0.5)", show=False),
        Binding("ctrl+d", "page(0.5)", show=False),
        Binding("home,g", "top", show=False),
        Binding("end,G", "follow", show=False),
        Binding("n", "mark(1)", show=False),
        Binding("N", "mark(-1)", show=False),
        Binding("w", "wrap", show=False),
    ]
    DEFAULT_CSS = """
    LogView {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; background: $background;
        scrollbar-background: $background; scrollbar-color: $track;
        scrollbar-background-hover: $background; scrollbar-color-hover: $accent;
        scrollbar-background-active: $background; scrollbar-color-active: $accent;
    }
    """

    class Changed(Message):
        """There is more, or it is followed or not: the title says it."""

    def __init__(self, *, last: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self._whole: LogReel | None = None
        self._reel: Reel | None = None
        """What is drawn: the whole, or its end while the whole is being counted."""
        self._last = last
        self._loading = False
        self.following = True
        self.wraps = False
        self.empty_words = "No output yet."
        self._at_error = False
        self.marks: list[int] = []
        """Line numbers, from 0, of lines that say what went wrong."""
        self.hits: list[int] = []
        """Lines with the text that is searched for."""
        self.searched = ""
        self.searching = False
        self.current: int | None = None
        """The line of the hit or mark gone to."""
        self._seen = 0
        """How many lines there were when following was paused."""
        self._skip = 0
        """Rows of the first line, when it wraps, that are above the view."""
        self._placing = False

    # -- which log

    def show(
        self, parts: Sequence[LogPart], *, follow: bool = True, at_error: bool = False
    ) -> None:
        """Show logs from their end, or from the first line of the last block of errors."""
        if self._whole is not None and self._whole.parts == tuple(parts):
            self.look()
            return
        self._whole = LogReel(parts) if parts else None
        self._reel = None
        self.following, self._at_error = follow, at_error
        self.marks = []
        self.forget_search()
        self._skip = self._seen = 0
        self._fit()
        self.refresh()
        self.look()

    def on_mount(self) -> None:
        self.set_interval(1 / LOOKS_A_SECOND, self._look_if_seen)

    def _look_if_seen(self) -> None:
        if self.is_attached and self.screen.is_current and self.region.area:
            self.look()

    def look(self) -> None:
        """Take in what was written since, off the loop."""
        whole = self._whole
        if whole is None or self._loading or not whole.may_have_grown:
            return
        self._loading = True
        self.run_worker(lambda: self._read(whole), thread=True, group="log", exit_on_error=False)

    def _read(self, whole: LogReel) -> None:
        try:
            if not whole.count and whole.size > COUNTED_AT_ONCE:
                last = TailReel(whole.parts[-1].path)
                self.app.call_from_thread(self._take, whole, last)
            whole.look()
        finally:
            self._loading = False
        if self.is_attached:
            self.app.call_from_thread(self._take, whole, whole)

    def _take(self, whole: LogReel, reel: Reel) -> None:
        if whole is not self._whole or not self.is_attached:
            return
        from_end = self.total - self.first - self.scroll_offset.y
        was_counted = self._reel is None or isinstance(self._reel, LogReel)
        self._reel = reel
        start = self._look_for_errors()
        self._fit()
        if self._at_error:
            self._at_error = not isinstance(reel, LogReel)
            self.following = False
            self._go(self.count if start is None else self._over(start))
        elif self.following:
            self._go(self.count)
        elif not was_counted:
            self._go(self.count - from_end)
        if self.following:
            self._seen = self.total
        self.refresh()
        self.post_message(self.Changed())

    def _look_for_errors(self) -> int | None:
        reel, total = self._reel, self.total
        if reel is None:
            return None
        first = max(0, total - MARKED_LINES)
        texts = [_text_of(reel, number) for number in range(first, total)]
        self.marks = [first + at for at, text in enumerate(texts) if log_text.is_error(text)]
        begin = log_text.first_error_of_last_block(texts)
        return first + begin if begin is not None else None

    # -- lines

    @property
    def shows_log(self) -> bool:
        """Whether there is a log to show."""
        return self._whole is not None

    @property
    def total(self) -> int:
        """How many lines there are."""
        return self._reel.count if self._reel is not None else 0

    @property
    def first(self) -> int:
        """The first line that is shown, from 0."""
        return max(0, self.total - self._last) if self._last else 0

    @property
    def count(self) -> int:
        """How many lines can be scrolled over."""
        return self.total - self.first

    @property
    def is_counted(self) -> bool:
        """Whether the number of lines is known already."""
        return isinstance(self._reel, LogReel)

    @property
    def below(self) -> int:
        """How many lines are below what is seen."""
        rows = self._visible()
        return max(0, self.total - 1 - rows[-1].line) if rows else 0

    @property
    def new_below(self) -> int:
        """How many lines came since following was paused."""
        return max(0, self.total - self._seen) if not self.following else 0

    def show_all(self) -> None:
        """Scroll over the whole log instead of its end."""
        at = self.scroll_offset.y + self.first
        self._last = 0
        self._fit()
        self._go(at)
        self.refresh()
        self.post_message(self.Changed())

    @property
    def shows_all(self) -> bool:
        return not self._last or self.total <= self._last

    def _text_width(self) -> int:
        return max(10, self.size.width - self._gutter() - 3)

    def _gutter(self) -> int:
        most = self._whole.most_lines if self._whole is not None else 0
        return 2 + max(4, len(str(most))) + 2

    def _rows(self, place: int) -> list[LogRow]:
        """The rows of one line, by its place in what can be scrolled over."""
        assert self._reel is not None
        number = self.first + place
        width = self._text_width() if self.wraps else 0
        return rows_of(number, self._reel.line(number), width)

    def _visible(self) -> list[LogRow]:
        """The rows that are seen, from the top."""
        if self._reel is None:
            return []
        rows: list[LogRow] = []
        place, height = self.scroll_offset.y, self.size.height
        while len(rows) < height + self._skip and place < self.count:
            rows += self._rows(place)
            place += 1
        return rows[self._skip : self._skip + height]

    def _end(self) -> tuple[int, int]:
        """The scroll position, and rows left out of its first line, at which the end is seen."""
        if not self.wraps or self._reel is None:
            return max(0, self.count - self.size.height), 0
        place, rows = self.count, 0
        while place > 0 and rows < self.size.height:
            place -= 1
            rows += len(self._rows(place))
        return place, max(0, rows - self.size.height)

    def _fit(self) -> None:
        end, _ = self._end()
        height = end + self.size.height if self.wraps else self.count
        self.virtual_size = Size(self.size.width, height)

    def on_resize(self) -> None:
        self._fit()
        if self.following:
            self._go(self.count)

    def render_line(self, y: int) -> Strip:
        board = dashboard(self)
        width = self.size.width
        line = Line()
        rows = self._visible()
        if not rows and y == 0:
            line.put(2, self.empty_words, "muted")
        elif y < len(rows):
            self._draw(line, rows[y], width)
        return line.strip(board.ink, width, ascii_only=board.ascii_only)

    def _draw(self, line: Line, row: LogRow, width: int) -> None:
        x = self._gutter()
        if row.is_mark:
            line.put(0, THIN * 2, "line")
            end = line.put(3, row.text, "muted", limit=max(0, width - 6))
            line.put(end + 1, THIN * max(0, width - end - 2), "line")
            return
        number = self._reel.number_of(row.line) if self._reel is not None else None
        if row.is_first and number is not None:
            here = row.line == self.current
            line.right(x - 2, str(number), "accent" if here else "faint", bold=here)
        if row.is_error and row.is_first:
            line.put(x, "×", "error")
        quiet = row.is_quiet and not row.is_error
        row.draw(
            line, x + 2, self._text_width(), "muted" if quiet else "fg",
            self.searched, strong=row.line == self.current,
        )  # fmt: skip

    # -- moving

    def _go(self, y: int) -> None:
        """Bring a line to the top, as far as that goes."""
        end, skip = self._end()
        self._place(*((end, skip) if y >= end else (max(0, y), 0)))

    def _place(self, y: int, skip: int) -> None:
        self._placing = True
        self._skip = skip
        self.scroll_to(y=y, animate=False, immediate=True)
        self._placing = False
        self.refresh()

    def _over(self, line: int) -> int:
        """Where the view begins so that a line stands in its upper half."""
        return line - self.first - max(1, self.size.height // 3)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._placing:
            self._skip = 0
            if new_value < old_value and self.below > 0:
                self._pause()
        self.post_message(self.Changed())

    def _pause(self) -> None:
        if self.following:
            self.following = False
            self._seen = self.total

    def action_by(self, lines: int) -> None:
        if self._reel is None:
            return
        place, skip = self.scroll_offset.y, self._skip + lines
        end = self._end()
        while skip < 0 < place:
            place -= 1
            skip += len(self._rows(place))
        while skip > 0 and (place, skip) < end and skip >= (rows := len(self._rows(place))):
            skip -= rows
            place += 1
        place, skip = min((max(0, place), max(0, skip)), end)
        if lines < 0:
            self._pause()
        self._place(place, skip if self.wraps else 0)
        self.post_message(self.Changed())

    def action_page(self, pages: float) -> None:
        lines = int(pages * max(1, self.size.height))
        if self.wraps:
            self.action_by(lines)
            return
        if lines < 0:
            self._pause()
        self._go(self.scroll_offset.y + lines)
        self.post_message(self.Changed())

    def action_top(self) -> None:
        self._pause()
        self._go(0)
        self.post_message(self.Changed())

    def action_follow(self) -> None:
        self.following = True
        self._go(self.count)
        self.post_message(self.Changed())

    def action_wrap(self) -> None:
        """Let long lines go on beneath, or cut them."""
        self.wraps = not self.wraps
        at = self.scroll_offset.y
        self._fit()
        self._go(self.count if self.following else at)
        self.post_message(self.Changed())

    # -- marks and hits

    def action_mark(self, by: int) -> None:
        """Go to the next or previous hit, or line that says what went wrong."""
        lines = self.hits if self.searched else self.marks
        if not lines:
            return
        here = self.current
        if here is None:
            here = self.scroll_offset.y + self.first + (-1 if by > 0 else self.size.height)
        later = [line for line in lines if line > here][:1]
        earlier = [line for line in lines if line < here][-1:]
        self.go_to_line(((later or lines[:1]) if by > 0 else (earlier or lines[-1:]))[0])

    def go_to_line(self, line: int) -> None:
        """Bring a line into view."""
        if line < self.first:
            self.show_all()
        self._pause()
        self.current = line
        self._go(self._over(line))
        self.post_message(self.Changed())

    @property
    def hit_number(self) -> int:
        """Which of the hits (or marks) was gone to, from 1; 0 for none."""
        lines = self.hits if self.searched else self.marks
        return lines.index(self.current) + 1 if self.current in lines else 0

    def forget_search(self) -> None:
        """Nothing is searched for any more."""
        self.searched, self.hits, self.current, self.searching = "", [], None, False
        self.refresh()
        if self.is_attached:
            self.post_message(self.Changed())

    def search(self, text: str) -> None:
        """Look for a text in all of the log, off the loop; goes to the first hit from here on."""
        self.forget_search()
        whole = self._whole
        if not text or whole is None:
            return
        self.searched, self.searching = text, True
        self.run_worker(
            lambda: self._search(whole, text), thread=True, group="search", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _search(self, whole: LogReel, text: str) -> None:
        while self._loading and not self._given_up(whole, text):
            whole.look()
        found: list[int] = []
        told = 0
        for piece in whole.search(text, lambda: self._given_up(whole, text)):
            found += piece
            if len(found) >= MOST_HITS:
                break
            if found and not told or len(found) - told > 500:
                told = len(found)
                self.app.call_from_thread(self._found, whole, text, list(found), False)
        if not self._given_up(whole, text):
            self.app.call_from_thread(self._found, whole, text, found, True)

    def _given_up(self, whole: LogReel, text: str) -> bool:
        return whole is not self._whole or text != self.searched or not self.is_attached

    def _found(self, whole: LogReel, text: str, found: list[int], done: bool) -> None:
        if self._given_up(whole, text):
            return
        self.hits, self.searching = found, not done
        if found and self.current is None and self.is_counted:
            here = self.scroll_offset.y + self.first
            self.go_to_line(next((line for line in found if line >= here), found[0]))
        self.refresh()
        self.post_message(self.Changed())


def _text_of(reel: Reel, number: int) -> str:
    line = reel.line(number)
    return log_text.shown(line) if isinstance(line, bytes) else ""


def thousands(number: int) -> str:
    """A count as people read it: ``1 204``."""
    return f"{number:,}".replace(",", " ")
