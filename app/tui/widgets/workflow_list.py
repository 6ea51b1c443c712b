"""Workflow files by where they lie, each with how many steps it has or what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from app import format as form
from app.tui.drawing import Line
from app.tui.new_run_views import WorkflowChoice, WorkflowView
from app.tui.widgets.line_list import LineList

_ROOM_FOR_WORDS = 32


class WorkflowList(LineList):
    """Headings and workflows; the cursor stands on workflows only."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", show=False)]

    def __init__(self) -> None:
        super().__init__(id="workflows")
        self._choices: list[WorkflowChoice] = []
        self._rows: list[WorkflowChoice | str] = []
        self._known: dict[Path, WorkflowView] = {}
        self._wanted = ""
        self.is_known = False
        """Whether it is known which workflows there are."""

    def show(self, choices: list[WorkflowChoice]) -> None:
        self._choices = choices
        self.is_known = True
        self._arrange()

    def add(self, choice: WorkflowChoice) -> None:
        """Add a workflow given by its path, and put the cursor on it."""
        self._choices = [one for one in self._choices if one.path != choice.path] + [choice]
        self.find("")
        self.place_cursor(self._rows.index(choice), tell=False)

    def learn(self, view: WorkflowView) -> None:
        """What is in a workflow is known now."""
        self._known[view.path] = view
        self.refresh()

    def find(self, text: str) -> None:
        """Show only workflows with this in their name or path."""
        self._wanted = text.strip().casefold()
        self._arrange()

    @property
    def choice(self) -> WorkflowChoice | None:
        """The workflow under the cursor."""
        row = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        return row if isinstance(row, WorkflowChoice) else None

    def _arrange(self) -> None:
        rows: list[WorkflowChoice | str] = []
        for origin in dict.fromkeys(choice.origin for choice in self._choices):
            matching = [
                choice
                for choice in self._choices
                if choice.origin == origin and self._wanted in str(choice.path).casefold()
            ]
            if matching:
                rows += [*([""] if rows else []), origin, *matching]
        self._rows = rows
        self.cursor = 0
        self.lines_changed()
        self.place_cursor(next((y for y in range(len(rows)) if self.can_hold_cursor(y)), 0),
                          tell=False)  # fmt: skip

    def action_choose(self) -> None:
        self.choose()

    def line_count(self) -> int:
        return len(self._rows)

    def can_hold_cursor(self, y: int) -> bool:
        return 0 <= y < len(self._rows) and isinstance(self._rows[y], WorkflowChoice)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        row = self._rows[y]
        line = Line()
        if isinstance(row, str):
            line.put(2, row, "faint", limit=width - 3)
            return line
        view = self._known.get(row.path)
        end = width - 2
        if view is not None:
            short = width < _ROOM_FOR_WORDS  # the name matters more
            if view.error_count:
                problems = form.count(view.error_count, "problem")
                text, token = f"× {view.error_count if short else problems}", "error"
            elif view.kind == "mapreduce":
                text, token = "map", "muted"
            else:
                steps = form.count(len(view.steps), "step")
                text, token = str(len(view.steps)) if short else steps, "muted"
            end = line.right(end, text, token)
        line.put(4, form.one_line(row.name), "fg", bold=at_cursor, limit=max(4, end - 6))
        return line

    def empty_line(self, place: int, width: int) -> Line:
        line = Line()
        if not self.is_known:
            return line
        said = ["No workflow file here.", "prodigy init makes one."]
        if self._choices:
            said = ["Nothing matches.", "enter opens the path."]
        if place < len(said):
            line.put(2, said[place], "muted", limit=width - 3)
        return line
