"""Whatever becomes of the home while it is looked at: it is said, and nothing is lost."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.app import ProdigyApp
from app.tui.backend import Backend
from app.tui.screens.session import SessionScreen
from app.tui.widgets.footer import Footer
from app.tui.widgets.header import Header
from app.tui.widgets.notice import NoticePane
from app.tui.widgets.session_list import SessionList
from store import faults
from store.errors import StoreError
from store.home import Home
from store.states import SessionStatus, State
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import NOW, PreparedStore, Run
from tests.app.tui.sample_runs import numbered, prepared

RUNS = (
    Run(1, "failing", "api", numbered(3), 1, 60, SessionStatus.FAILED, failure={"exit_code": 1}),
    Run(2, "working", "api", numbered(3), 1, 5, SessionStatus.RUNNING, owner="live"),
    Run(3, "paused", "web", numbered(3), 1, 500, SessionStatus.PAUSED, stop={"kind": "pause"}),
)


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src", RUNS) as made:
        yield made


def header(app: ProdigyApp) -> str:
    return app.screen.query_one(Header).lines[0].text


def rows(app: ProdigyApp) -> list[str]:
    sessions = app.screen.query_one(SessionList)
    return [sessions.line_at(y, 120, False).text for y in range(sessions.line_count())]


def tokens(app: ProdigyApp) -> set[str]:
    """The colours the list uses."""
    sessions = app.screen.query_one(SessionList)
    lines = [sessions.line_at(y, 80, False) for y in range(sessions.line_count())]
    return {piece.token for line in lines for piece in line.pieces}


async def why_not(pilot: Pilot[Any], key: str) -> str:
    """What the footer says about a key that does nothing."""
    footer = pilot.app.screen.query_one(Footer)
    await pilot.press(key)
    await until(pilot, lambda: footer.said.startswith(f"{key}: "), "it says why")
    return footer.said


def go_away(home: Home) -> None:
    home.root.rename(home.root.with_name("elsewhere"))


def become_a_file(home: Home) -> None:
    go_away(home)
    home.root.write_text("not a home")


def lose_its_sessions(home: Home) -> None:
    home.sessions.rename(home.root / "other")
    home.sessions.write_text("not a directory")


def come_back(home: Home) -> None:
    if home.root.is_file():
        home.root.unlink()
    if not home.root.exists():
        home.root.with_name("elsewhere").rename(home.root)
    if home.sessions.is_file():
        home.sessions.unlink()
        (home.root / "other").rename(home.sessions)


@pytest.mark.parametrize(
    ("breaks", "words", "reason"),
    [
        (go_away, "is gone. Waiting for it to come back.", "prodigy is gone"),
        (become_a_file, "store not readable: the state home is not a directory",
         "store not readable"),
        (lose_its_sessions, "store not readable: cannot list: not a directory",
         "store not readable"),
    ],
    ids=["gone", "a file", "no sessions"],
)  # fmt: skip
async def test_rows_stay_grey_and_keys_say_why_until_the_home_is_back(
    breaks: Callable[[Home], None], words: str, reason: str, store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path, live=True)
    async with running(app, (150, 30)) as pilot:
        await until(pilot, lambda: len(app.listing) == 3, "all are there")
        before = rows(app)
        breaks(store.home)
        await until(pilot, lambda: bool(app.store_problem), "it is seen")
        assert words in header(app)
        assert rows(app) == before
        assert tokens(app) <= {"muted", "line", "track"}
        app.screen.query_one(SessionList).place_cursor(app.listing.line_of(RUNS[1].id) or 0)
        assert (await why_not(pilot, "p")).endswith(reason)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen), "it is opened")
        assert reason in header(app)
        await pilot.press("escape")

        come_back(store.home)
        await until(pilot, lambda: not app.store_problem, "it is back")
        assert rows(app) == before
        assert "error" in tokens(app)
        assert "gone" not in header(app) and "readable" not in header(app)
        with prepared(store.home, tmp_path / "src", (Run(4, "new", "api", numbered(2), 1, 5,
                      SessionStatus.PAUSED, stop={"kind": "pause"}),)):  # fmt: skip
            await until(pilot, lambda: len(app.listing) == 4, "it is followed again")


async def test_a_session_made_between_reading_and_following_is_seen(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(store.home, tmp_path, live=True)
    follow = app.backend.follow
    with ExitStack() as made:

        def follow_late(changed: Callable[[set[str]], None]) -> None:
            made.enter_context(prepared(store.home, tmp_path / "src", (Run(
                4, "new", "api", numbered(2), 1, 5, SessionStatus.PAUSED, stop={"kind": "pause"}),
            )))  # fmt: skip
            follow(changed)

        monkeypatch.setattr(app.backend, "follow", follow_late)
        async with running(app) as pilot:
            await until(pilot, lambda: len(app.listing) == 4, "the one made meanwhile is there")


async def test_a_home_that_is_removed_and_made_anew_starts_empty(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path, live=True)
    async with running(app) as pilot:
        go_away(store.home)
        await until(pilot, lambda: bool(app.store_problem), "it is seen")
        store.home.sessions.mkdir(parents=True)
        await until(pilot, lambda: not app.store_problem and not len(app.listing), "it is empty")


async def test_sessions_that_may_not_be_read_are_said_from_the_start(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> int:
        raise StoreError("cannot list: Permission denied", path=path)

    with monkeypatch.context() as patched:
        patched.setattr("store.scan._open_directory", refuse)
        app = dashboard(store.home, tmp_path, live=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: bool(app.store_problem), "it is seen")
            assert "store not readable: cannot list: Permission denied" in header(app)
            assert app.screen.query_one(NoticePane).display
            assert await why_not(pilot, "n") == "n: store not readable"
            patched.undo()
            await until(pilot, lambda: len(app.listing) == 3, "they are there")
            assert not app.store_problem


async def test_a_home_that_does_not_exist_yet_is_empty_until_something_runs(
    home: Home, tmp_path: Path
) -> None:
    app = dashboard(home, tmp_path, live=True)
    async with running(app) as pilot:
        assert not app.store_problem
        assert app.screen.query_one(NoticePane).display
        assert not home.root.exists(), "looking makes nothing"
        with prepared(home, tmp_path / "src", RUNS):
            await until(pilot, lambda: len(app.listing) == 3, "they appear")


@pytest.mark.parametrize("problem", ["ENOSPC", "EROFS", "EIO"])
async def test_a_request_that_cannot_be_written_is_said_and_nothing_is_lost(
    problem: str, store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        app.screen.query_one(SessionList).place_cursor(app.listing.line_of(RUNS[1].id) or 0)
        monkeypatch.setattr(faults, "_faults", faults._parse(f"atomic.temp={problem}+"))
        await press(pilot, "p")
        said = app.screen.query_one(Footer).said
        assert os.strerror(getattr(errno, problem)) in said, said
        assert app.listing.rows[RUNS[1].id].state is State.RUNNING
        assert not list(store.home.control_directory(RUNS[1].id).glob("*"))
        monkeypatch.setattr(faults, "_faults", {})
        await press(pilot, "p")
        assert app.listing.rows[RUNS[1].id].state is State.PAUSING


def spoil_index(home: Home) -> None:
    home.index.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)


def lock_index(home: Home) -> None:
    database = sqlite3.connect(home.index, check_same_thread=False)
    database.execute("BEGIN EXCLUSIVE")
    _LOCKS.append(database)


_LOCKS: list[sqlite3.Connection] = []


@pytest.mark.parametrize(
    "breaks",
    [
        spoil_index,
        lock_index,
        lambda home: home.index.mkdir(),
        lambda home: os.mkfifo(home.index),
        lambda home: home.index.symlink_to(home.index.name),
        lambda home: home.index.write_bytes(b""),
    ],
    ids=["spoilt", "locked", "a directory", "a pipe", "a link to itself", "empty"],
)
async def test_the_list_is_right_whatever_the_index_is(
    breaks: Callable[[Home], object], store: PreparedStore, tmp_path: Path
) -> None:
    breaks(store.home)
    try:
        app = ProdigyApp(Backend(store.home, tmp_path, clock=lambda: NOW), live=False)
        async with running(app):
            assert not app.store_problem
            states = {row.id: row.state for row in app.listing.rows.values()}
            assert states == dict(
                zip(
                    (run.id for run in RUNS),
                    (State.FAILED, State.RUNNING, State.PAUSED),
                    strict=True,
                )
            )
    finally:
        while _LOCKS:
            _LOCKS.pop().close()


async def test_a_clock_that_goes_back_shows_no_time_and_moves_no_row(
    store: PreparedStore, tmp_path: Path
) -> None:
    moment = [NOW]
    app = dashboard(store.home, tmp_path, clock=lambda: moment[0])
    async with running(app) as pilot:
        order = list(app.listing.view)
        moment[0] = NOW - timedelta(days=3)
        for screen in app.action_screens():
            screen.tick(full_minute=True)
        await settled(pilot)
        assert app.listing.view == order
        assert all("–" in row for row in rows(app)), rows(app)
        await press(pilot, "enter", "escape", "ctrl+r")
        assert app.listing.view == order
