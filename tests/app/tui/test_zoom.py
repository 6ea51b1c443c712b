"""``z``: the pane with the focus has the room of all, and that is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widget import Widget

from app.tui.app import ProdigyApp
from app.tui.screens.sessions import SessionsScreen
from app.tui.screens.tabs.changes import View as ChangesTab
from app.tui.screens.tabs.changes import _Title
from app.tui.widgets.detail import Detail
from app.tui.widgets.footer import Footer
from app.tui.widgets.session_list import SessionList
from store.home import Home
from tests.app.tui.driving import dashboard, press, running
from tests.app.tui.prepared_store import PreparedStore
from tests.app.tui.sample_runs import failed_run, prepared
from tests.app.tui.worked_tree import program_path


@pytest.fixture
def store(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PreparedStore]:
    monkeypatch.setenv("PATH", program_path(tmp_path / "bin"))
    with prepared(home, tmp_path / "src", (failed_run(),), with_git=True) as made:
        yield made


def seen(app: ProdigyApp) -> dict[str, int]:
    """How many rows each kind of widget has, of those that are seen in a tab."""
    tabs = app.screen.query_one("#pane").children
    (tab,) = (one for one in tabs if one.display)
    found: dict[str, int] = {}
    for one in (tab, *tab.query(Widget)):
        if one.region.height and one.size.width:
            found[type(one).__name__] = one.size.height
    return found


@pytest.mark.parametrize(
    ("keys", "focus", "alone", "others"),
    [
        (("enter",), (), "StepList", {"StepFacts"}),
        (("d",), (), "_Files", {"TextView", "_Edge"}),
        (("d",), ("tab",), "TextView", {"_Files", "_Edge"}),
        (("c",), (), "_List", {"_Title", "TextView"}),
        (("c",), ("tab",), "TextView", {"_List", "_Head"}),
        (("enter", "6", "enter"), ("tab",), "TextView", {"_List", "_Head"}),
        (("f",), (), "LogPane", {"FailureFacts", "WhatYouCanDo"}),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_focused_pane_is_alone_and_stays_so_in_the_next_session(
    keys: tuple[str, ...], focus: tuple[str, ...], alone: str, others: set[str],
    size: tuple[int, int], store: PreparedStore, tmp_path: Path,
) -> None:  # fmt: skip
    app = dashboard(store.home, tmp_path)
    async with running(app, size) as pilot:
        await press(pilot, *keys, *focus)
        before = seen(app)
        assert others <= before.keys()
        await press(pilot, "z")
        assert not others & seen(app).keys()
        assert seen(app)[alone] >= before[alone]
        footer = app.screen.query_one(Footer)
        assert any(hint.name == "zoom" for hint in footer.hints)
        focused = app.screen.focused
        assert focused is not None and focused.region.height

        await press(pilot, "escape", *keys)
        assert not others & seen(app).keys()
        focused = app.screen.focused
        assert focused is not None and focused.region.height
        await press(pilot, "z")
        assert seen(app).keys() == before.keys()


@pytest.mark.parametrize(("keys", "told"), [(("z",), "3 files"), (("tab", "z"), "auth.py")])
async def test_the_title_says_what_is_alone(
    keys: tuple[str, ...], told: str, store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "d", "j", *keys)
        tab = app.screen.query_one(ChangesTab)
        assert told in tab.query_one(_Title).lines[0].text


async def test_a_tab_with_one_pane_says_so(store: PreparedStore, tmp_path: Path) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "l", "z")
        assert app.screen.query_one(Footer).said == "z: there is one pane here"


@pytest.mark.parametrize("size", [(100, 30), (180, 48)])
async def test_the_list_gives_its_detail_more_room_then_has_all_of_it(
    size: tuple[int, int], store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app, size) as pilot:

        def rooms() -> tuple[Any, Any]:
            assert isinstance(app.screen, SessionsScreen)
            one, other = app.screen.query_one(SessionList), app.screen.query_one(Detail)
            room = one.region.width * one.region.height
            return room, other.region.width * other.region.height if other.display else 0

        before = rooms()
        await press(pilot, "z")
        assert rooms()[0] < before[0] and rooms()[1] > before[1]
        await press(pilot, "z")
        assert rooms()[0] > before[0] and not app.screen.query_one(Detail).region.height
        await press(pilot, "z")
        assert rooms() == before


async def test_without_a_detail_there_is_nothing_to_zoom(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app, (70, 20)) as pilot:
        await press(pilot, "z")
        assert app.screen.query_one(Footer).said == "z: there is one pane here"
        assert not app.zoomed
