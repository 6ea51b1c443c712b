"""Checkpoints: the kept history, newest first, and which one a resume uses."""

from __future__ import annotations

from textual.app import ComposeResult

from app import format as form
from app.tui.details import CheckpointView, SessionDetail
from app.tui.drawing import Line
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted, dashboard


class _Head(Painted):
    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        for x, name in ((2, "CHECKPOINT"), (15, "AT"), (36, "STATUS")):
            line.put(x, name, "faint")
        line.right(63, "WRITTEN", "faint")
        line.right(73, "SIZE", "faint")
        return [line]


class _List(LineList):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[CheckpointView] = []

    def line_count(self) -> int:
        return len(self.items)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        now = form.moment_from_microseconds(dashboard(self).now_us())
        line = Line()
        line.put(2, f"#{one.seq}", "fg", bold=at_cursor)
        where = f"before step {one.index + 1}" if one.index < one.total else "after the last step"
        line.put(15, where, "fg")
        line.put(36, f"{one.kind}, {one.status.lower()}", "muted", limit=18)
        at = form.moment_from_microseconds(one.written_us)
        written = form.clock(at, now, seconds=True) if now is not None else form.UNKNOWN
        line.right(63, written, "muted")
        line.right(73, form.size(one.size), "muted")
        if one.is_newest:
            line.put(76, "← resume uses this" if width >= 96 else "←", "faint")
        return line

    def empty_line(self, place: int, _width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, "No checkpoint was written.", "muted")
        return line


class View(Tab):
    """The list of checkpoints."""

    def compose(self) -> ComposeResult:
        yield _Head()
        yield _List()

    def show(self, detail: SessionDetail) -> None:
        row = detail.row
        self.run_worker(
            lambda: self.app.call_from_thread(self._take, self.board.backend.checkpoints(row)),
            thread=True, group="checkpoints", exclusive=True, exit_on_error=False,
        )  # fmt: skip

    def _take(self, items: list[CheckpointView]) -> None:
        shown = self.query_one(_List)
        shown.items = items
        shown.lines_changed()
        self.session.show_footer()

    def on_line_list_moved(self) -> None:
        self.session.show_footer()

    def position(self) -> tuple[str, str]:
        shown = self.query_one(_List)
        return (str(shown.cursor + 1), f"of {len(shown.items)}") if shown.items else ("", "")
