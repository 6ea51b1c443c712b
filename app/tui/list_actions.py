"""What the actions on the list do: what it shows, in which order, and which are marked."""

from __future__ import annotations

from app import format as form
from app.status_style import Chip
from app.tui.bulk import the_row
from app.tui.listing import Grouping, Sort
from app.tui.screens.action_screen import ActionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.widgets.session_list import SessionList
from store.row import SessionRow


def filter(screen: ActionScreen, _key: str) -> None:
    if isinstance(screen, SessionsScreen):
        screen.open_filter()


def sort(screen: ActionScreen, _key: str) -> None:
    listing = screen.board.listing
    orders = list(Sort)
    listing.choose_sort(orders[(orders.index(listing.sort) + 1) % len(orders)])
    screen.board.view_changed()
    screen.say(f"Sorted by {listing.sort.value}.")


def group(screen: ActionScreen, _key: str) -> None:
    listing = screen.board.listing
    ways = list(Grouping)
    chosen = ways[(ways.index(listing.choices.grouping) + 1) % len(ways)]
    listing.choose(grouping=chosen)
    screen.board.view_changed()
    screen.say("Not grouped." if chosen is Grouping.NONE else f"Grouped {chosen.value}.")


def here(screen: ActionScreen, _key: str) -> None:
    listing, name = screen.board.listing, screen.board.repository
    listing.choose(repository=None if listing.choices.repository == name else name)
    screen.board.view_changed()
    screen.say("All repositories." if listing.choices.repository is None else f"Only {name}.")


def chip(screen: ActionScreen, key: str) -> None:
    chips: tuple[Chip | None, ...] = (None, *Chip)
    if isinstance(screen, SessionsScreen) and key.isdigit() and 1 <= int(key) <= len(chips):
        screen.choose_chip(chips[int(key) - 1])


def go_to(screen: ActionScreen, row: SessionRow) -> None:
    """Show another session of the list: its line there, or on the screen of one all about it."""
    from app.tui.screens.session import SessionScreen

    listing = screen.board.listing
    if isinstance(screen, SessionScreen):
        listing.selected = row.id
        screen.show_session(row.id)
    elif (place := listing.line_of(row.id)) is not None:
        screen.query_one(SessionList).place_cursor(place)


def next_attention(screen: ActionScreen, _key: str) -> None:
    listing, here = screen.board.listing, screen.subject_row()
    count = len(listing.view)
    start = listing.line_of(here.id if here is not None else None) or 0
    for step in range(1, count + 1):
        row = listing.at((start + step) % count)
        if row is not None and row.state.needs_attention:
            go_to(screen, row)
            return
    hidden = listing.count(Chip.NEEDS_YOU)
    screen.say(f"{hidden} need you, none of them shown" if hidden else "nothing needs you")


def zoom(screen: ActionScreen, _key: str) -> None:
    screen.zoom()


# -- marks


def mark(screen: ActionScreen, _key: str) -> None:
    listing, row = screen.board.listing, the_row(screen)
    if row.id in listing.marked:
        del listing.marked[row.id]
    else:
        listing.marked[row.id] = None
    sessions = screen.query_one(SessionList)
    sessions.place_cursor(sessions.cursor + 1)
    _marked(screen)


def mark_range(screen: ActionScreen, _key: str) -> None:
    listing, row = screen.board.listing, the_row(screen)
    last = next(reversed(listing.marked), None)
    start, end = listing.line_of(last), listing.line_of(row.id)
    if start is None or end is None:
        listing.marked[row.id] = None
        screen.say("Marked; go on and press v again to mark all between.")
    else:
        step = 1 if end >= start else -1
        for place in range(start, end + step, step):
            between = listing.at(place)
            if between is not None:
                listing.marked[between.id] = None
    _marked(screen)


def mark_all(screen: ActionScreen, _key: str) -> None:
    listing = screen.board.listing
    shown = {entry for entry in listing.view if entry in listing.rows}
    if shown <= listing.marked.keys():
        listing.marked.clear()
    else:
        listing.marked |= dict.fromkeys(entry for entry in listing.view if entry in shown)
        screen.say(f"Marked {form.count(len(listing.marked), 'session')}; * again unmarks.")
    _marked(screen)


def _marked(screen: ActionScreen) -> None:
    screen.query_one(SessionList).refresh()
    screen.show_footer()
