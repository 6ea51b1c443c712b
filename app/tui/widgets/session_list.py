"""The list of sessions: one line each, drawn only when it can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app import format as form
from app.status_style import Weight, style_of, word_of
from app.tui.board import board_of
from app.tui.drawing import Line, bar
from app.tui.listing import Grouping, Heading, Listing, Sort
from app.tui.notes import name_of, note
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Pressable
from store.row import SessionRow
from store.states import State

_FINISHED = frozenset({State.UNMERGED, State.MERGED, State.COMPLETED})
_YOUNG_US = 62_000_000
"""Ages move each second until a minute is over; a little longer, so that ``1m`` is drawn too."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each column begins or, for right-aligned ones, ends (exclusive)."""

    workflow: int
    workflow_width: int
    repo: int
    """0 when the column is left out."""
    repo_width: int
    step_end: int
    bar: int
    """0 when the column is left out."""
    time_end: int
    last_end: int
    note: int
    note_width: int


def columns(width: int, one_repository: bool = False) -> Columns:
    """The columns for a width; they never depend on the rows, except that one repository alone
    gives its column to the workflow.
    """
    if width < 80:
        room = max(8, min(16, width - 54))
        end = 24 + room
        return Columns(17, room, 0, 0, end, 0, 0, end + 5, end + 7, max(0, width - end - 8))
    if width < 110:
        workflow, room, repo, repo_width = 17, 16, 34, 8
        if one_repository:
            return Columns(17, 25, 0, 0, 48, 0, 0, 53, 55, max(0, width - 56))
        return Columns(workflow, room, repo, repo_width, 48, 0, 0, 53, 55, max(0, width - 56))
    more = max(0, width - 83 - 60)
    workflow_more = min(10, more)
    repo_more = min(7, more - workflow_more)
    shift = workflow_more + repo_more
    room = 18 + workflow_more
    repo = 37 + workflow_more
    repo_width = 9 + repo_more
    if one_repository:
        room, repo, repo_width = room + repo_width + 1, 0, 0
    return Columns(
        workflow=18,
        workflow_width=room,
        repo=repo,
        repo_width=repo_width,
        step_end=54 + shift,
        bar=56 + shift,
        time_end=73 + shift,
        last_end=79 + shift,
        note=81 + shift,
        note_width=max(0, width - 83 - shift),
    )


def active_seconds(row: SessionRow, now_us: int) -> float:
    """Time in which an attempt ran, up to now for a session at work."""
    seconds = row.active_seconds
    if row.state.is_live and row.attempt_started_us is not None:
        seconds += max(0, now_us - row.updated_us) / 1e6
    return seconds


def last_change_us(row: SessionRow, listing: Listing) -> int:
    """When its state changed or its output grew, whichever is later."""
    return max(row.state_since_us or row.updated_us, listing.output_us.get(row.id, 0))


def is_young(row: SessionRow, listing: Listing, now_us: int) -> bool:
    """Whether its age is told in seconds."""
    return 0 <= now_us - last_change_us(row, listing) < _YOUNG_US


def step_words(row: SessionRow) -> str:
    """The step it is at, of all; of a finished session all of them."""
    if row.total_steps <= 0:
        return form.UNKNOWN
    at = row.total_steps if row.state in _FINISHED else min(row.step_index + 1, row.total_steps)
    if row.state is State.MERGE_FAILED or row.state is State.MERGING:
        at = row.total_steps
    return form.steps(at, row.total_steps)


def progress(row: SessionRow) -> float:
    """Completed steps of all, 0 to 1."""
    if row.state in _FINISHED or row.state in (State.MERGE_FAILED, State.MERGING):
        return 1.0
    return row.step_index / row.total_steps if row.total_steps > 0 else 0.0


def session_line(
    row: SessionRow, listing: Listing, now_us: int, at: Columns, *, ascii_only: bool, strong: bool
) -> Line:
    """One session as a line. ``strong`` makes its name bold, as the cursor's is."""
    style = style_of(row.state)
    grey, bold = style.weight is Weight.GREY, style.weight is Weight.BOLD
    voice = "muted" if grey else "fg"
    line = Line()
    line.put(2, style.sign(ascii_only), style.role, bold=bold)
    line.put(4, word_of(row.state, ascii_only), style.role, bold=bold)
    name = form.cut(name_of(row), at.workflow_width)
    line.put(at.workflow, name, voice, bold=bold or strong)
    if at.repo:
        line.put(at.repo, form.one_line(row.repo), "muted", limit=at.repo_width)
    place, slash, total = step_words(row).partition("/")
    start = line.right(at.step_end, f"{slash}{total}", "muted")
    line.right(start, place, voice)
    if at.bar:
        if row.total_steps > 0:
            role = "track" if row.state in _FINISHED else style.role.value
            bar(line, at.bar, progress(row), role)
        seconds = active_seconds(row, now_us)
        finished = not row.state.is_live
        known = seconds > 0 or row.started_us > 0
        line.right(at.time_end, form.duration(seconds if known else None, finished=finished), voice)
    since = last_change_us(row, listing)
    last = form.age((now_us - since) / 1e6 if since else None)
    flowing = last == "now" and row.state.is_live
    line.right(at.last_end, last, "live" if flowing else "muted")
    words = note(
        row, now_us, output_us=listing.output_us.get(row.id), silent=listing.silent.get(row.id, "")
    )
    line.put(at.note, words, "fg" if bold else "muted", limit=at.note_width)
    return line


def without_repository(listing: Listing) -> bool:
    """Whether the repository of every row is known without its column."""
    return listing.one_repository or listing.choices.grouping is Grouping.REPOSITORY


def heading_line(heading: Heading | None) -> Line:
    """``api  9 sessions, 2 need you``."""
    line = Line()
    if heading is None:
        return line
    x = line.put(2, form.one_line(heading.name) or "no name", "fg", bold=True)
    x = line.put(x + 2, form.count(heading.count, "session"), "muted")
    if heading.attention:
        verb = "needs" if heading.attention == 1 else "need"
        line.put(x, ", ", "muted")
        line.put(x + 2, f"{heading.attention} {verb} you", "warn", bold=True)
    return line


class SessionList(LineList):
    """Every session that the chip and the filter let through."""

    @property
    def listing(self) -> Listing:
        return board_of(self).listing

    def line_count(self) -> int:
        return len(self.listing.view)

    def can_hold_cursor(self, y: int) -> bool:
        return self.listing.at(y) is not None

    def is_marked(self, y: int) -> bool:
        row = self.listing.at(y)
        return row is not None and row.id in self.listing.marked

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        board = board_of(self)
        row = board.listing.at(y)
        if row is None:
            return heading_line(board.listing.heading_at(y))
        line = session_line(
            row,
            board.listing,
            board.now_us(),
            columns(self.size.width, without_repository(board.listing)),
            ascii_only=board.ascii_only,
            strong=at_cursor,
        )
        if board.store_problem:
            line.quieten("muted")
        return line

    def place_cursor(self, y: int, *, tell: bool = True) -> None:
        super().place_cursor(y, tell=False)
        row = self.listing.at(self.cursor)
        before, self.listing.selected = self.listing.selected, row.id if row else None
        if tell and row is not None and before != row.id:
            self.post_message(self.Moved(self, self.cursor))

    def follow_listing(self, *, by_store: bool = False) -> None:
        """The order or the number of sessions changed; the cursor stays on its session.

        Args:
            by_store: sessions came or moved; it is not the person who chose another view.
        """
        if not by_store:
            self.listing.unseen.clear()
        self.lines_changed(keep=self.listing.line_of(self.listing.selected) or 0)
        self._show_heading()

    def new_above(self) -> int:
        """How many new sessions stand above the view; the others are seen, or not shown."""
        listing, top = self.listing, self.scroll_offset.y
        lines = ((one, listing.line_of(one)) for one in listing.unseen)
        listing.unseen = {one for one, y in lines if y is not None and y < top}
        return len(listing.unseen)

    def show_cursor(self) -> None:
        super().show_cursor()
        self._show_heading()

    def _show_heading(self) -> None:
        """A session on the first line is not shown without the heading above it."""
        top = self.scroll_offset.y
        if top == self.cursor and self.listing.heading_at(top - 1) is not None:
            self.scroll_to(y=top - 1, animate=False, immediate=True)

    def refresh_live(self) -> None:
        """Draw the visible lines of sessions at work again."""
        self._refresh_where(lambda row: row.state.is_live)

    def refresh_ages(self, *, full_minute: bool) -> None:
        """Draw the visible lines whose ages move now: young ones each second, all each minute."""
        listing, now_us = self.listing, board_of(self).now_us()
        self._refresh_where(
            lambda row: full_minute or (not row.state.is_live and is_young(row, listing, now_us))
        )

    def _refresh_where(self, is_meant: Callable[[SessionRow], bool]) -> None:
        top = self.scroll_offset.y
        for y in range(top, min(self.line_count(), top + self.size.height)):
            row = self.listing.at(y)
            if row is not None and is_meant(row):
                self.refresh_line(y)


class ListHead(Pressable):
    """The heads of the columns; a click sorts."""

    class Pressed(Pressable.Pressed):
        """The head of an order was clicked."""

    def paint(self, width: int, height: int) -> list[Line]:
        listing = board_of(self).listing
        at = columns(width, without_repository(listing))
        line = Line()

        def head(sort: Sort) -> str:
            return ("▲" if listing.choices.backwards else "▼") if listing.sort is sort else ""

        def left(x: int, name: str, sort: Sort) -> None:
            mark = head(sort)
            line.put(x, f"{name} {mark}" if mark else name, "faint", key=sort.name)

        def right(end: int, name: str, sort: Sort) -> None:
            line.right(end, f"{head(sort)}{name}", "faint", key=sort.name)

        left(2, "STATUS", Sort.ATTENTION)
        left(at.workflow, "WORKFLOW", Sort.WORKFLOW)
        if at.repo:
            left(at.repo, "REPO", Sort.REPOSITORY)
        right(at.step_end, "STEP", Sort.PROGRESS)
        if at.bar:
            right(at.time_end, "TIME", Sort.TIME)
        right(at.last_end, "LAST", Sort.RECENT)
        line.put(at.note, "NOTE", "faint")
        if listing.expected is not None:
            line.right(width - 1, f"reading {listing.count(None):,}…".replace(",", " "), "muted")
        elif above := sum(one.new_above() for one in self.screen.query(SessionList)):
            line.right(width - 1, f"{above} new above", "muted")
        return [line]
