"""The base of modals: a frame on the frozen screen behind, whose text is all one quiet colour."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen, Screen

from app.tui.board import Board, board_of

Result = TypeVar("Result")


class _Frozen:
    """The screen behind, every text in one style."""

    def __init__(self, screen: Screen[object], style: Style) -> None:
        self._screen = screen
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, _style, control in console.render(self._screen._compositor, options):
            yield Segment(text, None if control else self._style, control)


class Modal(ModalScreen[Result]):
    """A framed box in the middle. ``esc`` always closes and changes nothing."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]
    AUTO_FOCUS = ""
    box_width: ClassVar[int] = 64
    spare_rows: ClassVar[int] = 2
    """Rows of a screen of 30 and more that the box leaves free; of a smaller one 2."""
    title_text: str = ""
    title_more: str = ""
    loses_something: bool = False

    @property
    def board(self) -> Board:
        return board_of(self)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="-warn" if self.loses_something else ""):
            yield from self.content()

    def content(self) -> ComposeResult:
        """The widgets in the box."""
        raise NotImplementedError

    def content_height(self) -> int:
        """Rows the content wants, frame and padding left out."""
        raise NotImplementedError

    def tight_height(self) -> int:
        """Rows it does with where it cannot have what it wants."""
        return self.content_height()

    def on_mount(self) -> None:
        self.lay_out()

    def on_resize(self, _event: Resize) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        """Give the box its size and its title."""
        box = self.query_one("#box")
        room = self.app.size
        narrow = room.width < 110
        width = self.box_width if self.box_width <= room.width - 4 else room.width - 4
        if narrow and self.box_width > 64:
            width = room.width
        box.styles.width = width
        wanted, most = (
            self.content_height() + 4,
            room.height - (self.spare_rows if room.height >= 30 else 2),
        )
        is_tight = wanted > most
        if is_tight:
            wanted = self.tight_height() + 2
        box.styles.height = max(5, min(wanted, most))
        box.set_class(is_tight, "-tight")
        # Content, not text: what a border is given as text is read as markup.
        more = f"  {self.title_more}" if self.title_more else ""
        box.border_title = Content.assemble((self.title_text, "bold"), more)

    def action_close(self) -> None:
        self.dismiss(None)

    def render(self) -> RenderableType:
        stack = self.app.screen_stack
        place = stack.index(self) if self in stack else len(stack)
        if place < 1:
            return super().render()
        return _Frozen(stack[place - 1], self.board.ink.style("track"))
