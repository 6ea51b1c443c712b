"""What a run would do, before it is started: the steps with everything that decides them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Click

from app import format as form
from app.tui.drawing import Line
from app.tui.new_run_views import PlannedRun
from app.tui.notes import short_label
from app.tui.screens.modal import Modal
from app.tui.widgets.painted import Painted

_MOST_INPUTS = 5


class _Plan(Painted):
    DEFAULT_CSS = "_Plan { height: 1fr; }"

    def __init__(self, plan: PlannedRun, command: str) -> None:
        super().__init__()
        self.plan = plan
        self._command = command
        self.top = 0

    def body(self, width: int) -> list[Line]:
        lines: list[Line] = []
        digits = len(str(len(self.plan.steps)))
        for number, (label, facts) in enumerate(self.plan.steps, 1):
            line = Line()
            line.put(0, f"{number:>{digits}}", "faint")
            line.put(digits + 2, short_label(label), "fg", limit=width - digits - 2)
            lines.append(line)
            for fact in facts:
                more = Line()
                more.put(digits + 4, fact, "muted", limit=width - digits - 4)
                lines.append(more)
        if self.plan.inputs:
            line = Line()
            shown = ", ".join(self.plan.inputs[:_MOST_INPUTS])
            rest = len(self.plan.inputs) - _MOST_INPUTS
            line.put(0, "Inputs", "faint")
            line.put(9, shown + (f" and {rest} more" if rest > 0 else ""), "muted",
                     limit=width - 9)  # fmt: skip
            lines += [Line(), line]
        return lines

    def paint(self, width: int, height: int) -> list[Line]:
        head = Line()
        head.put(0, self.plan.sentence, "fg", limit=width)
        body = self.body(width)
        room = max(1, height - 6)
        self.top = max(0, min(self.top, len(body) - room))
        shown = body[self.top : self.top + room]
        shown += [Line() for _ in range(room - len(shown))]
        command = Line()
        command.put(0, "$", "faint")
        command.put(2, form.one_line(self._command), "fg", limit=width - 2)
        if len(body) > room:
            head.right(width, f" {self.top + 1}–{self.top + room} of {len(body)}", "faint")
        foot = Line()
        x = foot.put(0, "  enter  ", "inv", on="accent", key="start")
        x = foot.put(x, "Start it  ", "inv", bold=True, on="accent", key="start")
        x = foot.put(x + 3, "esc", "accent", bold=True, key="close")
        foot.put(x + 1, "back to the form", "muted", key="close")
        return [head, Line(), *shown, Line(), command, Line(), foot]

    def on_click(self, event: Click) -> None:
        key = self.key_at(event)
        screen = self.screen
        if key is not None and isinstance(screen, DryRun):
            screen.dismiss(key == "start")


class DryRun(Modal[bool]):
    """Results in whether to start it."""

    box_width = 90
    title_text = "Dry run"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+s", "start", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,ctrl+d", "scroll(10)", show=False),
        Binding("pageup,ctrl+u", "scroll(-10)", show=False),
    ]

    def __init__(self, name: str, plan: PlannedRun, command: str) -> None:
        self.title_more = name
        self._plan, self._command = plan, command
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Plan(self._plan, self._command)

    def content_height(self) -> int:
        return len(self.query_one(_Plan).body(84)) + 6

    def action_scroll(self, by: int) -> None:
        plan = self.query_one(_Plan)
        plan.top += by
        plan.repaint()

    def action_start(self) -> None:
        self.dismiss(True)
