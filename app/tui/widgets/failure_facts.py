"""The top of Failure: the sentence, and the facts under it."""

from __future__ import annotations

from app import format as form
from app.status_style import style_of
from app.tui.board import board_of
from app.tui.details import SessionDetail
from app.tui.drawing import Line
from app.tui.failure_words import Fact, Known, facts, sentence
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import wrapped_at_blanks

LABEL = 10


class FailureFacts(Painted):
    """As high as there is to say and there is room for."""

    DEFAULT_CSS = "FailureFacts { height: 8; }"

    def __init__(self) -> None:
        super().__init__()
        self.detail: SessionDetail | None = None
        self._known = Known()
        self._is_airy = False
        self._wraps = True

    def show(self, detail: SessionDetail, known: Known) -> None:
        self.detail, self._known = detail, known
        self.repaint()

    def fit(self, width: int, room: int) -> None:
        """Take no more than so many rows if that is possible: blank rows go first."""
        if self.detail is None or not width:
            return
        self._wraps = True
        rows = len(self._fact_lines(width)) + 1
        self._is_airy = rows + 2 <= room and self.app.size.height >= 30
        if rows > room:
            self._wraps = False
            rows = len(self._fact_lines(width)) + 1
        self.styles.height = rows + (2 if self._is_airy else 0)
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        detail = self.detail
        if detail is None:
            return []
        board = board_of(self)
        head = Line()
        style = style_of(detail.row.state)
        what, how = sentence(detail, board.now_us(), self._known)
        calm = what == "Nothing failed"
        sign = "·" if calm else style.sign(board.ascii_only)
        head.put(2, sign, "faint" if calm else style.role, bold=True)
        x = head.put(4, what, "fg" if calm else style.role, bold=True, limit=max(0, width - 5))
        head.put(x + 3, form.one_line(how), "fg", limit=max(0, width - x - 4))
        return [head, *([Line()] if self._is_airy else []), *self._fact_lines(width)]

    def _fact_lines(self, width: int) -> list[Line]:
        assert self.detail is not None
        lines: list[Line] = []
        for fact in facts(self.detail, self._known):
            lines += self._lines_of(fact, width - LABEL - 4)
        return lines

    def _lines_of(self, fact: Fact, room: int) -> list[Line]:
        line = Line()
        line.put(2, fact.label, "faint")
        x = 2 + LABEL
        text, token = fact.pieces[0]
        if fact.wraps and self._wraps and form.width(text) > room:
            first, *rest = wrapped_at_blanks(text, room)
            line.put(x, first, token)
            second = Line()
            second.put(x, " ".join(rest), token, limit=room)
            return [line, second]
        end = x + room
        for text, token in fact.pieces:
            if x >= end:
                break
            x = line.put(x, text, token, limit=end - x)
        return [line]
