"""What a resume would do, before anything runs; enter does it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from app import format as form
from app.tui.backend import Refused
from app.tui.calling import on_loop
from app.tui.copying import copy_out
from app.tui.details import PlannedStepView, PlanView, ResumeChoice, StepFate
from app.tui.estimating import earlier_runs, usually_takes
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.widgets.plan_pane import PlanPane
from store.row import SessionRow

DEAD_SECONDS = 1.0
"""Enter does nothing for so long after the plan was made again."""
LOOKS_SECONDS = 0.5
SHOWN_AFTER_SECONDS = 0.15
"""A plan that takes longer is shown while it is being made."""


class ResumePlanScreen(Modal[str]):
    """The plan. Results in what to say when a resume was started, or in None.

    Args:
        row: the session.
        choice: where it goes on, and what else was chosen before.
    """

    box_width = 90
    spare_rows = 4
    title_text = "Resume"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", show=False),
        Binding("F", "force", show=False),
        Binding("u", "switch", show=False),
        Binding("v", "difference", show=False),
        Binding("t", "restore", show=False),
        Binding("d", "look", show=False),
        Binding("R", "other", show=False),
        Binding("y", "copy", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def __init__(self, row: SessionRow, choice: ResumeChoice | None = None) -> None:
        self._row = row
        self.title_more = f"{name_of(row)}  {form.short_id(row.id)}"
        self._choice = choice or ResumeChoice()
        self._dies_when_made = False
        self._timer: Timer | None = None
        self._started = False
        super().__init__()

    def content(self) -> ComposeResult:
        yield PlanPane()

    @property
    def body(self) -> PlanPane:
        return self.query_one(PlanPane)

    @property
    def _width(self) -> int:
        return min(self.app.size.width, self.box_width) - 6

    def content_height(self) -> int:
        return self.body.wanted_height(self._width)

    def tight_height(self) -> int:
        return self.body.wanted_height(self._width, tight=True)

    def on_mount(self) -> None:
        # What is there nearly always shows at once: until then, no box that changes its size.
        self.query_one("#box").visible = False
        self.set_timer(SHOWN_AFTER_SECONDS, self._reveal)
        super().on_mount()
        self._make()
        self._timer = self.set_interval(LOOKS_SECONDS, self._watch)

    def _reveal(self) -> None:
        self.query_one("#box").visible = True

    def _watch(self) -> None:
        """The session may change while somebody reads."""
        row = self.board.listing.rows.get(self._row.id)
        if row is None or self._started or self.body.pending:
            return
        if (row.state, row.step_index) != (self._row.state, self._row.step_index):
            self._row = row
            self._dies_when_made = self.body.dead = True
            self._make()
        elif self.body.plan is not None and self.body.plan.is_live and not row.state.is_live:
            self._make()  # its owner had written the end and was about to go

    def _alive(self) -> None:
        self.body.dead = False
        self._show()

    # -- making it

    def _make(self) -> None:
        choice = self._choice
        self.body.choice = choice
        self.body.pending = True
        self._show()
        runs = earlier_runs(self.board.listing.rows.values(), self._row)
        self.run_worker(
            lambda: self._read(choice, runs), thread=True, group="plan", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, choice: ResumeChoice, runs: list[SessionRow]) -> None:
        backend = self.board.backend
        if self.body.plan is None:
            steps = backend.detail(self._row).steps
            on_loop(self, self._take_steps, tuple(
                PlannedStepView(step.number, step.label, StepFate.PENDING, "") for step in steps
            ))  # fmt: skip
        try:
            plan = backend.plan(self._row.id, choice)
        except Refused as refused:
            on_loop(self, self._take, choice, None, str(refused))
            return
        on_loop(self, self._take, choice, plan, usually_takes(backend.home, runs, plan))

    def _take_steps(self, steps: tuple[PlannedStepView, ...]) -> None:
        self.body.steps = steps
        self._show()

    def _take(self, choice: ResumeChoice, plan: PlanView | None, words: str) -> None:
        """What was found out; without a plan the words say why, with one how long it may take."""
        if choice != self._choice:
            return
        body = self.body
        body.pending = False
        body.plan, body.refused, body.estimate = plan, "", words
        if plan is None:
            body.refused, body.estimate = words, ""
        if self._dies_when_made:
            self._dies_when_made = False
            body.made_again = True
            self.set_timer(DEAD_SECONDS, self._alive)
        self._reveal()
        self._show()

    def _show(self) -> None:
        self.lay_out()
        self.body.repaint()

    # -- keys

    @property
    def _ready(self) -> bool:
        body = self.body
        waits = body.dead or self._started or body.pending
        return body.plan is not None and not body.plan.impossible and not waits

    def action_resume(self) -> None:
        if self._ready and not self.body.needs_force:
            self._start(self._choice)

    def action_force(self) -> None:
        if self._ready and self.body.needs_force:
            self._start(replace(self._choice, force=True))

    def action_switch(self) -> None:
        if self.body.plan is not None and self.body.plan.workflow_changed:
            self._choose(replace(self._choice, use_file=not self._choice.use_file))

    def action_restore(self) -> None:
        if self.body.plan is not None and self.body.plan.can_restore:
            self._choose(replace(self._choice, restore=not self._choice.restore))

    def action_other(self) -> None:
        """Choose another step or checkpoint to go on from."""
        if self._started:
            return
        from app.tui.screens.resume_from import ResumeFromScreen

        def chosen(choice: ResumeChoice | None) -> None:
            if choice is not None:
                self._choose(choice)

        self.app.push_screen(ResumeFromScreen(self._row), chosen)

    def action_difference(self) -> None:
        """Show what the workflow file has otherwise than the saved copy."""
        if self.body.plan is not None and self.body.plan.workflow_changed:
            from app.tui.screens.difference import DifferenceScreen

            self.app.push_screen(DifferenceScreen(self._row))

    def action_look(self) -> None:
        """Leave the plan for what is uncommitted in the worktree."""
        if self.body.plan is None or not self.body.plan.can_restore or self._started:
            return
        from app.tui.screens.session import SessionScreen

        beneath, run_id, app = self.app.screen_stack[-2], self._row.id, self.app
        self.dismiss(None)
        if isinstance(beneath, SessionScreen):
            beneath.show_tab("changes")
        else:
            app.push_screen(SessionScreen(run_id, "changes"))

    def _choose(self, choice: ResumeChoice) -> None:
        if self._started:
            return
        self._choice = choice
        self._make()

    def on_plan_pane_pressed(self, event: PlanPane.Pressed) -> None:
        getattr(self, f"action_{event.name}")()

    def action_copy(self) -> None:
        if self.body.plan is not None:
            copy_out(self.board, "command", self.body.command())

    def action_scroll(self, by: int) -> None:
        self.body.top += by
        self.body.repaint()

    def _start(self, choice: ResumeChoice) -> None:
        self._started = True
        self.body.starting = "Starting its process…"
        self._show()
        self.run_worker(
            lambda: self._launch(choice.arguments()), thread=True, group="launch",
            exit_on_error=False,
        )  # fmt: skip

    def _launch(self, arguments: tuple[str, ...]) -> None:
        board = self.board
        try:
            board.backend.resume(self._row.id, arguments)
        except Refused as refused:
            board.call_from_thread(self._failed, str(refused))
            return
        fresh = board.backend.row(self._row.id)
        board.call_from_thread(self._launched)
        if fresh is not None:
            board.call_from_thread(board.take, (fresh,))

    def _launched(self) -> None:
        self.board.started_here.add(self._row.id)
        if self.is_attached:
            self.dismiss(f"Resumed {name_of(self._row)}.")

    def _failed(self, words: str) -> None:
        if not self.is_attached:
            self.board.toast(f"{name_of(self._row)}: {words}", "error")
            return
        self._started = False
        self.body.starting = ""
        self.body.plan, self.body.refused, self.body.estimate = None, words, ""
        self._show()

    def on_unmount(self) -> None:
        if self._timer is not None:
            self._timer.stop()
