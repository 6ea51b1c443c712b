"""What each action does: one function of the name it has in the table of actions.

Every function is given the screen it was asked on and the key that asked. What may block happens
in worker threads; what went wrong is said where the person looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.tui.bulk import the_row
from app.tui.copying import copy_out
from app.tui.keeping import archive as archive
from app.tui.keeping import merge as merge
from app.tui.keeping import restore as restore
from app.tui.leaving import edit_workflow as edit_workflow
from app.tui.leaving import quit as quit
from app.tui.leaving import shell as shell
from app.tui.list_actions import chip as chip
from app.tui.list_actions import filter as filter
from app.tui.list_actions import go_to
from app.tui.list_actions import group as group
from app.tui.list_actions import here as here
from app.tui.list_actions import mark as mark
from app.tui.list_actions import mark_all as mark_all
from app.tui.list_actions import mark_range as mark_range
from app.tui.list_actions import next_attention as next_attention
from app.tui.list_actions import sort as sort
from app.tui.list_actions import zoom as zoom
from app.tui.new_run_actions import close_form as close_form
from app.tui.new_run_actions import copy_command as copy_command
from app.tui.new_run_actions import dry_run as dry_run
from app.tui.new_run_actions import edit_file as edit_file
from app.tui.new_run_actions import find_workflow as find_workflow
from app.tui.new_run_actions import next_field as next_field
from app.tui.new_run_actions import start_run as start_run
from app.tui.resuming import resume as resume
from app.tui.session_actions import resume_from as resume_from
from app.tui.session_actions import show_changes as show_changes
from app.tui.session_actions import skip_step as skip_step
from app.tui.stopping import cancel as cancel
from app.tui.stopping import pause as pause
from app.tui.stopping import pause_now as pause_now
from app.tui.trend_actions import export_trends as export_trends
from app.tui.trend_actions import group_trends as group_trends
from app.tui.trend_actions import its_sessions as its_sessions
from app.tui.trend_actions import period as period
from app.tui.trend_actions import sort_trends as sort_trends
from app.tui.trend_actions import trends as trends

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen


# -- looking ---------------------------------------------------------------------------------------


def _open(screen: ActionScreen, tab: str, *, alone: bool = False) -> None:
    from app.tui.screens.session import SessionScreen

    if isinstance(screen, SessionScreen):
        screen.show_tab(tab)
    else:
        screen.app.push_screen(SessionScreen(the_row(screen).id, tab, alone=alone))


def open_session(screen: ActionScreen, _key: str) -> None:
    _open(screen, "steps")


def show_failure(screen: ActionScreen, _key: str) -> None:
    _open(screen, "failure", alone=True)


def show_output(screen: ActionScreen, _key: str) -> None:
    _open(screen, "output")


def show_checkpoints(screen: ActionScreen, _key: str) -> None:
    _open(screen, "checkpoints")


def back(screen: ActionScreen, _key: str) -> None:
    screen.app.pop_screen()


def tab_number(screen: ActionScreen, key: str) -> None:
    from app.tui.screens.session import SessionScreen

    if isinstance(screen, SessionScreen) and key.isdigit():
        screen.show_tab_number(int(key))


def _other_session(screen: ActionScreen, by: int) -> None:
    listing = screen.board.listing
    place = listing.line_of(the_row(screen).id)
    y = (place if place is not None else 0) + by
    if listing.heading_at(y) is not None:
        y += by
    row = listing.at(y)
    if row is None:
        screen.say("no session after this one" if by > 0 else "no session before this one")
    else:
        go_to(screen, row)


def next_session(screen: ActionScreen, _key: str) -> None:
    _other_session(screen, 1)


def previous_session(screen: ActionScreen, _key: str) -> None:
    _other_session(screen, -1)


# -- acting ----------------------------------------------------------------------------------------


def new_run(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.new_run import NewRunScreen

    screen.app.push_screen(NewRunScreen())


def copy(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.copy_choice import REPORT, CopyChoice

    row, backend = the_row(screen), screen.board.backend

    def chosen(chosen: tuple[str, str] | None) -> None:
        if chosen is None:
            return
        what, text = chosen
        wanted = text if what != REPORT else lambda: backend.failure_report(row.id)
        copy_out(screen.board, what, wanted)

    screen.app.push_screen(CopyChoice(screen.subject()), chosen)


def reload(screen: ActionScreen, _key: str) -> None:
    screen.board.read_again()
    screen.say("Reading the store again.")


def theme(screen: ActionScreen, _key: str) -> None:
    from app.tui import theme as themes

    other = {
        themes.DARK: themes.LIGHT,
        themes.LIGHT: themes.DARK,
        themes.DARK_16: themes.LIGHT_16,
        themes.LIGHT_16: themes.DARK_16,
    }
    screen.app.theme = other.get(screen.app.theme, themes.DARK)


def help(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.help import HelpScreen

    screen.app.push_screen(HelpScreen(screen.subject()))


def palette(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.palette import Palette

    def chosen(name: str | None) -> None:
        if name:
            screen.action_do(name)

    screen.app.push_screen(Palette(screen.subject()), chosen)
