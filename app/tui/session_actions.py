"""What the actions of one session do: its tabs, and the ways to resume it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.tui.details import ResumeChoice
from store.row import SessionRow

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen


def _row(screen: ActionScreen) -> SessionRow:
    row = screen.subject_row()
    assert row is not None, "the table's reason lets no action pass without a session"
    return row


def show_changes(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.session import SessionScreen

    if isinstance(screen, SessionScreen):
        screen.show_tab("changes")
    else:
        screen.app.push_screen(SessionScreen(_row(screen).id, "changes"))


def show_plan(screen: ActionScreen, row: SessionRow, choice: ResumeChoice) -> None:
    """Show what a resume would do; enter on it does it."""
    from app.tui.screens.resume_plan import ResumePlanScreen

    def answered(said: str | None) -> None:
        if said:
            screen.say(said)

    screen.app.push_screen(ResumePlanScreen(row, choice), answered)


def resume(screen: ActionScreen, _key: str) -> None:
    show_plan(screen, _row(screen), ResumeChoice())


def resume_from(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.resume_from import ResumeFromScreen

    row = _row(screen)

    def chosen(choice: ResumeChoice | None) -> None:
        if choice is not None:
            show_plan(screen, row, choice)

    screen.app.push_screen(ResumeFromScreen(row), chosen)


def skip_step(screen: ActionScreen, _key: str) -> None:
    row = _row(screen)
    show_plan(screen, row, ResumeChoice(skip_step=row.step_index + 1))
