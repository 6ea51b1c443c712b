"""The bottom row: what the keys do here, and where in the list we are."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.timer import Timer

from app.tui.drawing import Line
from app.tui.widgets.painted import Pressable

SAID_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Hint:
    """A key and what it does; ``name`` is the action a click does."""

    key: str
    label: str
    enabled: bool = True
    name: str = ""


HELP = Hint("?", "help", name="help")


class Footer(Pressable):
    """Key hints, most important first; what does not fit is dropped, but ``? help`` never."""

    DEFAULT_CSS = "Footer { dock: bottom; height: 1; }"

    class Pressed(Pressable.Pressed):
        """A hint was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._hints: tuple[Hint, ...] = ()
        self._position: tuple[str, str] = ("", "")
        self._last: Hint | None = HELP
        self._said = ""
        self._role = "fg"
        self._timer: Timer | None = None

    def show(
        self,
        hints: tuple[Hint, ...],
        position: tuple[str, str] = ("", ""),
        last: Hint | None = HELP,
    ) -> None:
        """Show these hints, and at the right end ``position``: a number in fg, words in muted."""
        if (hints, position, last) != (self._hints, self._position, self._last):
            self._hints, self._position, self._last = hints, position, last
            self.repaint()

    def say(self, text: str, role: str = "fg") -> None:
        """Say something in place of the hints for four seconds."""
        self._said, self._role = text, role
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SAID_SECONDS, self._hush)
        self.repaint()

    @property
    def hints(self) -> tuple[Hint, ...]:
        """The hints that are offered, those without room included."""
        return self._hints

    @property
    def said(self) -> str:
        """What is being said now."""
        return self._said

    def _hush(self) -> None:
        self._said = ""
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line("raise")
        number, words = self._position
        right = width - (2 if width >= 110 else 1)
        if words:
            right = line.right(right, words, "muted") - 1
        if number:
            right = line.right(right, number, "fg")
        if self._said:
            line.put(2, self._said, self._role, limit=right - 4)
            return [line]
        last_width = _width(self._last) + 2 if self._last else 0
        x = 2
        for hint in self._hints:
            if x + _width(hint) + 2 + last_width > right:
                break
            x = self._put(line, x, hint) + 2
        if self._last:
            self._put(line, x, self._last)
        return [line]

    @staticmethod
    def _put(line: Line, x: int, hint: Hint) -> int:
        name = hint.name or None
        key, label = ("accent", "muted") if hint.enabled else ("faint", "faint")
        x = line.put(x, hint.key, key, bold=hint.enabled, key=name)
        line.put(x, " ", label, key=name)
        return line.put(x + 1, hint.label, label, key=name)


def _width(hint: Hint) -> int:
    return cell_len(hint.key) + 1 + cell_len(hint.label)
