"""The line a text to search for is typed into."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from app.tui.drawing import Line
from app.tui.widgets.painted import Painted


class _Sign(Painted):
    DEFAULT_CSS = "_Sign { width: 4; }"

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        line.put(2, "/", "accent", bold=True)
        return [line]


class SearchBox(Horizontal):
    """Enter searches, esc closes and forgets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("enter,down", "search", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    SearchBox { height: 1; display: none; }
    SearchBox.-open { display: block; }
    SearchBox Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    SearchBox Input:focus { border: none; background: $panel; }
    """

    class Asked(Message):
        """A text is to be searched for; an empty one ends the search."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def compose(self) -> ComposeResult:
        yield _Sign()
        yield Input(placeholder="text; an upper case letter minds case", compact=True)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self) -> None:
        """Show it, with the keys going to it."""
        self.add_class("-open")
        box = self.query_one(Input)
        box.cursor_blink = False
        self.screen.set_focus(box)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()

    def action_close(self) -> None:
        self.query_one(Input).value = ""
        self.remove_class("-open")
        self.post_message(self.Asked(""))

    def action_search(self) -> None:
        text = self.query_one(Input).value
        self.remove_class("-open")
        self.post_message(self.Asked(text))
