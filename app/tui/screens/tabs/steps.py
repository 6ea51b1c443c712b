"""Steps: every attempt, handler and wait on one axis of active time."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from app import format as form
from app.status_style import STEP_STYLES, StepSign, Weight
from app.tui import log_text
from app.tui.details import SessionDetail, Span, SpanKind, StepView
from app.tui.drawing import Line, rule
from app.tui.log_file import Tail, read_tail
from app.tui.notes import short_label
from app.tui.screens.tabs.tab import Tab
from app.tui.timeline import Axis
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted, dashboard

LABEL = 12
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
    """Steps; an opened one has its attempts and handlers as rows beneath."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_or_close", show=False),
        Binding("right", "open", show=False),
        Binding("left,h", "close", show=False),
    ]

    class Arranged(Message):
        """A step was opened or closed: there are other rows."""

    def __init__(self) -> None:
        super().__init__(id="steps")
        self.steps: tuple[StepView, ...] = ()
        self.opened: set[int] = set()
        self.rows: list[tuple[StepView, Span | None, bool]] = []
        self.axis: Axis | None = None
        self._opened_once: set[int] = set()
        self.wants_cursor_seen = False
        """The height is not known yet when the cursor is first placed."""

    def show(self, detail: SessionDetail) -> None:
        """Show the steps of a session; failed and running ones open by themselves once."""
        first = not self.steps
        self.steps = detail.steps
        for step in self.steps:
            stands_out = step.sign in (StepSign.FAILED, StepSign.RUNNING) and len(step.spans) > 1
            if stands_out and step.number not in self._opened_once:
                self._opened_once.add(step.number)
                self.opened.add(step.number)
        self._arrange()
        focus = detail.focus_step
        if first and focus is not None:
            place = next((y for y, row in enumerate(self.rows) if row[0] is focus), 0)
            self.place_cursor(place)
            self.wants_cursor_seen = True

    def _arrange(self) -> None:
        at = self.current
        self.rows = []
        for step in self.steps:
            self.rows.append((step, None, False))
            if step.number in self.opened:
                last = len(step.spans) - 1
                self.rows += [(step, span, place == last) for place, span in enumerate(step.spans)]
        keep = self.cursor
        if at is not None and not (
            keep < len(self.rows) and self.rows[keep][0].number == at.number
        ):
            keep = next((y for y, row in enumerate(self.rows) if row[0].number == at.number), 0)
        self.lines_changed(keep=keep)

    @property
    def current(self) -> StepView | None:
        """The step under the cursor."""
        return self.rows[self.cursor][0] if 0 <= self.cursor < len(self.rows) else None

    def measure(self, width: int, now_us: int) -> Axis:
        """The axis for a width."""
        start, end, _, _ = _places(width)
        spans = [span for step in self.steps for span in step.spans]
        self.axis = Axis(spans, end - start, now_us)
        return self.axis

    def line_count(self) -> int:
        return len(self.rows)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        step, span, last = self.rows[y]
        start, _, time_end, cost_end = _places(width)
        board = dashboard(self)
        axis = self.axis or self.measure(width, board.now_us())
        style = STEP_STYLES[step.sign]
        line = Line()
        if span is not None:
            line.put(5, "└" if last else "├", "line")
            line.put(7, form.one_line(span.label), "muted", limit=start - 9)
            axis.draw(line, start, (span,), style.role)
            seconds = (axis.end_us(span) - span.started_us) / 1e6
            line.right(time_end, form.duration(seconds, finished=not span.running), "muted")
            if cost_end and span.cost is not None:
                line.right(cost_end, form.cost(span.cost), "muted")
            return line
        bold = style.weight is Weight.BOLD
        line.put(2, style.sign(board.ascii_only), style.role, bold=bold)
        digits = len(str(len(self.steps)))
        line.put(4, f"{step.number:>{digits}}", "faint")
        reached = step.sign is not StepSign.NOT_REACHED
        line.put(
            5 + digits,
            short_label(step.label),
            "fg" if reached else "muted",
            bold=bold or at_cursor,
            limit=start - 7 - digits,
        )
        axis.draw(line, start, step.spans, style.role)
        if not reached:
            line.put(start + 1, "not reached", "faint")
            line.pieces = [
                piece
                for piece in line.pieces
                if not (piece.text == "┊" and start < piece.x < start + 13)
            ]
        elif step.sign is StepSign.SKIPPED:
            line.put(start + 1, step.outcome, "faint", limit=30)
        known = step.seconds_at(board.now_us())
        if known is not None:
            running = step.sign is StepSign.RUNNING
            line.right(time_end, form.duration(known, finished=not running), "fg")
        if cost_end and step.cost is not None:
            line.right(cost_end, form.cost(step.cost), "muted")
        return line

    def action_open_or_close(self) -> None:
        step = self.current
        if step is not None and step.number in self.opened:
            self.action_close()
        else:
            self.action_open()

    def action_open(self) -> None:
        step = self.current
        if step is not None and step.spans and step.number not in self.opened:
            self.opened.add(step.number)
            self._arrange()
            self.post_message(self.Arranged())

    def action_close(self) -> None:
        step = self.current
        if step is not None and step.number in self.opened:
            self.opened.discard(step.number)
            self._arrange()
            self.post_message(self.Arranged())

    def choose(self) -> None:
        self.action_open_or_close()


class FactsPane(Painted):
    """Facts of the step under the cursor, and the end of its output."""

    def __init__(self) -> None:
        super().__init__()
        self._step: StepView | None = None
        self._tail: Tail | None = None

    def show(self, step: StepView | None, tail: Tail | None) -> None:
        self._step, self._tail = step, tail
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        step = self._step
        if step is None:
            return [rule(width)]
        narrow = width < 110
        split = 35 if narrow else 47
        style = STEP_STYLES[step.sign]
        times = step.tries_words
        bad = step.sign in (StepSign.FAILED, StepSign.INTERRUPTED)
        runs = step.sign is StepSign.RUNNING
        words = step.outcome or (style.word if step.sign is not StepSign.DONE else "")
        if step.seconds and bad:
            last = next((s for s in reversed(step.spans) if s.kind is SpanKind.ATTEMPT), None)
            if last is not None:
                words = f"{words} after {form.duration(last.seconds, finished=True)}"
        lines = [
            rule(
                width,
                f"{step.number} {form.cut(short_label(step.label), 60)}",
                times,
                right=lambda line, end: line.right(
                    end, form.cut(words, 40), style.role if bad or runs else "muted"
                ),
            )
        ]
        body = [Line() for _ in range(max(0, height - 1))]
        for line, (label, value, token) in zip(body, self._facts(step), strict=False):
            line.put(2, label, "faint")
            line.put(2 + LABEL, form.one_line(value), token, limit=split - 4 - LABEL)
        for line in body:
            line.put(split, "│", "line")
        texts = [log_text.shown(one) for one in self._tail.lines] if self._tail else []
        if not texts and body:
            body[0].put(split + 4, "No output.", "muted")
        for line, text in zip(body, texts[-len(body) :], strict=False):
            wrong = log_text.is_error(text)
            if wrong:
                line.put(split + 2, "×", "error")
            quiet = text.startswith(" ") and not wrong
            line.put(split + 4, text, "muted" if quiet else "fg",
                     limit=width - split - (6 if not narrow else 5))  # fmt: skip
        return lines + body

    def _facts(self, step: StepView) -> list[tuple[str, str, str]]:
        now = form.moment_from_microseconds(dashboard(self).now_us())
        facts = [("Command", short_label(step.command or step.label), "fg")]
        if now is not None and step.started_us:
            at = form.moment_from_microseconds(step.started_us)
            facts.append(("Started", form.clock(at, now, seconds=True), "muted"))
        if now is not None and step.ended_us:
            at = form.moment_from_microseconds(step.ended_us)
            how = f", {step.outcome}" if step.outcome else ""
            facts.append(("Ended", f"{form.clock(at, now, seconds=True)}{how}", "muted"))
        if step.plan is not None and step.plan.timeout:
            limit = form.duration(step.plan.timeout).removesuffix(" 00s")
            reached = ", reached" if step.outcome == "timeout" else ", not reached"
            over = step.ended_us is not None
            facts.append(("Timeout", f"{limit}{reached if over else ''}", "muted"))
        if step.commits is not None:
            made = form.count(step.commits, "commit") if step.commits else "none by this step"
            facts.append(("Commits", made, "muted"))
        for handler in list(dict.fromkeys(step.handlers))[:2]:
            times = step.handlers.count(handler)
            more = f" ×{times}" if times > 1 else ""
            facts.append(("Handler", f"{handler}{more}", "muted"))
        if step.log_name:
            facts.append(("Log", f"{step.log_name}  {form.size(step.log_bytes)}", "muted"))
        return facts


class View(Tab):
    """The timeline, and beneath it the step under the cursor."""

    DEFAULT_CSS = "StepList { height: 8; }"

    def compose(self) -> ComposeResult:
        yield _Head()
        yield StepList()
        yield FactsPane()

    def show(self, detail: SessionDetail) -> None:
        steps = self.query_one(StepList)
        steps.show(detail)
        self._fit()
        self._read_facts()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        steps, head = self.query_one(StepList), self.query_one(_Head)
        room = self.size.height
        if not room:
            return
        tall = self.screen.has_class("-tall")
        wanted = len(steps.rows) + (1 if tall else 0)
        steps.styles.height = max(3, min(wanted, room - 9))
        head.axis = steps.measure(self.size.width, self.board.now_us())
        head.repaint()
        steps.refresh()
        if steps.wants_cursor_seen:
            steps.wants_cursor_seen = False
            self.call_after_refresh(steps.show_cursor)

    def tick(self) -> None:
        self._fit()
        self._read_facts()

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self._read_facts()
        self.session.show_footer()

    def on_step_list_arranged(self) -> None:
        self._fit()

    @property
    def step_number(self) -> int | None:
        step = self.query_one(StepList).current
        return step.number if step is not None else None

    def _read_facts(self) -> None:
        step = self.query_one(StepList).current
        self.run_worker(
            lambda: self._read(step), thread=True, group="facts", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, step: StepView | None) -> None:
        tail = read_tail(step.log, TAIL_LINES) if step and step.log else None
        self.app.call_from_thread(self.query_one(FactsPane).show, step, tail)

    def position(self) -> tuple[str, str]:
        steps = self.query_one(StepList)
        step = steps.current
        return (f"step {step.number}", f"of {len(steps.steps)}") if step else ("", "")
