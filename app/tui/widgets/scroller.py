"""Scrolling over more lines than there is room for: keys, the bar, and how far it goes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


class Scroller(ScrollView, can_focus=True):
    """The base of what is read line by line. Subclasses draw the lines they are asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "by(-1)", show=False),
        Binding("down,j", "by(1)", show=False),
        Binding("pageup", "page(-1.0)", show=False),
        Binding("pagedown", "page(1.0)", show=False),
        Binding("ctrl+u", "page(-0.5)", show=False),
        Binding("ctrl+d", "page(0.5)", show=False),
        Binding("home,g", "top", show=False),
        Binding("end,G", "bottom", show=False),
    ]
    DEFAULT_CSS = """
    Scroller {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; background: $background;
        scrollbar-background: $background; scrollbar-color: $track;
        scrollbar-background-hover: $background; scrollbar-color-hover: $accent;
        scrollbar-background-active: $background; scrollbar-color-active: $accent;
    }
    """

    def extend_to(self, lines: int) -> None:
        """Say over how many lines it goes. Only when the bar comes or goes is the screen laid out
        anew: of a log that is followed there are more lines many times a second.
        """
        size = Size(self.size.width, lines)
        if size == self.virtual_size:
            return
        if self.show_vertical_scrollbar and lines > self.container_size.height:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    def scroll_to_line(self, y: int) -> None:
        """Bring a line to the top, as far as that goes."""
        self.scroll_to(y=y, animate=False, immediate=True)

    def action_by(self, lines: int) -> None:
        self.scroll_to_line(self.scroll_offset.y + lines)

    def action_page(self, pages: float) -> None:
        self.action_by(int(pages * max(1, self.size.height)))

    def action_top(self) -> None:
        self.scroll_to_line(0)

    def action_bottom(self) -> None:
        self.scroll_to_line(self.virtual_size.height)
