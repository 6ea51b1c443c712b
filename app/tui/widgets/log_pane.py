"""A log with its title and its search: what the Output and the Failure tab have in common."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from app import format as form
from app.tui.drawing import Line, rule
from app.tui.widgets.log_view import LogView, thousands
from app.tui.widgets.painted import Painted
from app.tui.widgets.search_box import SearchBox


class LogTitle(Painted):
    """The rule above a log: what it is, and at the right where in it one is."""

    name_words = "Output"
    more = ""
    live = False

    def paint(self, width: int, height: int) -> list[Line]:
        log = self.screen.query_one(f"#{self.pane.log_id}", LogView)
        return [
            rule(
                width, self.name_words, self.more, focused=log.has_focus,
                right=lambda line, end: self._state(log, line, end),
            )
        ]  # fmt: skip

    @property
    def pane(self) -> LogPane:
        assert isinstance(self.parent, LogPane)
        return self.parent

    def _state(self, log: LogView, line: Line, end: int) -> int:
        if not log.shows_log:
            return end
        if log.searched:
            return self._search_state(log, line, end)
        if log.last and log.marks:
            x = line.right(end, "next", "muted")
            x = line.right(x - 1, "n", "accent", bold=True)
            at = f"{log.hit_number} of " if log.hit_number else ""
            return line.right(x - 2, f"{at}{len(log.marks)} marked", "muted")
        if log.following:
            words = "following" if self.live else "at the end"
            return line.right(end, words if log.is_counted else "counting its lines", "muted")
        if not self.live and not log.below:
            return end
        x = line.right(end, "follows" if self.live else "goes to the end", "muted")
        x = line.right(x - 1, "end", "accent", bold=True)
        if log.new_below:
            return line.right(x - 2, f"{thousands(log.new_below)} new below", "fg")
        return line.right(x - 2, f"{thousands(log.below)} below", "muted") if log.below else x

    def _search_state(self, log: LogView, line: Line, end: int) -> int:
        x = line.right(end, "ends the search", "muted")
        x = line.right(x - 1, "esc", "accent", bold=True) - 2
        if log.hits:
            at = f"{log.hit_number} of " if log.hit_number else ""
            more = " so far" if log.searching else ""
            x = line.right(x, f"{at}{thousands(len(log.hits))}{more}", "fg") - 2
        else:
            x = line.right(x, "searching" if log.searching else "not found", "muted") - 2
        shown = form.cut(form.one_line(log.searched), 24)
        return line.right(x, f"/ {shown}", "accent")


class LogPane(Vertical):
    """Title, log, and the line to type a search into."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", show=False),
        Binding("escape", "leave", show=False),
    ]
    DEFAULT_CSS = "LogPane { height: 1fr; }"

    class Escaped(Message):
        """``esc`` with no search to end."""

    def __init__(self, *, id: str, last: int = 0) -> None:
        super().__init__(id=id)
        self.log_id = f"{id}-log"
        self._last = last

    def compose(self) -> ComposeResult:
        yield LogTitle()
        yield LogView(last=self._last, id=self.log_id)
        yield SearchBox()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def title(self) -> LogTitle:
        return self.query_one(LogTitle)

    def entitle(self, name: str, more: str, *, live: bool) -> None:
        """Say what is shown."""
        title = self.title
        title.name_words, title.more, title.live = name, more, live
        title.repaint()

    def action_search(self) -> None:
        self.query_one(SearchBox).open()

    def action_leave(self) -> None:
        if self.view.searched:
            self.view.forget_search()
        else:
            self.post_message(self.Escaped())

    def on_search_box_asked(self, event: SearchBox.Asked) -> None:
        event.stop()
        self.view.search(event.text)
        self.view.focus()

    def on_log_view_changed(self) -> None:
        self.title.repaint()

    def on_descendant_focus(self) -> None:
        self.title.repaint()

    def on_descendant_blur(self) -> None:
        self.title.repaint()
