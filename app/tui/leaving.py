"""Leaving the dashboard: for a shell in a worktree, for an editor, or for good."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app import format as form
from app.tui.bulk import the_row
from app.tui.calling import on_loop
from app.tui.doing import Refused
from app.tui.notes import name_of
from app.tui.terminal import NotLent, lend_terminal
from app.tui.typed import tilde

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen


def shell(screen: ActionScreen, _key: str) -> None:
    """Give the terminal to a shell in the worktree until it ends."""
    row = the_row(screen)
    place = Path(row.worktree)
    if not place.is_dir():
        screen.say("its worktree is gone; r says how it comes back")
        return
    program = os.environ.get("SHELL") or "/bin/sh"
    words = f"Worktree of {name_of(row)}: {tilde(place)}. exit goes back to the dashboard."
    try:
        lend_terminal(screen.app, [program], directory=place, words=words)
    except NotLent as error:
        screen.say(str(error), "error")
    screen.board.read_again()


def edit_workflow(screen: ActionScreen, _key: str) -> None:
    """Open the workflow file at the step the session is at."""
    from app.tui.editing import edit

    row = the_row(screen)
    path, board = Path(row.workflow_path), screen.board

    def find() -> None:
        if path.is_file():
            on_loop(screen, open_at, board.backend.line_of_step(path, row.step_index))
        else:
            words = f"{tilde(path)} is gone; the saved copy is in the session's state directory"
            on_loop(screen, screen.say, words)

    def open_at(line: int | None) -> None:
        screen.say(edit(board, path, line, board.editor_environment) or "", "error")
        board.read_again()

    screen.run_worker(find, thread=True, group="edit", exit_on_error=False)


def quit(screen: ActionScreen, _key: str) -> None:
    """Leave; runs go on. Those started here are named, and may be paused first."""
    board = screen.board
    known = map(board.listing.rows.get, board.started_here)
    live = [row for row in known if row is not None and row.state.is_live]
    going = sorted(live, key=lambda row: (row.started_us, row.id))
    if not going:
        board.exit(0)
        return
    from app.tui.screens.confirm import Choice, Confirm, Question, Touched

    many = len(going) > 1
    question = Question(
        title="Quit?",
        touched=tuple(Touched(row, f"at step {row.step_index + 1}") for row in going),
        sentences=(
            f"{form.count(len(going), 'run was', 'runs were')} started here and "
            f"{'go' if many else 'goes'} on when you quit.",
        ),
        command="",
        safe="Stay",
        choices=(
            Choice("q", f"leave {'them' if many else 'it'} going", "leave"),
            Choice("p", f"pause {'them' if many else 'it'} first", "pause"),
        ),
        loses=False,
    )

    def pause_all() -> None:
        refused = []
        for row in going:
            try:
                board.backend.ask(row.id, "pause")
            except Refused as error:
                refused.append(f"{name_of(row)}: {error}")
        if refused:
            board.call_from_thread(board.toast, ". ".join(refused), "error")
        else:
            board.call_from_thread(board.exit, 0)

    def answered(answer: str | None) -> None:
        if answer == "leave":
            board.exit(0)
        elif answer == "pause":
            board.run_worker(pause_all, thread=True, group="act", exit_on_error=False)

    board.push_screen(Confirm(question), answered)
