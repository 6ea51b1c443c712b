"""Every screen as a picture, at 80×24 and 120×40, from a store in every state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui import theme
from store.home import Home
from tests.app.tui.driving import as_long_everywhere, dashboard, press, settled

SMALL, NORMAL, WIDE = (80, 24), (120, 40), (180, 48)
SIZES = pytest.mark.parametrize("size", [SMALL, NORMAL], ids=["80x24", "120x40"])


LOOKS: dict[str, tuple[str, ...]] = {
    "sessions": (),
    "needs_you": ("2",),
    "sorted": ("s",),
    "filtered": ("slash", *"api"),
    "no_match": ("slash", *"status:failed", "space", *"repo:apu"),
    "zoomed": ("z",),
    "steps": ("enter",),
    "output": ("l",),
    "checkpoints": ("c",),
    "events": ("enter", "6"),
    "help": ("question_mark",),
    "palette": ("ctrl+p", "p", "a"),
    "copy": ("y",),
    "cancel": ("3", "j", "j", "x"),
    "says_why": ("p",),
}


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    return as_long_everywhere(tmp_path)


@SIZES
@pytest.mark.parametrize("name", LOOKS)
def test_screen(name: str, size: tuple[int, int], store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, *LOOKS[name])

    assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_empty(size: tuple[int, int], monkeypatch: Any, tmp_path: Path, snap_compare: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    app = dashboard(Home(tmp_path / ".prodigy"), tmp_path)
    assert snap_compare(app, terminal_size=size, run_before=settled)


def test_wide(store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent)
    assert snap_compare(app, terminal_size=WIDE, run_before=settled)


@pytest.mark.parametrize("name", [theme.LIGHT, theme.DARK_16, theme.LIGHT_16, "nord"])
def test_theme(name: str, store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent, theme=name)
    assert snap_compare(app, terminal_size=NORMAL, run_before=settled)


def test_no_colour(store_home: Home, monkeypatch: pytest.MonkeyPatch, snap_compare: Any) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(store_home, store_home.root.parent)
    assert snap_compare(app, terminal_size=SMALL, run_before=settled)


def test_ascii(store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent, ascii_only=True)
    assert snap_compare(app, terminal_size=NORMAL, run_before=settled)
