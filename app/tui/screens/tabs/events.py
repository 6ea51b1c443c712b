"""Events: the run's timeline in words; enter shows one as it was written."""

from __future__ import annotations

import json
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.tui.board import board_of
from app.tui.calling import after_refresh, on_loop
from app.tui.details import EventView, SessionDetail
from app.tui.drawing import Line, rule
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.footer import Hint
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import Text, TextView

KIND_CELLS = 22
_ROLES = {"failed": "error", "retrying": "wait", "handler": "wait", "received": "warn"}


class _List(LineList):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[EventView] = []

    def line_count(self) -> int:
        return len(self.items)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        now = form.moment_from_microseconds(board_of(self).now_us())
        at = form.moment_from_microseconds(one.at_us)
        line = Line()
        written = form.clock(at, now, seconds=True) if now is not None else form.UNKNOWN
        line.right(2 + self.time_cells, written, "faint")
        x = self.time_cells + 4
        role = next((role for word, role in _ROLES.items() if word in one.kind), "fg")
        line.put(x, one.kind.replace("_", " "), role, bold=at_cursor, limit=KIND_CELLS)
        end = width - (2 if width >= 110 else 1)
        start = x + KIND_CELLS + 2
        line.put(start, one.words, "muted", limit=max(0, end - start))
        return line

    @property
    def time_cells(self) -> int:
        """As wide as the times of the oldest and the newest event."""
        now = form.moment_from_microseconds(board_of(self).now_us())
        if now is None:
            return 8
        ends = [
            form.moment_from_microseconds(one.at_us) for one in self.items[:1] + self.items[-1:]
        ]
        return max((len(form.clock(at, now, seconds=True)) for at in ends), default=8)

    def empty_line(self, place: int, _width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, "No event was recorded.", "muted")
        return line


class _Head(Painted):
    """The names of the columns."""

    def paint(self, width: int, height: int) -> list[Line]:
        view, line = self.parent, Line()
        shown = view.query_one(_List) if view is not None else None
        if shown is not None and shown.items:
            x = shown.time_cells + 4
            line.put(2, "TIME", "faint")
            line.put(x, "EVENT", "faint")
            line.put(x + KIND_CELLS + 2, "ABOUT", "faint")
        return [line]


class _Title(Painted):
    """The rule above the event as it was written."""

    def paint(self, width: int, height: int) -> list[Line]:
        view = self.parent
        focused = view is not None and view.query_one(TextView).has_focus
        return [rule(width, "As it was written", focused=focused)]


class View(Tab):
    """The list of events, newest at the end."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "raw", show=False)]
    PANES: ClassVar[tuple[str, ...]] = ("_Head, _List", "_Title, TextView")

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._is_open = False

    def on_mount(self) -> None:
        self.arrange_panes()

    def arrange_panes(self) -> None:
        super().arrange_panes()
        self._open()

    def _open(self) -> None:
        view = self.query_one(TextView)
        for widget in (self.query_one(_Title), view):
            widget.set_class(not self._is_open, "-absent")
        view.styles.height = "1fr" if self.is_zoomed else "50%"

    def compose(self) -> ComposeResult:
        yield _Head()
        yield _List()
        yield _Title()
        yield TextView(wraps=True)

    def show(self, detail: SessionDetail) -> None:
        row = detail.row
        self.run_worker(
            lambda: on_loop(self, self._take, self.board.backend.events(row)),
            thread=True, group="events", exclusive=True, exit_on_error=False,
        )  # fmt: skip

    def _take(self, items: list[EventView]) -> None:
        shown = self.query_one(_List)
        at_end = shown.cursor >= len(shown.items) - 1
        shown.items = items
        self.session.count("events", len(items))
        self.query_one(_Head).repaint()
        shown.lines_changed()
        if at_end:
            shown.place_cursor(len(items) - 1)
        self.session.show_footer()

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self._show_raw()
        self.session.show_footer()

    def on_line_list_chosen(self) -> None:
        self.action_raw()

    def action_raw(self) -> None:
        """Show the event as it was written, or no longer."""
        self._is_open = not self._is_open
        self._open()
        self._show_raw()
        after_refresh(self, self.query_one(_List).show_cursor)
        if not self._is_open:
            self.query_one(_List).focus()
        self.session.show_footer()

    def _show_raw(self) -> None:
        shown = self.query_one(_List)
        if self._is_open and 0 <= shown.cursor < len(shown.items):
            self.query_one(TextView).show(_laid_out(shown.items[shown.cursor].raw))

    def on_descendant_focus(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_blur(self) -> None:
        self.query_one(_Title).repaint()

    def hints(self) -> tuple[Hint, ...]:
        return (Hint("enter", "in words" if self._is_open else "as written"),)

    def position(self) -> tuple[str, str]:
        shown = self.query_one(_List)
        return (str(shown.cursor + 1), f"of {len(shown.items)}") if shown.items else ("", "")


def _laid_out(raw: str) -> list[Text]:
    """A line of JSON, indented."""
    try:
        written = json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except ValueError:
        written = raw
    return [Text(line, "muted") for line in written.split("\n")]
