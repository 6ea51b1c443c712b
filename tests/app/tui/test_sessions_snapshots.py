"""The session list in its states, as pictures at 80×24 and 120×40."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui import theme
from app.tui.app import ProdigyApp
from app.tui.backend import Backend
from app.tui.details import MergeView
from app.tui.settings import Settings
from app.tui.widgets.session_list import SessionList
from store.home import Home
from store.states import State
from tests.app.tui.driving import dashboard, press, settled

SMALL, NORMAL, WIDE = (80, 24), (120, 40), (180, 48)
SIZES = pytest.mark.parametrize("size", [SMALL, NORMAL], ids=["80x24", "120x40"])
UNMERGED = "session-0000000e-7d0e-4b57-9e0a-5c1f2b8d6e40"
MARKS = ("3", "space", "space", "space")


LISTS: dict[str, tuple[str, ...]] = {
    "by_repository": ("b",),
    "by_workflow": ("b", "b", "j", "j"),
    "marked": MARKS,
    "cancel_marked": (*MARKS, "x"),
    "pause_marked_now": (*MARKS, "P"),
    "archive_marked": ("4", "asterisk", "D"),
    "archived": ("D",),
    "bad_filter": ("slash", *"status:faild", "space", *"api"),
    "saved_filter": ("slash", *"@night"),
    "cost_filter": ("slash", *"cost>0.2", "enter"),
}


@SIZES
@pytest.mark.parametrize("name", LISTS)
def test_list(name: str, size: tuple[int, int], store_home: Home, snap_compare: Any) -> None:
    settings = Settings(filters={"night": "status:failed since:12h"})
    app = dashboard(store_home, store_home.root.parent, settings=settings)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, *LISTS[name])

    assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
@pytest.mark.parametrize("conflicts", [(), ("go.sum", "go.mod")], ids=["clean", "conflict"])
def test_merge_question(
    conflicts: tuple[str, ...],
    size: tuple[int, int],
    store_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Any,
) -> None:
    view = MergeView("main", 4, 11, 214, 38, 3 if conflicts else 0, conflicts)
    monkeypatch.setattr(Backend, "merge_check", lambda *_: view)
    app = dashboard(store_home, store_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        place = app.listing.line_of(UNMERGED)
        assert place is not None
        app.screen.query_one(SessionList).place_cursor(place)
        await press(pilot, "m")

    assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_quit_with_runs_started_here(
    size: tuple[int, int], store_home: Home, snap_compare: Any
) -> None:
    app = dashboard(store_home, store_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        rows = app.listing.rows.values()
        app.started_here |= {row.id for row in rows if row.state is State.RUNNING}
        await press(pilot, "q")

    assert snap_compare(app, terminal_size=size, run_before=drive)


@pytest.mark.parametrize("size", [(52, 12), (60, 15), (79, 23)], ids=["52x12", "60x15", "79x23"])
def test_small_terminals(size: tuple[int, int], store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent)
    assert snap_compare(app, terminal_size=size, run_before=settled)


@pytest.mark.parametrize("name", [theme.LIGHT, theme.DARK_16, theme.LIGHT_16])
def test_marks_and_headings_in_every_theme(name: str, store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent, theme=name)
    assert snap_compare(app, terminal_size=SMALL, run_before=_marked_and_grouped(app))


def test_marks_and_headings_without_colour(
    store_home: Home, monkeypatch: pytest.MonkeyPatch, snap_compare: Any
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(store_home, store_home.root.parent)
    assert snap_compare(app, terminal_size=SMALL, run_before=_marked_and_grouped(app))


def test_marks_and_headings_in_ascii_and_compact(store_home: Home, snap_compare: Any) -> None:
    settings = Settings(ascii=True, compact=True)
    app = dashboard(store_home, store_home.root.parent, ascii_only=None, settings=settings)
    assert snap_compare(app, terminal_size=WIDE, run_before=_marked_and_grouped(app))


def _marked_and_grouped(app: ProdigyApp) -> Any:
    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "b", "space", "space", "j")

    return drive
