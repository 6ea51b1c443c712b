"""A person is called once when sessions begin to need one, in the way that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.tui import attention
from app.tui.app import ProdigyApp
from app.tui.screens.session import SessionScreen
from app.tui.settings import Call, Settings
from app.tui.widgets.toast import Toast
from store.home import Home
from store.states import SessionStatus, State
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import PreparedStore, Run
from tests.app.tui.sample_runs import numbered, prepared


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    """Three runs at work."""
    runs = tuple(
        Run(number, f"work-{number}", "api", numbered(3), 1, 1, SessionStatus.RUNNING, owner="live",
            silent=0)
        for number in (1, 2, 3)
    )  # fmt: skip
    with prepared(home, tmp_path / "src", runs) as made:
        yield made


@pytest.fixture(autouse=True)
def gathered_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "GATHER_SECONDS", 0.2)


class Heard:
    """What the person hears of an app: bells, and what the terminal tells."""

    def __init__(self, app: ProdigyApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bells = 0
        self.told: list[str] = []
        monkeypatch.setattr(app, "bell", self._ring)
        monkeypatch.setattr(app, "notify_terminal", self.told.append)

    def _ring(self) -> None:
        self.bells += 1


def become(app: ProdigyApp, state: State, *numbers: int) -> None:
    """Let sessions be in another state, as if the store said so."""
    names = {f"work-{number}" for number in numbers}
    rows = [row for row in app.listing.rows.values() if row.workflow in names]
    app.take(tuple(row._replace(state=state) for row in rows))


async def test_sessions_that_fail_together_ring_once_and_each_only_when_it_begins(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(store.home, tmp_path, settings=Settings(call=Call.BELL))
    async with running(app) as pilot:
        app._live = True
        heard = Heard(app, monkeypatch)
        become(app, State.FAILED, 1)
        become(app, State.FAILED, 2)
        become(app, State.INTERRUPTED, 3)
        become(app, State.RUNNING, 3)
        await until(pilot, lambda: heard.bells == 1, "it rings")
        become(app, State.MERGE_FAILED, 1)
        await pilot.pause(0.5)
        assert heard.bells == 1
        assert not app.screen.query(Toast), "the rows say it already"
        become(app, State.RUNNING, 1)
        become(app, State.FAILED, 1)
        await until(pilot, lambda: heard.bells == 2, "it rings again for one that failed again")


async def test_what_is_not_in_view_is_told_in_words(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(store.home, tmp_path, settings=Settings(call=Call.NOTIFY))
    async with running(app) as pilot:
        app._live = True
        heard = Heard(app, monkeypatch)
        await press(pilot, "enter")
        become(app, State.FAILED, 1, 2, 3)
        await until(pilot, lambda: bool(heard.told), "the terminal tells it")
        await settled(pilot)
        assert heard.told == ["3 sessions failed"]
        assert heard.bells == 0
        (toast,) = app.screen.query(Toast)
        assert toast.words == "2 sessions failed  ! goes there"
        before = app.listing.selected
        await press(pilot, "exclamation_mark")
        assert isinstance(app.screen, SessionScreen)
        assert app.screen.run_id == app.listing.selected != before


async def test_switched_off_nothing_is_heard(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(store.home, tmp_path, settings=Settings(call=Call.OFF))
    async with running(app) as pilot:
        app._live = True
        heard = Heard(app, monkeypatch)
        await press(pilot, "enter")
        become(app, State.FAILED, 1, 2, 3)
        await until(pilot, lambda: bool(app.screen.query(Toast)), "it is told in words")
        assert (heard.bells, heard.told) == (0, [])
