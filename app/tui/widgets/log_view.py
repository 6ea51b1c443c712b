"""Output of steps: any size of log at once, followed while it grows, searched, errors marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from app.tui import log_text
from app.tui.calling import on_loop
from app.tui.log_reel import LogPart, LogReel, Reel, TailReel
from app.tui.log_search import MOST_HITS
from app.tui.widgets.log_scroll import LogScroll

MARKED_LINES = 200
"""Errors are looked for in so many last lines."""
LOOKS_A_SECOND, UNSEEN_LOOKS_A_SECOND = 10, 2
COUNTED_AT_ONCE = 4 * 1024 * 1024
"""Of a longer log the end is shown before its lines are counted."""
_HITS_AT_ONCE = 500


class LogView(LogScroll):
    """Scrolling up pauses following; ``end`` follows again. ``n`` goes from hit to hit, or where
    nothing is searched for from one line that looks like an error to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "mark(1)", show=False),
        Binding("N", "mark(-1)", show=False),
    ]

    class Changed(Message):
        """There is more, or it is followed or not, or something was found: the title says it."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Changed)

    def __init__(self, *, last: int = 0, id: str | None = None) -> None:
        super().__init__(last=last, id=id)
        self._whole: LogReel | None = None
        self._loading = False
        self.following = True
        self._at_error = False
        self.marks: list[int] = []
        """Line numbers, from 0, of lines that say what went wrong."""
        self._examined = 0
        """The lines before this one were looked at for marks."""
        self.hits: list[int] = []
        """Lines with the text that is searched for."""
        self.searching = False
        self._seen = 0
        """How many lines there were when following was paused."""

    # -- which log

    def show(
        self, parts: Sequence[LogPart], *, follow: bool = True, at_error: bool = False
    ) -> None:
        """Show logs from their end, or from the first line of the last block of errors."""
        if self._whole is not None and self._whole.parts == tuple(parts):
            self.look()
            return
        self._whole = LogReel(parts) if parts else None
        self.reel = None
        self.following, self._at_error = follow, at_error
        self.marks = []
        self._skip = self._seen = 0
        self.forget_search()
        self.fit()
        self.refresh()
        self.look()

    def on_mount(self) -> None:
        self.set_interval(1 / LOOKS_A_SECOND, lambda: self._look_if_seen(self.app.app_focus))
        self.set_interval(
            1 / UNSEEN_LOOKS_A_SECOND, lambda: self._look_if_seen(not self.app.app_focus)
        )

    def _look_if_seen(self, is_time: bool) -> None:
        if is_time and self.is_attached and self.screen.is_current and self.region.area:
            self.look()

    def look(self) -> None:
        """Take in what was written since, off the loop."""
        whole = self._whole
        if whole is None or self._loading or not whole.may_have_grown:
            return
        self._loading = True
        self.run_worker(lambda: self._read(whole), thread=True, group="log", exit_on_error=False)

    def _read(self, whole: LogReel) -> None:
        try:
            if not whole.count and whole.size > COUNTED_AT_ONCE:
                last = TailReel(whole.parts[-1].path)
                on_loop(self, self._take, whole, last)
            whole.look()
        finally:
            self._loading = False
        if self.is_attached:
            on_loop(self, self._take, whole, whole)

    def _take(self, whole: LogReel, reel: Reel) -> None:
        if whole is not self._whole or not self.is_attached:
            return
        from_end = self.count - self.scroll_offset.y
        was_counted = self.reel is None or self.is_counted
        looked = self.visible_rows()
        if reel is not self.reel or reel.count < self._examined:
            self._examined = 0
        self.reel = reel
        self._mark_errors(reel)
        self.fit()
        if self._at_error:
            self._at_error = not self.is_counted
            self.following = False
            self._seen = self.total
            start = log_text.first_of_last_block(self.marks)
            self.go(self.count if start is None else self.over(start))
        elif self.following:
            self.go(self.count)
        elif not was_counted:
            self.go(self.count - from_end)
        elif self.visible_rows() != looked:
            self.refresh()
        if self.following:
            self._seen = self.total
        if self.searched and self.is_counted and not self.searching:
            self._begin_search()
        self.post_message(self.Changed())

    def _mark_errors(self, reel: Reel) -> None:
        """Mark what went wrong among the last lines; what was looked at before is not again."""
        first = max(0, reel.count - MARKED_LINES)
        begin = max(first, self._examined - 1)  # the last one may have been unfinished
        self.marks = [line for line in self.marks if first <= line < begin]
        for number, line in enumerate(reel.lines(begin, reel.count - begin), begin):
            if isinstance(line, bytes) and log_text.is_error(log_text.shown(line)):
                self.marks.append(number)
        self._examined = reel.count

    def on_resize(self) -> None:
        super().on_resize()
        if self.following:
            self.go(self.count)

    @property
    def shows_log(self) -> bool:
        """Whether there is a log to show."""
        return self._whole is not None

    @property
    def is_counted(self) -> bool:
        """Whether the number of lines is known already."""
        return isinstance(self.reel, LogReel)

    @property
    def digits(self) -> int:
        return len(str(self._whole.most_lines)) if self._whole is not None else 1

    @property
    def shows_all(self) -> bool:
        """Whether every line can be scrolled to."""
        return not self.last or self.total <= self.last

    def show_all(self) -> None:
        """Scroll over the whole log instead of its end."""
        at = self.scroll_offset.y + self.first
        self.last = 0
        self.fit()
        self.go(at)
        self.post_message(self.Changed())

    # -- following

    @property
    def new_below(self) -> int:
        """How many lines came since following was paused, and were not seen."""
        return max(0, min(self.total - self._seen, self.below)) if not self.following else 0

    def moved(self) -> None:
        self.post_message(self.Changed())

    def moved_up(self) -> None:
        if self.following:
            self.following = False
            self._seen = self.total

    def action_bottom(self) -> None:
        self.following = True
        self.go(self.count)

    # -- marks and hits

    @property
    def _stops(self) -> list[int]:
        return self.hits if self.searched else self.marks

    def action_mark(self, by: int) -> None:
        """Go to the next or previous hit, or line that says what went wrong."""
        lines = self._stops
        if not lines:
            return
        here = self.current
        if here is None:
            here = self.scroll_offset.y + self.first + (-1 if by > 0 else self.size.height)
        later = [line for line in lines if line > here][:1] or lines[:1]
        earlier = [line for line in lines if line < here][-1:] or lines[-1:]
        self.go_to_line((later if by > 0 else earlier)[0])

    def go_to_line(self, line: int) -> None:
        """Bring a line into view."""
        if line < self.first:
            self.show_all()
        self.moved_up()
        self.current = line
        if row := self.row_of_hit(line):
            self.go_to_row(line, row)
        else:
            self.go(self.over(line))

    @property
    def hit_number(self) -> int:
        """Which of the hits or marks was gone to, from 1; 0 for none."""
        lines = self._stops
        return lines.index(self.current) + 1 if self.current in lines else 0

    def forget_search(self) -> None:
        """Nothing is searched for any more."""
        self.searched, self.hits, self.current, self.searching = "", [], None, False
        self.refresh()
        if self.is_attached:
            self.post_message(self.Changed())

    def search(self, text: str) -> None:
        """Look for a text in all of the log, off the loop; goes to the first hit from here on."""
        self.forget_search()
        self.searched = text
        if text and self.is_counted:
            self._begin_search()

    def _begin_search(self) -> None:
        whole, text = self._whole, self.searched
        if whole is None:
            return
        self.searching = True
        self.run_worker(
            lambda: self._search(whole, text), thread=True, group="search", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _search(self, whole: LogReel, text: str) -> None:
        found: list[int] = []
        told = 0
        for piece in whole.search(text, lambda: self._is_given_up(whole, text)):
            found += piece
            if len(found) >= MOST_HITS:
                break
            if (found and not told) or len(found) - told > _HITS_AT_ONCE:
                told = len(found)
                on_loop(self, self._found, whole, text, list(found), False)
        if not self._is_given_up(whole, text):
            on_loop(self, self._found, whole, text, found, True)

    def _is_given_up(self, whole: LogReel, text: str) -> bool:
        return whole is not self._whole or text != self.searched or not self.is_attached

    def _found(self, whole: LogReel, text: str, found: list[int], done: bool) -> None:
        if self._is_given_up(whole, text):
            return
        if done or len(found) > len(self.hits):
            self.hits = found
        self.searching = not done
        if found and self.current is None:
            here = self.scroll_offset.y + self.first
            self.go_to_line(next((line for line in found if line >= here), found[0]))
        self.refresh()
        self.post_message(self.Changed())


def thousands(number: int) -> str:
    """A count as people read it: ``1 204``."""
    return f"{number:,}".replace(",", " ")
