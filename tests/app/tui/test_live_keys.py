"""Keys take effect at once however much goes on in the store, and nothing that went on is lost."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest

from app.tui.listing import Listing
from store.home import Home
from store.row import SessionRow
from store.states import SessionStatus, State
from tests.app.tui.driving import dashboard, running, until
from tests.app.tui.prepared_store import Run
from tests.app.tui.sample_runs import numbered, prepared

RUNS = tuple(
    Run(number, "work", "api", numbered(2), 1, 60 + number, SessionStatus.FAILED,
        failure={"exit_code": 1}, error="exit 1")
    for number in range(1, 21)
)  # fmt: skip
CHANGES_A_SECOND = 50


@contextmanager
def changing(home: Home, ids: Iterable[str]) -> Iterator[dict[str, str]]:
    """Records that change all the time; gives the last error written to each."""
    last: dict[str, str] = {}
    stop = threading.Event()

    def change() -> None:
        for number, run_id in enumerate(cycle(ids)):
            path = home.session_file(run_id)
            document = json.loads(path.read_bytes()) | {"error": f"change {number}"}
            new = path.with_name(f".{path.name}.new")
            new.write_text(json.dumps(document), encoding="utf-8")
            new.replace(path)
            last[run_id] = document["error"]
            if stop.wait(1 / CHANGES_A_SECOND):
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield last
    finally:
        stop.set()
        thread.join()


async def test_keys_take_effect_while_the_store_changes_and_every_last_change_is_shown(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with prepared(home, tmp_path / "src", RUNS):
        app = dashboard(home, tmp_path, live=True)
        shown, taken = app.take, [0]

        def take(rows: tuple[SessionRow, ...], removed: tuple[str, ...] = ()) -> None:
            taken[0] += 1
            shown(rows, removed)

        monkeypatch.setattr(app, "take", take)
        async with running(app) as pilot:
            listing = app.listing
            with changing(home, [run.id for run in RUNS]) as last:
                await until(pilot, lambda: taken[0] > 2, "changes are followed")
                line = listing.line_of(listing.selected) or 0
                for key, by in [("j", 1)] * 12 + [("k", -1)] * 8:
                    before, line = taken[0], line + by
                    app.simulate_key(key)
                    while listing.line_of(listing.selected) != line:
                        assert taken[0] - before < 5, "changes go before keys"
                        await asyncio.sleep(0.001)
                    await pilot.pause(0.05)
                    assert listing.line_of(listing.selected) == line
            await until(
                pilot,
                lambda: all(listing.rows[run_id].error == word for run_id, word in last.items()),
                "every last change is shown",
            )


async def test_of_very_many_sessions_the_letters_of_a_filter_never_wait_for_what_it_finds(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tui.listing.MANY", 5)
    goes_on = threading.Event()
    arrange = Listing.arrange

    def slow(listing: Listing) -> None:
        if threading.current_thread() is not threading.main_thread():
            goes_on.wait(20)
        arrange(listing)

    with prepared(home, tmp_path / "src", RUNS):
        app = dashboard(home, tmp_path, live=True)
        async with running(app) as pilot:
            monkeypatch.setattr(Listing, "arrange", slow)
            await pilot.press("slash", *"id:0000000")
            assert app.listing.query.text == "id:0000000" and len(app.listing) == len(RUNS)
            goes_on.set()
            await until(pilot, lambda: len(app.listing) == 15, "what was typed last is found")
            await pilot.press("escape")
            await until(pilot, lambda: len(app.listing) == len(RUNS), "all are shown again")


async def test_without_the_focus_states_show_at_once_and_everything_else_twice_a_second(
    home: Home, tmp_path: Path
) -> None:
    with prepared(home, tmp_path / "src", RUNS[:2]):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            app.app_focus = False
            first, second = app.listing.rows.values()
            app.take((first._replace(error="other words"), second._replace(state=State.MERGED)))
            assert app.listing.rows[first.id] == first
            assert app.listing.rows[second.id].state is State.MERGED
            await until(
                pilot, lambda: app.listing.rows[first.id].error == "other words", "it is shown"
            )
