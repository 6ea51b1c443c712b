"""Lines of a screen as data: pieces of text at columns, each with a colour token."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from app import status_style
from app.format import cut, visible
from app.tui.theme import Ink

HEAVY, HALF, THIN = "━", "╸", "─"
_ASCII_SIGNS = str.maketrans(
    "━╸╺─│┊╱╭╮╰╯├└▌•●○◐◆◇▲▼×✓–…·►›−┃▁▂▃▄▅▆▇█╷▐",
    "==--|:/++++||>**o~#+^vxv-~.>>-|__-=+*##'|",
)


_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LEFT_TO_RIGHT = "\u200e"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_PAIR = re.compile(r"(\^[@-_?])")
"""What a control character is shown as."""


@dataclass(slots=True)
class Piece:
    """Text at a column, in a token's colour."""

    x: int
    text: str
    token: str
    bold: bool
    under: bool
    on: str | None
    key: str | None
    """The action a click on this piece does."""


class Line:
    """One line being composed. Later pieces win over earlier ones that reach into them."""

    __slots__ = ("fill", "pieces")

    def __init__(self, fill: str = "bg") -> None:
        self.pieces: list[Piece] = []
        self.fill = fill
        """The background token of everything no piece says otherwise about."""

    def put(
        self,
        x: int,
        text: str,
        token: str = "fg",
        *,
        bold: bool = False,
        under: bool = False,
        limit: int | None = None,
        on: str | None = None,
        key: str | None = None,
        has_controls: bool = False,
    ) -> int:
        """Put text at a column, cut to ``limit`` cells; returns the column after it.

        Whatever comes from outside passes here, so control characters end here: as ``^[`` in faint.
        ``has_controls`` tells of a text that they were made visible in it before.
        """
        shown = visible(text)
        if shown is not text:
            has_controls = has_controls or _CONTROL.search(text) is not None
        if limit is not None:
            shown = cut(shown, limit)
        if not has_controls:
            if shown:
                self.pieces.append(Piece(x, shown, token, bold, under, on, key))
            return x + cell_len(shown)
        for place, part in enumerate(_PAIR.split(shown)):
            if part:
                told = "faint" if place % 2 else token
                self.pieces.append(Piece(x, part, told, bold, under, on, key))
                x += cell_len(part)
        return x

    def right(
        self, end: int, text: str, token: str = "fg", *, bold: bool = False, key: str | None = None
    ) -> int:
        """Put text so that it ends before column ``end``; returns the column it starts at."""
        x = end - cell_len(visible(text))
        self.put(x, text, token, bold=bold, key=key)
        return x

    def quieten(self, token: str = "faint") -> None:
        """Let nothing of it stand out: it is not known to be so any more."""
        for piece in self.pieces:
            piece.bold = False
            if piece.token not in ("line", "track"):
                piece.token = token

    def key_at(self, x: int) -> str | None:
        """The action of the clickable piece at a column."""
        for piece in reversed(self.pieces):
            if piece.key is not None and piece.x <= x < piece.x + cell_len(piece.text):
                return piece.key
        return None

    @property
    def text(self) -> str:
        """What the line says, without colours."""
        out, x = "", 0
        for piece in sorted(self.pieces, key=lambda piece: piece.x):
            out = set_cell_size(out, piece.x) + piece.text
            x = piece.x
        return out if x >= 0 else ""

    def strip(
        self, ink: Ink, width: int, *, fill: str | None = None, ascii_only: bool = False
    ) -> Strip:
        """The line as a strip of exactly ``width`` cells."""
        ground = fill or self.fill
        segments: list[Segment] = []
        x = 0
        ordered = sorted(self.pieces, key=lambda piece: piece.x)
        for place, piece in enumerate(ordered):
            start = piece.x
            if start >= width:
                break
            text = piece.text
            end = min(width, ordered[place + 1].x if place + 1 < len(ordered) else width)
            if start < x:
                continue
            if start > x:
                segments.append(Segment(" " * (start - x), ink.style("fg", ground)))
            if start + cell_len(text) > end:
                text = set_cell_size(text, max(0, end - start))
            if not text:
                x = max(x, start)
                continue
            shown = text.translate(_ASCII_SIGNS) if ascii_only else text
            if not shown.isascii() and _RIGHT_TO_LEFT.search(shown):
                # So that what stands beside it keeps its place. Not a pair of isolates: a window
                # over this line may cut it, and half a pair would turn all that follows.
                shown = f"{_LEFT_TO_RIGHT}{shown}{_LEFT_TO_RIGHT}"
            ground_here = ground if ground == "sel" or piece.on is None else piece.on
            segments.append(
                Segment(shown, ink.style(piece.token, ground_here, piece.bold, piece.under))
            )
            x = start + cell_len(text)
        if x < width:
            segments.append(Segment(" " * (width - x), ink.style("fg", ground)))
        return Strip(segments, width)


def bar(line: Line, x: int, fraction: float, role: str, cells: int = 8) -> None:
    """Draw a progress bar: heavy against thin, so that it reads without colour.

    Started never looks empty, unfinished never full.
    """
    halves = round(2 * cells * max(0.0, min(1.0, fraction)))
    low = 1 if fraction > 0 else 0
    high = 2 * cells - 1 if fraction < 1 else 2 * cells
    halves = max(low, min(high, halves))
    done = HEAVY * (halves // 2) + (HALF if halves % 2 else "")
    line.put(x, done, role)
    line.put(x + len(done), THIN * (cells - len(done)), "track")


def rule(
    width: int,
    title: str = "",
    secondary: str = "",
    *,
    focused: bool = False,
    right: Callable[[Line, int], int] | None = None,
    start: int = 0,
) -> Line:
    """A pane's top rule with its title in it, from ``start`` to ``width``.

    ``right`` puts a fact at the right end: it is given the line and the column to end before, and
    returns the column it starts at.
    """
    line = Line()
    token, sign = ("accent", HEAVY) if focused else ("line", THIN)
    end = width
    if right is not None:
        margin = 2 if width - start >= 110 else 1
        at = right(line, end - margin - (1 if margin == 1 else 0))
        if at < end - 2:
            line.put(end - 1, sign, token)
            end = at - 1
    x = start
    if title:
        line.put(start, sign, token)
        x = line.put(start + 2, title, "fg", bold=True, limit=max(4, end - start - 6))
        if secondary and x + 2 + len(secondary) < end - 2:
            x = line.put(x + 2, secondary, "muted")
        x += 1
    if x < end:
        line.put(x, sign * (end - x), token)
    return line


def focus_part(line: Line, start: int, end: int) -> Line:
    """A thin rule over several panes, heavy from ``start`` to ``end``: there the focus is."""
    for piece in [one for one in line.pieces if one.text.startswith(THIN)]:
        begin, stop = max(piece.x, start), min(piece.x + len(piece.text), end)
        if begin < stop:
            line.put(begin, HEAVY * (stop - begin), "accent")
            line.put(stop, THIN * (piece.x + len(piece.text) - stop), "line")
    return line


def ascii_text(text: str, ascii_only: bool) -> str:
    """Our own words in ASCII where only that may be shown."""
    return status_style.to_ascii(text) if ascii_only else text
