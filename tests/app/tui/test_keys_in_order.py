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
from store.home import Home
from tests.app.tui.driving import dashboard, press, running, settled
from tests.app.tui.sample_runs import failed_run, prepared

TEXT = "nqe?/rpj-k"
"""Every one of them does something where it is not text."""


async def at_once(pilot: Pilot[Any], keys: str) -> None:
    """Send keys as a terminal does that has them in one piece."""
    for character in keys:
        key = "ctrl+p" if character == "\x10" else _character_to_key(character)
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
