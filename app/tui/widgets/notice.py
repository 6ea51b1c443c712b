"""What stands where the list would: nothing here yet, no match, an empty chip, a broken home."""

from __future__ import annotations

from dataclasses import dataclass

from app.tui.drawing import Line
from app.tui.widgets.painted import Painted

BLOCK = 56


@dataclass(frozen=True, slots=True)
class Notice:
    """A title, sentences, keys with what they do and what to know, a command, and a hint."""

    title: str
    sentences: tuple[str, ...] = ()
    keys: tuple[tuple[str, str, str], ...] = ()
    command: str = ""
    centred: bool = False
    """A block of 56 a third from the top, instead of at the left edge."""


class NoticePane(Painted):
    """Shows a notice."""

    DEFAULT_CSS = "NoticePane { height: 1fr; display: none; } NoticePane.-shown { display: block; }"

    def __init__(self) -> None:
        super().__init__()
        self._notice: Notice | None = None

    def show(self, notice: Notice | None) -> None:
        if notice != self._notice:
            self._notice = notice
            self.set_class(notice is not None, "-shown")
            self.repaint()

    @property
    def notice(self) -> Notice | None:
        return self._notice

    def paint(self, width: int, height: int) -> list[Line]:
        notice = self._notice
        if notice is None:
            return []
        x = max(2, (width - BLOCK) // 2) if notice.centred else 2
        y = max(0, height // 5) if notice.centred else 0
        lines = [Line() for _ in range(height)]

        def put(place: int) -> Line:
            return lines[place] if place < height else Line()

        put(y).put(x, notice.title, "fg", bold=notice.centred)
        y += 1
        for sentence in notice.sentences:
            put(y).put(x, sentence, "muted", limit=width - x - 1)
            y += 1
        if notice.keys:
            y += 1
        for key, words, more in notice.keys:
            line = put(y)
            line.put(x, key, "accent", bold=True, key=key)
            line.put(x + 3, words, "fg")
            line.put(x + 26, more, "muted", limit=max(0, width - x - 27))
            y += 1
        if notice.command:
            line = put(y + 1)
            line.put(x, "$", "faint")
            line.put(x + 2, notice.command, "muted", limit=width - x - 3)
        return lines
