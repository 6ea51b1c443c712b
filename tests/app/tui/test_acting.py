"""What keys do to sessions: it happens on disk, or the footer says why not; one or several."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from textual.pilot import Pilot

from app.tui.app import ProdigyApp
from app.tui.backend import Backend
from app.tui.listing import Grouping
from app.tui.screens.confirm import Confirm, _Body
from app.tui.screens.too_small import TooSmallScreen
from app.tui.settings import Settings
from app.tui.widgets.footer import Footer
from app.tui.widgets.session_list import SessionList
from app.tui.widgets.toast import Toast
from store.home import Home
from store.requests import pending
from store.states import SessionStatus, State
from tests.app.tui.driving import dashboard, press, running, until
from tests.app.tui.prepared_store import PreparedStore, Run
from tests.app.tui.sample_runs import every_state, numbered, prepared


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src", every_state()) as made:
        made.spoil(0x91D0C2AA)
        yield made


def select(app: ProdigyApp, run_id: str) -> None:
    place = app.listing.line_of(run_id)
    assert place is not None
    app.screen.query_one(SessionList).place_cursor(place)


def in_state(app: ProdigyApp, state: State) -> str:
    return next(row.id for row in app.listing.rows.values() if row.state is state)


def grouping(app: ProdigyApp) -> Grouping:
    return app.listing.choices.grouping


def said(app: ProdigyApp) -> str:
    return app.action_screens()[-1].query_one(Footer).said


def toasted(app: ProdigyApp) -> str:
    return " ".join(toast.words for toast in app.action_screens()[-1].query(Toast))


def archived(home: Home, run_id: str) -> bool:
    record = json.loads(home.session_file(run_id).read_text("utf-8"))
    return "archived_at" in record["metadata"]["x_prodigy"]


def asked(home: Home, run_id: str) -> list[str]:
    return [request.action for request in pending(home, run_id)]


async def test_what_was_archived_comes_back_for_half_a_minute(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        first = app.listing.selected
        assert first is not None
        await press(pilot, "u")
        assert said(app).startswith("u: nothing was archived just now; ")
        await press(pilot, "D")
        assert first not in app.listing.rows and "u brings it back" in toasted(app)
        await press(pilot, "u")
        assert not archived(store.home, first)
        assert app.listing.selected == first
        await press(pilot, "D")
        app.archived = (app.archived[0], time.monotonic() - 1)
        await press(pilot, "u")
        assert archived(store.home, first)


OPEN_RUNS = {
    "failed": Run(1, "a", "api", numbered(3), 1, 600, SessionStatus.FAILED, commits=2),
    "paused": Run(2, "b", "api", numbered(3), 1, 600, SessionStatus.PAUSED, commits=2),
    "interrupted": Run(3, "c", "api", numbered(3), 1, 600, SessionStatus.RUNNING, commits=2),
    "cancelled": Run(4, "d", "api", numbered(3), 1, 600, SessionStatus.CANCELLED, commits=2),
    "unmerged": Run(5, "e", "api", numbered(3), 3, 600, SessionStatus.COMPLETED, merge="pending",
                    commits=2),
}  # fmt: skip


@pytest.mark.parametrize("state", OPEN_RUNS)
async def test_what_has_unmerged_commits_is_archived_at_the_second_asking(
    state: str, home: Home, tmp_path: Path
) -> None:
    run = OPEN_RUNS[state]
    instead = "m merges, " if state == "unmerged" else ""
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            assert app.listing.rows[run.id].state == state
            await press(pilot, "D")
            assert not archived(home, run.id)
            assert said(app) == ("Not archived: 2 commits are not merged into main. "
                                 f"{instead}D again archives and keeps the branch.")  # fmt: skip
            await press(pilot, "D")
            assert archived(home, run.id)


async def test_archiving_several_says_which_have_unmerged_commits(
    home: Home, tmp_path: Path
) -> None:
    merged = Run(6, "f", "api", numbered(3), 3, 600, SessionStatus.COMPLETED, merge="merged",
                 commits=2)  # fmt: skip
    with prepared(home, tmp_path / "src", (*OPEN_RUNS.values(), merged)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "asterisk", "D")
            assert isinstance(app.screen, Confirm)
            words = {one.row.id: one.words for one in app.screen.question.touched}
    assert words.pop(merged.id) == "hidden from the list"
    assert set(words.values()) == {"2 commits not merged; the branch stays"}


@pytest.mark.parametrize(("mark", "key"), [("space", "x"), ("space", "P"), ("escape", "x")])
async def test_of_a_long_home_the_command_of_a_question_keeps_its_id(
    store: PreparedStore, tmp_path: Path, mark: str, key: str
) -> None:
    app = dashboard(store.home, tmp_path)
    far = f"/{'a-long-way/' * 12}"
    with mock.patch.object(Backend, "prodigy_word", f"PRODIGY_HOME={far} prodigy"):
        async with running(app, (80, 24)) as pilot:
            run_id = in_state(app, State.RUNNING)
            select(app, run_id)
            await press(pilot, mark, key)
            assert isinstance(app.screen, Confirm)
            lines = [line.text for line in app.screen.query_one(_Body).lines]
    (told,) = (line for line in lines if line.startswith("$"))
    assert "PRODIGY_HOME=… prodigy " in told and run_id[8:16] in told


async def test_marked_sessions_are_acted_on_together_after_one_question(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        running_ids = [row.id for row in app.listing.rows.values() if row.state is State.RUNNING]
        paused = in_state(app, State.PAUSED)
        for run_id in (*running_ids, paused):
            select(app, run_id)
            await press(pilot, "space")
        assert list(app.listing.marked) == [*running_ids, paused]
        await press(pilot, "p")
        assert all(asked(store.home, run_id) == ["pause"] for run_id in running_ids)
        assert toasted(app) == "2 asked to pause. translate-docs: already paused."
        assert list(app.listing.marked) == [paused]
        for run_id in running_ids:
            select(app, run_id)
            await press(pilot, "space")
        await press(pilot, "x")
        assert isinstance(app.screen, Confirm)
        assert len(app.screen.question.touched) == 3
        assert "prodigy cancel " in app.screen.question.command
        await press(pilot, "enter")
        assert all("cancel" not in asked(store.home, run_id) for run_id in running_ids)
        await press(pilot, "x", "x")
        assert all("cancel" in asked(store.home, run_id) for run_id in running_ids)


async def test_ranges_and_all_shown_are_marked_and_esc_unmarks(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "v", "j", "j", "v")
        assert list(app.listing.marked) == app.listing.view[:3]
        await press(pilot, "escape")
        assert not app.listing.marked
        await press(pilot, "4", "asterisk")
        assert set(app.listing.marked) == set(app.listing.view)
        await press(pilot, "1", "D", "enter")
        assert all(archived(store.home, row.id) for row in app.archived[0])
        assert len(app.archived[0]) == 2


async def test_grouping_this_repository_and_sorts(store: PreparedStore, tmp_path: Path) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        selected = app.listing.selected
        await press(pilot, "b")
        assert grouping(app) is Grouping.REPOSITORY
        heading = app.listing.heading_at(0)
        assert heading is not None and heading.count > 0
        sessions = app.screen.query_one(SessionList)
        assert app.listing.selected == selected
        await press(pilot, "g", "k")
        assert app.listing.at(sessions.cursor) is not None
        await press(pilot, "b", "b")
        assert grouping(app) is Grouping.NONE
        await press(pilot, "full_stop")
        assert said(app) == ".: not in a git repository"
        app.repository = "webapp"
        await press(pilot, "full_stop")
        assert {app.listing.rows[one].repo for one in app.listing.view} == {"webapp"}
        await press(pilot, "escape")
        assert len(app.listing) == len(app.listing.rows)


async def test_a_terminal_too_small_says_so_until_it_is_not(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app, (52, 12)) as pilot:
        assert isinstance(app.screen, TooSmallScreen)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not isinstance(app.screen, TooSmallScreen), "it is large enough")


async def test_keys_stay_alive_while_the_store_changes_fifty_times_a_second(
    home: Home, tmp_path: Path
) -> None:
    runs = tuple(
        Run(number, "work", "api", numbered(3), 1, 60, SessionStatus.PAUSED,
            stop={"kind": "pause"}) for number in range(1, 60)
    )  # fmt: skip
    with prepared(home, tmp_path / "src", runs) as store:
        app = dashboard(home, tmp_path, live=True, settings=Settings())
        async with running(app) as pilot:
            sessions = app.screen.query_one(SessionList)
            paths = [store.home.session_file(run.id) for run in runs]
            times = await _press_while_writing(pilot, sessions, paths)
        assert sorted(times)[len(times) // 2] < 0.2


async def _press_while_writing(
    pilot: Pilot[Any], sessions: SessionList, paths: list[Path]
) -> list[float]:
    """How long each of twenty presses took to move the cursor, with writes between."""
    times = []
    for number in range(20):
        for path in paths[number : number + 3]:
            new = path.with_name(f".{path.name}.new")
            new.write_text(
                path.read_text("utf-8").replace('"current_step": 1', '"current_step": 2')
            )
            new.replace(path)
        before, began = sessions.cursor, time.monotonic()
        await pilot.press("j")
        await until(pilot, lambda before=before: sessions.cursor == before + 1, "the cursor moved")  # type: ignore[misc]
        times.append(time.monotonic() - began)
    return times
