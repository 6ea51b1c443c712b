"""What each action does: one function of the name it has in the table of actions.

Every function is given the screen it was asked on and the key that asked. What may block happens
in worker threads; what went wrong is said where the person looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app import format as form
from app.status_style import Chip
from app.tui.backend import Refused
from app.tui.listing import Sort
from app.tui.new_run_actions import close_form as close_form
from app.tui.new_run_actions import copy_command as copy_command
from app.tui.new_run_actions import dry_run as dry_run
from app.tui.new_run_actions import edit_file as edit_file
from app.tui.new_run_actions import find_workflow as find_workflow
from app.tui.new_run_actions import next_field as next_field
from app.tui.new_run_actions import start_run as start_run
from app.tui.notes import name_of, short_label
from app.tui.session_actions import resume as resume
from app.tui.session_actions import resume_from as resume_from
from app.tui.session_actions import show_changes as show_changes
from app.tui.session_actions import skip_step as skip_step
from app.tui.widgets.session_list import SessionList
from store.row import SessionRow
from store.states import State

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen

LONG_STEP_SECONDS = 60
"""A step that ran longer is not thrown away without being asked."""


def _row(screen: ActionScreen) -> SessionRow:
    row = screen.subject_row()
    assert row is not None, "the table's reason lets no action pass without a session"
    return row


# -- looking ---------------------------------------------------------------------------------------


def _open(screen: ActionScreen, tab: str, *, alone: bool = False) -> None:
    from app.tui.screens.session import SessionScreen

    if isinstance(screen, SessionScreen):
        screen.show_tab(tab)
    else:
        screen.app.push_screen(SessionScreen(_row(screen).id, tab, alone=alone))


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
    from app.tui.screens.session import SessionScreen

    listing = screen.board.listing
    place = listing.line_of(_row(screen).id)
    row = listing.at((place if place is not None else 0) + by)
    if row is None:
        screen.say("no session after this one" if by > 0 else "no session before this one")
    elif isinstance(screen, SessionScreen):
        listing.selected = row.id
        screen.show_session(row.id)


def next_session(screen: ActionScreen, _key: str) -> None:
    _other_session(screen, 1)


def previous_session(screen: ActionScreen, _key: str) -> None:
    _other_session(screen, -1)


# -- acting ----------------------------------------------------------------------------------------


def _in_thread(screen: ActionScreen, work: Callable[[], object], done: Callable[[], None]) -> None:
    """Do something that may block, then go on; a refusal is said in the footer."""
    app = screen.app

    def run() -> None:
        try:
            work()
        except Refused as refused:
            app.call_from_thread(screen.say, str(refused), "error")
        else:
            app.call_from_thread(done)

    screen.run_worker(run, thread=True, group="act", exit_on_error=False)


def _ask(screen: ActionScreen, row: SessionRow, action: str, said: str) -> None:
    board = screen.board

    def ask() -> None:
        board.backend.ask(row.id, action)
        fresh = board.backend.row(row.id)
        if fresh is not None:
            board.call_from_thread(board.take, (fresh,))

    _in_thread(screen, ask, lambda: screen.say(said))


def pause(screen: ActionScreen, _key: str) -> None:
    row = _row(screen)
    _ask(screen, row, "pause", f"Asked to pause after step {row.step_index + 1}.")


def pause_now(screen: ActionScreen, _key: str) -> None:
    row = _row(screen)
    now = screen.board.now_us()
    ran = (now - row.step_started_us) / 1e6 if row.step_started_us else 0.0

    def ask() -> None:
        _ask(screen, row, "pause_now", f"Asked to pause now, in step {row.step_index + 1}.")

    if ran < LONG_STEP_SECONDS:
        ask()
        return
    from app.tui.screens.confirm import Choice, Confirm, Question, Touched

    what = f"step {row.step_index + 1} {short_label(row.step_label)}"
    question = Question(
        title="Pause now?",
        touched=(Touched(row, f"stops {what} after {form.duration(ran)}"),),
        sentences=(
            "The step is run again from its start at resume. p waits for its end instead and "
            "loses nothing.",
        ),
        command=f"prodigy pause {form.short_id(row.id)} --now",
        safe="Let it run",
        choices=(
            Choice("P", "pause now", "now", warns=True),
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
    from app.tui.screens.confirm import Choice, Confirm, Question, Touched

    row = _row(screen)
    board = screen.board
    live = row.state.is_live
    now = board.now_us()
    ran = form.duration((now - row.step_started_us) / 1e6) if row.step_started_us else ""
    what = f"stops step {row.step_index + 1}" + (f" after {ran}" if ran else "")
    if not live:
        what = f"stopped before step {row.step_index + 1}"
    choices = [Choice("x", "cancel it", "cancel", warns=True)]
    if live and row.state is not State.PAUSING:
        choices.append(Choice("p", "pause instead", "pause"))
    question = Question(
        title="Cancel this session?",
        touched=(Touched(row, what),),
        sentences=(
            "A cancelled session cannot be resumed. Worktree, commits and logs are kept."
            + (" To stop for now, use pause." if live else ""),
        ),
        command=f"prodigy cancel {form.short_id(row.id)}",
        safe="Keep it",
        choices=tuple(choices),
    )

    def answered(answer: str | None) -> None:
        if answer == "pause":
            pause(screen, "p")
        elif answer == "cancel" and live:
            _ask(screen, row, "cancel", f"Asked to cancel {name_of(row)}.")
        elif answer == "cancel":
            _in_thread(
                screen,
                lambda: board.backend.cancel_at_rest(row.id),
                lambda: screen.say(f"Cancelled {name_of(row)}; worktree and branch are kept."),
            )

    screen.app.push_screen(Confirm(question), answered)


def new_run(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.new_run import NewRunScreen

    screen.app.push_screen(NewRunScreen())


def copy(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.copy_choice import CopyChoice

    row = _row(screen)

    def chosen(text: str | None) -> None:
        if text:
            screen.app.copy_to_clipboard(text)
            screen.say(f"Copied through the terminal (OSC 52): {form.cut(form.one_line(text), 60)}")

    screen.app.push_screen(CopyChoice(row), chosen)


# -- the list --------------------------------------------------------------------------------------


def filter(screen: ActionScreen, _key: str) -> None:
    home = screen.board.sessions_screen
    if home is not None:
        home.open_filter()


def sort(screen: ActionScreen, _key: str) -> None:
    home = screen.board.sessions_screen
    listing = screen.board.listing
    orders = list(Sort)
    listing.choose_sort(orders[(orders.index(listing.sort) + 1) % len(orders)])
    if home is not None:
        home.list_changed()
    screen.say(f"Sorted by {listing.sort.value}.")


def chip(screen: ActionScreen, key: str) -> None:
    chips: tuple[Chip | None, ...] = (None, *Chip)
    home = screen.board.sessions_screen
    if home is not None and key.isdigit() and 1 <= int(key) <= len(chips):
        home.choose_chip(chips[int(key) - 1])


def next_attention(screen: ActionScreen, _key: str) -> None:
    listing = screen.board.listing
    count = len(listing)
    start = listing.line_of(listing.selected) or 0
    for step in range(1, count + 1):
        place = (start + step) % count
        row = listing.at(place)
        if row is not None and row.state.needs_attention:
            screen.query_one(SessionList).place_cursor(place)
            return
    screen.say("nothing needs you")


def zoom(screen: ActionScreen, _key: str) -> None:
    home = screen.board.sessions_screen
    if home is not None:
        home.zoom()


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


def quit(screen: ActionScreen, _key: str) -> None:
    board = screen.board
    going = [
        row
        for run_id in board.started_here
        if (row := board.listing.rows.get(run_id)) is not None and row.state.is_live
    ]
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

    def answered(answer: str | None) -> None:
        if answer == "leave":
            board.exit(0)
        elif answer == "pause":

            def pause_all() -> None:
                for row in going:
                    board.backend.ask(row.id, "pause")

            _in_thread(screen, pause_all, lambda: board.exit(0))

    board.push_screen(Confirm(question), answered)
