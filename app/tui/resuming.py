"""Resuming: one session with its plan first, or all marked ones after one question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import format as form
from app.tui import session_actions
from app.tui.bulk import carry_out, command_of, meant, touched
from store.row import SessionRow

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen


def resume(screen: ActionScreen, key: str) -> None:
    if not screen.subject().marked:
        session_actions.resume(screen, key)
        return
    from app.tui.screens.confirm import Choice, Confirm, Question

    able, others = meant(screen, "resume")
    board = screen.board
    question = Question(
        title=f"Resume {form.count(len(able), 'session')}?",
        touched=touched(able, others, lambda row: f"from step {row.step_index + 1}"),
        sentences=(
            "Each goes on from its newest checkpoint, with the saved copy of its workflow. One "
            "that needs a decision is not resumed and says why.",
        ),
        command=command_of(screen, "resume"),
        safe="not now",
        choices=(Choice("r", f"Resume all {len(able)}", "resume"),),
        loses=False,
        enter="resume",
    )

    def act(row: SessionRow) -> None:
        board.backend.resume(row.id, ())

    def after(done: Sequence[SessionRow]) -> None:
        board.started_here |= {row.id for row in done}

    def answered(answer: str | None) -> None:
        if answer:
            carry_out(
                screen, able, act, lambda done: f"{len(done)} resumed", others=others, after=after
            )

    screen.app.push_screen(Confirm(question), answered)
