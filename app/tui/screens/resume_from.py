"""Where else a session may go on: every step, and every checkpoint that is kept."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.status_style import STEP_STYLES, StepSign
from app.tui.board import board_of
from app.tui.calling import on_loop
from app.tui.details import CheckpointView, ResumeChoice, SessionDetail, StepView
from app.tui.drawing import Line
from app.tui.notes import name_of, short_label
from app.tui.screens.modal import Modal
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from store.row import SessionRow

MOST_ROWS = 24


class _Places(LineList):
    """Steps, then checkpoints, each under its heading."""

    DEFAULT_CSS = "_Places { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.items: list[StepView | CheckpointView | str] = []
        self.at = 0
        """The step it would go on with, from 1."""
        self._digits = 1

    def show(self, detail: SessionDetail, checkpoints: list[CheckpointView]) -> None:
        self.at = detail.row.step_index + 1
        self._digits = len(str(len(detail.steps)))
        self.items = ["FROM A STEP", *detail.steps]
        if checkpoints:
            self.items += ["", "FROM A CHECKPOINT", *checkpoints]
        at = next(
            (
                y
                for y, one in enumerate(self.items)
                if isinstance(one, StepView) and one.number == self.at
            ),
            1,
        )
        self.lines_changed()
        self.begin_at(at)

    def line_count(self) -> int:
        return len(self.items)

    def can_hold_cursor(self, y: int) -> bool:
        return 0 <= y < len(self.items) and not isinstance(self.items[y], str)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        line = Line()
        if isinstance(one, str):
            line.put(2, one, "faint")
        elif isinstance(one, StepView):
            self._step(line, one, width, at_cursor)
        else:
            self._checkpoint(line, one, width, at_cursor)
        return line

    def _step(self, line: Line, step: StepView, width: int, at_cursor: bool) -> None:
        style = STEP_STYLES[step.sign]
        line.put(2, style.sign(board_of(self).ascii_only), style.role)
        digits = self._digits
        line.put(4, f"{step.number:>{digits}}", "faint")
        what = width - 34
        line.put(5 + digits, short_label(step.label), "fg", bold=at_cursor, limit=what - 7 - digits)
        line.put(what, self._words(step), "muted", limit=34)

    def _words(self, step: StepView) -> str:
        if step.number == self.at:
            return "where it would go on anyway"
        if step.number > self.at:
            left = step.number - self.at
            return "leaves out the step before" if left == 1 else f"leaves out {left} steps before"
        if step.sign is StepSign.DONE:
            return "runs again, and all after it"
        return "goes on here"

    def _checkpoint(self, line: Line, one: CheckpointView, width: int, at_cursor: bool) -> None:
        now = form.moment_from_microseconds(board_of(self).now_us())
        at = form.moment_from_microseconds(one.written_us)
        line.put(2, f"#{one.seq}", "fg", bold=at_cursor)
        where = f"before step {one.index + 1}" if one.index < one.total else "after the last step"
        line.put(9, where, "fg", bold=at_cursor)
        line.put(29, one.kind, "muted", limit=12)
        written = form.clock(at, now) if now is not None else form.UNKNOWN
        line.put(width - 34, written, "muted")
        if one.is_newest:
            line.put(width - 20, "the newest", "faint")

    def empty_line(self, place: int, _width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, "Reading its steps and checkpoints.", "muted")
        return line


class _Foot(Painted):
    DEFAULT_CSS = "_Foot { height: 2; }"

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        x = line.put(0, "  enter  ", "inv", on="accent")
        line.put(x, "Show the plan  ", "inv", bold=True, on="accent")
        x = line.right(width, "close, change nothing", "muted")
        line.right(x - 1, "esc", "accent", bold=True)
        return [Line(), line]


class ResumeFromScreen(Modal[ResumeChoice]):
    """Results in the place to go on from; the plan is shown before anything runs."""

    box_width = 90
    title_text = "Resume from"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", show=False)]

    def __init__(self, row: SessionRow) -> None:
        self._row = row
        self.title_more = f"{name_of(row)}  {form.short_id(row.id)}"
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Places()
        yield _Foot()

    def content_height(self) -> int:
        return min(MOST_ROWS, max(3, self.query_one(_Places).line_count())) + 2

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(_Places).focus()
        backend, row = self.board.backend, self._row

        def read() -> None:
            found = backend.detail(row), backend.checkpoints(row)
            on_loop(self, self._take, *found)

        self.run_worker(read, thread=True, group="places", exit_on_error=False)

    def _take(self, detail: SessionDetail, checkpoints: list[CheckpointView]) -> None:
        if self.is_attached:
            usable = [one for one in checkpoints if not one.problem]
            self.query_one(_Places).show(detail, usable)
            self.lay_out()

    def on_line_list_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        places = self.query_one(_Places)
        if not places.can_hold_cursor(places.cursor):
            return
        one = places.items[places.cursor]
        if isinstance(one, StepView):
            own = one.number == places.at
            self.dismiss(ResumeChoice() if own else ResumeChoice(from_step=one.number))
        elif isinstance(one, CheckpointView):
            self.dismiss(ResumeChoice(from_checkpoint=str(one.seq)))
