"""A virtual list: any number of lines, of which only the visible ones are ever drawn."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.tui.board import board_of
from app.tui.drawing import Line


class LineList(ScrollView, can_focus=True):
    """Lines with a cursor. Subclasses say how many there are and how one looks.

    The cursor is a line number here; whoever shows things with identities keeps them together with
    :meth:`place_cursor`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move_page(-1.0)", show=False),
        Binding("pagedown", "move_page(1.0)", show=False),
        Binding("ctrl+u", "move_page(-0.5)", show=False),
        Binding("ctrl+d", "move_page(0.5)", show=False),
        Binding("home,g", "move_to(0)", show=False),
        Binding("end,G", "move_to(-1)", show=False),
    ]
    DEFAULT_CSS = """
    LineList {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto;
        scrollbar-size: 0 0; background: $background;
    }
    """

    class Moved(Message):
        """The cursor went to another line."""

        def __init__(self, sender: LineList, line: int) -> None:
            super().__init__()
            self.sender = sender
            self.line = line

        @property
        def control(self) -> LineList:
            return self.sender

    class Chosen(Moved):
        """A line was chosen: enter, or a second click."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self._is_moved = False
        """Whether somebody moved here: until then every layout shows the cursor the same way."""

    # -- what subclasses say

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        """How line ``y`` looks."""
        raise NotImplementedError

    def can_hold_cursor(self, _y: int) -> bool:
        """Whether the cursor may stand on a line (headings and blanks are passed over)."""
        return True

    def is_marked(self, _y: int) -> bool:
        """Whether a line is marked for what is done to several."""
        return False

    # -- drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        board = board_of(self)
        place = y + self.scroll_offset.y
        if place >= self.line_count():
            line = self.empty_line(place, width)
            return line.strip(board.ink, width, ascii_only=board.ascii_only)
        at_cursor = place == self.cursor
        line = self.line_at(place, width, at_cursor)
        fill = "sel" if at_cursor and self.shows_selection() else None
        if self.is_marked(place):
            line.put(0, "•", "accent", bold=True)
        elif at_cursor and self.can_hold_cursor(place):
            line.put(0, "▌", "accent" if self.has_focus else "line")
        return line.strip(board.ink, width, fill=fill, ascii_only=board.ascii_only)

    def empty_line(self, _place: int, _width: int) -> Line:
        """How a line below the last one looks."""
        return Line()

    def shows_selection(self) -> bool:
        """Whether the cursor row has the colour of a selection."""
        return self.has_focus and self.can_hold_cursor(self.cursor)

    def lines_changed(self, *, keep: int | None = None) -> None:
        """The lines are others now. ``keep`` is where the cursor's line went to."""
        count = self.line_count()
        before = self.cursor - self.scroll_offset.y
        self.cursor = max(0, min(count - 1, self.cursor if keep is None else keep))
        size = Size(self.size.width, count)
        if size != self.virtual_size:
            self.virtual_size = size
        if keep is not None and 0 <= before < max(1, self.size.height):
            top = max(0, min(self.cursor - before, count - self.size.height))
            if top != self.scroll_offset.y:
                self.scroll_to(y=top, animate=False, immediate=True)
        self.refresh()

    def refresh_line(self, y: int) -> None:
        """Draw one line again, if it can be seen."""
        if self.has_in_view(y):
            self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))

    def has_in_view(self, y: int) -> bool:
        """Whether a line can be seen."""
        top = self.scroll_offset.y
        return top <= y < top + self.size.height

    # -- moving

    def place_cursor(self, y: int, *, tell: bool = True) -> None:
        """Put the cursor on a line and bring it into view."""
        count = self.line_count()
        if not count:
            return
        y = max(0, min(count - 1, y))
        step = 1 if y >= self.cursor else -1
        while 0 <= y < count and not self.can_hold_cursor(y):
            y += step
        if not 0 <= y < count:
            return
        before, self.cursor = self.cursor, y
        self.refresh_line(before)
        self.refresh_line(y)
        self.show_cursor()
        if tell and before != y:
            self.post_message(self.Moved(self, y))

    def begin_at(self, y: int) -> None:
        """Put the cursor where a list of other things begins."""
        self._is_moved = False
        self.place_cursor(y)

    def show_cursor(self) -> None:
        """Bring the cursor into view: in the middle, until somebody moves."""
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not self._is_moved:
            wanted = max(0, min(self.cursor - height // 2, self.line_count() - height))
        elif self.cursor < top:
            wanted = self.cursor
        else:
            wanted = max(top, self.cursor - height + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    def on_resize(self) -> None:
        self.show_cursor()

    def action_move(self, by: int) -> None:
        self._move(self.cursor + by)

    def action_move_page(self, pages: float) -> None:
        self._move(self.cursor + int(pages * max(1, self.size.height)))

    def action_move_to(self, y: int) -> None:
        self._move(y if y >= 0 else self.line_count() - 1)

    def _move(self, y: int) -> None:
        self._is_moved = True
        self.place_cursor(y)

    def choose(self) -> None:
        """Choose the line of the cursor."""
        if self.line_count() and self.can_hold_cursor(self.cursor):
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: Click) -> None:
        y = event.y + self.scroll_offset.y
        if y >= self.line_count() or not self.can_hold_cursor(y):
            return
        again = y == self.cursor and event.chain > 1
        self._move(y)
        if again:
            self.choose()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
