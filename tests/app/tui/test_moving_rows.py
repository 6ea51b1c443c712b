"""What moves in the list by itself: ages of young rows, and how many new ones are above it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.tui.app import ProdigyApp
from app.tui.screens.sessions import SessionsScreen
from app.tui.widgets.detail import Detail
from app.tui.widgets.session_list import ListHead, SessionList
from store.home import Home
from store.row import SessionRow
from store.states import State
from store.times import utc_now
from tests.app.tui.driving import dashboard, press, running, settled


def head_of(app: ProdigyApp) -> str:
    return app.screen.query_one(ListHead).lines[0].text


def row_at(number: int, state: State, changed_us: int) -> SessionRow:
    return SessionRow(
        f"session-{number:08x}", state, workflow="fix", repo="api", started_us=1,
        updated_us=changed_us, state_since_us=changed_us,
    )  # fmt: skip


async def test_new_above_counts_new_sessions_and_nothing_that_only_moved(
    home: Home, tmp_path: Path
) -> None:
    begun = utc_now()
    passed = [0.0]
    app = dashboard(home, tmp_path, clock=lambda: begun + timedelta(seconds=passed[0]))
    now_us = app.now_us()

    def one(number: int, state: State = State.PAUSED) -> SessionRow:
        return row_at(number, state, now_us - number * 60_000_000)

    async with running(app) as pilot:
        app.listing.replace_all(one(number) for number in range(100, 200))
        app.view_changed()
        await settled(pilot)
        await press(pilot, "g", "down")
        archived = app.listing.selected
        assert archived is not None
        app.take((), (archived,))
        await press(pilot, "G")
        app.take((one(101),))
        await settled(pilot)
        assert app.listing.rows[archived] == one(101), "it came back far above"
        assert "new above" not in head_of(app)
        await press(pilot, "g")
        passed[0] = 10.0  # the list is no longer in use
        app.take((one(100, State.MERGED),))  # the cursor's own row goes far down
        await settled(pilot)
        assert app.screen.query_one(SessionList).scroll_offset.y > 50
        assert "new above" not in head_of(app)
        app.take((one(1, State.FAILED), one(2, State.FAILED)))
        await settled(pilot)
        assert "2 new above" in head_of(app)
        await press(pilot, "g")
        assert "new above" not in head_of(app)


async def test_young_ages_move_each_second_and_nothing_else_is_drawn(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = utc_now()
    passed = [0.0]
    app = dashboard(home, tmp_path, clock=lambda: begun + timedelta(seconds=passed[0]))
    begun_us = app.now_us()
    rows = [row_at(number, State.MERGED, begun_us - 3_600_000_000) for number in range(1, 9)]
    async with running(app) as pilot:
        app.take((row_at(0, State.MERGED, begun_us - 2_000_000), *rows))
        await press(pilot, "g")
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        sessions = screen.query_one(SessionList)
        drawn: list[int] = []
        monkeypatch.setattr(sessions, "refresh_line", drawn.append)
        for seconds, age in ((16.0, "18s"), (58.5, "1m"), (90.0, "1m")):
            passed[0] = seconds
            drawn.clear()
            screen.tick(full_minute=False)
            assert drawn == ([0] if seconds < 60 else [])
            assert f" {age} " in sessions.line_at(0, 120, False).text
            if seconds < 60:
                assert f"merged {age} ago" in screen.query_one(Detail).lines[0].text
        screen.tick(full_minute=True)
        assert drawn == list(range(9))
