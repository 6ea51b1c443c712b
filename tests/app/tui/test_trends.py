"""Trends: what many runs say, in numbers that are right and pictures that are looked at."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.actions import action
from app.tui.backend import Backend
from app.tui.screens.sessions import SessionsScreen
from app.tui.screens.trends import TrendsScreen
from app.tui.trends import (
    Period,
    TrendSort,
    cost_words,
    duration_step,
    levels,
    read_trends,
    tick_words,
)
from app.tui.typed import tilde
from app.tui.widgets.footer import Footer
from app.tui.widgets.header import Header
from app.tui.widgets.trend_charts import TimeChart
from app.tui.widgets.trend_list import TrendHead, TrendList, change_words
from store.home import Home
from store.row import SessionRow
from store.states import State
from store.times import utc_now
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import NOW
from tests.app.tui.sample_runs import prepared
from tests.app.tui.trend_runs import trend_runs
from tests.program import Program


@pytest.fixture(scope="module")
def trend_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two months of runs; made once, as nothing here changes them."""
    place = tmp_path_factory.mktemp("trends")
    home = Home(place / ".prodigy")
    with prepared(home, place / "src", tuple(trend_runs())):
        yield home


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    ("name", "keys"),
    [("month", ("j",)), ("week", ("1",)), ("all", ("4",)), ("sorted", ("s",))],
)
def test_screen(
    name: str, keys: tuple[str, ...], size: tuple[int, int], trend_home: Home, snap_compare: Any
) -> None:
    app = dashboard(trend_home, trend_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "t", *keys)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=drive)


@pytest.mark.parametrize("ascii_only", [False, True], ids=["180x48", "ascii"])
def test_wide_and_ascii(ascii_only: bool, trend_home: Home, snap_compare: Any) -> None:
    app = dashboard(trend_home, trend_home.root.parent, ascii_only=ascii_only)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "t", "3")

    assert snap_compare(app, terminal_size=(180, 48), run_before=drive)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_nothing_in_a_period(size: tuple[int, int], tmp_path: Path, snap_compare: Any) -> None:
    home = Home(tmp_path / ".prodigy")
    runs = tuple(run for run in trend_runs(50) if run.ended > 40 * 86_400)[:3]
    with prepared(home, tmp_path / "src", runs):
        app = dashboard(home, tmp_path)

        async def drive(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await press(pilot, "t", "1")

        assert snap_compare(app, terminal_size=size, run_before=drive)


async def test_enter_shows_the_sessions_of_the_workflow(trend_home: Home) -> None:
    app = dashboard(trend_home, trend_home.root.parent)
    async with running(app) as pilot:
        await press(pilot, "t", "j", "enter")
        assert isinstance(app.screen, SessionsScreen)
        shown = [app.listing.rows[run_id].workflow for run_id in app.listing.view]
        assert set(shown) == {"fix-flaky-tests"} and len(shown) == 60


@pytest.fixture(scope="module")
def every_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Runs in every state, in several repositories."""
    place = tmp_path_factory.mktemp("every")
    with prepared(Home(place / ".prodigy"), place / "src"):
        yield Home(place / ".prodigy")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_by_repository(size: tuple[int, int], every_home: Home, snap_compare: Any) -> None:
    app = dashboard(every_home, every_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "t", "b", "j")

    assert snap_compare(app, terminal_size=size, run_before=drive)


async def test_by_repository_enter_shows_the_sessions_of_the_repository(every_home: Home) -> None:
    app = dashboard(every_home, every_home.root.parent)
    async with running(app) as pilot:
        await press(pilot, "t", "b")
        chosen = app.screen.query_one(TrendList).chosen
        assert chosen is not None
        await press(pilot, "enter")
        shown = [app.listing.rows[run_id].repo for run_id in app.listing.view]
        assert set(shown) == {chosen.name} and len(shown) == chosen.totals.runs
        await press(pilot, "t", "b", "b")
        assert "WORKFLOW" in app.screen.query_one(TrendHead).lines[0].text


async def test_a_click_on_a_head_sorts_by_it(every_home: Home) -> None:
    app = dashboard(every_home, every_home.root.parent)
    async with running(app) as pilot:
        await press(pilot, "t")
        head = app.screen.query_one(TrendHead)
        await pilot.click(head, offset=(head.lines[0].text.index("COST"), 0))
        await settled(pilot)
        assert "▼ COST" in app.screen.query_one(TrendHead).lines[0].text


@pytest.mark.parametrize("keys", [(), ("b",)], ids=["workflow", "repository"])
async def test_the_exported_file_is_what_the_shown_command_writes(
    keys: tuple[str, ...], every_home: Home, tmp_path: Path
) -> None:
    app = dashboard(every_home, tmp_path, clock=utc_now)
    async with running(app) as pilot:
        await press(pilot, "t", "4", *keys, "X")
        assert isinstance(app.screen, TrendsScreen)
        (written,) = tmp_path.glob("*.csv")
        assert app.screen.query_one(Footer).said == f"Wrote {tilde(written)}."
        line = action("export_trends").command_line(app.screen.subject())
    assert line.endswith(f"--csv > {written.name}")
    words = shlex.split(line.partition(" sessions ")[2].partition(" > ")[0])
    place = {"PRODIGY_HOME": str(every_home.root)}
    done = Program(tmp_path, tmp_path)("sessions", *words, env=place).expect(0)
    assert written.read_text("utf-8") == done.stdout


async def test_a_read_only_dashboard_exports_nothing(every_home: Home, tmp_path: Path) -> None:
    app = dashboard(every_home, tmp_path, read_only=True)
    async with running(app) as pilot:
        await press(pilot, "t", "X")
        assert "read-only" in app.screen.query_one(Footer).said
        assert not list(tmp_path.glob("*.csv"))


async def test_keys_are_obeyed_while_thousands_of_runs_are_read(
    every_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    many = [run(place / 200) for place in range(10_000)]

    def slowly(_backend: Backend) -> list[SessionRow]:
        may_end.wait(20)
        return many

    monkeypatch.setattr(Backend, "every_run", slowly)
    app = dashboard(every_home, every_home.root.parent)
    async with running(app) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TrendsScreen), "it is open")
        await pilot.press("1")
        assert "last 7 days" in app.screen.query_one(Header).lines[0].text
        may_end.set()
        await settled(pilot)
        listed = app.screen.query_one(TrendList).chosen
        assert listed is not None and listed.totals.runs > 1000


async def test_the_cursor_stays_on_its_workflow_whatever_the_order(trend_home: Home) -> None:
    app = dashboard(trend_home, trend_home.root.parent)
    async with running(app) as pilot:
        await press(pilot, "t", "j", "j")
        listed = app.screen.query_one(TrendList)
        chosen = listed.chosen
        assert chosen is not None
        for key in ("s", "s", "4", "1"):
            await press(pilot, key)
            assert listed.chosen is not None and listed.chosen.name == chosen.name


async def test_steps_of_the_workflow_are_read_from_its_events(trend_home: Home) -> None:
    app = dashboard(trend_home, trend_home.root.parent)
    async with running(app) as pilot:
        await press(pilot, "t", "j")
        assert isinstance(app.screen, TrendsScreen)
        text = "\n".join(line.text for line in app.screen.query_one(TimeChart).lines)
        slow, flaky = text.split("FLAKIEST")
        assert slow.index("2 claude /work-on-it") < slow.index("3 pytest -q")
        assert "3 pytest -q" in flaky and "make build" not in flaky


def run(days_ago: float, seconds: float = 60, cost: float | None = None) -> SessionRow:
    started = NOW - timedelta(days=days_ago)
    return SessionRow(
        "x", State.MERGED, status="Completed", workflow="fix", active_seconds=seconds,
        started_us=int(started.timestamp() * 1e6), cost_usd=cost,
    )  # fmt: skip


def test_a_period_begins_at_midnight_and_includes_today() -> None:
    week = read_trends([run(0.1), run(6.3), run(7.2)], Period.WEEK, NOW, UTC)
    assert week.since == datetime(2026, 1, 9, tzinfo=UTC)
    assert week.total.runs == 2
    days, each = week.days(week.rows, 30)
    assert (len(days), each) == (7, 1)
    assert [day.totals.runs for day in days] == [1, 0, 0, 0, 0, 0, 1]


def test_long_periods_put_several_days_into_a_column() -> None:
    every = read_trends([run(0.1), run(100)], Period.ALL, NOW, UTC)
    days, each = every.days(every.rows, 30)
    assert each == 4 and len(days) <= 30
    assert sum(day.totals.runs for day in days) == 2


def test_no_runs_at_all_are_no_workflows() -> None:
    for period in Period:
        trends = read_trends([], period, NOW, UTC)
        assert trends.groups == () and trends.days((), 30)


@pytest.mark.parametrize("order", list(TrendSort))
def test_every_order_has_every_workflow(order: TrendSort) -> None:
    rows = [run(1), run(2, 5, 0.5)]
    trends = read_trends(rows, Period.WEEK, NOW, UTC)
    assert len(trends.sorted(order)) == 1


def test_a_sparkline_is_told_against_its_own_middle() -> None:
    assert levels([10, 12.1, 14.1, 100, 7.9, 5.9, 1, None], 10) == list("▃▄▅▆▂▁▁") + [" "]
    assert levels([0.0], 0.0) == ["▃"]


@pytest.mark.parametrize(
    ("highest", "step"), [(0.5, 1), (4, 1), (41 * 60, 12 * 60), (7200, 1800), (1e9, 30 * 86_400)]
)
def test_ticks_reach_over_the_highest_value(highest: float, step: int) -> None:
    assert duration_step(highest) == step


def test_ticks_are_short() -> None:
    assert [tick_words(one) for one in (0, 30, 90, 720, 7200, 86_400)] == [
        "0", "30s", "90s", "12m", "2h", "1d",
    ]  # fmt: skip


def test_what_was_spent_today_this_week_and_at_most() -> None:
    words = cost_words([run(0.1, cost=1), run(1, cost=2), run(9, cost=5)], NOW, UTC)
    assert (words.today, words.week, words.most) == ("$1.00", "$3.00", "$5.00  6 Jan")
    nothing = cost_words([run(1)], NOW, UTC)
    assert (nothing.today, nothing.week, nothing.most) == ("–", "–", "–")


def test_a_change_is_a_signed_share() -> None:
    told = [change_words(one) for one in (0.38, -0.02, 0.001, None)]
    assert told == ["+38 %", "−2 %", "0 %", "–"]
