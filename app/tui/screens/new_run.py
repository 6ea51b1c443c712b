"""New run: choose a workflow, see what it will do and what is wrong, fill it in, start it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Click, Resize
from textual.screen import Screen
from textual.widgets import Input

from app import format as form
from app.tui.backend import Refused, tilde
from app.tui.details import BeginsAt, WorkflowChoice, WorkflowView
from app.tui.widgets.footer import Footer, Hint
from app.tui.widgets.header import Header
from app.tui.widgets.line_list import LineList
from app.tui.widgets.run_form import RunForm
from app.tui.widgets.run_preview import RunPreview
from app.tui.widgets.workflow_list import WorkflowList

if TYPE_CHECKING:
    from app.tui.app import ProdigyApp

RECORD_SECONDS = 20.0
"""A run that has no session record by then shows what it said."""


class NewRunScreen(Screen[None]):
    """Workflows at the left; at the right the chosen one, its fields, and what it will do."""

    CSS_PATH = "new_run.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("ctrl+s", "start", show=False, priority=True),
        Binding("slash", "find", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: WorkflowView | None = None
        self._choice: WorkflowChoice | None = None
        self._begins: BeginsAt | None = None
        self._trouble: tuple[str, ...] = ()
        self._starting = False

    @property
    def board(self) -> ProdigyApp:
        return cast("ProdigyApp", self.app)

    def compose(self) -> ComposeResult:
        yield Header()
        with Horizontal(id="new-run"):
            with Vertical(id="chooser"):
                yield Input(placeholder="find a workflow or type a path", compact=True, id="find")
                yield WorkflowList()
            with Vertical(id="chosen"):
                yield RunForm()
                yield RunPreview()
        yield Footer()

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        choices = [*self.board.backend.workflow_files(), *self._recent_elsewhere()]
        shown = self.query_one(WorkflowList)
        shown.show(choices)
        shown.focus()
        self._choose(shown.choice)
        self._read_all(choices)
        self._show_all()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < 110, "-narrow")
        self.set_class(event.size.height >= 30, "-tall")

    def _recent_elsewhere(self) -> list[WorkflowChoice]:
        here = {choice.path for choice in self.board.backend.workflow_files()}
        found: dict[Path, WorkflowChoice] = {}
        rows = sorted(self.board.listing.rows.values(), key=lambda row: -row.started_us)
        for row in rows[:200]:
            path = Path(row.workflow_path)
            usable = row.workflow_path and row.repo_path and path not in here
            if usable and path not in found and path.is_file() and Path(row.repo_path).is_dir():
                found[path] = WorkflowChoice(
                    path, path.stem, "recent elsewhere", Path(row.repo_path)
                )
            if len(found) >= 5:
                break
        return list(found.values())

    # -- choosing

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self._choose(self.query_one(WorkflowList).choice)

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        self.query_one(RunForm).focus_first()

    def action_find(self) -> None:
        self.query_one("#find", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "find":
            self.query_one(WorkflowList).find(event.value)
            self._choose(self.query_one(WorkflowList).choice)
        else:
            self._typed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id != "find":
            self.focus_next()
            return
        typed = Path(os.path.expanduser(event.value.strip()))  # noqa: PTH111  ~user too
        path = typed if typed.is_absolute() else self.board.backend.directory / typed
        shown = self.query_one(WorkflowList)
        if event.value.strip() and path.is_file():
            choice = WorkflowChoice(path, path.stem, "by path", self.board.backend.directory)
            shown.add(choice)
            self._read_all([choice])
            self._choose(choice)
        shown.focus()

    def _choose(self, choice: WorkflowChoice | None) -> None:
        if choice is self._choice:
            return
        self._choice, self._view, self._begins, self._trouble = choice, None, None, ()
        self._show_all()
        if choice is not None:
            self.run_worker(
                lambda: self._read(choice), thread=True, group="workflow", exclusive=True,
                exit_on_error=False,
            )  # fmt: skip

    def _read(self, choice: WorkflowChoice) -> None:
        view = self.board.backend.inspect(choice.path)
        self.app.call_from_thread(self._take, choice, view)
        begins = self.board.backend.begins_at(choice)
        self.app.call_from_thread(self._take_begin, choice, begins)

    def _read_all(self, choices: list[WorkflowChoice]) -> None:
        def read() -> None:
            for choice in choices:
                view = self.board.backend.inspect(choice.path)
                self.app.call_from_thread(self.query_one(WorkflowList).learn, view)

        self.run_worker(read, thread=True, group="workflows", exit_on_error=False)

    def _take(self, choice: WorkflowChoice, view: WorkflowView) -> None:
        if choice is not self._choice or not self.is_attached:
            return
        self._view = view
        self.query_one(RunForm).show(view, self.board.drafts.get(str(choice.path), {}))
        self._show_all()

    def _take_begin(self, choice: WorkflowChoice, begins: BeginsAt) -> None:
        if choice is self._choice and self.is_attached:
            self._begins = begins
            self._show_all()

    # -- filling in

    def _typed(self) -> None:
        if self._choice is not None:
            self.board.drafts[str(self._choice.path)] = self.query_one(RunForm).texts()
        self._trouble = ()
        self._show_all()

    def on_merge_option_changed(self) -> None:
        self._typed()

    def arguments(self) -> list[str]:
        """The arguments of ``prodigy run`` for what is filled in."""
        if self._choice is None:
            return []
        path = self._choice.path
        directory = self._choice.directory
        shown = path.relative_to(directory) if path.is_relative_to(directory) else path
        arguments = [str(shown)]
        filled = self.query_one(RunForm)
        for name, value in filled.parameters().items():
            arguments += ["--param", f"{name}={value}"]
        if (argument := filled.argument()) is not None:
            arguments += ["--args", argument]
        if filled.merges:
            arguments.append("--yes")
        return arguments

    def command(self) -> str:
        """The same as a command line."""
        return f"prodigy run {shlex.join(self.arguments())}"

    def verdict(self) -> str | None:
        """Why it cannot be started; None when it can."""
        if self._choice is None:
            return "Choose a workflow to start."
        if self._view is None:
            return "Reading the workflow…"
        if self._view.error_count:
            return f"Correct {form.count(self._view.error_count, 'problem')} of the file to start"
        if self._view.not_run:
            return f"Cannot be started: {self._view.not_run}."
        if self.board.blocked:
            return f"Cannot be started: {self.board.blocked}."
        if self._begins is not None and self._begins.problem:
            return self._begins.problem
        missing = self.query_one(RunForm).missing()
        if missing:
            return f"Fill in {', '.join(missing)} to start"
        return None

    # -- showing

    def _show_all(self) -> None:
        choice, begins = self._choice, self._begins
        about: tuple[tuple[str, str], ...] = ()
        directory = choice.directory if choice else self.board.backend.directory
        about = ((tilde(directory), "muted"),)
        if begins is not None and not begins.problem:
            clean = "clean" if not (begins.uncommitted or begins.untracked) else "changed"
            about += ((f"{begins.branch or 'detached HEAD'}, {clean}", "faint"),)
        self.query_one(Header).show(("Sessions", "New run"), about)
        verdict = self.verdict()
        self.query_one(RunPreview).show(
            choice, self._view, begins,
            command=self.command() if choice else "", verdict=verdict, trouble=self._trouble,
            starting=self._starting,
        )  # fmt: skip
        ready = verdict is None and not self._starting
        hints = (
            Hint("ctrl+s", "start", ready, "start"),
            Hint("tab", "next field"),
            Hint("/", "find", name="find"),
            Hint("esc", "close, keeps what you typed", name="close"),
        )
        self.query_one(Footer).show(hints, last=None)

    def on_footer_pressed(self, event: Footer.Pressed) -> None:
        if event.name:
            getattr(self, f"action_{event.name}")()

    def on_click(self, event: Click) -> None:
        event.stop()

    # -- doing

    def action_close(self) -> None:
        find = self.query_one("#find", Input)
        if find.has_focus and find.value:
            find.value = ""
            self.query_one(WorkflowList).focus()
            return
        self.app.pop_screen()

    def action_copy(self) -> None:
        if self._choice is not None:
            self.app.copy_to_clipboard(self.command())
            self.query_one(Footer).say("Copied the command through the terminal (OSC 52).")

    def action_start(self) -> None:
        why = self.verdict()
        if why is not None or self._starting or self._choice is None:
            self.query_one(Footer).say(f"ctrl+s: {why or 'it is starting'}")
            return
        self._starting, self._trouble = True, ()
        self._show_all()
        choice, arguments = self._choice, self.arguments()
        self.run_worker(
            lambda: self._launch(choice, arguments), thread=True, group="start",
            exit_on_error=False,
        )  # fmt: skip

    def _launch(self, choice: WorkflowChoice, arguments: list[str]) -> None:
        backend = self.board.backend
        try:
            run_id = backend.start(arguments, choice.directory, wait_seconds=RECORD_SECONDS)
        except Refused as refused:
            self.app.call_from_thread(self._failed, str(refused))
            return
        row = backend.row(run_id)
        self.app.call_from_thread(self._started, choice, run_id)
        if row is not None:
            self.app.call_from_thread(self.board.take, (row,))

    def _failed(self, words: str) -> None:
        self._starting = False
        self._trouble = tuple(form.visible(line) for line in words.splitlines() if line.strip())
        if self.is_attached:
            self._show_all()

    def _started(self, choice: WorkflowChoice, run_id: str) -> None:
        board = self.board
        board.drafts.pop(str(choice.path), None)
        board.started_here.add(run_id)
        board.listing.selected = run_id
        if self.is_current:
            board.pop_screen()
        home = board.sessions_screen
        if home is not None:
            home.say(f"Started {choice.name}. It goes on when this dashboard is quit.")
