"""Steps: every attempt, handler and wait on one axis of active time."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from app import format as form
from app.status_style import STEP_STYLES, StepSign, Weight
from app.tui.board import board_of
from app.tui.calling import on_loop
from app.tui.details import PassView, SessionDetail, Span, StepView
from app.tui.drawing import Line
from app.tui.log_file import Tail, read_tail
from app.tui.notes import short_label
from app.tui.screens.tabs.tab import Tab
from app.tui.step_rows import StepRow, StepRows, can_be_opened, sign_of
from app.tui.timeline import Axis
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from app.tui.widgets.step_facts import StepFacts

TAIL_LINES = 60


def _places(width: int) -> tuple[int, int, int, int]:
    """Where the axis begins and ends, and where TIME and COST end (0: no cost)."""
    if width < 110:
        return 27, width - 10, width - 1, 0
    return 46, width - 23, width - 13, width - 2


class _Head(Painted):
    axis: Axis | None = None

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        start, _, time_end, cost_end = _places(width)
        line.put(2, "STEP", "faint")
        if self.axis is not None:
            self.axis.draw_heads(line, start)
        line.right(time_end, "TIME", "faint")
        if cost_end:
            line.right(cost_end, "COST", "faint")
        return [line]


class StepList(LineList):
    """Passes and steps; an opened one has what ran in it as rows beneath."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_or_close", show=False),
        Binding("right", "open", show=False),
        Binding("left,h", "close", show=False),
    ]

    class Arranged(Message):
        """Something was opened or closed: there are other rows."""

    def __init__(self) -> None:
        super().__init__(id="steps")
        self.detail: SessionDetail | None = None
        self.steps = StepRows()
        self.axis: Axis | None = None
        self._digits = 1

    def show(self, detail: SessionDetail) -> None:
        """Show the steps of a session, of another one with the cursor where it stands."""
        is_other = self.detail is None or self.detail.row.id != detail.row.id
        before, self.detail = self.current, detail
        self._digits = len(str(len(detail.steps)))
        self.steps.show(detail)
        if not is_other:
            self._arranged(before)
            return
        focus = detail.focus_step
        self.lines_changed()
        self.begin_at(self.steps.place_of_step(focus) if focus is not None else 0)

    def _arranged(self, before: StepRow | None) -> None:
        place = self.steps.place_of(before) if before is not None else self.cursor
        self.lines_changed(keep=place)

    @property
    def current(self) -> StepRow | None:
        """The row under the cursor."""
        rows = self.steps.rows
        return rows[self.cursor] if 0 <= self.cursor < len(rows) else None

    def measure(self, width: int, now_us: int) -> Axis:
        """The axis for a width."""
        start, end, _, _ = _places(width)
        spans = self.detail.spans if self.detail is not None else ()
        self.axis = Axis(spans, end - start, now_us)
        return self.axis

    # -- drawing

    def line_count(self) -> int:
        return len(self.steps.rows)

    def empty_line(self, place: int, width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, "No steps: nothing of its workflow was recorded.", "muted", limit=width - 3)
        return line

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        row = self.steps.rows[y]
        axis = self.axis or self.measure(width, board_of(self).now_us())
        line = Line()
        if row.span is not None and row.step is not None:
            self._draw_span(line, row, row.step, row.span, axis)
        elif row.step is not None:
            self._draw_step(line, row.step, axis, at_cursor)
        elif row.pass_ is not None:
            self._draw_pass(line, row.pass_, axis)
        return line

    def _label(self, line: Line, x: int, text: str, token: str, *, bold: bool = False) -> None:
        start = _places(self.size.width)[0]
        end = start - (1 if self._is_narrow else 2)
        line.put(x, text, token, bold=bold, limit=end - x)

    def _numbers(self, line: Line, time: str, cost: float | None, token: str) -> None:
        _, _, time_end, cost_end = _places(self.size.width)
        line.right(time_end, time, token)
        if cost_end and cost is not None:
            line.right(cost_end, form.cost(cost), "muted")

    @property
    def _is_narrow(self) -> bool:
        return self.size.width < 110

    def _draw_pass(self, line: Line, one: PassView, axis: Axis) -> None:
        """A heading; of a closed pass all that ran in it."""
        board = board_of(self)
        style = STEP_STYLES[sign_of(one)]
        line.put(2, style.sign(board.ascii_only), style.role, bold=style.weight is Weight.BOLD)
        self._label(line, 4, form.one_line(one.words), "fg", bold=True)
        is_open = (one.number, 0) in self.steps.opened
        axis.draw(line, _places(self.size.width)[0], () if is_open else one.spans, style.role)
        known = [
            seconds
            for step in one.steps
            if (seconds := step.seconds_at(board.now_us())) is not None
        ]
        costs = [step.cost for step in one.steps if step.cost is not None]
        over = sign_of(one) is not StepSign.RUNNING
        time = form.duration(sum(known), finished=over) if known else ""
        self._numbers(line, time, sum(costs) if costs else None, "muted")

    def _draw_step(self, line: Line, step: StepView, axis: Axis, at_cursor: bool) -> None:
        board = board_of(self)
        style = STEP_STYLES[step.sign]
        bold = style.weight is Weight.BOLD
        line.put(2, style.sign(board.ascii_only), style.role, bold=bold)
        line.put(4, f"{step.number:>{self._digits}}", "faint")
        reached = step.sign is not StepSign.NOT_REACHED
        label, token = short_label(step.label), "fg" if reached else "muted"
        self._label(line, 5 + self._digits, label, token, bold=bold or at_cursor)
        words = "" if reached else "not reached"
        if step.sign is StepSign.SKIPPED:
            words = form.one_line(step.outcome)
        axis.draw(line, _places(self.size.width)[0], step.spans, style.role, words=words)
        known = step.seconds_at(board.now_us())
        over = step.sign is not StepSign.RUNNING
        time = form.duration(known, finished=over) if known is not None or step.spans else ""
        self._numbers(line, time, step.cost, "fg")

    def _draw_span(self, line: Line, row: StepRow, step: StepView, span: Span, axis: Axis) -> None:
        x = 4 if self._is_narrow else 5
        line.put(x, "└" if row.is_last else "├", "line")
        self._label(line, x + 2, form.one_line(span.words), "muted")
        axis.draw(line, _places(self.size.width)[0], (span,), STEP_STYLES[step.sign].role)
        took_so_far = (axis.end_us(span) - span.started_us) / 1e6
        seconds = took_so_far if span.running else span.took
        time = form.duration(seconds, finished=not span.running)
        self._numbers(line, time, span.cost, "muted")

    # -- opening

    def action_open_or_close(self) -> None:
        row = self.current
        if row is not None and row.key in self.steps.opened:
            self.action_close()
        else:
            self.action_open()

    def action_open(self) -> None:
        row = self.current
        if row is not None and can_be_opened(row) and row.key not in self.steps.opened:
            self.steps.opened.add(row.key)
            self._rearrange(row)

    def action_close(self) -> None:
        """Close what is under the cursor; a closed step lets its pass be closed."""
        row = self.current
        if row is None:
            return
        key = row.key if row.key in self.steps.opened else (row.key[0], 0)
        if key in self.steps.opened:
            self.steps.opened.discard(key)
            self._rearrange(StepRow(key, row.pass_, row.step if key[1] else None))

    def _rearrange(self, at: StepRow) -> None:
        self.steps.arrange()
        self._arranged(at)
        self.post_message(self.Arranged())

    def choose(self) -> None:
        self.action_open_or_close()


class View(Tab):
    """The timeline, and beneath it what is under the cursor."""

    DEFAULT_CSS = "StepList { height: 8; }"
    PANES: ClassVar[tuple[str, ...]] = ("_Head, StepList", "StepFacts")

    def compose(self) -> ComposeResult:
        yield _Head()
        yield StepList()
        yield StepFacts()

    def show(self, detail: SessionDetail) -> None:
        steps = self.query_one(StepList)
        steps.show(detail)
        self._fit()
        self._read_facts()

    def arrange_panes(self) -> None:
        super().arrange_panes()
        self._fit()

    def _fit(self) -> None:
        steps, head = self.query_one(StepList), self.query_one(_Head)
        room = self.size.height
        if not room:
            return
        tall = self.screen.has_class("-tall")
        wanted = steps.line_count() + (1 if tall else 0)
        steps.styles.height = room - 1 if self.is_zoomed else max(3, min(wanted, room - 9))
        head.axis = steps.measure(self.size.width, self.board.now_us())
        head.repaint()
        steps.refresh()

    def tick(self) -> None:
        self._fit()
        self._read_facts()

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self._read_facts()
        self.session.show_footer()

    def on_step_list_arranged(self) -> None:
        self._fit()
        self._read_facts()
        self.session.show_footer()

    @property
    def step_number(self) -> int | None:
        row = self.query_one(StepList).current
        return row.step.number if row is not None and row.step is not None else None

    @property
    def step_log(self) -> Path | None:
        row = self.query_one(StepList).current
        if row is None or row.step is None:
            return None
        return row.span.log if row.span is not None else row.step.log

    def _read_facts(self) -> None:
        steps = self.query_one(StepList)
        row, detail, log = steps.current, steps.detail, self.step_log
        self.run_worker(
            lambda: self._read(row, detail, log), thread=True, group="facts", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, row: StepRow | None, detail: SessionDetail | None, log: Path | None) -> None:
        tail = read_tail(log, TAIL_LINES) if log is not None else None
        on_loop(self, self._take, row, detail, tail)

    def _take(self, row: StepRow | None, detail: SessionDetail | None, tail: Tail | None) -> None:
        self.query_one(StepFacts).show(row, detail, tail)

    def position(self) -> tuple[str, str]:
        steps = self.query_one(StepList)
        row, detail = steps.current, steps.detail
        if row is None or detail is None:
            return ("", "")
        if row.step is not None:
            return (f"step {row.step.number}", f"of {len(detail.steps)}")
        return (f"pass {row.key[0]}", f"of {row.pass_.total}" if row.pass_ else "")
