"""What a resume would do, before anything runs; enter does it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from app import format as form
from app.tui.backend import Refused, path_word
from app.tui.details import PlanView, ResumeChoice
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.widgets.plan_pane import PlanPane
from store.row import SessionRow

DEAD_SECONDS = 1.0
"""Enter does nothing for so long after the plan was made again."""
LOOKS_SECONDS = 0.5


class ResumePlanScreen(Modal[str]):
    """The plan. Results in what to say when a resume was started, or in None.

    Args:
        row: the session.
        choice: where it goes on, and what else was chosen before.
    """

    box_width = 90
    title_text = "Resume"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", show=False),
        Binding("F", "force", show=False),
        Binding("u", "switch", show=False),
        Binding("t", "restore", show=False),
        Binding("R", "other", show=False),
        Binding("y", "copy", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def __init__(self, row: SessionRow, choice: ResumeChoice | None = None) -> None:
        self._row = row
        self.title_more = f"{name_of(row)}  {form.short_id(row.id)}"
        self._choice = choice or ResumeChoice()
        self._dead = False
        self._dies_when_made = False
        self._timer: Timer | None = None
        self._started = False
        super().__init__()

    def content(self) -> ComposeResult:
        yield PlanPane()

    @property
    def body(self) -> PlanPane:
        return self.query_one(PlanPane)

    def content_height(self) -> int:
        width = min(self.app.size.width - 6, self.box_width - 6)
        return self.body.wanted_height(width)

    def on_mount(self) -> None:
        super().on_mount()
        self._make()
        self._timer = self.set_interval(LOOKS_SECONDS, self._watch)

    def _watch(self) -> None:
        """The session may change while somebody reads."""
        row = self.board.listing.rows.get(self._row.id)
        if row is None or self._started or self.body.plan is None:
            return
        if (row.state, row.step_index) != (self._row.state, self._row.step_index):
            self._row = row
            self._dead = self._dies_when_made = True
            self._make()

    def _alive(self) -> None:
        self._dead = False
        self._show()

    def _make(self) -> None:
        choice = self._choice
        self.body.choice = choice
        self.body.pending = True
        self._show()
        self.run_worker(
            lambda: self._read(choice), thread=True, group="plan", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, choice: ResumeChoice) -> None:
        try:
            plan = self.board.backend.plan(self._row.id, choice)
        except Refused as refused:
            self.app.call_from_thread(self._take, choice, None, str(refused))
        else:
            self.app.call_from_thread(self._take, choice, plan, "")

    def _take(self, choice: ResumeChoice, plan: PlanView | None, refused: str) -> None:
        if not self.is_attached or choice != self._choice:
            return
        if plan is not None and plan.instead and "WORKFLOW" in plan.instead:
            file = path_word(self._row.workflow_path) or self._row.workflow or "FILE"
            plan = replace(plan, instead=plan.instead.replace("WORKFLOW", file))
        body = self.body
        body.pending = False
        body.plan, body.refused = plan, refused
        if self._dies_when_made:
            self._dies_when_made = False
            body.made_again = True
            self.set_timer(DEAD_SECONDS, self._alive)
        self._show()

    def _show(self) -> None:
        self.lay_out()
        self.body.repaint()

    # -- keys

    @property
    def _ready(self) -> bool:
        plan = self.body.plan
        waits = self._dead or self._started or self.body.pending
        return plan is not None and not plan.impossible and not waits

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

    def _choose(self, choice: ResumeChoice) -> None:
        if self._started:
            return
        self._choice = choice
        self._make()

    def on_plan_pane_pressed(self, event: PlanPane.Pressed) -> None:
        getattr(self, f"action_{event.action}")()

    def action_copy(self) -> None:
        if self.body.plan is not None:
            self.app.copy_to_clipboard(self.body.command())

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
        self._started = False
        self.body.starting = ""
        self.body.plan, self.body.refused = None, words
        self._show()

    def on_unmount(self) -> None:
        if self._timer is not None:
            self._timer.stop()
