"""What is hinted while a filter is typed: words that mean something here, most likely first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.filter_hint import hint
from app.tui.query import parse
from app.tui.widgets.filter_box import FilterFound
from store.home import Home
from store.row import SessionRow
from store.states import State
from tests.app.tui.driving import dashboard, press, running, settled
from tests.app.tui.prepared_store import NOW
from tests.app.tui.sample_runs import prepared

ROWS = [
    SessionRow("a", State.MERGED, repo="web", workflow="fix issue"),
    SessionRow("b", State.MERGED, repo="api", workflow="fix-lints"),
    SessionRow("c", State.MERGED, repo="api", workflow="bump"),
]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("st", "status:"),
        ("s", ""),
        ("api wo", "workflow:"),
        ("repo:", "api, web"),
        ("repo:w", "web"),
        ("repo:web", ""),
        ("workflow:fix", "fix issue, fix-lints"),
        ("status:merg", "merge_failed, merging, merged"),
        ("status:failed", ""),
        ("since:", "2d, 90m, today"),
        ("since:2", ""),
        ("@", "@mine, @night"),
        ("@n", "@night"),
        ("status:failed ", ""),
        ("what ever:", ""),
    ],
)
def test_the_last_word_may_become(typed: str, words: str) -> None:
    assert sorted(hint(typed, ROWS, ("mine", "night")).split(", ")) == sorted(words.split(", "))


def test_the_most_common_name_comes_first() -> None:
    assert hint("repo:", ROWS, ()) == "api, web"


@pytest.mark.parametrize("typed", ["status:", "since:"])
def test_whatever_is_hinted_means_something(typed: str) -> None:
    for word in hint(typed, ROWS, ()).split(", "):
        asked = parse(f"{typed}{word}", NOW)
        assert asked.terms and not asked.problems


async def test_a_hint_is_shown_while_typing_only(home: Home, tmp_path: Path) -> None:
    with prepared(home, home.root.parent / "src"):
        app = dashboard(home, home.root.parent)
        async with running(app) as pilot:
            found = app.screen.query_one(FilterFound)
            await press(pilot, "slash", *"repo:")
            assert "api" in found.lines[0].text and "of 43" in found.lines[0].text
            await press(pilot, "enter")
            assert "esc clears" in found.lines[0].text


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_hint(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with prepared(Home(tmp_path / ".prodigy"), tmp_path / "src"):
        app = dashboard(Home(tmp_path / ".prodigy"), tmp_path)

        async def drive(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await press(pilot, "slash")
            await pilot.press(*"cost>0 status:")
            await settled(pilot)

        assert snap_compare(app, terminal_size=size, run_before=drive)
