"""Real runs, however they were started and ended: dashboard and command line say what is so."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest
from textual.pilot import Pilot

from app.status_style import word_of
from app.tui.app import ProdigyApp
from app.tui.screens.session import SessionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.widgets.detail import Detail
from app.tui.widgets.session_head import StateLine
from app.tui.widgets.session_list import SessionList
from store.states import State
from store.times import utc_now
from tests.app.tui.driving import dashboard, running, until
from tests.world import World, read

GATED = """\
name: {name}
commands:
  - shell: "echo made > made.txt && git add . && git commit -q -m made"
  - shell: "echo $$ > {place}/{name}.pid; until test -e {place}/{name}.go; do sleep 0.05; done"
  - shell: "test -e {place}/well"
"""
ORIGINAL = "workflow-1700000000000"
NAMES = ("by-command-line", "by-dashboard", "killed", "cancelled", "failing")


async def assert_all_say(
    pilot: Pilot[Any], world: World, session: str, state: State, step: str
) -> None:
    """List, detail, Session screen and both commands have this state, and the same step."""
    app = pilot.app
    assert isinstance(app, ProdigyApp)
    rows = app.listing.rows

    def is_so() -> bool:
        row = rows.get(session) or app.listing.rows.get(session)
        return row is not None and row.state is state

    await until(pilot, is_so, f"{session} is {state}")
    listed = next(one for one in await asyncio.to_thread(world.listed) if one["id"] == session)
    shown = json.loads(
        (await asyncio.to_thread(world.prodigy, "sessions", "show", "--json", session)).stdout
    )
    assert listed["state"] == shown["state"] == str(state)
    row = app.listing.rows[session]
    assert (listed["step_index"], listed["total_steps"]) == (row.step_index, row.total_steps)
    screen = app.screen
    assert isinstance(screen, SessionsScreen)
    sessions = screen.query_one(SessionList)
    y = app.listing.line_of(session)
    assert y is not None
    line = sessions.line_at(y, 120, False).text
    assert f" {word_of(state)} " in line and f" {step} " in line, line
    sessions.place_cursor(y)
    detail = screen.query_one(Detail)
    await until(
        pilot,
        lambda: detail.detail is not None and detail.detail.row.id == session,
        "its detail is shown",
    )
    assert word_of(state) in detail.lines[0].text
    app.push_screen(SessionScreen(session))
    await pilot.pause()
    assert word_of(state) in app.screen.query_one(StateLine).lines[0].text
    app.pop_screen()
    await pilot.pause()


def written_by_the_original(world: World) -> None:
    """A record and a checkpoint as the original leaves them when it is interrupted."""
    at = "2025-03-01T10:00:00.123456789Z"
    workflow = {
        "workflow_id": ORIGINAL, "workflow_name": "flow", "current_step": 0, "total_steps": 0,
        "completed_steps": [], "variables": {}, "files_changed": 0, "iterations_completed": 0,
        "worktree_name": ORIGINAL,
    }  # fmt: skip
    record: dict[str, Any] = {
        "id": ORIGINAL, "session_type": "Workflow", "status": "Running", "started_at": at,
        "updated_at": at, "completed_at": None, "metadata": {}, "checkpoints": [], "timings": {},
        "error": None, "workflow_data": workflow, "mapreduce_data": None,
    }  # fmt: skip
    execution = {
        "current_step_index": 2, "total_steps": 4, "status": "Interrupted", "start_time": at,
        "last_checkpoint": at, "current_iteration": None, "total_iterations": None,
    }  # fmt: skip
    checkpoint: dict[str, Any] = {
        "workflow_id": ORIGINAL, "execution_state": execution, "completed_steps": [],
        "variable_state": {}, "mapreduce_state": None, "timestamp": at, "version": 1,
        "workflow_hash": "test-hash-12345", "total_steps": 4, "workflow_name": "flow",
        "workflow_path": "flow.yml",
    }  # fmt: skip
    path = world.home.checkpoint_file(ORIGINAL, ORIGINAL)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(checkpoint))
    world.home.session_file(ORIGINAL).write_text(json.dumps(record))


@pytest.mark.timeout(120)
async def test_every_state_of_a_real_run_is_the_same_everywhere(world: World) -> None:
    place = world.repository.parent
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)
    backend = app.backend

    def go_on(name: str) -> None:
        (place / f"{name}.go").touch()

    async with running(app) as pilot:
        owners = {}
        for name in NAMES:
            path = world.workflow(GATED.format(name=name, place=place), f"{name}.yml")
            if name == "by-dashboard":
                await asyncio.to_thread(backend.start, [str(path)], world.repository)
            else:
                owners[name] = world.prodigy.start("run", path)
        for name in NAMES:
            pid = place / f"{name}.pid"
            await until(pilot, pid.exists, f"{name} is at its second step")
        names = {read(path)["workflow_data"]["workflow_name"]: path.stem for path in world.records}

        async def say(name: str, state: State, step: str) -> None:
            await assert_all_say(pilot, world, names[name], state, step)

        await say("by-command-line", State.RUNNING, "2/3")
        await say("by-dashboard", State.RUNNING, "2/3")
        world.prodigy("pause", names["by-dashboard"]).expect(0)
        await say("by-dashboard", State.PAUSING, "2/3")
        owners["killed"].kill()
        await say("killed", State.INTERRUPTED, "2/3")
        world.prodigy("cancel", names["cancelled"], "--yes").expect(0)
        await say("cancelled", State.CANCELLED, "2/3")
        go_on("failing")
        await say("failing", State.FAILED, "3/3")
        go_on("by-dashboard")
        await say("by-dashboard", State.PAUSED, "3/3")
        owners["by-command-line"].signal(signal.SIGTERM)
        await say("by-command-line", State.PAUSED, "2/3")

        (place / "well").touch()
        go_on("by-command-line")
        resumed = await asyncio.to_thread(world.prodigy, "resume", names["by-command-line"])
        resumed.expect(0)
        await say("by-command-line", State.UNMERGED, "3/3")
        world.prodigy("merge", names["by-command-line"], "--yes").expect(0)
        await say("by-command-line", State.MERGED, "3/3")

        written_by_the_original(world)
        names["original"] = ORIGINAL
        await say("original", State.PAUSED, "3/4")
