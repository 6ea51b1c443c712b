"""Keys that come in one piece of input: whatever follows ``/`` is text, on every screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from app.tui.screens.help import HelpScreen, _Keys
from app.tui.screens.palette import Palette, _Matches
from app.tui.widgets.log_pane import LogPane
from store.home import Home
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.sample_runs import failed_run, prepared
from tests.app.tui.workflow_files import make_project

CONTROL = {"\x10": "ctrl+p", "\x13": "ctrl+s", "\r": "enter"}
TEXT = "nqe?/rpj-k"
"""Every one of them does something where it is not text."""


async def at_once(pilot: Pilot[Any], keys: str) -> None:
    """Send keys as a terminal does that has them in one piece."""
    for character in keys:
        key = CONTROL.get(character) or _character_to_key(character)
        pilot.app.post_message(Key(key, character))
    await settled(pilot)


@pytest.mark.parametrize("way", [(), ("n",), ("l",)], ids=["filter", "new_run", "output"])
async def test_whatever_follows_a_slash_goes_to_the_field(
    way: tuple[str, ...], home: Home, tmp_path: Path
) -> None:
    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, *way)
            await at_once(pilot, f"/{TEXT}")
            assert isinstance(app.focused, Input)
            assert app.focused.value == TEXT


async def test_whatever_follows_help_and_the_palette_is_looked_for_there(
    home: Home, tmp_path: Path
) -> None:
    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await at_once(pilot, f"?/{TEXT}")
            assert isinstance(app.screen, HelpScreen)
            assert app.screen.query_one(_Keys).typed == TEXT
            await press(pilot, "escape")
            await at_once(pilot, f"\x10{TEXT}")
            assert isinstance(app.screen, Palette)
            assert app.screen.query_one(_Matches).typed == TEXT


async def test_enter_takes_all_that_was_typed_before_it(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await at_once(pilot, "/workflow:nothing-like-it\r")
            assert app.listing.query.text == "workflow:nothing-like-it"
            assert not app.listing.view
            await press(pilot, "escape", "l")
            await at_once(pilot, "/test_refresh_expired FAILED\r")
            view = app.screen.query_one(LogPane).view
            assert (view.searched, len(view.hits)) == ("test_refresh_expired FAILED", 1)


async def test_a_run_is_started_with_all_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    make_project(tmp_path / "webapp")
    app = dashboard(home, tmp_path / "webapp")
    started: list[list[str]] = []
    async with running(app) as pilot:
        await press(pilot, "n", "j", "j", "enter")
        monkeypatch.setattr(
            app.backend, "start", lambda *words, **_options: started.append([*map(str, words)])
        )
        await at_once(pilot, "v1.20260115-a\x13")
        await until(pilot, lambda: bool(started), "it is started")
    assert any("version=v1.20260115-a" in word for word in started[0])
