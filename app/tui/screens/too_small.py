"""What is shown in a terminal too small for anything else."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from app.tui.drawing import Line
from app.tui.widgets.painted import Painted

LEAST_WIDTH, LEAST_HEIGHT = 60, 15


def is_too_small(width: int, height: int) -> bool:
    """Whether the dashboard cannot be shown in a terminal of this size."""
    return width < LEAST_WIDTH or height < LEAST_HEIGHT


class _Sentence(Painted):
    DEFAULT_CSS = "_Sentence { height: 1fr; }"

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        words = f"Needs at least {LEAST_WIDTH}×{LEAST_HEIGHT}; this is {width}×{height}."
        line.put(0, words, "fg", limit=width)
        return [line]


class TooSmallScreen(ModalScreen[None]):
    """Covers everything until the terminal is large enough; only quitting works."""

    CSS = "TooSmallScreen { background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", show=False)]

    def compose(self) -> ComposeResult:
        yield _Sentence()
