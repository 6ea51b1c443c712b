"""Whatever sessions and files say, every screen holds its layout, shows text as text, and lives."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from app.tui.app import ProdigyApp
from app.tui.screens.dry_run import DryRun
from app.tui.screens.session import SessionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.screens.tabs.tab import TABS
from app.tui.widgets.session_list import SessionList
from store.home import Home
from tests.app.tui.driving import _workers_done, dashboard, press, running, until
from tests.app.tui.hostile_store import MARKED, TEXTS, WRONG, HostileStore, hostile
from tests.app.tui.workflow_files import make_project

SMALL, NORMAL = (80, 24), (120, 40)
SIZES = pytest.mark.parametrize("size", [SMALL, NORMAL], ids=["80x24", "120x40"])
LEFT_TO_RIGHT = "\u200e"
"""What stands around right-to-left text, so that it moves nothing beside it."""
CONTROLS = re.compile(
    "[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileStore]:
    directory = tmp_path_factory.mktemp("hostile")
    yield from hostile(Home(directory / "home"), directory / "src")


async def calm(pilot: Pilot[Any]) -> None:
    """Wait until nothing is being read, and what was read has arrived in every widget."""
    for _ in range(2):
        await _workers_done(pilot.app)
        await pilot._wait_for_screen()
    if pilot.app._exception is not None:
        raise pilot.app._exception


def assert_holds(app: ProdigyApp, where: str) -> str:
    """Every line is as wide as the screen and has no control character; returns what is shown."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) == height, where
    shown = []
    for y, strip in enumerate(strips):
        text = "".join(segment.text for segment in strip)
        assert cell_len(text) == width, f"{where}: line {y} has {cell_len(text)} cells: {text!r}"
        plain = text.replace(LEFT_TO_RIGHT, "")
        assert not CONTROLS.search(plain), f"{where}: line {y}: {text!r}"
        shown.append(plain)
    if isinstance(app.screen, SessionsScreen | SessionScreen):
        said = app.screen.query_one("Footer").said  # type: ignore[attr-defined]
        assert not said.startswith("could not"), f"{where}: {said}"
    assert not app.store_problem, f"{where}: {app.store_problem_words}"
    return "\n".join(shown)


@asynccontextmanager
async def opened(store: HostileStore, size: tuple[int, int], **options: Any) -> AsyncIterator[Any]:
    app = dashboard(store.home, store.projects, **options)
    async with running(app, size) as pilot:
        yield app, pilot


@SIZES
async def test_the_list_shows_every_session_on_one_line(
    store: HostileStore, size: tuple[int, int]
) -> None:
    async with opened(store, size) as (app, pilot):
        assert set(store.runs.values()) - {"..x"} == set(app.listing.rows)
        sessions = app.screen.query_one(SessionList)
        for y in range(0, len(app.listing), 1 if size == SMALL else 5):
            sessions.place_cursor(y)
            app.screen.read_detail()
            await calm(pilot)
            row = app.listing.current
            shown = assert_holds(app, f"row {row}")
            if row.workflow.startswith(MARKED):
                assert shown.count(MARKED) >= 2, f"the name is not readable: {shown}"


@SIZES
async def test_every_tab_shows_every_text_as_text(
    store: HostileStore, size: tuple[int, int]
) -> None:
    async with opened(store, size) as (app, pilot):
        odd = ("very many", "pipes for everything", "directories for everything")
        for what in (*TEXTS, *odd) if size == SMALL else ("wide", "right-to-left", "very many"):
            await visit_tabs(app, pilot, store.runs[what], what)


async def test_every_tab_lives_with_wrong_types_in_every_field(store: HostileStore) -> None:
    async with opened(store, (100, 30)) as (app, pilot):
        for what in WRONG:
            session = store.runs[f"{what} in all fields"]
            await visit_tabs(app, pilot, session, what, leave_out=("changes", "output"))


async def visit_tabs(
    app: ProdigyApp, pilot: Pilot[Any], session: str, what: str, leave_out: Sequence[str] = ()
) -> None:
    """Look at every tab of a session; what it is made of can be read in them."""
    screen = SessionScreen(session)
    app.push_screen(screen)
    for tab in (one for one in TABS if one.name not in leave_out):
        await calm(pilot)
        screen.show_tab(tab.name)
        await calm(pilot)
        about = f"{what}: {tab.title}"
        assert_holds(app, about)
        if what in TEXTS and tab.name in ("steps", "failure", "events", "variables"):
            is_readable = partial(_is_readable, app, about)
            await until(pilot, is_readable, f"{about} is readable")
        if what not in WRONG and tab.name in ("events", "steps"):
            await pilot.press("enter")
            await calm(pilot)
            assert_holds(app, f"{about} opened")
    app.pop_screen()
    await calm(pilot)


def _is_readable(app: ProdigyApp, where: str) -> bool:
    """Whether the text is shown elsewhere than in the header, too."""
    return assert_holds(app, where).count(MARKED) > 2


MODALS = {
    "escapes": ("r", "R", "x", "D", "question_mark", "t"),
    "lines": ("r", "R", "ctrl+p"),
    "long wide": ("m", "y", "f"),
    "wide": ("S", "D", "y"),
    "controls": ("m", "y"),
    "surrogates": ("r", "x", "y"),
    "very many": ("R", "f"),
    "newer format": ("r", "f"),
    "unknown status": ("r", "f"),
    "cut record": ("r", "f"),
    "named a\nb": ("r", "y", "l"),
}
"""Keys that open something over the list, for some sessions."""


@SIZES
async def test_everything_opened_over_the_list_holds(
    store: HostileStore, size: tuple[int, int]
) -> None:
    async with opened(store, size) as (app, pilot):
        for what, keys in list(MODALS.items())[: 3 if size == NORMAL else None]:
            for key in keys:
                app.screen.query_one(SessionList).place_cursor(
                    app.listing.line_of(store.runs[what]) or 0
                )
                await pilot.press(key)
                await calm(pilot)
                assert_holds(app, f"{what}: {key}")
                while not isinstance(app.screen, SessionsScreen):
                    await pilot.press("escape")
                    await calm(pilot)
        for key in ("b", "b", "b", "asterisk", "x", "escape", "slash", "m"):
            await pilot.press(key)
            await calm(pilot)
            assert_holds(app, f"key {key}")
        app.toast(" ".join(TEXTS.values()), "error")
        app.screen.say(" ".join(TEXTS.values()))
        await calm(pilot)
        assert_holds(app, "toast and footer")


@SIZES
async def test_new_run_and_its_dry_run_show_files_and_names_as_text(
    tmp_path: Path, home: Home, size: tuple[int, int]
) -> None:
    directory = tmp_path / "project"
    make_project(directory)
    text = "marked \x1b[31m [red]漢\u202e\ttab"
    for name in ("marked \x1b[31m [b]", "漢" * 60, "מרחב", "n" * 200, "blank  s", "\udcff"):
        (directory / "workflows" / f"{name}.yml").write_text(
            f"name: {json.dumps(text)}\nparameters:\n  a b:\n    description: {json.dumps(text)}\n"
            f"    default: {json.dumps(text)}\ncommands:\n  - shell: {json.dumps('echo ' + text)}\n"
            f"    name: {json.dumps(text)}\n    when: {json.dumps(text)}\n"
            f"  - {json.dumps(text)}: 1\n"
        )
        (directory / f"{name} uncommitted").write_text("")
    (directory / "workflows" / "binary.yml").write_bytes(b"commands:\n  - shell: \0\xff\n")
    (directory / "workflows" / "deep.yml").write_text("commands: " + "[" * 5_000)
    os.mkfifo(directory / "workflows" / "pipe.yml")
    (directory / "workflows" / "again.yml").symlink_to("again.yml")
    app = dashboard(home, directory)
    async with running(app, size) as pilot:
        await press(pilot, "n")
        for _ in range(12 if size == SMALL else 3):
            assert_holds(app, "new run")
            await pilot.press("ctrl+t")
            await calm(pilot)
            assert_holds(app, "dry run")
            if isinstance(app.screen, DryRun):
                await pilot.press("escape")
            await pilot.press("j")
            await calm(pilot)
