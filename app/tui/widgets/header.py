"""The top row: the name, the path of screens, and what this is about."""

from __future__ import annotations

from app.format import cut, cut_middle
from app.format import width as cells
from app.tui.drawing import Line
from app.tui.widgets.painted import Painted

_NAME_CELLS = 12
"""So much of each screen's name is shown, however much there is at the right."""
_QUIET = frozenset({"faint", "muted"})
"""What has them gives way to what has not."""
_LEAST_CELLS = 8


class Header(Painted):
    """``prodigy  Sessions  ›  fix-issue``, and at the right what this is about. Never a clock."""

    DEFAULT_CSS = "Header { dock: top; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._path: tuple[str, ...] = ()
        self._about: tuple[tuple[str, str], ...] = ()
        """Text and token."""

    def show(self, path: tuple[str, ...], about: tuple[tuple[str, str], ...] = ()) -> None:
        """Say where we are; ``about`` are texts with their tokens, from left to right."""
        if (path, about) != (self._path, self._about):
            self._path, self._about = path, about
            self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line("raise")
        right = width - (2 if width >= 110 else 1)
        room_for_path = 9 + sum(5 + min(_NAME_CELLS, cells(name)) for name in self._path)
        loud = sum(cells(text) + 2 for text, token in self._about if token not in _QUIET)
        room = right - room_for_path - loud
        for text, token in reversed(self._about):
            if token in _QUIET:
                if cells(text) > room and ("/" not in text or room < _LEAST_CELLS):
                    continue
                text = cut_middle(text, room)
                room -= cells(text) + 2
            else:
                text = cut(text, max(_LEAST_CELLS, right - room_for_path))
            right = line.right(right, text, token) - 2
        x = line.put(2, "prodigy", "accent", bold=True)
        for place, name in enumerate(self._path):
            last = place == len(self._path) - 1
            if place:
                x = line.put(x + 2, "›", "faint")
            x = line.put(
                x + 2, cut(name, max(8, right - x - 4)), "fg" if last else "muted", bold=last
            )
        return [line]
