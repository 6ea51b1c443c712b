"""What a run would be: which workflow it is, and the steps it does."""

from __future__ import annotations

from app import format as form
from app.tui.drawing import Line, rule
from app.tui.new_run_views import WorkflowChoice, WorkflowView
from app.tui.notes import short_label
from app.tui.widgets.painted import Painted

MARGIN = 2


class RunTitle(Painted):
    """Name and path of the workflow, and how much it is."""

    def __init__(self) -> None:
        super().__init__(id="run-title")
        self._choice: WorkflowChoice | None = None
        self._view: WorkflowView | None = None

    def show(self, choice: WorkflowChoice | None, view: WorkflowView | None) -> None:
        self._choice, self._view = choice, view
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        choice, view = self._choice, self._view
        if choice is None:
            line.put(MARGIN, "Choose a workflow at the left, or type its path.", "muted",
                     limit=width - MARGIN - 1)  # fmt: skip
            return [line]
        end = width - (2 if width >= 70 else 1)
        if view is not None and not view.error_count:
            steps = form.count(len(view.steps), "step")
            end = line.right(end, "map over items" if view.kind == "mapreduce" else steps, "muted")
        name = view.name if view is not None else choice.name
        x = line.put(MARGIN, form.one_line(name), "fg", bold=True, limit=end - MARGIN - 2)
        if end - x > 8:
            line.put(x + 2, form.cut_middle(form.one_line(shown_path(choice)), end - x - 4),
                     "muted")  # fmt: skip
        return [line]


class RunPreview(Painted):
    """The steps, numbered, with what happens besides running them."""

    def __init__(self) -> None:
        super().__init__()
        self._view: WorkflowView | None = None

    def show(self, view: WorkflowView | None) -> None:
        self._view = view
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        view = self._view
        if view is None or not view.steps:
            return []
        said = form.cut(view.description, max(0, width - len("What it will do") - 10))
        lines = [rule(width, "What it will do", said)]
        room = max(1, height - len(lines))
        digits = len(str(len(view.steps)))
        shown = view.steps if len(view.steps) <= room else view.steps[: max(0, room - 1)]
        for number, (label, beside) in enumerate(shown, 1):
            line = Line()
            line.put(MARGIN, f"{number:>{digits}}", "faint")
            end = width - 2
            if beside and width >= 70:
                end = line.right(end, form.cut(form.one_line(beside), width // 3), "faint") - 2
            line.put(MARGIN + digits + 2, short_label(label), "fg",
                     limit=max(8, end - MARGIN - digits - 2))  # fmt: skip
            lines.append(line)
        if len(shown) < len(view.steps):
            line = Line()
            more = form.count(len(view.steps) - len(shown), "more step" if shown else "step")
            said = f"and {more}" if shown else f"{more}; ctrl+t shows them"
            line.put(MARGIN + digits + 2, said, "muted", limit=width - MARGIN - digits - 3)
            lines.append(line)
        return lines


def shown_path(choice: WorkflowChoice) -> str:
    """The path of a workflow as its command line has it."""
    path, directory = choice.path, choice.directory
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)
