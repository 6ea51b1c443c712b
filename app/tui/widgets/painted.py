"""The base of our widgets: they paint lines, and the lines are drawn as they are needed."""

from __future__ import annotations

from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from app.tui.board import board_of
from app.tui.drawing import Line


class Painted(Widget):
    """A widget that paints whole lines by :meth:`paint`; they are kept until :meth:`repaint`."""

    DEFAULT_CSS = "Painted { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._painted: list[Line] | None = None
        self._painted_size = Size(0, 0)

    def paint(self, width: int, height: int) -> list[Line]:
        """The lines to show, at most ``height`` of them."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Forget the lines; they are painted anew."""
        self._painted = None
        self.refresh()

    def repaint_changed(self) -> None:
        """The same at once, for what depends on nothing else on the screen; a line that looks as
        it did is not drawn."""
        before, size = self._painted, self._painted_size
        if before is None or size != self.size or len(now := self._paint()) != len(before):
            self.repaint()
            return
        for y, (line, was) in enumerate(zip(now, before, strict=True)):
            if (line.pieces, line.fill) != (was.pieces, was.fill):
                self.refresh(Region(0, y, size.width, 1))

    def on_resize(self, _event: Resize) -> None:
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted = None

    @property
    def lines(self) -> list[Line]:
        """The lines as they are shown."""
        # The size may be another one before the event that says so has come.
        if self._painted is None or self._painted_size != self.size:
            return self._paint()
        return self._painted

    def _paint(self) -> list[Line]:
        self._painted_size = self.size
        self._painted = self.paint(self.size.width, self.size.height)
        return self._painted

    def render_line(self, y: int) -> Strip:
        shown = self.lines
        line = shown[y] if y < len(shown) else Line(shown[0].fill if shown else "bg")
        board = board_of(self)
        return line.strip(board.ink, self.size.width, ascii_only=board.ascii_only)

    def key_at(self, event: Click) -> str | None:
        """The action of what was clicked."""
        shown = self.lines
        return shown[event.y].key_at(event.x) if 0 <= event.y < len(shown) else None


class Pressable(Painted):
    """A widget parts of which can be clicked. Each kind has a ``Pressed`` of its own."""

    class Pressed(Message):
        """A part was clicked; ``name`` says which."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def on_click(self, event: Click) -> None:
        if name := self.key_at(event):
            self.post_message(self.Pressed(name))
