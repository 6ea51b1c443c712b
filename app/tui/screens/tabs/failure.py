"""Failure: why it failed, the lines that say so, and what can be done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.tui.actions import action
from app.tui.backend import Refused
from app.tui.calling import on_loop
from app.tui.details import SessionDetail
from app.tui.failure_reading import Evidence, read_evidence
from app.tui.failure_words import FAILED_STATES, SILENT_STATES, Known, step_in_question
from app.tui.log_reel import LogPart
from app.tui.screens.tabs.tab import Tab
from app.tui.silence import usual_gap
from app.tui.widgets.failure_facts import FailureFacts
from app.tui.widgets.footer import Hint
from app.tui.widgets.log_pane import LogPane
from app.tui.widgets.what_you_can_do import WhatYouCanDo
from store.states import State

SHOWN_LINES = 50
OUTPUT_ROWS = 8
"""So many lines of output are seen where the screen is high enough."""


class View(Tab):
    """Facts, output opened at its errors, actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "first", show=False),
        Binding("l", "all", show=False),
        Binding("right_square_bracket", "failed(1)", show=False),
        Binding("left_square_bracket", "failed(-1)", show=False),
    ]

    PANES: ClassVar[tuple[str, ...]] = ("LogPane", "FailureFacts, WhatYouCanDo")

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shape: tuple[object, ...] = ()
        self._detail: SessionDetail | None = None
        self._known = Known()

    def compose(self) -> ComposeResult:
        yield FailureFacts()
        yield LogPane(id="failure-output", last=SHOWN_LINES)
        yield WhatYouCanDo()

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    # -- what is shown

    def show(self, detail: SessionDetail) -> None:
        row = detail.row
        if self._detail is None or row.id != self._detail.row.id:
            self._known = Known()
            self.pane.view.last = SHOWN_LINES
        self._detail = detail
        shape = (row.id, row.state, row.step_index, row.updated_us)
        if shape == self._shape:
            self._show_facts()
        else:
            self._shape = shape
            self._find_out(detail)
        self._show_output(detail)
        step = step_in_question(detail)
        line = step.plan.line if step is not None and step.plan is not None else 0
        self.query_one(WhatYouCanDo).show(self.session.subject(), line)
        self._fit()

    def read_anew(self) -> None:
        self._shape = ()

    def _show_output(self, detail: SessionDetail) -> None:
        step, view = step_in_question(detail), self.pane.view
        log = detail.log
        if detail.row.state is State.MERGE_FAILED:
            log = log if detail.log_step is None else None
            view.empty_words = "The merge itself printed nothing."
        elif step is None:
            view.empty_words = "No step began, so there is no output."
        elif step.log is None and step.log_name:
            log = None
            view.empty_words = f"Its output is gone: {step.log_name} is not there any more."
        else:
            log = step.log or log
            view.empty_words = "It printed nothing."
        silent = detail.row.state in SILENT_STATES
        view.show([LogPart(log)] if log else [], follow=silent, at_error=not silent)
        self._entitle()

    def _find_out(self, detail: SessionDetail) -> None:
        """Look into logs, then ask git: what takes longer comes later and moves nothing."""
        backend, row = self.board.backend, detail.row

        def read() -> None:
            evidence = read_evidence(detail, step_in_question(detail))
            on_loop(self, self._take_evidence, row.id, evidence)
            known = Known(evidence, backend.worktree(row, detail.head_last))
            if row.state in SILENT_STATES:
                gap = usual_gap(backend.home, row.id, row.step_index)
                known = replace(known, process=backend.owner_words(row), usual_gap=gap)
            if row.state is State.MERGE_FAILED:
                try:
                    known = replace(known, merge=backend.merge_check(row.id))
                except Refused as refused:
                    known = replace(known, merge=str(refused))
            on_loop(self, self._take, row.id, known)

        self.run_worker(read, thread=True, group="failure", exclusive=True, exit_on_error=False)

    def _take_evidence(self, run_id: str, evidence: Evidence) -> None:
        self._take(run_id, replace(self._known, evidence=evidence))

    def _take(self, run_id: str, known: Known) -> None:
        if run_id == self.session.run_id:
            self._known = known
            self._show_facts()

    def _show_facts(self) -> None:
        if self._detail is not None:
            self.query_one(FailureFacts).show(self._detail, self._known)
            self._fit()

    def _fit(self) -> None:
        """Actions are all in view, of the output some lines; the facts make room for that."""
        actions = self.query_one(WhatYouCanDo)
        actions.fit()
        room = self.size.height - actions.rows_wanted - 1 - OUTPUT_ROWS
        self.query_one(FailureFacts).fit(self.size.width, room)

    def _entitle(self) -> None:
        view = self.pane.view
        if view.shows_all:
            more = form.count(view.total, "line") if view.total else ""
        else:
            more = f"last {min(SHOWN_LINES, view.total)} of {view.total} lines"
        self.pane.entitle("Output", more, live=False)

    def on_log_view_changed(self) -> None:
        self._entitle()

    def arrange_panes(self) -> None:
        super().arrange_panes()
        self._fit()

    def tick(self) -> None:
        self.query_one(FailureFacts).repaint()

    # -- keys

    def action_first(self) -> None:
        """Do the first of the actions."""
        self.session.action_do(self.query_one(WhatYouCanDo).names[0])

    def action_all(self) -> None:
        """Scroll over all of the output."""
        self.pane.view.show_all()
        self._entitle()

    def on_what_you_can_do_pressed(self, event: WhatYouCanDo.Pressed) -> None:
        self.session.action_do(event.name)

    def on_log_pane_escaped(self) -> None:
        self.session.action_do("back")

    def _failed_ids(self) -> list[str]:
        listing = self.board.listing
        return [one for one in listing.view if listing.rows[one].state in FAILED_STATES]

    def action_failed(self, by: int) -> None:
        """Show the next failed session, or the one before."""
        ids, here = self._failed_ids(), self.session.run_id
        at = ids.index(here) if here in ids else (-1 if by > 0 else len(ids))
        if not 0 <= at + by < len(ids):
            words = "no failed session after this one" if by > 0 else "none failed before this one"
            self.session.say(words)
            return
        self.board.listing.selected = ids[at + by]
        self.session.show_session(ids[at + by])

    def hints(self) -> tuple[Hint, ...]:
        first = self.query_one(WhatYouCanDo).names[0]
        may = action(first).why_not(self.session.subject()) is None
        return (
            Hint("enter", "resume plan" if first == "resume" else action(first).label, may, first),
            Hint("/", "search"),
            Hint("w", "wrap"),
            Hint("l", "all", not self.pane.view.shows_all),
            Hint("] [", "failed ones", len(self._failed_ids()) > 1),
        )

    def position(self) -> tuple[str, str]:
        ids, here = self._failed_ids(), self.session.run_id
        return (str(ids.index(here) + 1), f"of {len(ids)} failed") if here in ids else ("", "")
