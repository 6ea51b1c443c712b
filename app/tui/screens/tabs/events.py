"""Events: the run's timeline in words; enter shows one as it was written."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.tui.details import EventView, SessionDetail
from app.tui.drawing import Line, rule
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted, dashboard

_ROLES = {"failed": "error", "retrying": "wait", "handler": "wait", "received": "warn"}


class _List(LineList):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[EventView] = []

    def line_count(self) -> int:
        return len(self.items)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        now = form.moment_from_microseconds(dashboard(self).now_us())
        at = form.moment_from_microseconds(one.at_us)
        line = Line()
        written = form.clock(at, now, seconds=True) if now is not None else form.UNKNOWN
        line.right(14, written, "faint")
        role = next((role for word, role in _ROLES.items() if word in one.kind), "fg")
        line.put(16, one.kind.replace("_", " "), role, bold=at_cursor, limit=24)
        line.put(42, one.words, "muted", limit=max(0, width - 44))
        return line

    def empty_line(self, place: int, _width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, "No event was recorded.", "muted")
        return line


class _Raw(Painted):
    """The event under the cursor as it was written."""

    DEFAULT_CSS = "_Raw { height: 8; display: none; } _Raw.-open { display: block; }"
    text = ""

    def paint(self, width: int, height: int) -> list[Line]:
        lines = [rule(width, "As it was written")]
        text = form.one_line(self.text)
        for start in range(0, len(text), max(1, width - 4)):
            line = Line()
            line.put(2, text[start : start + width - 4], "muted")
            lines.append(line)
        return lines[:height]


class View(Tab):
    """The list of events, newest at the end."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "raw", show=False)]

    def compose(self) -> ComposeResult:
        yield _List()
        yield _Raw()

    def show(self, detail: SessionDetail) -> None:
        row = detail.row
        self.run_worker(
            lambda: self.app.call_from_thread(self._take, self.board.backend.events(row)),
            thread=True, group="events", exclusive=True, exit_on_error=False,
        )  # fmt: skip

    def _take(self, items: list[EventView]) -> None:
        shown = self.query_one(_List)
        at_end = shown.cursor >= len(shown.items) - 1
        shown.items = items
        shown.lines_changed()
        if at_end:
            shown.place_cursor(len(items) - 1)
        self.session.show_footer()

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self._show_raw()
        self.session.show_footer()

    def action_raw(self) -> None:
        raw = self.query_one(_Raw)
        raw.toggle_class("-open")
        self._show_raw()

    def _show_raw(self) -> None:
        shown, raw = self.query_one(_List), self.query_one(_Raw)
        if 0 <= shown.cursor < len(shown.items):
            raw.text = shown.items[shown.cursor].raw
            raw.repaint()

    def position(self) -> tuple[str, str]:
        shown = self.query_one(_List)
        return (str(shown.cursor + 1), f"of {len(shown.items)}") if shown.items else ("", "")
