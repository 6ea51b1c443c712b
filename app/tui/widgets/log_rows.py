"""A line of a log as the rows it takes on the screen, with what is searched for underlined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app import format as form
from app.tui import log_text
from app.tui.drawing import Line
from app.tui.log_search import places
from app.tui.widgets.text_view import wrapped


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row: a line of output, a piece of one that wraps, or a mark before a log."""

    line: int
    """Its line, from 0."""
    text: str
    is_first: bool = True
    is_mark: bool = False
    is_error: bool = False
    is_quiet: bool = False
    has_controls: bool = False
    """Whether control characters were made visible in it."""

    def draw(
        self, line: Line, x: int, width: int, token: str, searched: str, *, strong: bool
    ) -> None:
        """Put the text at a column; hits are underlined, those of the current line reversed."""
        text = self.text
        found = places(text, searched) if searched else []
        if strong and found and form.width(text[: found[0][1]]) > width:
            # The hit that was gone to is beyond the edge: the line is shown around it.
            text = f"{form.ELLIPSIS}{text[max(0, found[0][0] - width // 3) :]}"
        shown = form.cut(text, width)
        found = places(shown, searched) if searched else []
        at = 0
        for start, end in found:
            x = line.put(x, shown[at:start], token, has_controls=self.has_controls)
            x = (
                line.put(x, shown[start:end], "inv", on="accent")
                if strong
                else line.put(x, shown[start:end], token, under=True, bold=True)
            )
            at = end
        line.put(x, shown[at:], token, has_controls=self.has_controls)


def rows_of(number: int, line: bytes | str, width: int) -> list[LogRow]:
    """The rows of a line.

    Args:
        number: which line, from 0.
        line: its bytes, or the text of a mark.
        width: cells to wrap at; 0 leaves it in one row.
    """
    if isinstance(line, str):
        return [LogRow(number, line, is_mark=True)]
    text, wrong, quiet, controls = _read(line)
    pieces = [text]
    if width:
        lines = log_text.lines_of_message(line) or [text]
        pieces = [piece for one in lines for piece in wrapped(one, width)]
    return [
        LogRow(number, piece, place == 0, is_error=wrong, is_quiet=quiet, has_controls=controls)
        for place, piece in enumerate(pieces)
    ]


@lru_cache(maxsize=1024)
def _read(line: bytes) -> tuple[str, bool, bool, bool]:
    text = log_text.shown(line)
    controls = "^" in text and log_text.has_controls(line)
    return text, log_text.is_error(text), text.startswith(" "), controls
