"""The filter line: typed above the list, applied with every key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message

from app.tui.board import board_of
from app.tui.drawing import Line
from app.tui.filter_hint import hint
from app.tui.widgets.painted import Painted

if TYPE_CHECKING:
    from textual.widgets import Input


class FilterFound(Painted):
    """How many sessions the filter finds, how it is cleared, and what may be typed next."""

    typed = ""
    """The line as it is being typed; empty when nobody types."""

    def paint(self, width: int, height: int) -> list[Line]:
        listing = board_of(self).listing
        line = Line()
        if listing.query.problems:
            line.put(2, listing.query.problems[0], "warn", limit=width - 3)
            return [line]
        right = width - (2 if self.screen.size.width >= 110 else 1)
        found = f"{len(listing)} of {listing.count(None)}"
        if self.typed and (next_words := hint(
            self.typed, listing.rows.values(), listing.saved_filters
        )):  # fmt: skip
            right = line.right(right, found, "muted")
            line.put(2, next_words, "faint", limit=right - 4)
            return [line]
        right = line.right(right, "clears", "muted")
        right = line.right(right - 1, "esc", "accent", bold=True)
        line.right(right - 3, found, "muted")
        return [line]


class FilterBox(Horizontal):
    """``/`` and what is typed. Enter or down go to the list, esc clears and closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", show=False),
        Binding("enter,down,tab", "to_list", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    FilterBox { height: 1; display: none; }
    FilterBox.-open { display: block; }
    FilterBox FilterSign { width: 4; }
    FilterBox Input {
        width: 1fr; height: 1; border: none; padding: 0; background: $surface;
    }
    FilterBox Input:focus { border: none; background: $panel; }
    FilterBox FilterFound { width: 36; }
    FilterBox FilterFound.-problem { width: 60%; }
    """

    class Changed(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The person goes on to the list; ``cleared`` when the filter is gone."""

        def __init__(self, cleared: bool) -> None:
            super().__init__()
            self.cleared = cleared

    def compose(self) -> ComposeResult:
        yield FilterSign()
        yield FilterFound()

    @property
    def text(self) -> str:
        return "".join(box.value for box in self._boxes())

    def _boxes(self) -> list[Input]:
        from textual.widgets import Input

        return list(self.query(Input))

    def open(self) -> None:
        """Begin to type."""
        self.show_text()
        self.screen.set_focus(self._boxes()[0])

    def show_text(self) -> None:
        """Show the filter there is; the field is made when it is first needed."""
        from textual.widgets import Input

        self.add_class("-open")
        if not self._boxes():
            words = "words, status:failed, repo:api, since:2d, cost>1"
            text = board_of(self).listing.query.text
            box = Input(text, placeholder=words, compact=True)
            box.cursor_blink = False
            self.mount(box, after=0)

    def close(self) -> None:
        for box in self._boxes():
            box.value = ""
        self.remove_class("-open")

    def show_found(self) -> None:
        """The number of found sessions, or what is wrong with the filter, changed."""
        found = self.query_one(FilterFound)
        found.set_class(bool(board_of(self).listing.query.problems), "-problem")
        found.typed = self.text if any(box.has_focus for box in self._boxes()) else ""
        found.repaint()

    def on_descendant_blur(self) -> None:
        self.query_one(FilterFound).typed = ""
        self.query_one(FilterFound).repaint()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def action_clear(self) -> None:
        self.close()
        self.post_message(self.Left(cleared=True))

    def action_to_list(self) -> None:
        if not self.text.strip():
            self.action_clear()
            return
        self.post_message(self.Left(cleared=False))


class FilterSign(Painted):
    """The ``/`` before the field."""

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        line.put(2, "/", "accent", bold=True)
        return [line]
