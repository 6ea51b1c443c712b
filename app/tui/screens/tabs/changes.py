"""Changes: files at the left, the difference of the one under the cursor at the right."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from app import format as form
from app.tui.board import board_of
from app.tui.calling import on_loop
from app.tui.details import ChangedFile, ChangesView, CommitView, Scope, SessionDetail
from app.tui.drawing import Line, focus_part, rule
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.footer import Hint
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import Text, TextView

Shape = tuple[object, ...]


class _Title(Painted):
    def paint(self, width: int, height: int) -> list[Line]:
        view = self.parent
        assert isinstance(view, View)
        scope, count = view.scope, len(view.changes.scopes)
        if scope is None:
            return [rule(width, "Changes")]
        added = sum(one.added or 0 for one in scope.files)
        removed = sum(one.removed or 0 for one in scope.files)

        def facts(line: Line, end: int) -> int:
            if count > 1 and width >= 70:
                end = line.right(end, f"{view.place + 1} of {count}", "muted")
                end = line.right(end - 1, "← →", "accent", bold=True) - 3
            if removed:
                end = line.right(end, f"−{removed}", "error") - 1
            if added:
                end = line.right(end, f"+{added}", "done")
            return end

        title = form.cut(scope.title, max(10, width - 50))
        note, files = view.changes.note, form.count(len(scope.files), "file")
        if view.is_zoomed and view.query_one(_Files).has_class("-aside"):
            files = view.query_one(_Files).current_words
        told = note if note and width < 110 else "  ".join(part for part in (files, note) if part)
        line = rule(width, f"{title[:1].upper()}{title[1:]}", told, right=facts)
        if view.is_zoomed:
            return [line]
        edge = view.query_one(_Edge).region.x
        diff = view.query_one(TextView).has_focus
        return [focus_part(line, edge if diff else 0, width if diff else edge)]


class _Files(LineList):
    """Files, then a heading and the commits."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[ChangedFile | CommitView | str] = []
        self._removed_cells = 0
        """Cells of the widest number of removed lines: the others end where it does."""

    def show(self, scope: Scope | None) -> None:
        files = scope.files if scope else ()
        commits = scope.commits if scope else ()
        blank = [""] if files and self.screen.has_class("-tall") else []
        heading = [*blank, "COMMITS"] if commits else []
        self.items = [*files, *heading, *commits]
        self._removed_cells = max(
            (len(str(one.removed)) + 2 for one in files if one.removed), default=0
        )
        self.lines_changed()
        while self.cursor + 1 < len(self.items) and isinstance(self.items[self.cursor], str):
            self.cursor += 1

    def line_count(self) -> int:
        return len(self.items)

    def can_hold_cursor(self, y: int) -> bool:
        return 0 <= y < len(self.items) and not isinstance(self.items[y], str)

    @property
    def place(self) -> int | None:
        """The number of what the cursor is on, headings not counted."""
        if not self.can_hold_cursor(self.cursor):
            return None
        return sum(not isinstance(item, str) for item in self.items[: self.cursor])

    @property
    def current_words(self) -> str:
        """The file or the commit the cursor is on."""
        one = self.items[self.cursor] if self.can_hold_cursor(self.cursor) else ""
        if isinstance(one, str):
            return one
        return form.one_line(one.path if isinstance(one, ChangedFile) else one.subject)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        line = Line()
        end = width - 2
        if isinstance(one, str):
            line.put(2, one, "faint")
            if one:
                made = sum(isinstance(item, CommitView) for item in self.items)
                line.right(end, str(made), "faint")
        elif isinstance(one, CommitView):
            line.put(2, one.id[:7], "muted")
            now = form.moment_from_microseconds(board_of(self).now_us())
            moment = form.moment_from_microseconds(one.at_us)
            at = form.clock(moment, now) if now is not None else ""
            x = line.right(end, at, "faint")
            line.put(11, form.one_line(one.subject), "fg", bold=at_cursor, limit=max(0, x - 13))
        else:
            x = end
            if one.added is None:
                x = line.right(x, "not text", "faint")
            else:
                if one.removed:
                    line.right(x, f"−{one.removed}", "error")
                x -= self._removed_cells
                if one.added or not one.removed:
                    x = line.right(x, f"+{one.added}", "done")
            kind = "new" if one.is_untracked else "renamed" if one.was else ""
            if kind and form.width(one.path) + len(kind) + 5 <= x:
                x = line.right(x - 1, kind, "faint")
            name = form.cut_middle(form.one_line(one.path), max(8, x - 4))
            line.put(2, name, "fg", bold=at_cursor)
        return line

    def empty_line(self, _place: int, _width: int) -> Line:
        return Line()


class _Edge(Painted):
    """The line between files and difference."""

    DEFAULT_CSS = "_Edge { width: 1; height: 1fr; }"

    def paint(self, width: int, height: int) -> list[Line]:
        lines = []
        for _ in range(height):
            line = Line()
            line.put(0, "│", "line")
            lines.append(line)
        return lines


class _Nothing(Painted):
    """One sentence where there is nothing to show."""

    DEFAULT_CSS = "_Nothing { height: 1fr; display: none; } _Nothing.-shown { display: block; }"
    words = ""

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        line.put(2, self.words, "muted", limit=width - 3)
        return [line]


class View(Tab):
    """``left`` and ``right`` go from the whole to what is uncommitted and to single steps."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "other(-1)", show=False),
        Binding("right", "other(1)", show=False),
        Binding("n", "hunk(1)", show=False),
        Binding("N", "hunk(-1)", show=False),
        Binding("w", "wrap", show=False),
    ]

    PANES: ClassVar[tuple[str, ...]] = ("_Files", "TextView", "_Edge")

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.changes = ChangesView(words="Asking git what changed.")
        self.place = 0
        self._session = ""
        self._shape: Shape = ()

    def compose(self) -> ComposeResult:
        yield _Title()
        yield _Nothing()
        with Horizontal():
            yield _Files()
            yield _Edge()
            yield TextView(left=2)

    @property
    def scope(self) -> Scope | None:
        """What is compared now."""
        found = self.changes.scopes
        return found[self.place] if self.place < len(found) else None

    def arrange_panes(self) -> None:
        super().arrange_panes()
        self.query_one(_Title).repaint()
        beside = 35 if self.size.width < 110 else 47
        self.query_one(_Files).styles.width = "1fr" if self.is_zoomed else beside

    def show(self, detail: SessionDetail) -> None:
        row = detail.row
        shape = (row.id, row.state, row.step_index, row.updated_us, detail.commits)
        if shape == self._shape:
            return
        if row.id != self._session:
            self._session, self.place = row.id, 0
            self._take(ChangesView(words="Asking git what changed."))
        self._shape = shape
        self._read(detail)

    def read_anew(self) -> None:
        self._shape = ()

    def _read(self, detail: SessionDetail) -> None:
        backend, row = self.board.backend, detail.row

        def read() -> None:
            on_loop(self, self._take_of, row.id, backend.changes(row, detail))

        self.run_worker(read, thread=True, group="changes", exclusive=True, exit_on_error=False)

    def _take_of(self, run_id: str, changes: ChangesView) -> None:
        if run_id == self._session and self.is_attached:
            self._take(changes)
            self.session.count("changes", len(changes.scopes[0].files) if changes.scopes else 0)

    def _take(self, changes: ChangesView) -> None:
        title = self.scope.title if self.scope else None
        self.changes = changes
        titles = [scope.title for scope in changes.scopes]
        self.place = titles.index(title) if title in titles else 0
        self._show_scope()

    def _show_scope(self) -> None:
        scope = self.scope
        empty = scope is None or not (scope.files or scope.commits)
        nothing = self.query_one(_Nothing)
        nothing.words = scope.words if scope is not None else self.changes.words
        nothing.set_class(empty, "-shown")
        nothing.repaint()
        self.query_one(Horizontal).display = not empty
        self.query_one(_Files).show(scope)
        self.query_one(_Title).repaint()
        self._show_difference()
        self.session.show_footer()
        if self.display and not empty and self.session.focused is None:
            self.take_focus()

    def _show_difference(self) -> None:
        files = self.query_one(_Files)
        view, place, at = self.changes, self.place, files.cursor
        item = files.place
        if self.scope is None or item is None:
            self.query_one(TextView).show(())
            return
        backend = self.board.backend

        def read() -> None:
            lines = backend.difference(view, place, item)
            on_loop(self, self._take_difference, view, place, at, lines)

        self.run_worker(read, thread=True, group="difference", exclusive=True, exit_on_error=False)

    def _take_difference(
        self, view: ChangesView, place: int, at: int, lines: tuple[str, ...]
    ) -> None:
        shown = (self.changes, self.place, self.query_one(_Files).cursor)
        if self.is_attached and shown == (view, place, at):
            self.query_one(TextView).show([_coloured(line) for line in lines])

    def on_descendant_focus(self) -> None:
        self.query_one(_Title).repaint()

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self._show_difference()
        self.session.show_footer()

    def action_other(self, by: int) -> None:
        """Compare other moments: everything, what is uncommitted, one step."""
        there = max(0, min(len(self.changes.scopes) - 1, self.place + by))
        if there != self.place:
            self.place = there
            files = self.query_one(_Files)
            files.cursor = 0
            self._show_scope()

    def action_hunk(self, by: int) -> None:
        """Scroll the difference to its next or previous hunk."""
        self.query_one(TextView).action_mark(by)

    def action_wrap(self) -> None:
        """Let long lines of the difference go on beneath, or cut them."""
        self.query_one(TextView).action_wrap()

    def hints(self) -> tuple[Hint, ...]:
        several = len(self.changes.scopes) > 1
        return (
            Hint("← →", "by step", several),
            *((Hint("tab", "next pane"),) if not self.is_zoomed else ()),
            Hint("n", "next hunk"),
            Hint("w", "wrap"),
        )

    def position(self) -> tuple[str, str]:
        scope, place = self.scope, self.query_one(_Files).place
        if scope is None or place is None:
            return ("", "")
        if place < len(scope.files):
            return (f"file {place + 1}", f"of {len(scope.files)}")
        return (f"commit {place - len(scope.files) + 1}", f"of {len(scope.commits)}")


def _coloured(line: str) -> Text:
    if line.startswith(("+++", "---", "diff ", "index ", "new file", "deleted file")):
        return Text(line, "faint")
    if line.startswith("+"):
        return Text(line, "done")
    if line.startswith("-"):
        return Text(line, "error")
    if line.startswith("@@"):
        return Text(line, "accent", is_mark=True)
    return Text(line, "muted")
