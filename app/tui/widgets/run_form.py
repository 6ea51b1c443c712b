"""The fields of a run: one for each parameter, one for the argument, and the options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.message import Message
from textual.widgets import Input

from app.tui.details import ParameterView, WorkflowView
from app.tui.drawing import Line, rule
from app.tui.widgets.painted import Painted

ARG_FIELD = "ARG"
MARGIN = 2


class _Label(Painted):
    DEFAULT_CSS = "_Label { width: 17; }"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        line.put(MARGIN, self._text, "muted", limit=width - MARGIN - 1)
        return [line]


class _Help(Painted):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._problem = ""

    def tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        if self._problem:
            line.put(2, f"× {self._problem}", "error", limit=width - 3)
        else:
            line.put(2, self._text, "muted", limit=width - 3)
        return [line]


class Field(Horizontal):
    """A label, what is typed, and what to know; a problem takes the place of that."""

    def __init__(self, parameter: ParameterView, text: str) -> None:
        super().__init__()
        self.parameter = parameter
        self._text = text
        self._left = False

    def compose(self) -> ComposeResult:
        yield _Label(self.parameter.name)
        default = self.parameter.default
        box = Input(self._text, placeholder=default or "empty", compact=True)
        box.cursor_blink = False
        yield box
        yield _Help(self.parameter.help)

    @property
    def text(self) -> str:
        box = self.query("Input")
        return self.query_one(Input).value if box else self._text

    @property
    def is_missing(self) -> bool:
        return self.parameter.required and not self.text

    def on_input_blurred(self) -> None:
        self._left = True
        self._judge()

    def on_input_changed(self) -> None:
        self._judge()

    def _judge(self) -> None:
        wrong = self._left and self.is_missing
        self.query_one(_Help).tell("needs a value" if wrong else "")


class MergeOption(Painted, can_focus=True):
    """``[x] merge when done``."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "switch", show=False)]

    class Changed(Message):
        """It was switched."""

    def __init__(self) -> None:
        super().__init__()
        self.on = False

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line("sel" if self.has_focus else "bg")
        line.put(MARGIN, "[x]" if self.on else "[ ]", "accent" if self.on else "muted")
        x = line.put(MARGIN + 4, "merge when done", "fg")
        line.put(x + 2, "else it stays unmerged until you say", "faint")
        return [line]

    def action_switch(self) -> None:
        self.on = not self.on
        self.repaint()
        self.post_message(self.Changed())

    def on_click(self, _event: Click) -> None:
        self.action_switch()

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()


class _Rule(Painted):
    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def paint(self, width: int, height: int) -> list[Line]:
        return [rule(width, self._title)]


class RunForm(Vertical):
    """Fields are made anew for each workflow; what was typed before is put back."""

    def __init__(self) -> None:
        super().__init__()
        self._fields: list[Field] = []

    def compose(self) -> ComposeResult:
        yield _Rule("Parameters")
        yield Vertical(id="fields")
        yield MergeOption()

    def on_mount(self) -> None:
        self.query_one("#fields").styles.height = "auto"
        self.display = False

    def show(self, view: WorkflowView, draft: Mapping[str, str]) -> None:
        """Make the fields of a workflow."""
        wanted = list(view.parameters)
        if view.uses_args:
            wanted.append(ParameterView(ARG_FIELD, False, None, "optional, ${ARG} in the steps"))
        self._fields = [Field(one, draft.get(one.name, "")) for one in wanted]
        self.display = not view.error_count
        box = self.query_one("#fields")
        box.remove_children()
        box.mount_all(self._fields)
        self.query_one(_Rule).display = bool(self._fields)

    def focus_first(self) -> None:
        """Go to the first field, or to the option."""
        if not self.display:
            return
        if self._fields:
            self._fields[0].query_one(Input).focus()
        else:
            self.query_one(MergeOption).focus()

    def texts(self) -> dict[str, str]:
        """What is typed, by field."""
        return {field.parameter.name: field.text for field in self._fields}

    def parameters(self) -> dict[str, str]:
        """Values given for parameters; what is empty is left to its default."""
        return {name: text for name, text in self.texts().items() if text and name != ARG_FIELD}

    def argument(self) -> str | None:
        """The value of ``--args``, if one is given."""
        return self.texts().get(ARG_FIELD) or None

    def missing(self) -> list[str]:
        """Required parameters without a value."""
        return [field.parameter.name for field in self._fields if field.is_missing]

    @property
    def merges(self) -> bool:
        return self.query_one(MergeOption).on
