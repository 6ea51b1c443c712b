"""What is wrong with a workflow file, a row for each; enter opens the editor there."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.binding import Binding, BindingType

from app.tui.drawing import Line
from app.tui.new_run_views import FileProblem
from app.tui.widgets.line_list import LineList

MARGIN = 2


class ProblemList(LineList):
    """Problems, each wrapped below itself where it is long."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", show=False)]

    def __init__(self) -> None:
        super().__init__(id="problems")
        self._problems: tuple[FileProblem, ...] = ()
        self._rows: list[tuple[FileProblem, str, bool]] = []
        self._width = 0

    def show(self, problems: tuple[FileProblem, ...]) -> None:
        self._problems = problems
        self.cursor = 0
        self._arrange(self.size.width)
        self.lines_changed()

    @property
    def wanted_height(self) -> int:
        """Rows that show all of it."""
        return len(self._rows)

    @property
    def problem(self) -> FileProblem | None:
        """The one under the cursor."""
        return self._rows[self.cursor][0] if 0 <= self.cursor < len(self._rows) else None

    def _arrange(self, width: int) -> None:
        self._width = width
        column = self._column()
        self._rows = [
            (one, text, place == 0)
            for one in self._problems
            for place, text in enumerate(textwrap.wrap(one.words, max(20, width - column - 2)))
        ]

    def _column(self) -> int:
        return MARGIN + 3 + max((len(one.where) for one in self._problems), default=0)

    def on_resize(self) -> None:
        if self.size.width != self._width:
            self._arrange(self.size.width)
            self.lines_changed()

    def action_choose(self) -> None:
        self.choose()

    def line_count(self) -> int:
        return len(self._rows)

    def can_hold_cursor(self, y: int) -> bool:
        return 0 <= y < len(self._rows) and self._rows[y][2]

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one, text, is_first = self._rows[y]
        line = Line()
        if is_first:
            line.put(MARGIN, "×" if one.is_error else "!", "error" if one.is_error else "warn")
            line.put(MARGIN + 2, one.where, "fg" if at_cursor else "muted", under=at_cursor)
        line.put(self._column(), text, "fg", limit=width - self._column() - 1)
        return line
