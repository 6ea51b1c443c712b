"""What commands print: lines, tables, records and JSON on stdout; notices and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TextIO

from app.cli.failure import CommandFailed
from app.cli.settings import Settings
from app.format import cut, one_line, pad, visible, width
from app.status_style import Role, Style, Weight, to_ascii, wants_ascii

_GAP = "  "
_COLORS: Mapping[Role, str] = {
    Role.ERROR: "91",
    Role.WARN: "93",
    Role.WAIT: "95",
    Role.LIVE: "96",
    Role.DONE: "92",
    Role.FAINT: "90",
}
_BOLD = "1"
_MINIMUM_CUT = 8


class Cell(NamedTuple):
    """One cell of a table; its text is outside text unless it is ours."""

    text: str
    role: Role | None = None
    bold: bool = False


class Column(NamedTuple):
    """A column: its head, whether it stands at the right, whether it may be cut."""

    head: str
    right: bool = False
    flexible: bool = False


class Output:
    """Both streams, with what they may carry: colour, glyphs, a width."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.settings = settings
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self._environment = environment
        self.ascii = settings.plain or wants_ascii(environment)
        self.color = self._allows_color(self.stdout)

    # -- what the streams are
    @property
    def is_terminal(self) -> bool:
        return _is_terminal(self.stdout)

    @property
    def stderr_is_terminal(self) -> bool:
        return _is_terminal(self.stderr)

    @property
    def stdin_is_terminal(self) -> bool:
        return _is_terminal(sys.stdin)

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None when stdout is none, where nothing is cut."""
        named = self._environment.get("COLUMNS", "")
        if not self.is_terminal:
            return None
        if named.isdecimal() and int(named) > 0:
            return int(named)
        try:
            return os.get_terminal_size(self.stdout.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _allows_color(self, stream: TextIO) -> bool:
        if self.settings.plain or self.settings.color == "never":
            return False
        if self.settings.color == "always":
            return True
        return not self._environment.get("NO_COLOR") and _is_terminal(stream)

    # -- texts
    def own(self, text: str) -> str:
        """Text of ours, without what this terminal cannot show."""
        return to_ascii(text) if self.ascii else text

    def paint(self, text: str, role: Role | None = None, *, bold: bool = False) -> str:
        """Colour a text where colour is allowed."""
        if not self.color or not text:
            return text
        codes = [
            code for code in (_BOLD if bold else "", _COLORS.get(role) if role else "") if code
        ]
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text

    def status(self, style: Style) -> Cell:
        """A state as its glyph and word; without glyphs the word alone."""
        word = to_ascii(style.word).replace("~", "...") if self.ascii else style.word
        text = word if self.ascii else f"{style.glyph} {word}"
        return Cell(text, style.role, bold=style.weight is Weight.BOLD)

    # -- stdout
    def line(self, text: str = "") -> None:
        """One line of the result."""
        self.stdout.write(f"{text}\n")

    def raw(self, text: str) -> None:
        """Text as it is, without a line end of ours."""
        self.stdout.write(text)

    def json(self, document: object) -> None:
        """The one document of ``--json``."""
        self.line(self._dumped(document, indent=2))

    def json_line(self, document: object) -> None:
        """One object on a line of its own, shown at once."""
        self.line(self._dumped(document))
        self.stdout.flush()

    def _dumped(self, document: object, indent: int | None = None) -> str:
        utf8 = (self.stdout.encoding or "").lower().replace("-", "") == "utf8"
        return json.dumps(document, indent=indent, ensure_ascii=not utf8)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Columns two blanks apart, heads above unless quiet, cut to a terminal's width."""
        texts = [[self._cell_text(cell) for cell in row] for row in rows]
        heads = [] if self.settings.quiet else [column.head for column in columns]
        widths = [
            max([width(row[place]) for row in texts] + [width(heads[place]) if heads else 0])
            for place in range(len(columns))
        ]
        self._fit(columns, widths)
        if heads:
            cells = [Cell(head, Role.FAINT) for head in heads]
            self._table_row(columns, widths, cells, heads)
        for row, row_texts in zip(rows, texts, strict=True):
            self._table_row(columns, widths, row, row_texts)

    def _cell_text(self, cell: Cell) -> str:
        return one_line(cell.text)

    def _fit(self, columns: Sequence[Column], widths: list[int]) -> None:
        """Take room away from flexible columns, the widest first, until the row fits."""
        limit = self.width
        if limit is None:
            return
        flexible = [place for place, column in enumerate(columns) if column.flexible]
        while flexible and sum(widths) + len(_GAP) * (len(widths) - 1) > limit:
            widest = max(flexible, key=lambda place: widths[place])
            if widths[widest] <= _MINIMUM_CUT:
                return
            widths[widest] -= 1

    def _table_row(
        self,
        columns: Sequence[Column],
        widths: Sequence[int],
        cells: Sequence[Cell],
        texts: Sequence[str],
    ) -> None:
        painted = []
        last = len(columns) - 1
        for place, (column, cell, text) in enumerate(zip(columns, cells, texts, strict=True)):
            shown = cut(text, widths[place])
            if self.ascii:
                shown = to_ascii(shown)
            ends_here = place == last and not column.right
            padded = shown if ends_here else pad(shown, widths[place], right=column.right)
            painted.append(self.paint(padded, cell.role, bold=cell.bold))
        self.line(_GAP.join(painted).rstrip())

    def record(self, groups: Iterable[Iterable[tuple[str, str]]]) -> None:
        """``key  value`` lines in groups with an empty line between; empty values are left out."""
        shown = [[(key, text) for key, text in group if text] for group in groups]
        shown = [group for group in shown if group]
        widest = max((len(key) for group in shown for key, _ in group), default=0)
        for number, group in enumerate(shown):
            if number:
                self.line()
            for key, text in group:
                self.line(f"{self.paint(pad(key, widest), Role.FAINT)}{_GAP}{self._value(text)}")

    def _value(self, text: str) -> str:
        kept = visible(text, keep="\n\x1b" if self.color else "\n").replace("\n", " / ")
        return to_ascii(kept) if self.ascii else kept

    # -- stderr
    def notice(self, text: str) -> None:
        """Something beside the result: counts, what is being waited for."""
        if not self.settings.quiet:
            self._to_stderr(self.own(text))

    def warning(self, text: str) -> None:
        """Something a person should know; never stops anything."""
        self._to_stderr(f"{self._label('warning:', Role.WARN)} {self.own(visible(text))}")

    def error(self, failure: CommandFailed) -> None:
        """A failure: what is so, then facts and what to type; or one JSON object."""
        if self.settings.json:
            self._to_stderr(json.dumps(failure.document(), ensure_ascii=True))
            return
        message = self.own(visible(failure.message, keep="\n"))
        lines = [f"{self._label('error:', Role.ERROR)} {message}"]
        facts = list(failure.facts)
        if failure.hint:
            facts.append(("next" if failure.hint.startswith("prodigy ") else "hint", failure.hint))
        widest = max((len(label) for label, _ in facts), default=0)
        lines += [f"  {label:{widest}}  {self.own(visible(text))}" for label, text in facts]
        self._to_stderr("\n".join(lines))

    def _label(self, text: str, role: Role) -> str:
        if not self._allows_color(self.stderr):
            return text
        return f"\x1b[{_BOLD};{_COLORS[role]}m{text}\x1b[0m"

    def _to_stderr(self, text: str) -> None:
        try:
            self.stderr.write(f"{text}\n")
            self.stderr.flush()
        except OSError:
            pass  # nobody reads it any more


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
