"""One message at a time, bottom right above the footer, for what the view itself does not say."""

from __future__ import annotations

import textwrap

from textual.timer import Timer

from app.tui.drawing import Line
from app.tui.widgets.painted import Painted

SECONDS = 5.0
MOST_WIDTH = 60
MOST_LINES = 2


class Toast(Painted):
    """``▌ 3 sessions failed  ! go to the next``. An error stays until a key."""

    DEFAULT_CSS = """
    Toast { layer: toast; position: absolute; width: auto; height: auto; display: none; }
    Toast.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.role = "fg"
        self._lines: list[str] = []
        self._timer: Timer | None = None

    def show(self, words: str, role: str = "fg") -> None:
        """Show a message in the place of the one before."""
        self.words, self.role = words, role
        room = self.screen.size
        width = min(MOST_WIDTH, room.width - 4)
        found = textwrap.wrap(words, width - 4) or [""]
        if len(found) > MOST_LINES:
            found = [*found[: MOST_LINES - 1], f"{found[MOST_LINES - 1][: width - 5]}…"]
        self._lines = found
        wide = max(len(line) for line in found) + 4
        self.styles.width, self.styles.height = wide, len(found)
        self.styles.offset = (room.width - wide - 2, room.height - 1 - len(found))
        self.add_class("-shown")
        self.repaint()
        if self._timer is not None:
            self._timer.stop()
        self._timer = None if role == "error" else self.set_timer(SECONDS, self.hide)

    def hide(self) -> None:
        """Take the message away."""
        self.words = ""
        self.remove_class("-shown")

    def paint(self, width: int, height: int) -> list[Line]:
        lines = []
        for text in self._lines:
            line = Line("raise")
            line.put(0, "▌", "accent" if self.role == "fg" else self.role, on="raise")
            line.put(2, text, "fg", on="raise")
            lines.append(line)
        return lines
