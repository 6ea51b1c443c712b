"""One field of a form: its label, what is typed or chosen, and its help or its problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Click, DescendantBlur, DescendantFocus
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from app.tui.drawing import Line
from app.tui.new_run_views import ParameterView
from app.tui.widgets.painted import Painted

MARGIN = 2
LABEL = 17
"""Cells before the field: the margin, a label of 14, and the mark of the focused one."""

Judge = Callable[[str], str]
"""Says what is wrong with a text; nothing when it is right."""


class _Label(Painted):
    DEFAULT_CSS = f"_Label {{ width: {LABEL}; }}"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.marked = False

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        token = "fg" if self.marked else "muted"
        line.put(MARGIN, self._text, token, bold=self.marked, limit=width - MARGIN - 1)
        if self.marked:
            line.put(width - 1, "▐", "accent")
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
        # Below its field when there is no room beside it.
        parent = self.parent
        below = isinstance(parent, Widget) and width == parent.size.width
        x = LABEL + 1 if below else MARGIN
        if self._problem:
            line.put(x, f"× {self._problem}", "error", limit=width - x - 1)
        else:
            line.put(x, self._text, "faint" if below else "muted", limit=width - x - 1)
        return [line]


class Choices(Painted, can_focus=True):
    """``● true  ○ false``: one of a few values, or none yet."""

    DEFAULT_CSS = "Choices { height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", show=False),
        Binding("left", "turn(-1)", show=False),
    ]

    class Changed(Message):
        """Another one was chosen."""

    def __init__(self, choices: tuple[str, ...], chosen: str, default: str) -> None:
        super().__init__()
        self._choices = choices
        self._default = default
        self.chosen = chosen

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line("sel" if self.has_focus else "bg")
        effective = self.chosen or self._default
        x = 1 if self.has_focus else 0
        for choice in self._choices:
            on = choice == effective
            token = "accent" if on and self.chosen else "fg" if on else "faint"
            line.put(x, "●" if on else "○", token, key=choice)
            x = line.put(x + 2, choice, "fg" if on else "muted", key=choice) + 2
        return [line]

    def choose(self, choice: str) -> None:
        if choice != self.chosen:
            self.chosen = choice
            self.repaint()
            self.post_message(self.Changed())

    def action_turn(self, by: int) -> None:
        effective = self.chosen or self._default
        place = self._choices.index(effective) + by if effective in self._choices else 0
        self.choose(self._choices[place % len(self._choices)])

    def on_click(self, event: Click) -> None:
        if (choice := self.key_at(event)) is not None:
            self.choose(choice)

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()


class Field(Horizontal):
    """A label, a field, and what to know; a problem takes the place of that, so nothing moves.

    A problem is told when the field is left or a start was tried, and goes as soon as it is right.
    """

    class Changed(Message):
        """Something was typed or chosen."""

    def __init__(self, parameter: ParameterView, text: str, judge: Judge) -> None:
        super().__init__()
        self.parameter = parameter
        self._text = text if not parameter.choices or text in parameter.choices else ""
        self._judge = judge
        self._left = False

    def compose(self) -> ComposeResult:
        parameter = self.parameter
        yield _Label(parameter.name)
        if parameter.choices:
            yield Choices(parameter.choices, self._text, parameter.default or "")
        else:
            box = Input(self._text, placeholder=parameter.default or "empty", compact=True)
            box.cursor_blink = False
            yield box
        yield _Help(parameter.help)

    @property
    def control(self) -> Widget:
        """What takes the keys."""
        return self.query_one(Choices if self.parameter.choices else Input)

    @property
    def text(self) -> str:
        """What is typed or chosen; empty for the default."""
        return self._text

    @property
    def problem(self) -> str:
        """What is wrong with it, told already or not."""
        return self._judge(self._text)

    def judge(self, *, left: bool = False) -> None:
        """Tell what is wrong, if this field was left or is now taken as such."""
        self._left = self._left or left
        if self.is_mounted:
            self.query_one(_Help).tell(self.problem if self._left else "")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._take(event.value)

    def on_choices_changed(self, event: Choices.Changed) -> None:
        event.stop()
        self._take(self.query_one(Choices).chosen)

    def _take(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.judge()
            self.post_message(self.Changed())

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        self._mark(True)

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        self._mark(False)
        self.judge(left=True)

    def _mark(self, marked: bool) -> None:
        label = self.query_one(_Label)
        label.marked = marked
        label.repaint()
