"""What the dashboard promises: it follows the store, and every action happens or says why not."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.status_style import Chip
from app.tui.actions import ACTIONS, Subject, Where, action
from app.tui.app import ProdigyApp
from app.tui.details import SessionDetail
from app.tui.screens.confirm import Confirm
from app.tui.screens.new_run import NewRunScreen
from app.tui.screens.resume_plan import ResumePlanScreen
from app.tui.screens.session import SessionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.widgets.detail import Detail
from app.tui.widgets.footer import Footer
from app.tui.widgets.session_list import SessionList
from store.home import Home
from store.requests import pending
from store.row import SessionRow
from store.states import SessionStatus, State
from store.times import utc_now
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import PreparedStore, Run
from tests.app.tui.sample_runs import failed_run, numbered, prepared
from tests.world import World

RUNNING_ID = "session-00000009-7d0e-4b57-9e0a-5c1f2b8d6e40"
PAUSED_ID = "session-0000000c-7d0e-4b57-9e0a-5c1f2b8d6e40"


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src") as made:
        yield made


def another(number: int) -> Run:
    return Run(number, "late-comer", "api", numbered(2), 0, 1, SessionStatus.FAILED,
               failure={"exit_code": 7}, error="exit 7")  # fmt: skip


async def test_every_session_of_the_store_is_a_row_and_the_chips_partition_them(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app):
        listing = app.listing
        assert len(listing) == len(list(store.home.sessions.glob("*.json")))
        assert sum(listing.count(chip) for chip in Chip) == listing.count(None)
        states = {listing.rows[run_id].state for run_id in listing.view}
        assert {State.FAILED, State.INTERRUPTED, State.STALLED, State.UNREADABLE} <= states
        order = [listing.rows[run_id].state.order for run_id in listing.view]
        assert order == sorted(order)


async def test_a_session_that_appears_is_shown_and_the_cursor_stays_on_its_session(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path, live=True)
    async with running(app) as pilot:
        await pilot.press("down", "down", "down")
        selected = app.listing.selected
        new = store.add(another(0x777))
        await until(pilot, lambda: new in app.listing.rows, "the new session is listed")
        await until(pilot, lambda: app.listing.line_of(new) == 0, "it is first")
        assert app.listing.selected == selected
        sessions = app.screen.query_one(SessionList)
        assert app.listing.view[sessions.cursor] == selected


async def test_a_killed_owner_is_shown_as_interrupted_within_two_seconds(
    home: Home, tmp_path: Path
) -> None:
    run = Run(1, "work", "api", numbered(3), 1, 1, SessionStatus.RUNNING, owner="live", silent=0)
    with prepared(home, tmp_path / "src", (run,)) as store:
        app = dashboard(home, tmp_path, live=True)
        async with running(app) as pilot:
            assert app.listing.rows[run.id].state is State.RUNNING
            began = time.monotonic()
            store.close()
            await until(
                pilot,
                lambda: app.listing.rows[run.id].state is State.INTERRUPTED,
                "it is interrupted",
            )
            assert time.monotonic() - began < 8


async def test_filter_and_chips_show_what_is_asked_for(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "slash", *"repo:api", "space", *"status:failed")
        shown = [app.listing.rows[run_id] for run_id in app.listing.view]
        assert [(row.repo, row.state) for row in shown] == [("api", State.FAILED)]
        await press(pilot, "escape")
        assert len(app.listing) == app.listing.count(None)
        await press(pilot, "4")
        assert {app.listing.rows[one].state for one in app.listing.view} == {State.PAUSED}


def row(state: State) -> SessionRow:
    return SessionRow(id="session-7c1e4f02", state=state, total_steps=3, error="x")


ALLOWED = {
    "resume": {State.FAILED, State.UNREADABLE, State.NO_RECORD, State.INTERRUPTED, State.UNKNOWN,
               State.PAUSED},
    "pause": {State.STALLED, State.NEEDS_ANSWER, State.WAITING, State.RUNNING, State.STARTING},
    "pause_now": {State.STALLED, State.NEEDS_ANSWER, State.WAITING, State.RUNNING, State.STARTING,
                  State.PAUSING},
    "cancel": {State.STALLED, State.NEEDS_ANSWER, State.WAITING, State.RUNNING, State.STARTING,
               State.PAUSING, State.PAUSED, State.INTERRUPTED},
}  # fmt: skip


@pytest.mark.parametrize("name", ALLOWED)
@pytest.mark.parametrize("state", list(State))
def test_an_action_is_possible_or_says_why_not(name: str, state: State) -> None:
    why = action(name).why_not(Subject(row(state)))
    if state in ALLOWED[name]:
        assert why is None
    else:
        assert why and not why.endswith(".")


@pytest.mark.parametrize("name", [*ALLOWED, "new_run"])
def test_nothing_is_written_where_nothing_may_be(name: str) -> None:
    for state in State:
        subject = Subject(row(state), blocked="this dashboard is read-only")
        assert action(name).why_not(subject) == "this dashboard is read-only"


def test_every_action_has_a_function_and_no_key_means_two_things() -> None:
    from app.tui import performing

    for where in Where:
        keys = [key for one in ACTIONS if where in one.where for key in one.keys]
        assert len(keys) == len(set(keys))
    for one in ACTIONS:
        assert callable(getattr(performing, one.name)), one.name


async def test_a_disabled_key_says_why_in_the_footer(store: PreparedStore, tmp_path: Path) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "p")
        assert app.screen.query_one(Footer).said == "p: not running"


def select(app: ProdigyApp, run_id: str) -> None:
    place = app.listing.line_of(run_id)
    assert place is not None
    app.screen.query_one(SessionList).place_cursor(place)


async def test_pause_writes_a_request_to_the_owner_and_the_row_shows_it_at_once(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        select(app, RUNNING_ID)
        await press(pilot, "p")
        (asked,) = pending(store.home, RUNNING_ID)
        assert (asked.action, asked.to) == ("pause", "token9")
        assert app.listing.rows[RUNNING_ID].state is State.PAUSING


async def test_the_detail_says_the_state_that_the_list_says(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        select(app, RUNNING_ID)
        await settled(pilot)
        pane, read, goes_on = app.screen.query_one(Detail), app.backend.detail, threading.Event()

        def slow(row: SessionRow) -> SessionDetail:
            goes_on.wait(20)
            return read(row)

        monkeypatch.setattr(app.backend, "detail", slow)
        await pilot.press("ctrl+r")
        await pilot.press("p")
        await until(pilot, lambda: _state(app, RUNNING_ID) is State.PAUSING, "it is pausing")
        assert pane.detail is not None and pane.detail.row.state is State.PAUSING
        goes_on.set()
        await settled(pilot)
        assert pane.detail.row.state is State.PAUSING


async def test_keys_move_the_cursor_once_an_empty_list_has_rows(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", ()) as store:
        app = dashboard(home, tmp_path, live=True)
        async with running(app) as pilot:
            assert not app.screen.query_one(SessionList).display
            added = [store.add(another(number)) for number in (1, 2)]
            await until(pilot, lambda: len(app.listing) == len(added), "both are listed")
            first = app.listing.selected
            await pilot.press("g", "j")
            await until(pilot, lambda: app.listing.selected != first, "the cursor moved")


async def test_pause_now_asks_first_when_the_step_ran_long(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        select(app, RUNNING_ID)
        await press(pilot, "P")
        assert isinstance(app.screen, Confirm)
        assert pending(store.home, RUNNING_ID) == []
        await press(pilot, "P")
        assert [one.action for one in pending(store.home, RUNNING_ID)] == ["pause_now"]


async def test_cancel_asks_and_enter_keeps_the_session(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        select(app, RUNNING_ID)
        await press(pilot, "x", "enter")
        assert pending(store.home, RUNNING_ID) == []
        await press(pilot, "x", "x")
        assert [one.action for one in pending(store.home, RUNNING_ID)] == ["cancel"]


async def test_cancel_of_a_paused_session_is_done_here(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        select(app, PAUSED_ID)
        await press(pilot, "x", "x")
        record = json.loads(store.home.session_file(PAUSED_ID).read_text("utf-8"))
        assert record["status"] == "Cancelled"


async def test_open_failure_output_and_checkpoints_show_the_session(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        select(app, failed_run().id)
        for key, tab in (("enter", "steps"), ("f", "failure"), ("l", "output"),
                         ("c", "checkpoints")):  # fmt: skip
            await press(pilot, key)
            front = app.screen
            assert isinstance(front, SessionScreen)
            assert front.tab is not None and front.tab.id == f"tab-{tab}"
            await press(pilot, "escape")
            assert isinstance(app.screen, SessionsScreen)


async def test_ctrl_c_ends_nothing_and_says_how_to_leave(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "ctrl+c")
        assert app.is_running
        assert app.screen.query_one(Footer).said == "q quits the dashboard; runs go on."


async def test_outside_text_is_never_markup_and_controls_are_seen(
    home: Home, tmp_path: Path
) -> None:
    run = Run(1, "[red]x\x1b[31m\n\u202e", "a[b]c", numbered(2), 1, 5, SessionStatus.FAILED,
              failure={"exit_code": 1}, error="[/] \x1b]0;x\x07")  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            for keys in ((), ("enter",), ("3",), ("escape",), ("question_mark",)):
                await press(pilot, *keys)
                drawn = app.export_screenshot()
                assert "\x1b" not in drawn
            await press(pilot, "escape", "r")
            assert isinstance(app.screen, ResumePlanScreen)


async def test_a_home_that_cannot_be_read_is_said_and_keys_stay_alive(
    store: PreparedStore, tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    store.home.root.chmod(0)
    try:
        app = dashboard(store.home, tmp_path)
        async with running(app) as pilot:
            assert app.store_problem
            await press(pilot, "question_mark", "escape")
    finally:
        store.home.root.chmod(0o700)


# -- with the real program -------------------------------------------------------------------------

HELLO = "commands:\n  - shell: echo hello\n  - shell: test -e {gate}\n"


async def test_a_run_is_started_fails_is_resumed_and_completes(world: World) -> None:
    gate = world.repository.parent / "gate"
    workflows = world.repository / "workflows"
    workflows.mkdir()
    (workflows / "hello.yml").write_text(HELLO.format(gate=gate), encoding="utf-8")
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)
    async with running(app) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewRunScreen), "New run is shown")
        screen = app.screen
        assert isinstance(screen, NewRunScreen)
        await until(pilot, lambda: screen.against() is None, "it can be started")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(app.started_here), "the run has begun")
        run_id = world.only_id
        await until(pilot, lambda: _state(app, run_id) is State.FAILED, "it has failed")
        gate.touch()
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ResumePlanScreen), "the plan is shown")
        plan = app.screen
        assert isinstance(plan, ResumePlanScreen)
        await until(pilot, lambda: plan.body.plan is not None, "the plan is made")
        assert plan.body.plan is not None and plan.body.plan.impossible is None
        await pilot.press("enter")
        done = (State.COMPLETED, State.UNMERGED)
        await until(pilot, lambda: _state(app, run_id) in done, "it is complete")
    assert world.log(0) == "hello\n"


async def test_a_run_that_cannot_begin_shows_its_own_error(world: World) -> None:
    workflows = world.repository / "workflows"
    workflows.mkdir()
    text = 'secrets:\n  TOKEN: "${env:NO_SUCH_TOKEN}"\ncommands:\n  - shell: "true"\n'
    (workflows / "secret.yml").write_text(text, encoding="utf-8")
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)
    async with running(app) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewRunScreen), "New run is shown")
        screen = app.screen
        assert isinstance(screen, NewRunScreen)
        await until(pilot, lambda: screen.against() is None, "it can be started")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(screen._trouble), "its error is shown")
        assert world.records == []


def _state(app: ProdigyApp, run_id: str) -> State | None:
    found = app.listing.rows.get(run_id)
    return found.state if found is not None else None
