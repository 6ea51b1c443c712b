"""Doing something that may block to one session or to several, and saying what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from app.tui.actions import Action, action
from app.tui.backend import Refused
from app.tui.notes import name_of
from store.row import SessionRow

if TYPE_CHECKING:
    from app.tui.board import Board
    from app.tui.screens.action_screen import ActionScreen
    from app.tui.screens.confirm import Touched


def the_row(screen: ActionScreen) -> SessionRow:
    """The session an action is about, where the table let it pass."""
    row = screen.subject_row()
    assert row is not None, "the table's reason lets no action pass without a session"
    return row


def meant(screen: ActionScreen, name: str) -> tuple[list[SessionRow], list[tuple[SessionRow, str]]]:
    """The sessions an action is possible for, and those it is not, each with the reason."""
    subject, one = screen.subject(), action(name)
    rows = subject.marked or ((subject.row,) if subject.row is not None else ())
    able: list[SessionRow] = []
    others: list[tuple[SessionRow, str]] = []
    for row in rows:
        why = one.why_not(subject.alone(row))
        if why is None:
            able.append(row)
        else:
            others.append((row, why))
    return able, others


def touched(
    able: Iterable[SessionRow],
    others: Iterable[tuple[SessionRow, str]],
    words: Callable[[SessionRow], str],
) -> tuple[Touched, ...]:
    """The lines of a question: what happens to each, or why nothing does."""
    from app.tui.screens.confirm import Touched

    return (
        *(Touched(row, words(row)) for row in able),
        *(Touched(row, why) for row, why in others),
    )


def command_of(screen: ActionScreen, name: str) -> str:
    """The command line that does the same."""
    one: Action = action(name)
    return one.command_line(screen.subject())


def carry_out(
    screen: ActionScreen,
    rows: Sequence[SessionRow],
    act: Callable[[SessionRow], object],
    said: Callable[[Sequence[SessionRow]], str],
    *,
    others: Sequence[tuple[SessionRow, str]] = (),
    after: Callable[[Sequence[SessionRow]], None] | None = None,
) -> None:
    """Act on sessions, off the loop; then show them as they are, and say what became of each.

    Args:
        screen: where it was asked.
        rows: the sessions.
        act: what is done to one; may raise ``Refused``.
        said: what to say of those it was done to.
        others: marked ones it is not possible for, with the reason.
        after: called on the loop with those it was done to.
    """
    board = screen.board
    many = len(rows) + len(others) > 1

    def run() -> None:
        done: list[SessionRow] = []
        refused: list[tuple[SessionRow, str]] = []
        for row in rows:
            try:
                act(row)
            except Refused as error:
                refused.append((row, str(error)))
            else:
                done.append(row)
        found = board.backend.look([row.id for row in rows])
        board.call_from_thread(finish, done, refused)
        board.call_from_thread(board.take, found.rows, found.removed)

    def finish(done: list[SessionRow], refused: list[tuple[SessionRow, str]]) -> None:
        if after is not None:
            after(done)
        if not many:
            if refused:
                screen.say(refused[0][1], "error")
            elif words := said(done):
                screen.say(words)
            return
        tell(board, done, said(done) if done else "", refused, others)

    screen.run_worker(run, thread=True, group="act", exit_on_error=False)


def tell(
    board: Board,
    done: Sequence[SessionRow],
    words: str,
    refused: Sequence[tuple[SessionRow, str]],
    others: Sequence[tuple[SessionRow, str]],
) -> None:
    """Say what became of several sessions; those it was done to are no longer marked.

    Args:
        board: where it is shown.
        done: those it was done to.
        words: what to say of these.
        refused: those it went wrong with, each with the reason.
        others: those it is not possible for, each with the reason.
    """
    board.unmark(row.id for row in done)
    told = report(words if done else "", refused, others)
    board.toast(told, "error" if refused else "fg")


def report(done: str, *refused: Sequence[tuple[SessionRow, str]]) -> str:
    """``3 asked to pause. fix-lints: not running.``; what is given first is told first."""
    told = [done.rstrip(".")] if done else []
    for some in refused:
        for why, number in Counter(why for _, why in some).most_common():
            row = next(row for row, other in some if other == why)
            told.append(f"{name_of(row)}: {why}" if number == 1 else f"{number}: {why}")
    return ". ".join(told) + "."
