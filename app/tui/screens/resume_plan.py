"""What a resume would do, before anything runs; enter does it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from app import format as form
from app.tui.backend import Refused
from app.tui.details import PlanView
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.widgets.plan_pane import PlanPane
from store.row import SessionRow

DEAD_SECONDS = 1.0
"""Enter does nothing for so long after the plan was made again."""


class ResumePlanScreen(Modal[str]):
    """The plan. Results in what to say when a resume was started, or in None."""

    box_width = 90
    title_text = "Resume"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", show=False),
        Binding("F", "force", show=False),
        Binding("u", "switch", show=False),
        Binding("y", "copy", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def __init__(self, row: SessionRow) -> None:
        self._row = row
        self.title_more = f"{name_of(row)}  {form.short_id(row.id)}"
        self._dead = False
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
        self._timer = self.set_interval(0.5, self._watch)

    def _watch(self) -> None:
        """The session may change while somebody reads."""
        row = self.board.listing.rows.get(self._row.id)
        if row is None or self._started or self.body.plan is None:
            return
        if (row.state, row.step_index) != (self._row.state, self._row.step_index):
            self._row = row
            self.body.made_again = True
            self._dead = True
            self.set_timer(DEAD_SECONDS, self._alive)
            self._make()

    def _alive(self) -> None:
        self._dead = False
        self.body.made_again = False
        self._show()

    def _make(self) -> None:
        use_file = self.body.use_file
        self.run_worker(
            lambda: self._read(use_file), thread=True, group="plan", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, use_file: bool) -> None:
        try:
            plan = self.board.backend.plan(self._row.id, use_file=use_file)
        except Refused as refused:
            self.app.call_from_thread(self._take, None, str(refused))
        else:
            self.app.call_from_thread(self._take, plan, "")

    def _take(self, plan: PlanView | None, refused: str) -> None:
        if not self.is_attached:
            return
        self.body.plan, self.body.refused = plan, refused
        self._show()

    def _show(self) -> None:
        self.lay_out()
        self.body.repaint()

    # -- keys

    def action_resume(self) -> None:
        plan = self.body.plan
        if plan is None or plan.impossible or plan.needs_force or self._dead or self._started:
            return
        self._start(("--use-file",) if self.body.use_file else ())

    def action_force(self) -> None:
        plan = self.body.plan
        if plan is None or plan.impossible or not plan.needs_force or self._dead or self._started:
            return
        self._start(("--force", *(("--use-file",) if self.body.use_file else ())))

    def action_switch(self) -> None:
        if self.body.plan is not None and self.body.plan.workflow_changed:
            self.body.use_file = not self.body.use_file
            self._show()
            self._make()

    def on_plan_pane_pressed(self, event: PlanPane.Pressed) -> None:
        getattr(self, f"action_{event.action}")()

    def action_copy(self) -> None:
        if self.body.plan is not None:
            self.app.copy_to_clipboard(self.body.command())

    def action_scroll(self, by: int) -> None:
        self.body.top += by
        self.body.repaint()

    def _start(self, arguments: tuple[str, ...]) -> None:
        self._started = True
        self.body.starting = "Starting its process…"
        self._show()
        self.run_worker(
            lambda: self._launch(arguments), thread=True, group="launch", exit_on_error=False
        )

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
