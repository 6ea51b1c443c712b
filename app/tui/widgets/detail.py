"""The selected session under (or beside) the list: its steps, its facts, the end of its output."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from app import format as form
from app.status_style import STEP_STYLES, StepSign, Weight, style_of, word_of
from app.tui import log_text
from app.tui.board import board_of
from app.tui.drawing import Line, rule
from app.tui.notes import name_of, short_label
from app.tui.widgets.painted import Painted
from store.row import SessionRow
from store.states import State

if TYPE_CHECKING:
    from app.tui.details import SessionDetail, StepView
    from app.tui.log_file import Tail

LABEL_WIDTH = 9
_QUIET = frozenset({State.MERGED, State.COMPLETED, State.UNMERGED, State.CANCELLED})


def step_line(
    line: Line,
    x: int,
    step: StepView,
    *,
    time_end: int,
    cost_end: int,
    digits: int,
    strong: bool,
    ascii_only: bool,
    now_us: int,
) -> None:
    """One step: ``glyph number label … ×attempts  time  cost``."""
    style = STEP_STYLES[step.sign]
    reached = step.sign not in (StepSign.NOT_REACHED, StepSign.SKIPPED)
    line.put(x, style.sign(ascii_only), style.role, bold=style.weight is Weight.BOLD)
    line.put(x + 2, f"{step.number:>{digits}}", "faint")
    times = f"  ×{step.attempts}" if step.attempts > 1 else ""
    end = max(cost_end, time_end)
    known = step.seconds_at(now_us)
    seconds = (
        form.duration(known, finished=step.sign is not StepSign.RUNNING)
        if known is not None or step.spans
        else ""
    )
    label_end = time_end - 8 if reached else end
    room = max(4, label_end - (x + 3 + digits) - cell_len(times))
    at = line.put(
        x + 3 + digits,
        short_label(step.label),
        "fg" if reached else "muted",
        bold=strong,
        limit=room,
    )
    line.put(at, times, "fg", bold=strong)
    if seconds:
        line.right(time_end, seconds, "fg" if strong else "muted")
    if cost_end and step.cost is not None:
        line.right(cost_end, form.cost(step.cost), "muted")


def fact_line(line: Line, x: int, label: str, value: str, room: int, token: str = "muted") -> None:
    """A label in faint and its value."""
    line.put(x, label, "faint")
    shown = form.one_line(value)
    if label in ("Branch", "Worktree") and " " not in shown:
        shown = form.cut_middle(shown, room)
    line.put(x + LABEL_WIDTH, shown, token, limit=room)


def state_words(row: SessionRow, now_us: int) -> str:
    """``failed 12m ago at step 3 of 5``."""
    word = word_of(row.state)
    since = row.state_since_us or row.updated_us
    age = form.age((now_us - since) / 1e6) if since else form.UNKNOWN
    at = f" at step {row.step_index + 1} of {row.total_steps}" if row.total_steps else ""
    if row.state in _QUIET or row.step_index >= row.total_steps:
        at = ""
    if age == form.UNKNOWN:
        return f"{word}{at}"
    if row.state.is_live:
        return f"{word} for {age}{at}" if age != "now" else f"{word}{at}"
    return f"{word} {'just now' if age == 'now' else f'{age} ago'}{at}"


class Detail(Painted):
    """Follows the cursor after a rest; until then the old text stays, in faint."""

    DEFAULT_CSS = "Detail { height: 14; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="detail")
        self.detail: SessionDetail | None = None
        self.tail: Tail | None = None
        self._stale = False

    def show(self, detail: SessionDetail | None, tail: Tail | None) -> None:
        """Show a session and the end of its output."""
        self.detail, self.tail, self._stale = detail, tail, False
        self.repaint_changed()

    def take_row(self, row: SessionRow) -> None:
        """The session is in another state, as the list says; the rest is still being read."""
        if self.detail is not None and self.detail.row.id == row.id:
            self.detail = replace(self.detail, row=row)
            self.repaint_changed()

    def grow_stale(self) -> None:
        """The cursor went elsewhere; what is shown is about another session."""
        if self.detail is not None and not self._stale:
            self._stale = True
            self.repaint()

    @property
    def beside(self) -> bool:
        """Whether it stands beside the list instead of under it."""
        return bool(self.parent and self.parent.has_class("-wide"))

    def paint(self, width: int, height: int) -> list[Line]:
        if self.detail is None:
            return [Line()] if self.beside else [rule(width)]
        lines = (
            self._paint_beside(width, height) if self.beside else self._paint_stacked(width, height)
        )
        if self._stale:
            for line in lines:
                line.quieten()
        return lines

    # -- under the list

    def _paint_stacked(self, width: int, height: int) -> list[Line]:
        detail = self.detail
        assert detail is not None
        row, narrow = detail.row, width < 110
        split = 35 if narrow else 47
        lines = [
            rule(
                width,
                name_of(row),
                f"{form.short_id(row.id)}  {form.one_line(row.repo)}",
                right=lambda line, end: self._state_at(line, end, narrow),
            )
        ]
        body = [Line() for _ in range(max(0, height - 1))]
        left_end = split - 2
        self._paint_steps(body, left_end, left_end - 7 if not narrow else left_end, not narrow)
        for line in body:
            line.put(split, "│", "line")
        self._paint_output(body, split + 2, width - (2 if not narrow else 1))
        return lines + body

    def _state_at(self, line: Line, end: int, narrow: bool, *, place: bool = True) -> int:
        detail = self.detail
        assert detail is not None
        row = detail.row
        x = end
        if row.cost_usd is not None:
            x = line.right(x, form.cost(row.cost_usd), "fg")
        if not narrow or row.cost_usd is None:
            if row.cost_usd is not None:
                x = line.right(x, " · ", "faint")
            role = style_of(row.state).role
            words = state_words(row, board_of(self).now_us())
            x = line.right(x, words if place else words.split(" at step ")[0], role)
        return x

    def _paint_steps(self, body: list[Line], end: int, time_end: int, costs: bool) -> None:
        detail = self.detail
        assert detail is not None
        facts = detail.facts if len(body) > 8 or not detail.steps else ()
        used = 0
        if problem := board_of(self).listing.silent.get(detail.row.id) or detail.problem:
            for text in _wrapped(problem, end - 2)[: len(body)]:
                body[used].put(2, text, "fg")
                used += 1
            used += 1
        steps = detail.steps
        free = len(body) - used
        room = free - (len(facts) + 1 if facts and steps else 0)
        room = max(room, min(free, 5))
        focus = detail.focus_step
        first = _window(steps, focus, room)
        digits = len(str(steps[-1].number)) if steps else 1
        for step in steps[first : first + room]:
            if used >= len(body):
                return
            step_line(
                body[used],
                2,
                step,
                time_end=time_end,
                cost_end=end if costs else 0,
                digits=digits,
                strong=step is focus and step.sign is not StepSign.DONE,
                ascii_only=board_of(self).ascii_only,
                now_us=board_of(self).now_us(),
            )
            used += 1
        hidden = len(steps) - room
        if hidden > 0 and used:
            line = body[used - 1]
            line.right(end, f" {first + room} of {len(steps)}", "faint")
        used += 1 if steps else 0
        for label, value in facts:
            if used >= len(body):
                return
            fact_line(body[used], 2, label, value, end - 2 - LABEL_WIDTH)
            used += 1

    def _paint_output(self, body: list[Line], x: int, end: int) -> None:
        detail = self.detail
        assert detail is not None
        row = detail.row
        texts = [log_text.shown(line) for line in self.tail.lines] if self.tail else []
        if not texts:
            body[0].put(x + 2, self._no_output(row), "muted", limit=end - x - 2)
            return
        for line, text in zip(body, texts[-len(body) :], strict=False):
            wrong = log_text.is_error(text)
            if wrong:
                line.put(x, "×", "error")
            quiet = text.startswith((" ", "\t")) and not wrong
            line.put(x + 2, text, "muted" if quiet else "fg", limit=end - x - 2)

    def _no_output(self, row: SessionRow) -> str:
        now = board_of(self).now_us()
        if row.state.is_live and row.step_started_us:
            return f"No output yet, {form.duration((now - row.step_started_us) / 1e6)}."
        if row.state in (State.UNREADABLE, State.NO_RECORD):
            return "No step has been read."
        return "No output." if row.step_index or not row.state.is_live else "No step began yet."

    # -- beside the list

    def _paint_beside(self, width: int, height: int) -> list[Line]:
        detail = self.detail
        assert detail is not None
        row = detail.row
        lines = [Line() for _ in range(height)]
        end = width - 2
        head = lines[0]
        at = self._state_at(head, end, narrow=False, place=False)
        x = head.put(2, name_of(row), "fg", bold=True, limit=max(8, at - 4))
        head.put(x + 2, f"{form.short_id(row.id)}  {form.one_line(row.repo)}", "muted",
                 limit=max(0, at - x - 4))  # fmt: skip
        wanted = len(detail.steps) + 1 + len(detail.facts)
        top = max(8, min(wanted, height - 14))
        self._paint_steps(lines[2 : 2 + top], end, end - 8, costs=True)
        at_row = top + 3
        if at_row + 2 < height:
            step = detail.focus_step if detail.log_step is None else None
            if detail.log_step is not None:
                step = next((one for one in detail.steps if one.number == detail.log_step), None)
            about = f"{step.number} {short_label(step.label)}" if step else ""
            lines[at_row] = rule(width, "Output", about)
            self._paint_output(lines[at_row + 1 :], 0 + 2, end)
        for y, line in enumerate(lines):
            line.put(0, "├" if y == at_row else "│", "line")
        return lines


def _window(steps: tuple[StepView, ...], focus: StepView | None, room: int) -> int:
    """The first step to show so that the one that matters is in view."""
    if len(steps) <= room or focus is None:
        return 0
    place = steps.index(focus)
    return max(0, min(place - room // 2, len(steps) - room))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(form.one_line(text), max(10, width)) or [""]
