"""Pausing and cancelling, one session or the marked ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import format as form
from app.tui.bulk import carry_out, command_of, meant, touched
from app.tui.notes import name_of, short_label
from store.row import SessionRow
from store.states import State

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen
    from app.tui.screens.confirm import Choice

LONG_STEP_SECONDS = 60
"""A step that ran longer is not thrown away without being asked."""


def _ran(screen: ActionScreen, row: SessionRow) -> float:
    """For how many seconds its step has run."""
    return (screen.board.now_us() - row.step_started_us) / 1e6 if row.step_started_us else 0.0


def _ask(screen: ActionScreen, name: str, request: str, one: str, several: str) -> None:
    """Write a request for every session meant; the rows show it at once."""
    able, others = meant(screen, name)
    backend = screen.board.backend

    def said(done: Sequence[SessionRow]) -> str:
        if len(able) + len(others) > 1:
            return f"{len(done)} asked to {several}"
        return one.format(name=name_of(done[0]), step=done[0].step_index + 1)

    carry_out(screen, able, lambda row: backend.ask(row.id, request), said, others=others)


def pause(screen: ActionScreen, _key: str) -> None:
    _ask(screen, "pause", "pause", "Asked to pause after step {step}.", "pause")


def pause_now(screen: ActionScreen, _key: str) -> None:
    able, others = meant(screen, "pause_now")

    def ask() -> None:
        _ask(screen, "pause_now", "pause_now", "Asked to pause now, in step {step}.", "pause now")

    longest = max((_ran(screen, row) for row in able), default=0.0)
    if longest < LONG_STEP_SECONDS and len(able) + len(others) == 1:
        ask()
        return
    from app.tui.screens.confirm import Choice, Confirm, Question

    def words(row: SessionRow) -> str:
        ran = _ran(screen, row)
        after = f" after {form.duration(ran)}" if ran else ""
        label = f" · {short_label(row.step_label)}" if row.step_label else ""
        return f"stops step {row.step_index + 1}{after}{label}"

    many = len(able) > 1
    question = Question(
        title=f"Pause {len(able)} sessions now?" if many else "Pause now?",
        touched=touched(able, others, words),
        sentences=(
            "The step is run again from its start at resume. p waits for its end instead and "
            "loses nothing.",
        ),
        command=command_of(screen, "pause_now"),
        safe="Let them run" if many else "Let it run",
        choices=(
            Choice("P", f"pause all {len(able)}" if many else "pause now", "now", warns=True),
            Choice("p", "after this step", "after"),
        ),
    )

    def answered(answer: str | None) -> None:
        if answer == "now":
            ask()
        elif answer == "after":
            pause(screen, "p")

    screen.app.push_screen(Confirm(question), answered)


def cancel(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.confirm import Choice, Confirm, Question

    able, others = meant(screen, "cancel")
    many = len(able) > 1
    live = [row for row in able if row.state.is_live]

    def words(row: SessionRow) -> str:
        if not row.state.is_live:
            return f"stopped before step {row.step_index + 1}"
        ran = _ran(screen, row)
        after = f" after {form.duration(ran)}" if ran else ""
        return f"stops step {row.step_index + 1}{after}"

    choices: list[Choice] = [
        Choice("x", f"cancel all {len(able)}" if many else "cancel it", "cancel", warns=True)
    ]
    if any(row.state is not State.PAUSING for row in live):
        choices.append(Choice("p", "pause instead", "pause"))
    kept = "Worktrees" if many else "Worktree"
    question = Question(
        title=f"Cancel {len(able)} sessions?" if many else "Cancel this session?",
        touched=touched(able, others, words),
        sentences=(
            f"A cancelled session cannot be resumed. {kept}, commits and logs are kept."
            + (" To stop for now, use pause." if live else ""),
        ),
        command=command_of(screen, "cancel"),
        safe="Keep them" if many else "Keep it",
        choices=tuple(choices),
    )
    backend = screen.board.backend

    def act(row: SessionRow) -> None:
        if row.state.is_live:
            backend.ask(row.id, "cancel")
        else:
            backend.cancel_at_rest(row.id)

    def said(done: Sequence[SessionRow]) -> str:
        if len(able) + len(others) > 1:
            return f"{len(done)} cancelled or asked to cancel"
        if done[0].state.is_live:
            return f"Asked to cancel {name_of(done[0])}."
        return f"Cancelled {name_of(done[0])}; worktree and branch are kept."

    def answered(answer: str | None) -> None:
        if answer == "pause":
            pause(screen, "p")
        elif answer == "cancel":
            carry_out(screen, able, act, said, others=others)

    screen.app.push_screen(Confirm(question), answered)
