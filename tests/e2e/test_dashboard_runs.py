"""A day with the dashboard, in a real terminal: runs are started, killed, looked at and resumed."""

from __future__ import annotations

import os
import re
import signal

from tests.e2e.dashboard import (
    ENTER,
    ESCAPE,
    assert_nothing_of_it_runs,
    dashboard,
    kill_owner,
    open_gate,
    owner_pid,
    run_ids,
    select,
    start,
    start_detached,
)
from tests.e2e.terminal import Terminal
from tests.program import wait_until
from tests.world import World

PLAN = "esc close, change nothing"
"""Stands at the end of a resume plan."""


def test_two_runs_are_started_one_paused_one_killed_both_looked_at_and_resumed(
    runs: World,
) -> None:
    with dashboard(runs, env={"PRODIGY__DASHBOARD__BELL": "notify"}) as terminal:
        terminal.shows("No runs yet", "2 workflows in this repository")
        start(terminal, "left")
        start(terminal, "right")
        ids = run_ids(runs)

        select(terminal, "left")
        terminal.press("p")
        terminal.shows_line("pausing…", "left", "stops after 2 waiting")
        assert runs.state(ids["left"]) == "pausing"
        open_gate(runs, "left")
        terminal.shows_line("paused", "left", "after step 2")

        kill_owner(runs, ids["right"])
        terminal.shows_line("interrupted", "right", "process gone in step 2")
        assert runs.state(ids["right"]) == "interrupted"
        assert_nothing_of_it_runs(ids["right"])

        select(terminal, "right")
        for key, shown in (
            ("f", ("Interrupted in step 2 of 3", "waiting for right", "Resume: go on with step 2")),
            ("l", ("at the end", "waiting for right")),
            ("d", ("No changes", "4 Changes")),
            ("c", ("before step 2", "resume uses this")),
        ):
            terminal.press(key)
            terminal.shows(*shown)
            terminal.press(ESCAPE)
            terminal.shows("STATUS ▼")
        calls = terminal.screen.commands
        terminal.wait(lambda: "9;prodigy: right: interrupted" in calls, "a person is called")

        for name, words in (("right", "Step 2 runs again"), ("left", "Step 3 runs")):
            select(terminal, name)
            terminal.press("r")
            terminal.shows(words, "nothing is missing", PLAN)
            terminal.press(ENTER)
            terminal.hides(PLAN)
        open_gate(runs, "right")
        terminal.shows_line("completed", "left", "3/3")
        terminal.shows_line("completed", "right", "3/3")
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_as_it_was()
        assert not terminal.text.strip(), "nothing of it is left on the screen"
    for name, run_id in ids.items():
        assert runs.state(run_id) == "completed"
        assert runs.log(0, run_id=run_id) == f"first of {name}\n"
        runs.assert_agrees(run_id)
        runs.assert_nothing_is_held(run_id)


def test_an_owner_that_does_not_answer_is_named_and_ended_or_waited_for(runs: World) -> None:
    ids = {name: start_detached(runs, name) for name in ("left", "right")}
    pids = {name: owner_pid(runs, run_id) for name, run_id in ids.items()}
    with dashboard(runs) as terminal:
        for name, pid in pids.items():
            os.kill(pid, signal.SIGSTOP)
            select(terminal, name)
            terminal.press("p")
            terminal.shows_line("pausing…", name, "stops after 2 waiting")
        for name, pid in pids.items():
            select(terminal, name)
            terminal.shows_line("pausing…", name, "no answer in 1")
            terminal.shows(f"process {pid} stopped", "kill -9 is safe")

        os.kill(pids["left"], signal.SIGKILL)
        terminal.shows_line("interrupted", "left", "process gone in step 2")
        assert_nothing_of_it_runs(ids["left"])
        select(terminal, "left")
        terminal.press("r")
        terminal.shows("Step 2 runs again", PLAN)
        terminal.press(ESCAPE)

        os.kill(pids["right"], signal.SIGCONT)
        open_gate(runs, "right")
        terminal.shows_line("paused", "right", "after step 2")
    assert {name: runs.state(one) for name, one in ids.items()} == {
        "left": "interrupted",
        "right": "paused",
    }


def test_the_command_line_acts_on_a_session_whose_plan_is_open(runs: World) -> None:
    run_id = start_detached(runs, "left")
    kill_owner(runs, run_id)
    assert_nothing_of_it_runs(run_id)
    with dashboard(runs, "--session", run_id[:14]) as terminal:
        terminal.shows("interrupted", "1 Steps")
        terminal.press("r")
        terminal.shows("Step 2 runs again", "nothing is missing", PLAN)
        elsewhere = runs.prodigy.start("resume", run_id)
        terminal.shows("It changed while you looked", f"process {elsewhere.pid}")
        terminal.press(ENTER)

        runs.prodigy("pause", run_id, "--now").expect(0)
        elsewhere.finish().expect(130)
        terminal.shows("It changed while you looked", "Step 2 runs again")
        terminal.wait(lambda: _is_gone(terminal, PLAN, ENTER), "enter resumes", every=0.3)
        terminal.shows("running")
        refused = runs.prodigy("resume", run_id).expect(4)
        assert f"process {owner_pid(runs, run_id)}" in refused.stderr

        terminal.press("P")
        terminal.shows("○ paused")
        terminal.press("r")
        terminal.shows("Step 2 runs again", "nothing is missing", PLAN)
        elsewhere = runs.prodigy.start("resume", run_id)
        terminal.press(ENTER)
        pid = wait_until(lambda: _owner(runs, run_id), "one of both has it")
        if pid == elsewhere.pid:
            terminal.shows(f"process {pid}")
            terminal.press(ESCAPE)
        else:
            assert re.search(rf"(process|pid) {pid}\b", elsewhere.finish().expect(4).stderr)
        open_gate(runs, "left")
        terminal.shows("completed", "1 Steps")
    runs.assert_agrees(run_id)
    runs.assert_nothing_is_held(run_id)


def _is_gone(terminal: Terminal, words: str, key: str) -> bool:
    """Whether some words are gone from the screen; else a key is pressed once more."""
    gone = words not in terminal.text
    if not gone:
        terminal.press(key)
    return gone


def _owner(world: World, run_id: str) -> int | None:
    """The process that runs a session, once its state is running."""
    return owner_pid(world, run_id) if world.state(run_id) == "running" else None
