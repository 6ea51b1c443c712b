"""Every action by name: typed, best match first, enter does it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key

from app.tui.actions import Action, Subject, actions_for, found
from app.tui.drawing import Line
from app.tui.screens.help import action_line
from app.tui.screens.modal import Modal
from app.tui.widgets.painted import Painted

_ROWS = 12


class _Matches(Painted):
    DEFAULT_CSS = "_Matches { height: 1fr; }"

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject
        self.typed = ""
        self.cursor = 0

    def matches(self) -> list[Action]:
        where = self._subject.where
        if self.typed.strip():
            return found(where, self.typed)
        return [one for one in actions_for(where) if one.name not in ("palette", "back")]

    def paint(self, width: int, height: int) -> list[Line]:
        head = Line()
        head.put(0, self.typed or "type the name of an action", "fg" if self.typed else "faint")
        matches = self.matches()
        self.cursor = max(0, min(self.cursor, len(matches) - 1))
        top = max(0, min(self.cursor - (height - 3) + 1, len(matches)))
        lines = [head, Line()]
        if not matches:
            none = Line()
            none.put(0, f"No action is called {self.typed}.", "muted")
            lines.append(none)
        for place, one in enumerate(matches[top : top + height - 2], top):
            line = action_line(one, self._subject, width)
            if place == self.cursor:
                line.fill = "sel"
            lines.append(line)
        return lines


class Palette(Modal[str]):
    """Results in the name of the chosen action."""

    box_width = 104
    title_text = "Actions"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+p", "close", show=False)]

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Matches(self._subject)

    def content_height(self) -> int:
        return _ROWS + 2

    def on_key(self, event: Key) -> None:
        matches = self.query_one(_Matches)
        if event.key in ("down", "up"):
            matches.cursor += 1 if event.key == "down" else -1
        elif event.key == "enter":
            chosen = matches.matches()
            event.stop()
            self.dismiss(chosen[matches.cursor].name if chosen else None)
            return
        elif event.key == "backspace":
            matches.typed = matches.typed[:-1]
        elif event.is_printable and event.character:
            matches.typed += event.character
            matches.cursor = 0
        else:
            return
        event.stop()
        matches.repaint()
