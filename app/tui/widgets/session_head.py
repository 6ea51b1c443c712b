"""The head of a session: its state, what it took, and the tabs."""

from __future__ import annotations

from collections.abc import Mapping

from app import format as form
from app.status_style import Weight, style_of, word_of
from app.tui.board import board_of
from app.tui.details import SessionDetail
from app.tui.drawing import HEAVY, THIN, Line
from app.tui.notes import note
from app.tui.screens.tabs.tab import TABS, TabEntry
from app.tui.widgets.detail import state_words
from app.tui.widgets.painted import Painted, Pressable
from store.row import SessionRow
from store.states import State


class StateLine(Painted):
    """``× failed  12m ago at step 3 of 5``, and at the right what it took."""

    def __init__(self) -> None:
        super().__init__(id="state")
        self._detail: SessionDetail | None = None
        self._row: SessionRow | None = None

    def show(self, row: SessionRow | None, detail: SessionDetail | None) -> None:
        self._row, self._detail = row, detail
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        row = self._row
        if row is None:
            return [line]
        style = style_of(row.state)
        bold = style.weight is Weight.BOLD
        board = board_of(self)
        line.put(2, style.sign(board.ascii_only), style.role, bold=bold)
        x = line.put(4, word_of(row.state, board.ascii_only), style.role, bold=bold)
        words = state_words(row, board.now_us()).removeprefix(word_of(row.state)).strip()
        x = line.put(x + 2, words, "fg")
        end = width - (2 if width >= 110 else 1)
        end = self._facts(line, row, x + 3, end)
        silent = board.listing.silent.get(row.id, "")
        if silent or row.state in _NOTED:
            said = note(row, board.now_us(), silent=silent)
            if x + 3 + form.width(said) + 3 <= end:
                line.put(x + 3, said, "muted")
        return [line]

    def _facts(self, line: Line, row: SessionRow, start: int, end: int) -> int:
        """What it took, at the right; what has no room is left out, the cost last."""
        detail = self._detail
        facts: list[tuple[str, str]] = []
        if row.cost_usd is not None:
            facts.append((form.cost(row.cost_usd), "fg"))
        if row.input_tokens or row.output_tokens:
            facts.append((form.tokens(row.input_tokens, row.output_tokens), "muted"))
        if detail is not None and detail.commits:
            facts.append((form.count(detail.commits, "commit"), "muted"))
        if detail is not None and detail.pass_words:
            facts.append((form.one_line(detail.pass_words), "muted"))
        for place, (text, token) in enumerate(facts):
            between = " · " if place else ""
            if end - form.width(between) - form.width(text) < start:
                continue
            end = line.right(end, between, "faint")
            end = line.right(end, text, token)
        return end


_NOTED = frozenset(State) - {State.FAILED, State.RUNNING, State.PAUSING}
"""States about which there is more to say than the steps show."""
_COUNTED = frozenset({"changes", "checkpoints", "events"})
"""Tabs whose number of things is worth knowing before they are opened."""


class TabBar(Pressable):
    """``1 Steps   2 Output   3 Failure``, and the rule under them."""

    DEFAULT_CSS = "TabBar { height: 2; }"

    class Pressed(Pressable.Pressed):
        """A tab was clicked."""

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self.active = TABS[0].name
        self.counts: dict[str, int] = {}
        """How much each tab has; 0 where it has nothing to show."""
        self._told: dict[str, int] = {}
        self.hidden: frozenset[str] = frozenset()

    def know(self, counts: Mapping[str, int]) -> None:
        """Say how much the tabs have; what a tab has counted itself is known better."""
        known = {name: count for name, count in counts.items() if count or name != "changes"}
        self.counts = known | self._told
        self.repaint()

    def count(self, name: str, number: int) -> None:
        """A tab says how much it has."""
        self._told[name] = self.counts[name] = number
        self.repaint()

    def forget(self) -> None:
        """Another session is shown."""
        self.counts, self._told = {}, {}
        self.repaint()

    def shown(self) -> list[str]:
        return [one.name for one in TABS if one.name not in self.hidden]

    def paint(self, width: int, height: int) -> list[Line]:
        names, under = Line(), Line()
        under.put(0, THIN * width, "line")
        entries = [one for one in TABS if one.name not in self.hidden]
        gap, counted = self._fitted(entries, width)
        x = 2
        for digit, entry in enumerate(entries, 1):
            active = entry.name == self.active
            x = names.put(x, f"{digit} ", "faint", key=entry.name)
            start = x
            count = self.counts.get(entry.name)
            token = "fg" if active else "muted" if count != 0 else "faint"
            x = names.put(x, entry.title, token, bold=active, key=entry.name)
            if active:
                under.put(start, HEAVY * (x - start), "accent")
            if count and counted and entry.name in _COUNTED:
                x = names.put(x + 1, str(count), "faint", key=entry.name)
            x += gap
        under.pieces.sort(key=lambda piece: piece.token != "line")
        rule_line = _over(under, width)
        return [names, rule_line]

    def _fitted(self, entries: list[TabEntry], width: int) -> tuple[int, bool]:
        """The blanks between two tabs, and whether their counts have room."""
        titles = sum(2 + len(one.title) for one in entries)
        known = (self.counts.get(one.name, 0) for one in entries if one.name in _COUNTED)
        numbers = sum(1 + len(str(count)) for count in known if count)
        for gap, counted in ((3, width >= 110), (3, False), (2, False)):
            if titles + (numbers if counted else 0) + gap * (len(entries) - 1) <= width - 3:
                return gap, counted
        return 1, False


def _over(line: Line, width: int) -> Line:
    """The rule with the accent piece laid over it."""
    accent = next((piece for piece in line.pieces if piece.token == "accent"), None)
    if accent is None:
        return line
    laid = Line()
    laid.put(0, THIN * accent.x, "line")
    end = laid.put(accent.x, accent.text, "accent")
    laid.put(end, THIN * max(0, width - end), "line")
    return laid
