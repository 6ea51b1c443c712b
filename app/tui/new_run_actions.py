"""What the actions of New run do; the screen itself knows how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.tui.copying import copy_out

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen
    from app.tui.screens.new_run import NewRunScreen


def start_run(screen: ActionScreen, _key: str) -> None:
    _new_run(screen).start()


def dry_run(screen: ActionScreen, _key: str) -> None:
    _new_run(screen).try_out()


def next_field(screen: ActionScreen, _key: str) -> None:
    screen.focus_next()


def edit_file(screen: ActionScreen, _key: str) -> None:
    _new_run(screen).edit_file()


def find_workflow(screen: ActionScreen, _key: str) -> None:
    _new_run(screen).find()


def copy_command(screen: ActionScreen, _key: str) -> None:
    if command := _new_run(screen).command(anywhere=True):
        copy_out(screen.board, "command", command)
    else:
        screen.say("choose a workflow first")


def close_form(screen: ActionScreen, _key: str) -> None:
    _new_run(screen).close()


def _new_run(screen: ActionScreen) -> NewRunScreen:
    from app.tui.screens.new_run import NewRunScreen

    assert isinstance(screen, NewRunScreen)
    return screen
