"""Every action on a session in every state: it happens, or the footer says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.tui import editing, leaving, performing
from app.tui.actions import ACTIONS, FOOTERS, Where, action, actions_for
from app.tui.reasons import may_write, no_repository
from app.tui.screens.session import SessionScreen
from app.tui.screens.sessions import SessionsScreen
from store.home import Home
from store.states import State
from tests.app.tui.action_effects import (
    ALL,
    BLOCKABLE,
    IN_A_SESSION,
    LASTING,
    ON_THE_LIST,
    POSSIBLE,
    WRITING,
    Cell,
)
from tests.app.tui.driving import dashboard, running
from tests.app.tui.every_state import NEWER, one_of_each, tree

States = dict[State | str, str]
CHUNKS = {
    "looking": ("open_session", "show_failure", "show_output", "show_changes", "show_checkpoints",
                "copy", "help", "palette"),
    "resuming": ("resume", "resume_from", "skip_step", "merge"),
    "asking": ("pause", "pause_now", "shell", "edit_workflow"),
    "leading elsewhere": ("new_run", "trends", "filter", "reload"),
    "arranging": ("sort", "group", "here", "chip", "zoom", "theme"),
    "moving": ("mark", "mark_range", "mark_all", "next_attention", "next_session",
               "previous_session"),
    "undoing": ("restore",),
    "archiving": ("archive",),
    "ending": ("cancel", "quit"),
}  # fmt: skip


ONE_OF_EACH_CHIP = (State.FAILED, State.RUNNING, State.PAUSED, State.UNMERGED, NEWER)
THE_SAME = {one.name for one in ACTIONS if one.reason in (None, may_write, no_repository)} | {
    "show_output", "show_changes", "show_checkpoints"
}  # fmt: skip
"""What does not look at the session, and the tabs that are opened in every session below."""


@pytest.fixture
def states(home: Home, tmp_path: Path) -> Iterator[States]:
    with one_of_each(home, tmp_path / "src") as ids:
        yield ids


@pytest.fixture
def cell_of(states: States, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens a dashboard on the sessions; terminals it lends and its end are written down."""

    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[Cell]:
        app = dashboard(home, tmp_path, **options)
        monkeypatch.setenv("SHELL", "/bin/sh")

        def lend(_app: Any, command: Any, *, directory: Path | None = None, words: str = "") -> int:
            cell.lent.append((*command, "in", str(directory)))
            return 0

        monkeypatch.setattr(leaving, "lend_terminal", lend)
        monkeypatch.setattr(editing, "lend_terminal", lend)
        async with running(app) as pilot:
            cell = Cell(app, pilot, home)
            app.repository = "api"
            with monkeypatch.context() as patched:
                patched.setattr(app, "exit", lambda code=0, **_: cell.exits.append(code))
                yield cell

    return opened


def test_the_tables_of_the_tests_name_every_action_and_every_state(states: States) -> None:
    assert set(State) | {NEWER} == set(states)
    assert set(POSSIBLE) == {one.name for one in ACTIONS}
    assert set(ON_THE_LIST) == {one.name for one in actions_for(Where.SESSIONS)}
    assert sorted(name for names in CHUNKS.values() for name in names) == sorted(ON_THE_LIST)
    in_a_session = {one.name for one in actions_for(Where.SESSION)}
    assert set(IN_A_SESSION) | LASTING | {"back"} >= in_a_session


def test_an_action_is_one_entry_and_one_function() -> None:
    names = [one.name for one in ACTIONS]
    assert len(set(names)) == len(names)
    for name in names:
        assert callable(getattr(performing, name, None)), f"no function does {name}"
    for footer in FOOTERS.values():
        assert set(footer) <= set(names)


def possible(name: str, state: State | str) -> bool:
    if state == NEWER:
        return name not in WRITING | {"restore"} and State.FAILED in POSSIBLE[name]
    return state in POSSIBLE[name]


@pytest.mark.parametrize("chunk", CHUNKS)
async def test_on_the_list_it_happens_or_the_footer_says_why_not(
    chunk: str, cell_of: Any, states: States, home: Home
) -> None:
    async with cell_of() as cell:
        for state, run_id in states.items():
            kept = tree(home)
            for name in CHUNKS[chunk]:
                if not possible(name, state):
                    cell.select(run_id, state)
                    await says_why_not(cell, name)
            assert tree(home) == kept, f"something was written, of {state}"
            for name in CHUNKS[chunk]:
                if possible(name, state) and (state in ONE_OF_EACH_CHIP or name not in THE_SAME):
                    cell.app.listing.marked.clear()
                    cell.select(run_id, state)
                    await happens(cell, name, ON_THE_LIST)


@pytest.mark.parametrize("half", [0, 1])
async def test_in_a_session_it_happens_or_the_footer_says_why_not(
    half: int, cell_of: Any, states: States, home: Home
) -> None:
    async with cell_of() as cell:
        for state, run_id in list(states.items())[half::2]:
            cell.select(run_id, state)
            session = SessionScreen(run_id)
            cell.app.push_screen(session)
            await cell.pilot.pause()
            kept = tree(home)
            for one in actions_for(Where.SESSION):
                failed = one.name == "show_failure" and session.ever_failed
                if not possible(one.name, state) and not failed:
                    await says_why_not(cell, one.name)
            assert tree(home) == kept, f"something was written, of {state}"
            for name in sorted(IN_A_SESSION, key=lambda one: one == "show_failure"):
                tab = name.startswith(("show_", "tab_"))
                if possible(name, state) and (tab or state in ONE_OF_EACH_CHIP[:2]):
                    await happens(cell, name, IN_A_SESSION, SessionScreen)
            await cell.go_back()


async def says_why_not(cell: Cell, name: str, why: str = "") -> None:
    one = action(name)
    told = one.why_not(cell.app.action_screens()[-1].subject())
    assert told and (not why or told == why), f"{name} is possible, of {cell.state}"
    front = cell.app.screen
    await cell.press(one.keys[0])
    assert cell.said == f"{one.key}: {told}", f"{name}, of {cell.state}"
    assert cell.app.screen is front, f"{name} opened something, of {cell.state}"


async def happens(cell: Cell, name: str, effects: Any, back_to: type[Any] = SessionsScreen) -> None:
    one, effect = action(name), effects[name]
    effect.setup(cell)
    why = one.why_not(cell.app.action_screens()[-1].subject())
    assert why is None, f"{name} says {why}, of {cell.state}"
    cell.before = effect.before(cell.app)
    if one.keys:
        await cell.press(one.keys[1] if name in ("chip", "tab_number") else one.keys[0])
    else:
        cell.app.action_screens()[-1].action_do(name)
        await cell.pilot.pause()
    try:
        await effect.check(cell)
    except AssertionError as error:
        raise AssertionError(f"{name}, of {cell.state}: {error}") from error
    await cell.go_back(back_to)


# -- while nothing may be written


@pytest.mark.parametrize("how", ["--read-only", "gone", "not writable"])
async def test_what_would_write_says_why_nothing_may_be_written(
    how: str, cell_of: Any, states: States, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cell_of(read_only=how == "--read-only") as cell:
        why = "this dashboard is read-only"
        if how == "gone":
            cell.app.store_problem = why = "store not readable"
        elif how == "not writable":
            monkeypatch.setattr("os.access", lambda *_: False)
            why = f"{home.root} cannot be written"
        kept = tree(home)
        for state in ONE_OF_EACH_CHIP:
            for name in BLOCKABLE:
                cell.select(states[state], state)
                await says_why_not(cell, name, why)
        assert tree(home) == kept


async def test_without_a_session_every_key_about_one_says_so(home: Home, tmp_path: Path) -> None:
    app = dashboard(home, tmp_path)
    async with running(app) as pilot:
        cell = Cell(app, pilot, home)
        for one in actions_for(Where.SESSIONS):
            if one.reason is not None and ALL - POSSIBLE[one.name] - {"restore"}:
                assert one.why_not(app.action_screens()[-1].subject()), one.name
                await cell.press(one.keys[0])
                assert cell.said.startswith(f"{one.key}: "), one.name
