"""The rows of the Steps tab: passes, their steps, and what ran in the opened ones (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from app.status_style import StepSign
from app.tui.details import PassView, SessionDetail, Span, StepView

_STANDS_OUT = frozenset({StepSign.FAILED, StepSign.RUNNING, StepSign.INTERRUPTED})
Key = tuple[int, int]
"""A pass and a step of it, both from 1; step 0 is the pass itself, pass 0 the only one."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """The heading of a pass (no step), a step, or one thing that ran in a step."""

    key: Key
    pass_: PassView | None
    step: StepView | None = None
    span: Span | None = None
    place: int = 0
    """Of the span in its step."""
    is_last: bool = False
    """Whether the span is the last one of its step."""


class StepRows:
    """Which rows there are, and which of them are open."""

    def __init__(self) -> None:
        self.rows: list[StepRow] = []
        self.opened: set[Key] = set()
        self._opened_once: set[Key] = set()
        self._detail: SessionDetail | None = None

    def show(self, detail: SessionDetail) -> None:
        """Show a session; its newest pass and what stands out open by themselves once."""
        if self._detail is None or self._detail.row.id != detail.row.id:
            self.opened, self._opened_once = set(), set()
        self._detail = detail
        number = detail.passes[-1].number if detail.passes else 0
        self._open_once((number, 0))
        for step in detail.steps:
            if step.sign in _STANDS_OUT and len(step.spans) > 1:
                self._open_once((number, step.number))
        self.arrange()

    def _open_once(self, key: Key) -> None:
        if key not in self._opened_once:
            self._opened_once.add(key)
            self.opened.add(key)

    def arrange(self) -> None:
        """Make the rows anew."""
        detail = self._detail
        self.rows = []
        if detail is None:
            return
        for one in detail.passes:
            self.rows.append(StepRow((one.number, 0), one))
            if (one.number, 0) in self.opened:
                self._add_steps(one.number, one, one.steps)
        if not detail.passes:
            self._add_steps(0, None, detail.steps)

    def _add_steps(self, number: int, one: PassView | None, steps: tuple[StepView, ...]) -> None:
        for step in steps:
            key = (number, step.number)
            self.rows.append(StepRow(key, one, step))
            if key in self.opened:
                last = len(step.spans) - 1
                self.rows += [
                    StepRow(key, one, step, span, place, place == last)
                    for place, span in enumerate(step.spans)
                ]

    def place_of(self, wanted: StepRow) -> int:
        """Where a row of before is now; of a closed step where the step is."""
        near = 0
        for y, row in enumerate(self.rows):
            if row.key == wanted.key:
                if (row.span is None, row.place) == (wanted.span is None, wanted.place):
                    return y
                near = near if near and self.rows[near].key == row.key else y
        return near

    def place_of_step(self, step: StepView) -> int:
        """The row of a step of the newest pass."""
        return next((y for y, row in enumerate(self.rows) if row.step is step), 0)


def can_be_opened(row: StepRow) -> bool:
    """Whether there is anything to show beneath a row."""
    return bool(row.step.spans) if row.step is not None else bool(row.pass_ and row.pass_.steps)


def sign_of(one: PassView) -> StepSign:
    """How a pass as a whole stands."""
    signs = [step.sign for step in one.steps]
    for sign in (StepSign.RUNNING, StepSign.FAILED, StepSign.INTERRUPTED):
        if sign in signs:
            return sign
    is_over = all(sign in (StepSign.DONE, StepSign.SKIPPED) for sign in signs)
    return StepSign.DONE if is_over and signs else StepSign.NOT_REACHED
