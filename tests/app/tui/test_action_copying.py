"""What is copied, which way it goes, and where it lies when there is no clipboard."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from store.home import Home
from store.states import State
from tests.app.tui.action_effects import Cell
from tests.app.tui.driving import dashboard, press, running
from tests.app.tui.every_state import one_of_each
from tests.world import World

Open = Callable[..., Any]


@pytest.fixture
def ids(home: Home, tmp_path: Path) -> Iterator[dict[State | str, str]]:
    with one_of_each(home, tmp_path / "src") as found:
        yield found


@pytest.fixture
def opened(home: Home, tmp_path: Path) -> Open:
    """Opens a dashboard in an environment; what it gave to the terminal is in ``written``."""

    @asynccontextmanager
    async def opens(
        written: list[str], read_only: bool = False, **more: str
    ) -> AsyncIterator[Cell]:
        app = dashboard(home, tmp_path, read_only=read_only)
        app.editor_environment |= {"TERM": "xterm", **more}
        async with running(app) as pilot:
            assert app._driver is not None
            app._driver.write = written.append  # type: ignore[method-assign, assignment]
            yield Cell(app, pilot, home)

    return opens


def program(directory: Path, name: str, body: str) -> str:
    """A PATH with a program of ours before all others."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    (directory / name).chmod(0o755)
    return f"{directory}:/usr/bin:/bin"


async def test_each_choice_copies_what_it_names(
    opened: Open, ids: dict[State | str, str], home: Home
) -> None:
    failed, unmerged, merged = (
        ids[state] for state in (State.FAILED, State.UNMERGED, State.MERGED)
    )
    prodigy = f"PRODIGY_HOME={shlex.quote(str(home.root))} prodigy"
    async with opened([]) as cell:
        for run_id, key, text in (
            (failed, "i", failed),
            (failed, "w", str(home.worktree("api", failed))),
            (failed, "b", f"prodigy-{failed}"),
            (failed, "e", "exit 1"),
            (failed, "c", f"{prodigy} resume 00000001"),
            (unmerged, "c", f"{prodigy} merge 00000011 --yes"),
            (merged, "c", f"{prodigy} sessions show 00000012"),
        ):
            cell.select(run_id, key)
            await press(cell.pilot, "y", key)
            assert cell.app.clipboard == text
            assert cell.said.startswith("Copied the ") and cell.said.endswith(" (OSC 52).")


async def test_the_report_is_what_the_command_line_says(world: World) -> None:
    world.run("- shell: echo it broke; exit 3\n").expect(1)
    told = world.prodigy("sessions", "show", world.only_id, "--failure").expect(0).stdout
    app = dashboard(world.home, world.repository)
    async with running(app) as pilot:
        await press(pilot, "y", "r")
        assert app.clipboard == told and "it broke" in told
        lines = len(told.splitlines())
        said = Cell(app, pilot, world.home).said
        assert said == f"Copied the report, {lines} lines, through the terminal (OSC 52)."


async def test_the_clipboard_of_the_system_comes_first(
    opened: Open, ids: dict[State | str, str], tmp_path: Path
) -> None:
    path = program(tmp_path / "bin", "wl-copy", f"cat > {tmp_path}/clipboard")
    written: list[str] = []
    async with opened(written, PATH=path, WAYLAND_DISPLAY="wayland-0") as cell:
        cell.select(ids[State.FAILED], "failed")
        await press(cell.pilot, "y", "i")
        assert cell.said == "Copied the id through wl-copy."
        assert not [one for one in written if "]52;" in one]
        assert (tmp_path / "clipboard").read_text() == ids[State.FAILED]


async def test_over_ssh_the_clipboard_of_that_machine_is_left_alone(
    opened: Open, ids: dict[State | str, str], tmp_path: Path
) -> None:
    path = program(tmp_path / "bin", "wl-copy", f"touch {tmp_path}/used")
    written: list[str] = []
    ssh = {"PATH": path, "WAYLAND_DISPLAY": "wayland-0", "SSH_CONNECTION": "a 1 b 22"}
    async with opened(written, **ssh) as cell:
        cell.select(ids[State.FAILED], "failed")
        await press(cell.pilot, "y", "i")
        assert cell.said.endswith("through the terminal (OSC 52).")
    assert any(one.startswith("\x1b]52;c;") for one in written)
    assert not (tmp_path / "used").exists()


@pytest.mark.parametrize("works", [True, False])
async def test_tmux_passes_it_on(
    works: bool, opened: Open, ids: dict[State | str, str], tmp_path: Path
) -> None:
    body = f'[ "$*" = "load-buffer -w -" ] && cat > {tmp_path}/buffer'
    path = program(tmp_path / "bin", "tmux", body if works else "exit 1")
    written: list[str] = []
    async with opened(written, PATH=path, TMUX="/tmp/tmux-0/default,1,0") as cell:
        cell.select(ids[State.FAILED], "failed")
        await press(cell.pilot, "y", "i")
        passed = [one for one in written if one.startswith("\x1bPtmux;\x1b\x1b]52;c;")]
        if works:
            assert cell.said == "Copied the id through tmux."
            assert (tmp_path / "buffer").read_text() == ids[State.FAILED]
        else:
            assert cell.said.endswith("through the terminal (OSC 52).") and len(passed) == 1


async def test_without_a_clipboard_the_text_is_in_a_file(
    opened: Open, ids: dict[State | str, str], home: Home
) -> None:
    async with opened([], TERM="linux") as cell:
        cell.select(ids[State.FAILED], "failed")
        await press(cell.pilot, "y", "i")
        path = home.root / "copied.txt"
        assert cell.said == f"Could not reach the clipboard. The text is in {path}"
        assert path.read_text("utf-8") == ids[State.FAILED]
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_read_only_dashboard_writes_no_file(
    opened: Open, ids: dict[State | str, str], home: Home
) -> None:
    async with opened([], TERM="linux", read_only=True) as cell:
        cell.select(ids[State.FAILED], "failed")
        await press(cell.pilot, "y", "i")
        assert cell.said == "Could not reach the clipboard; this dashboard is read-only."
        assert not (home.root / "copied.txt").exists()
