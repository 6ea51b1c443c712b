"""Checkpoints: the kept history, what each holds, and which one a resume uses."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.tui.actions import action
from app.tui.board import board_of
from app.tui.calling import on_loop
from app.tui.details import CheckpointContents, CheckpointView, ResumeChoice, SessionDetail
from app.tui.drawing import Line, rule
from app.tui.notes import short_label
from app.tui.screens.tabs.tab import Tab
from app.tui.session_actions import show_plan
from app.tui.widgets.footer import Hint
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import Text, TextView

LABEL = 12


_USED = "← resume uses this"


def _columns(width: int) -> tuple[int, int, int, int, int]:
    """Where AT and WHY begin, where WRITTEN and SIZE end, where the mark of the newest begins."""
    return (8, 24, 49, 58, 60) if width < 96 else (15, 36, 67, 77, 80)


class _Head(Painted):
    def paint(self, width: int, height: int) -> list[Line]:
        at, why, written, size, _ = _columns(width)
        line = Line()
        line.put(2, "#" if width < 96 else "CHECKPOINT", "faint")
        line.put(at, "AT", "faint")
        line.put(why, "WHY", "faint")
        line.right(written, "WRITTEN", "faint")
        line.right(size, "SIZE", "faint")
        return [line]


class _List(LineList):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[CheckpointView] = []
        self.marks_used = True
        """Whether a resume would use one of them."""

    def line_count(self) -> int:
        return len(self.items)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        line = Line()
        line.put(2, f"#{one.seq}", "fg", bold=at_cursor)
        start, why, written_end, size_end, mark = _columns(width)
        if one.problem:
            line.put(start, one.problem, "error", limit=width - start - 2)
            return line
        now = form.moment_from_microseconds(board_of(self).now_us())
        line.put(start, place_words(one), "fg", limit=why - start - 1)
        at = form.moment_from_microseconds(one.written_us)
        written = form.clock(at, now, seconds=True) if now is not None else form.UNKNOWN
        x = line.right(written_end, written, "muted")
        line.put(why, one.why, "muted", limit=x - why - 1)
        line.right(size_end, form.size(one.size), "muted")
        if one.is_newest and self.marks_used:
            line.put(mark, _USED, "live", bold=at_cursor)
        return line

    def empty_line(self, place: int, _width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, "No checkpoint was written.", "muted")
        return line


def place_words(one: CheckpointView) -> str:
    """Where in the run it was written."""
    return f"before step {one.index + 1}" if one.index < one.total else "after the last"


class _Title(Painted):
    one: CheckpointView | None = None

    def paint(self, width: int, height: int) -> list[Line]:
        view, one = self.parent, self.one
        if one is None:
            return [rule(width)]
        focused = view is not None and view.query_one(TextView).has_focus
        return [rule(width, f"#{one.seq}", place_words(one), focused=focused)]


class View(Tab):
    """The list, and beneath it what the checkpoint under the cursor holds."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "resume_here", show=False)]
    PANES: ClassVar[tuple[str, ...]] = ("_Head, _List", "_Title, TextView")

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._detail: SessionDetail | None = None

    def compose(self) -> ComposeResult:
        yield _Head()
        yield _List()
        yield _Title()
        yield TextView(wraps=True)

    def show(self, detail: SessionDetail) -> None:
        self._detail = detail
        row = detail.row
        self.query_one(_List).marks_used = not row.state.is_over
        self.run_worker(
            lambda: on_loop(self, self._take, self.board.backend.checkpoints(row)),
            thread=True, group="checkpoints", exclusive=True, exit_on_error=False,
        )  # fmt: skip

    def arrange_panes(self) -> None:
        super().arrange_panes()
        self._fit()

    def _fit(self) -> None:
        shown = self.query_one(_List)
        tall = self.screen.has_class("-tall")
        wanted = len(shown.items) + (1 if tall else 0)
        half = max(3, min(wanted, self.size.height // 2))
        shown.styles.height = "1fr" if self.is_zoomed else half

    def _take(self, items: list[CheckpointView]) -> None:
        self.session.count("checkpoints", len(items))
        shown = self.query_one(_List)
        at = shown.items[shown.cursor].seq if shown.cursor < len(shown.items) else None
        shown.items = items
        place = next((y for y, one in enumerate(items) if one.seq == at), None)
        shown.lines_changed(keep=place)
        self.query_one(_Title).set_class(not items, "-absent")
        self._fit()
        self._read_contents()
        self.session.show_footer()

    def on_line_list_moved(self) -> None:
        self._read_contents()
        self.session.show_footer()

    @property
    def current(self) -> CheckpointView | None:
        """The checkpoint under the cursor."""
        shown = self.query_one(_List)
        return shown.items[shown.cursor] if 0 <= shown.cursor < len(shown.items) else None

    def _read_contents(self) -> None:
        one, detail = self.current, self._detail
        title = self.query_one(_Title)
        title.one = one
        title.repaint()
        if one is None or detail is None:
            self.query_one(TextView).show(())
            return
        backend = self.board.backend

        def read() -> None:
            found = backend.checkpoint_contents(detail.row, one.seq)
            on_loop(self, self._take_contents, one, found)

        self.run_worker(read, thread=True, group="contents", exclusive=True, exit_on_error=False)

    def _take_contents(self, one: CheckpointView, found: CheckpointContents) -> None:
        if self.is_attached and self.current == one:
            self.query_one(TextView).show(_texts(found))

    def _why_not(self) -> str | None:
        one = self.current
        if one is None:
            return "no checkpoint here"
        if one.problem:
            return "this checkpoint cannot be read"
        return action("resume_from").why_not(self.session.subject())

    def action_resume_here(self) -> None:
        """Show the plan of a resume from the checkpoint under the cursor."""
        one, row, why = self.current, self.session.subject_row(), self._why_not()
        if why is not None or one is None or row is None:
            self.session.say(f"enter: {why}")
            return
        choice = ResumeChoice() if one.is_newest else ResumeChoice(from_checkpoint=str(one.seq))
        show_plan(self.session, row, choice)

    def on_line_list_chosen(self) -> None:
        self.action_resume_here()

    def on_descendant_focus(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_blur(self) -> None:
        self.query_one(_Title).repaint()

    def hints(self) -> tuple[Hint, ...]:
        return (Hint("enter", "resume from here", self._why_not() is None),)

    def position(self) -> tuple[str, str]:
        shown = self.query_one(_List)
        return (str(shown.cursor + 1), f"of {len(shown.items)}") if shown.items else ("", "")


def _texts(found: CheckpointContents) -> list[Text]:
    if found.problem:
        return [Text(f"It cannot be read: {found.problem}", "error")]
    texts = [_pair(label, form.one_line(value)) for label, value in found.facts]
    if found.steps:
        texts += [Text(""), Text("FINISHED STEPS", "faint")]
        texts += [
            Text(f"{number:>3} {form.cut(short_label(label), 60)}  {how}", "muted")
            for number, label, how in found.steps
        ]
    if found.variables:
        texts += [Text(""), Text("VARIABLES", "faint")]
        wide = min(24, max(len(one.name) for one in found.variables))
        for one in found.variables:
            value = form.one_line(one.value[:500]) or one.note or "empty"
            name = form.pad(form.cut(form.one_line(one.name), wide), wide)
            texts.append(Text(f"{name}  {form.cut(value, 200)}", "muted"))
    return texts


def _pair(label: str, value: str) -> Text:
    return Text(f"{form.pad(label, LABEL)}{value}", "muted")
