"""Lines of text to scroll over: a difference, a value, a record; only those seen are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.strip import Strip

from app import format as form
from app.tui.board import board_of
from app.tui.drawing import Line
from app.tui.widgets.scroller import Scroller

LONGEST_CELLS = 4096
"""Cells of one line that are shown."""


class Text(NamedTuple):
    """One line, and the colour it has."""

    text: str
    token: str = "fg"
    bold: bool = False
    is_mark: bool = False
    """``n`` and ``N`` go from mark to mark."""


def wrapped(text: str, width: int) -> list[str]:
    """A text in pieces of so many cells; characters are never halved."""
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)] or [""]
    pieces, start, used = [], 0, 0
    for place, character in enumerate(text):
        cells = cell_len(character)
        if used + cells > width:
            pieces.append(text[start:place])
            start, used = place, 0
        used += cells
    return [*pieces, text[start:]]


def wrapped_at_blanks(text: str, width: int) -> list[str]:
    """The same, with words whole where that leaves no row less than half full."""
    rows: list[str] = []
    while form.width(text) > width:
        row = wrapped(text, width)[0]
        blank = row.rfind(" ") if text[len(row) : len(row) + 1] != " " else len(row)
        if blank >= width // 2:
            row = row[:blank]
        rows.append(row)
        text = text[len(row) :].lstrip()
    return [*rows, text]


class TextView(Scroller):
    """Scrolls over lines; one too wide is cut, unless it wraps.

    Args:
        left: the column text begins at.
        wraps: long lines go on beneath.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "wrap", show=False),
    ]

    def __init__(self, *, left: int = 2, wraps: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left = left
        self._wraps = wraps
        self._texts: Sequence[Text] = ()
        self._rows: Sequence[Text] = ()

    def show(self, texts: Sequence[Text], *, keep: bool = False) -> None:
        """Show other lines, from the top unless the place is kept."""
        if list(texts) == list(self._texts):
            return
        self._texts = texts
        self._fit()
        if not keep:
            self.scroll_to_line(0)
        self.refresh()

    @property
    def texts(self) -> Sequence[Text]:
        """What is shown."""
        return self._texts

    def _fit(self) -> None:
        if not self.size.width:  # hidden: it is fitted when it is shown
            return
        width = max(8, self.size.width - self._left - 2)
        if self._wraps:
            self._rows = [
                one._replace(text=piece, is_mark=one.is_mark and place == 0)
                for one in self._texts
                for place, piece in enumerate(wrapped(_safe(one.text), width))
            ]
        else:
            self._rows = self._texts
        self.extend_to(len(self._rows))

    def on_resize(self) -> None:
        self._fit()

    def render_line(self, y: int) -> Strip:
        board = board_of(self)
        width = self.size.width
        line = Line()
        place = y + self.scroll_offset.y
        if place < len(self._rows):
            one = self._rows[place]
            text = one.text if self._wraps else _safe(one.text)
            room = max(0, width - self._left - 1)
            line.put(self._left, text, one.token, bold=one.bold, limit=room)
        return line.strip(board.ink, width, ascii_only=board.ascii_only)

    def action_mark(self, by: int) -> None:
        """Bring the next or previous mark to the top."""
        here = self.scroll_offset.y
        marks = [y for y, one in enumerate(self._rows) if one.is_mark]
        later, earlier = [y for y in marks if y > here], [y for y in marks if y < here]
        found = later[:1] if by > 0 else earlier[-1:]
        if found:
            self.scroll_to_line(found[0])

    def action_wrap(self) -> None:
        """Let long lines go on beneath, or cut them."""
        self._wraps = not self._wraps
        self._fit()
        self.refresh()


def _safe(text: str) -> str:
    shown = text if len(text) <= LONGEST_CELLS else f"{text[:LONGEST_CELLS]}… (line cut)"
    return form.visible(shown.expandtabs(8))
