"""New run: choose a workflow, see what it will do and what is wrong, fill it in, start it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Click, Resize
from textual.widgets import Input

from app import format as form
from app.tui.actions import Subject, Where
from app.tui.backend import Refused
from app.tui.calling import on_loop
from app.tui.editing import edit
from app.tui.new_run_views import BeginsAt, PlannedRun, WorkflowChoice, WorkflowView
from app.tui.past_runs import past_words
from app.tui.screens.action_screen import ActionScreen, bindings
from app.tui.trying_out import NotPlanned, plan_run, said_against
from app.tui.typed import path_word, tilde
from app.tui.widgets.filter_box import FilterSign
from app.tui.widgets.footer import Footer, Hint
from app.tui.widgets.header import Header
from app.tui.widgets.line_list import LineList
from app.tui.widgets.problem_list import ProblemList
from app.tui.widgets.run_foot import RunFoot, Verdict
from app.tui.widgets.run_form import RunForm
from app.tui.widgets.run_preview import RunPreview, RunTitle, shown_path
from app.tui.widgets.workflow_list import WorkflowList
from app.tui.workflow_reading import recent_elsewhere
from store.row import SessionRow

RECORD_SECONDS = 20.0
"""A run that has no session record by then shows what it said."""


class NewRunScreen(ActionScreen):
    """Workflows at the left; at the right the chosen one, its fields, and what it will do."""

    CSS_PATH = "new_run.tcss"
    where = Where.NEW_RUN
    BINDINGS = bindings(Where.NEW_RUN)
    _NEEDS_ALL: ClassVar[frozenset[str]] = frozenset({"start_run", "dry_run"})

    def __init__(self) -> None:
        super().__init__()
        self._view: WorkflowView | None = None
        self._choice: WorkflowChoice | None = None
        self._begins: BeginsAt | None = None
        self._trouble: tuple[str, ...] = ()
        self._starting = False
        self._past = ""

    def compose(self) -> ComposeResult:
        yield Header()
        with Horizontal(id="new-run"):
            with Vertical(id="chooser"):
                with Horizontal(id="finder"):
                    yield FilterSign()
                    yield Input(compact=True, id="find")
                yield WorkflowList()
            with Vertical(id="chosen"):
                yield RunTitle()
                yield ProblemList()
                yield RunForm()
                yield RunPreview()
                yield RunFoot()
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#find", Input).cursor_blink = False
        self.query_one(WorkflowList).focus()
        self._show_all()
        backend, rows = self.board.backend, list(self.board.listing.rows.values())

        def read() -> None:
            here = backend.workflow_files()
            on_loop(self, self._take_choices, [*here, *recent_elsewhere(rows, here)])

        self.run_worker(read, thread=True, group="list workflows", exit_on_error=False)

    def _take_choices(self, choices: list[WorkflowChoice]) -> None:
        shown = self.query_one(WorkflowList)
        shown.show(choices)
        self._choose(shown.choice)
        self._read_all(choices)
        self._show_all()

    def on_resize(self, event: Resize) -> None:
        narrow = event.size.width < 110
        self.set_class(narrow, "-narrow")
        self.query_one("#find", Input).placeholder = (
            "find or type a path" if narrow else "find a workflow or type a path"
        )
        self.set_class(event.size.height >= 30, "-tall")

    def subject_row(self) -> SessionRow | None:
        return None

    def subject(self) -> Subject:
        return replace(super().subject(), blocked=self.against())

    def sessions_changed(self, changed: frozenset[str] | None) -> None:
        """Everything was read again: so is the workflow, and where its run begins."""
        if changed is None and self._choice is not None:
            self._start_reading(self._choice)

    # -- choosing

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        if isinstance(event.sender, WorkflowList):
            self._choose(event.sender.choice)

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        if isinstance(event.sender, ProblemList):
            self.edit_file()
        elif self._view is not None and self._view.error_count:
            self.query_one(ProblemList).focus()
        else:
            self.query_one(RunForm).focus_first()

    def find(self) -> None:
        """Go to where a name or a path is typed."""
        self.set_focus(self.query_one("#find", Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "find":
            self.query_one(WorkflowList).find(event.value)
            self._choose(self.query_one(WorkflowList).choice)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id != "find":
            self.focus_next()
            return
        typed = os.path.expanduser(event.value.strip())  # noqa: PTH111  ~user too
        path = self.board.backend.directory / typed
        shown = self.query_one(WorkflowList)
        if typed and path.is_file():
            choice = WorkflowChoice(path, path.stem, "by path", self.board.backend.directory)
            shown.add(choice)
            self._read_all([choice])
            self._choose(choice)
        if typed and shown.choice is None:
            self.say(f"no file {tilde(path)}", "error")
        else:
            shown.focus()

    def _choose(self, choice: WorkflowChoice | None) -> None:
        if choice is self._choice:
            return
        self._choice, self._view, self._begins = choice, None, None
        self._trouble, self._past = (), ""
        self._show_all()
        if choice is not None:
            self._start_reading(choice)

    def _start_reading(self, choice: WorkflowChoice) -> None:
        self.run_worker(
            lambda: self._read(choice), thread=True, group="workflow", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, choice: WorkflowChoice) -> None:
        view = self.board.backend.inspect(choice.path)
        on_loop(self, self._take, choice, view)
        begins = self.board.backend.begins_at(choice)
        on_loop(self, self._take_begin, choice, begins)

    def _read_all(self, choices: list[WorkflowChoice]) -> None:
        def read() -> None:
            for choice in choices:
                view = self.board.backend.inspect(choice.path)
                on_loop(self, self.query_one(WorkflowList).learn, view)

        self.run_worker(read, thread=True, group="workflows", exit_on_error=False)

    def _take(self, choice: WorkflowChoice, view: WorkflowView) -> None:
        if choice is not self._choice or not self.is_attached:
            return
        self._trouble = self._trouble if view == self._view else ()
        self._view = view
        rows = self.board.listing.rows.values()
        self._past = past_words(rows, view.name, str(choice.directory))
        self.query_one(WorkflowList).learn(view)
        self.query_one(ProblemList).show(view.problems)
        self.query_one(RunForm).show(view, self.board.drafts.get(str(choice.path), {}))
        self._show_all()

    def _take_begin(self, choice: WorkflowChoice, begins: BeginsAt) -> None:
        if choice is self._choice and self.is_attached:
            self._begins = begins
            self._show_all()

    # -- filling in

    def on_run_form_changed(self) -> None:
        if self._choice is not None:
            self.board.drafts[str(self._choice.path)] = self.query_one(RunForm).texts()
        self._trouble = ()
        self._show_all()

    def arguments(self) -> list[str]:
        """The arguments of ``prodigy run`` for what is filled in."""
        if self._choice is None:
            return []
        return [shown_path(self._choice), *self.query_one(RunForm).arguments()]

    def command(self, *, anywhere: bool = False) -> str:
        """The same as a command line, typed where the dashboard was started, or anywhere."""
        if self._choice is None:
            return ""
        backend, directory = self.board.backend, self._choice.directory
        run = f"{backend.prodigy_word} run {shlex.join(self.arguments())}"
        is_here = directory == backend.directory and not anywhere
        return run if is_here else f"cd {path_word(str(directory))} && {run}"

    def words(self) -> Mapping[str, str]:
        if self._choice is None:
            return {}
        return {"run": self.command(), "file": path_word(str(self._choice.path))}

    def against(self) -> str | None:
        """Why it cannot be started; None when it can."""
        return self._judged()[0]

    def _judged(self) -> tuple[str | None, bool]:
        """Why it cannot be started, and whether something is wrong (not only missing)."""
        if self._choice is None:
            known = self.query_one(WorkflowList).is_known
            return "Choose a workflow to start" if known else "Looking for workflows…", False
        if self._view is None:
            return "Reading the workflow…", False
        if wrong := self._view.error_count:
            return f"Correct {form.count(wrong, 'problem')} of the file to start", True
        if self._view.not_run:
            return f"Cannot be started: {self._view.not_run}", True
        if self.board.blocked:
            return f"Cannot be started: {self.board.blocked}", True
        if self._begins is not None and self._begins.problem:
            return self._begins.problem, True
        filled = self.query_one(RunForm)
        if wrong_fields := filled.wrong():
            return f"Correct {', '.join(wrong_fields)} to start", True
        if missing := filled.missing():
            return f"Fill in {', '.join(missing)} to start", False
        return None, False

    # -- showing

    def _show_all(self) -> None:
        choice, begins, view = self._choice, self._begins, self._view
        directory = choice.directory if choice else self.board.backend.directory
        about: tuple[tuple[str, str], ...] = ((tilde(directory), "muted"),)
        if begins is not None and not begins.problem:
            clean = "clean" if not (begins.uncommitted or begins.untracked) else "changed"
            about += ((f"{begins.branch or 'detached HEAD'}, {clean}", "faint"),)
        self.query_one(Header).show(("Sessions", "New run"), about)
        self.query_one(RunTitle).show(choice, view)
        problems = self.query_one(ProblemList)
        problems.display = view is not None and bool(view.problems)
        problems.set_class(view is not None and not view.error_count, "-warnings")
        if view is None:
            self.query_one(RunForm).display = False
        self.query_one(RunPreview).show(view)
        against, is_problem = self._judged()
        self.query_one(RunFoot).show(
            Verdict(begins, self.command(), against, is_problem, self._trouble,
                    self._starting, self._past)
        )  # fmt: skip
        self.show_footer()

    def show_footer(self) -> None:
        """While something is typed, letters are text: only other keys are offered."""
        super().show_footer()
        typing = isinstance(self.focused, Input)
        footer = self.query_one(Footer)
        if typing:
            footer.show(
                tuple(replace(one, enabled=one.enabled and len(one.key) > 1)
                      for one in footer.hints),
                last=Hint("f1", "help", name="help"),
            )  # fmt: skip

    def on_descendant_focus(self) -> None:
        self.show_footer()

    def on_click(self, event: Click) -> None:
        if isinstance(event.widget, RunFoot) and (name := event.widget.key_at(event)):
            self.action_do(name)

    # -- doing

    def action_do(self, name: str, key: str = "") -> None:
        if name in self._NEEDS_ALL:
            self.query_one(RunForm).judge_all()
        super().action_do(name, key)

    def close(self) -> None:
        """Leave the field that finds, or the screen; what was typed is kept."""
        find = self.query_one("#find", Input)
        if find.has_focus and find.value:
            find.value = ""
            self.query_one(WorkflowList).focus()
        else:
            self.app.pop_screen()

    def edit_file(self) -> None:
        """Open the workflow in the editor, at the problem under the cursor, and read it again."""
        choice, view = self._choice, self._view
        if choice is None:
            self.say("choose a workflow first")
            return
        path, line = choice.path, None
        problem = self.query_one(ProblemList).problem
        if view is not None and view.problems and problem is not None:
            path = problem.path or path
            line = int(problem.where.split(":")[-2])
        why = edit(self.app, path, line, os.environ)
        if why is not None:
            self.say(f"e: {why}", "error")
        self._start_reading(choice)

    def try_out(self) -> None:
        """Show what the run would do."""
        choice, arguments, command = self._choice, self.arguments(), self.command()
        if choice is None:
            return
        self.say("Asking what it would do…")
        home = self.board.backend.home

        def ask() -> None:
            try:
                plan = plan_run(home, arguments, choice.directory)
            except NotPlanned as error:
                on_loop(self, self._failed, choice, str(error))
            else:
                on_loop(self, self._show_plan, choice, plan, command)

        self.run_worker(ask, thread=True, group="dry run", exclusive=True, exit_on_error=False)

    def _show_plan(self, choice: WorkflowChoice, plan: PlannedRun, command: str) -> None:
        from app.tui.screens.dry_run import DryRun

        if choice is not self._choice or not self.is_current:
            return
        self.say("")

        def answered(start: bool | None) -> None:
            if start:
                self.action_do("start_run")

        self.app.push_screen(DryRun(choice.name, plan, command), answered)

    def start(self) -> None:
        """Start the run as a process of its own."""
        if self._starting or self._choice is None:
            self.say("ctrl+s: it is starting")
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
            self.app.call_from_thread(self._failed, choice, str(refused))
            return
        row = backend.row(run_id)
        self.app.call_from_thread(self._started, choice, run_id)
        if row is not None:
            self.app.call_from_thread(self.board.take, (row,))

    def _failed(self, choice: WorkflowChoice, words: str) -> None:
        self._starting = False
        self._trouble = said_against(words, choice.directory)
        if self.is_attached:
            self.say("")
            self._show_all()
        else:
            self.board.toast(form.one_line(words), "error")

    def _started(self, choice: WorkflowChoice, run_id: str) -> None:
        board = self.board
        board.drafts.pop(str(choice.path), None)
        board.started_here.add(run_id)
        board.listing.selected = run_id
        if self.is_current:
            board.pop_screen()
        board.say(f"Started {choice.name}. It goes on when this dashboard is quit.")
