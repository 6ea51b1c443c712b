"""The home screen: chips, the list of sessions, and the selected one's detail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.timer import Timer

from app import format as form
from app.status_style import Chip
from app.tui.actions import Subject, Where
from app.tui.calling import on_loop
from app.tui.listed import list_words
from app.tui.listing import HOLD_US
from app.tui.notes import name_of
from app.tui.ordering import Sort
from app.tui.screens.action_screen import ActionScreen, bindings
from app.tui.widgets.chips import Chips
from app.tui.widgets.detail import Detail
from app.tui.widgets.filter_box import FilterBox
from app.tui.widgets.footer import Footer, Hint
from app.tui.widgets.header import Header
from app.tui.widgets.line_list import LineList
from app.tui.widgets.notice import Notice, NoticePane
from app.tui.widgets.session_list import ListHead, SessionList, is_young
from store.row import SessionRow

if TYPE_CHECKING:
    from app.tui.details import SessionDetail
    from app.tui.log_file import Tail

REST_SECONDS = 0.08
"""The detail follows the cursor after it stood still this long."""
TAIL_LINES = 60


class Zoom(IntEnum):
    """What has more room than it has by itself, in the order ``z`` goes through them."""

    NOTHING = 0
    DETAIL = 1
    LIST = 2


class SessionsScreen(ActionScreen):
    """All sessions, attention first."""

    where = Where.SESSIONS
    CSS_PATH = "sessions.tcss"
    BINDINGS: ClassVar = bindings(Where.SESSIONS)

    def __init__(self) -> None:
        super().__init__()
        self._rest: Timer | None = None
        self._used_us = 0
        self._reading = 0
        """The number of the reading under way: what an earlier one brings is not shown."""

    def compose(self) -> ComposeResult:
        yield Header()
        with Container(id="panes"):
            with Vertical(id="main"):
                yield Chips(id="chips")
                yield FilterBox(id="filter")
                yield ListHead(id="head")
                yield SessionList(id="list")
                yield NoticePane()
            yield Detail()
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(SessionList).focus()
        if self.board.listing.query.text:
            self.query_one("#panes").add_class("-filtering")
            self.query_one(FilterBox).show_text()
        self._say_where()
        self._notice()
        self.show_footer()

    # -- layout

    def on_resize(self, event: Resize) -> None:
        width, height = event.size
        panes = self.query_one("#panes")
        wide, tall = width >= 160, height >= 30 and not self.board.settings.compact
        small = width < 80 or height < 24
        panes.set_class(wide, "-wide")
        panes.set_class(tall, "-tall")
        panes.set_class(small or self.zoomed == Zoom.LIST, "-alone")
        panes.set_class(self.zoomed == Zoom.DETAIL, "-detailed")
        detail = self.query_one(Detail)
        if wide:
            detail.styles.height = "1fr"
        else:
            wanted = 8 if height < 30 else max(14, min(20, height * 35 // 100))
            detail.styles.height = height - 12 if self.zoomed == Zoom.DETAIL else wanted
        detail.repaint()
        self._say_where()

    @property
    def zoomed(self) -> Zoom:
        """What has more room than it has by itself."""
        return Zoom(self.board.zoomed.get("sessions", Zoom.NOTHING))

    def zoom(self) -> None:
        """Give the detail the room of the list, then the list all of it, and back."""
        if self.size.width < 80 or self.size.height < 24:
            super().zoom()
            return
        self.board.zoomed["sessions"] = Zoom((self.zoomed + 1) % len(Zoom))
        self.on_resize(Resize(self.size, self.size))

    def _say_where(self) -> None:
        about: tuple[tuple[str, str], ...] = ((self.board.backend.home_words, "faint"),)
        only = self.board.listing.choices.repository
        if only is not None:
            about = ((f"only {form.one_line(only)}", "accent"), *about)
        elif self.size.width >= 110:
            about = (("all repositories", "muted"), *about)
        if self.board.store_problem:
            about = ((self.board.store_problem_words, "error"),)
        elif self.board.backend.read_only:
            about = (("read-only", "warn"), *about)
        self.query_one(Header).show(("Sessions",), about)

    # -- what the screen is about

    def subject_row(self) -> SessionRow | None:
        return self.board.listing.current

    def subject(self) -> Subject:
        return replace(super().subject(), marked=self.board.listing.marked_rows)

    def words(self) -> Mapping[str, str]:
        return list_words(self.board.listing.choices)

    def has_in_view(self, run_id: str) -> bool:
        y = self.board.listing.line_of(run_id)
        return y is not None and self.query_one(SessionList).has_in_view(y)

    def footer_position(self) -> tuple[str, str]:
        listing = self.board.listing
        if not listing.loaded:
            return ("", "")
        if not listing.rows:
            return ("", "0 sessions")
        marked = len(listing.marked)
        place = f"{marked} marked  " if marked else ""
        of = listing.count(None) if listing.expected is not None else len(listing)
        return (f"{place}{listing.place_of(listing.selected)}", f"of {of}")

    def show_footer(self) -> None:
        listing = self.board.listing
        if listing.loaded and not listing.rows:
            hints = (
                Hint("n", "new run", name="new_run"),
                Hint("ctrl+p", "actions", name="palette"),
                Hint("q", "quit", name="quit"),
            )
            self.query_one(Footer).show(hints, self.footer_position())
            return
        super().show_footer()

    # -- the list

    def show_reading(self) -> None:
        """Say how much was read, while there is no list yet."""
        self._notice()

    def sessions_changed(self, changed: frozenset[str] | None) -> None:
        """Bring list, chips, detail and footer up to date."""
        self.list_changed(by_store=changed is not None)
        row = self.subject_row()
        if row is not None and (changed is None or row.id in changed):
            self.query_one(Detail).take_row(row)
            self.read_detail()

    def list_changed(self, *, by_store: bool = False) -> None:
        """The view is another: draw it, with the cursor on its session."""
        sessions = self.query_one(SessionList)
        sessions.follow_listing(by_store=by_store)
        self.query_one(Chips).repaint()
        self.query_one(ListHead).repaint()
        self.query_one(FilterBox).show_found()
        self._notice()
        self._say_where()
        self.show_footer()
        detail = self.query_one(Detail).detail
        row = self.subject_row()
        if row is None:
            self.query_one(Detail).show(None, None)
        elif detail is None or detail.row.id != row.id:
            self.read_detail()

    def lines_changed(self, lines: tuple[int, ...], changed: frozenset[str]) -> None:
        """Some sessions changed where they stand."""
        sessions = self.query_one(SessionList)
        for y in lines:
            sessions.refresh_line(y)
        self.query_one(Chips).recount()
        row = self.subject_row()
        if row is not None and row.id in changed:
            self.show_footer()
            self.query_one(Detail).take_row(row)
            self.read_detail()

    def live_looked_at(self) -> None:
        """What sessions at work printed last is known anew."""
        self.query_one(SessionList).refresh_live()

    @property
    def in_use(self) -> bool:
        """Whether the list was used just now, so that rows keep their places."""
        used = self.board.now_us() - self._used_us < HOLD_US
        return used and self.query_one(SessionList).has_focus

    def used(self) -> None:
        """The person did something in the list."""
        self._used_us = self.board.now_us()

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self.used()
        self.query_one(Detail).grow_stale()
        self.query_one(ListHead).repaint()
        self.show_footer()
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST_SECONDS, self.read_detail)

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        self.action_do("open_session")

    def on_list_head_pressed(self, event: ListHead.Pressed) -> None:
        choices, sort = self.board.listing.choices, Sort[event.name]
        again = choices.sort is sort and not choices.backwards
        self.board.listing.choose_sort(sort, backwards=again)
        self.list_changed()

    def on_chips_pressed(self, event: Chips.Pressed) -> None:
        name, _, digit = event.name.rstrip(")").partition("(")
        self.action_do(name, digit)

    def choose_chip(self, chip: Chip | None) -> None:
        """Show one group of sessions, or all of them."""
        self.board.listing.choose_chip(chip)
        self.list_changed()

    # -- filter

    def on_filter_box_changed(self, event: FilterBox.Changed) -> None:
        self.board.listing.choose_query(event.text)
        self.list_changed()

    def on_filter_box_left(self, event: FilterBox.Left) -> None:
        if event.cleared:
            self.board.listing.choose_query("")
            self.query_one("#panes").remove_class("-filtering")
            self.list_changed()
        self.query_one(SessionList).focus()

    def open_filter(self) -> None:
        """Begin to type a filter."""
        self.query_one("#panes").add_class("-filtering")
        self.query_one(FilterBox).open()

    def key_escape(self) -> None:
        """Take away the filter; where there is none, the marks; then the one repository."""
        listing = self.board.listing
        if self.query_one(FilterBox).has_class("-open") or listing.query:
            self.query_one(FilterBox).action_clear()
        elif listing.marked:
            listing.marked.clear()
            self.query_one(SessionList).refresh()
            self.show_footer()
        elif listing.choices.repository is not None:
            listing.choose(repository=None)
            self.list_changed()

    # -- detail

    def read_detail(self) -> None:
        """Read the selected session's detail, off the loop."""
        row = self.subject_row()
        if row is None:
            self.query_one(Detail).show(None, None)
            return
        if self.board.store_problem:
            self.query_one(Detail).grow_stale()
            return
        self._reading += 1
        number = self._reading
        self.run_worker(
            lambda: self._read(row, number), thread=True, group="detail", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, row: SessionRow, number: int) -> None:
        from app.tui.log_file import read_tail
        from app.tui.session_reading import with_worktree

        backend = self.board.backend
        detail = backend.detail(row)
        tail = read_tail(detail.log, TAIL_LINES) if detail.log else None
        on_loop(self, self._show_detail, detail, tail, number)
        if detail.worktree_is_present and not row.state.is_live:  # git is slow, and knows more
            detail = with_worktree(detail, backend.worktree(row, None))
            on_loop(self, self._show_detail, detail, tail, number)

    def _show_detail(self, detail: SessionDetail, tail: Tail | None, number: int) -> None:
        row = self.subject_row()
        if number == self._reading and row is not None and row.id == detail.row.id:
            # Its state is the list's, which may have changed while the rest was read.
            self.query_one(Detail).show(replace(detail, row=row), tail)

    def tick(self, *, full_minute: bool) -> None:
        self.query_one(SessionList).refresh_ages(full_minute=full_minute)
        if not self.in_use and self.board.listing.settle():
            self.list_changed(by_store=True)
        row = self.subject_row()
        if row is not None and row.state.is_live:
            self.read_detail()
        elif full_minute or (
            row is not None and is_young(row, self.board.listing, self.board.now_us())
        ):
            self.query_one(Detail).repaint_changed()

    # -- when there is no list

    def _notice(self) -> None:
        listing = self.board.listing
        notice = self._what_is_missing()
        self.query_one(NoticePane).show(notice)
        sessions = self.query_one(SessionList)
        sessions.display = notice is None
        if sessions.display and self.focused is None:  # it lost the focus when it was hidden
            sessions.focus()
        panes = self.query_one("#panes")
        panes.set_class(bool(listing.loaded and not listing.rows), "-empty")

    def _what_is_missing(self) -> Notice | None:
        board, listing = self.board, self.board.listing
        if board.store_problem and not listing.rows:
            return Notice(board.store_problem_words or board.store_problem)
        if not listing.loaded:
            return Notice(f"Reading {board.reading}…") if board.reading else None
        if not listing.rows:
            return Notice(
                "No runs yet",
                (
                    "Runs started here or by the command line appear here,",
                    "whichever repository they belong to.",
                ),
                (
                    ("n", "start a run", board.backend.workflows_words),
                    ("?", "keys", "or ctrl+p, any action by name"),
                ),
                "prodigy init   then   prodigy run workflows/hello.yml",
                centred=True,
            )
        if listing.view:
            return None
        if listing.query or listing.query.problems:
            others = [
                f"Without {key}: {listing.matching(listing.query.without(key))} match."
                for key in listing.query.keys
            ]
            sentence = "   ".join(("esc clears the filter.", *others[:2]))
            return Notice(f"No session matches {listing.query.text}.", (sentence,))
        return Notice(*self._empty_chip(listing.chip))

    def _empty_chip(self, chip: Chip | None) -> tuple[str, tuple[str, ...]]:
        listing = self.board.listing
        if chip is Chip.NEEDS_YOU:
            last = max(listing.rows.values(), key=lambda row: row.failed_us or 0, default=None)
            if last is None or last.failed_us is None:
                return "Nothing needs you.", ()
            ago = form.ago((self.board.now_us() - last.failed_us) / 1e6)
            return "Nothing needs you.", (f"Last failure {ago}: {name_of(last)}.",)
        words = {
            Chip.RUNNING: "Nothing is running.",
            Chip.PAUSED: "Nothing is paused.",
            Chip.FINISHED: "Nothing has finished yet.",
        }
        return (words[chip] if chip else "No sessions."), ()
