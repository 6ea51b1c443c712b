"""What the screen says when there is nothing, not yet, or not all to show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.tui.screens.session import SessionScreen
from app.tui.widgets.chips import Chips
from app.tui.widgets.detail import Detail
from app.tui.widgets.notice import NoticePane
from app.tui.widgets.session_list import SessionList
from store import cards
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import PreparedStore, Run
from tests.app.tui.sample_runs import numbered, prepared

GOOD = Run(1, "fix-issue", "api", numbered(2), 2, 60, SessionStatus.COMPLETED, merge="merged")
TABS = {
    "events": "events",
    "variables": "variables",
    "checkpoints": "checkpoints",
    "changes": "changes",
}


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src", (GOOD,)) as made:
        yield made


def said(screen: Any) -> str:
    """Everything the screen shows."""
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


async def test_while_sessions_are_read_it_is_said_how_many(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(Run(2, "other", "api", numbered(2), 1, 60, SessionStatus.PAUSED))
    go_on, seen = threading.Event(), []
    read = cards.read_record

    def slowly(*arguments: Any) -> Any:
        seen.append(arguments)
        if len(seen) > 1:
            assert go_on.wait(20)
        return read(*arguments)

    monkeypatch.setattr("store.known_runs.read_record", slowly)
    app = dashboard(store.home, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        notice = app.screen.query_one(NoticePane)
        try:
            assert not notice.display, "nothing is said at first"
            assert "0" not in app.screen.query_one(Chips).lines[0].text
            await until(pilot, lambda: notice.display, "it is said")
            assert "Reading 1 session…" in notice.lines[0].text
        finally:
            go_on.set()
        await until(pilot, lambda: len(app.listing) == 2, "they are there")
        await settled(pilot)
        assert not notice.display


async def test_nothing_needs_you_and_when_something_did_last(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "2")
        notice = app.screen.query_one(NoticePane).notice
        assert notice is not None and (notice.title, notice.sentences) == ("Nothing needs you.", ())
        row = app.listing.rows[GOOD.id]
        failed = row._replace(failed_us=app.now_us() - 2 * 86_400_000_000)
        app.take((failed,))
        app.sessions_screen.list_changed()  # type: ignore[union-attr]
        notice = app.screen.query_one(NoticePane).notice
        assert notice is not None and notice.sentences == ("Last failure 2d ago: fix-issue.",)


async def test_no_match_says_what_each_part_of_the_filter_leaves_out(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path, query="repo:apu workflow:fix")
    async with running(app):
        notice = app.screen.query_one(NoticePane).notice
        assert notice is not None
        assert notice.title == "No session matches repo:apu workflow:fix."
        assert notice.sentences[0].startswith("esc clears the filter.   Without repo: 1 match")


async def test_a_bad_record_shows_where_it_is_bad_and_the_command_that_makes_another(
    store: PreparedStore, tmp_path: Path
) -> None:
    path = store.home.session_file(GOOD.id)
    data = path.read_bytes()
    path.write_bytes(data[:812])
    app = dashboard(store.home, tmp_path)
    async with running(app, (120, 40)):
        sessions = app.screen.query_one(SessionList)
        line = sessions.line_at(0, 120, False).text
        assert "? unreadable" in line and "JSON ends at byte 812" in line
        detail = app.screen.query_one(Detail)
        shown = "\n".join(one.text for one in detail.lines)
        assert "JSON ends at byte 812" in shown
        assert detail.detail is not None and "Repair" in shown
        assert dict(detail.detail.facts)["Repair"].endswith("prodigy resume 00000001")
        assert data[800:806].decode().strip() in shown


@pytest.mark.parametrize("tab", TABS)
async def test_a_tab_that_cannot_be_read_says_so_and_the_others_live(
    tab: str, store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk said [no]")

    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        with monkeypatch.context() as broken:
            broken.setattr(app.backend, TABS[tab], fail)
            screen = SessionScreen(GOOD.id, tab)
            app.push_screen(screen)
            await until(pilot, lambda: "ctrl+r tries again" in said(screen), "it is said")
            assert f"Could not read {tab}: the disk said [no]" in said(screen)
            screen.show_tab("steps")
            await until(pilot, lambda: "make part-1" in said(screen), "the other tab lives")
            screen.show_tab(tab)
            await until(pilot, lambda: "tries again" in said(screen), "it is still said")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "tries again" not in said(screen), "it was tried again")
