"""Output of a step: any size of log at once, followed while it grows, with its errors marked."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.tui import log_text
from app.tui.drawing import Line
from app.tui.log_file import LogFile
from app.tui.widgets.painted import dashboard

MARKED_LINES = 200
"""Errors are looked for in so many last lines."""
LOOKS_A_SECOND = 10


class LogView(ScrollView, can_focus=True):
    """Lines of one log file. Scrolling up pauses following; ``end`` follows again.

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
        self._file: LogFile | None = None
        self._last = last
        self._loading = False
        self.following = True
        self.empty_words = "No output yet."
        self._at_error = False
        self.marks: list[int] = []
        """Line numbers, from 0, of lines that say what went wrong."""

    # -- which log

    def show(self, path: Path | None, *, follow: bool = True, at_error: bool = False) -> None:
        """Show a log from its end, or from the first line of its last block of errors."""
        if path is not None and self._file is not None and self._file.path == path:
            self.look()
            return
        self._file = LogFile(path) if path is not None else None
        self.following, self._at_error = follow, at_error
        self.marks = []
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
        file = self._file
        if file is None or self._loading:
            return
        try:
            state = file.path.stat()
        except OSError:
            return
        if state.st_size == file.size:
            return
        self._loading = True
        self.run_worker(lambda: self._read(file), thread=True, group="log", exit_on_error=False)

    def _read(self, file: LogFile) -> None:
        marks: list[int] = []
        try:
            file.look()
            first = max(0, file.count - MARKED_LINES)
            texts = [log_text.shown(line) for line in file.lines(first, MARKED_LINES)]
            marks = [first + place for place, text in enumerate(texts) if log_text.is_error(text)]
            begin = log_text.first_error_of_last_block(texts)
            start = first + begin if begin is not None else None
        except OSError:
            start = None
        finally:
            self._loading = False
        if self.is_attached:
            self.app.call_from_thread(self._grown, file, marks, start)

    def _grown(self, file: LogFile, marks: list[int], start: int | None) -> None:
        if file is not self._file:
            return
        self.marks = marks
        self._fit()
        if self._at_error:
            self._at_error = False
            self.following = False
            if start is not None:
                self._go(start - self.first - max(1, self.size.height // 3))
            else:
                self._go(self.count)
        elif self.following:
            self._go(self.count)
        self.refresh()
        self.post_message(self.Changed())

    # -- lines

    @property
    def file(self) -> LogFile | None:
        return self._file

    @property
    def total(self) -> int:
        """How many lines the log has."""
        return self._file.count if self._file else 0

    @property
    def first(self) -> int:
        """The first line that is shown, from 0."""
        return max(0, self.total - self._last) if self._last else 0

    @property
    def count(self) -> int:
        """How many lines can be scrolled over."""
        return self.total - self.first

    @property
    def below(self) -> int:
        """How many lines are below what is seen."""
        return max(0, self.count - self.scroll_offset.y - self.size.height)

    def show_all(self) -> None:
        """Scroll over the whole log instead of its end."""
        at = self.scroll_offset.y + self.first
        self._last = 0
        self._fit()
        self._go(at)
        self.refresh()
        self.post_message(self.Changed())

    def _fit(self) -> None:
        self.virtual_size = Size(self.size.width, self.count)

    def on_resize(self) -> None:
        self._fit()
        if self.following:
            self._go(self.count)

    def render_line(self, y: int) -> Strip:
        board = dashboard(self)
        width = self.size.width
        line = Line()
        place = y + self.scroll_offset.y
        if self._file is None or (self.total == 0 and place == 0):
            if place == 0:
                line.put(2, self.empty_words, "muted")
        elif place < self.count:
            number = self.first + place
            digits = max(4, len(str(self.total)))
            line.right(2 + digits, str(number + 1), "faint")
            text = log_text.shown(self._file.line(number))
            wrong = log_text.is_error(text)
            x = 2 + digits + 2
            if wrong:
                line.put(x, "×", "error")
            quiet = text.startswith(" ") and not wrong
            line.put(x + 2, text, "muted" if quiet else "fg", limit=max(0, width - x - 3))
        return line.strip(board.ink, width, ascii_only=board.ascii_only)

    # -- moving

    def _go(self, y: int) -> None:
        limit = max(0, self.count - self.size.height)
        self.scroll_to(y=max(0, min(limit, y)), animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and self.below > 0:
            self.following = False
        self.post_message(self.Changed())

    def action_by(self, lines: int) -> None:
        if lines < 0:
            self.following = False
        self._go(self.scroll_offset.y + lines)

    def action_page(self, pages: float) -> None:
        self.action_by(int(pages * self.size.height))

    def action_top(self) -> None:
        self.following = False
        self._go(0)

    def action_follow(self) -> None:
        self.following = True
        self._go(self.count)
        self.post_message(self.Changed())

    def action_mark(self, by: int) -> None:
        """Go to the next or previous line that says what went wrong."""
        here = self.scroll_offset.y + self.first + self.size.height // 3
        later = [mark for mark in self.marks if mark > here]
        earlier = [mark for mark in self.marks if mark < here]
        target = (later[:1] if by > 0 else earlier[-1:]) or (
            self.marks[:1] if by > 0 else self.marks[-1:]
        )
        if target:
            self.following = False
            self._go(target[0] - self.first - self.size.height // 3)
