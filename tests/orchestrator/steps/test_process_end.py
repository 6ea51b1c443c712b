"""Ending a step ends everything it started, wherever that went, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from orchestrator.steps.process_end import Ending, end_marked
from tests.orchestrator.steps.shells import GRACE_SECONDS, Shells, is_alive, wait_until

ESCAPES = {
    "plain": "sleep 300",
    "background": "sleep 300 & wait",
    "timeout": "timeout 300 sleep 300",
    "timeout in a pipe": "timeout 300 sleep 300 | cat",
    "job control": "bash -c 'set -m; sleep 300 & wait'",
    "setsid": "setsid sleep 300 & wait; sleep 300",
    "setsid and nohup": "nohup setsid sh -c 'sleep 300' >/dev/null 2>&1 & sleep 300",
    "double fork": "(setsid sh -c '(sleep 300 &) ; sleep 300' &) ; sleep 300",
    "empty environment": "env -i sleep 300 & wait",
    "stopped": "sh -c 'kill -STOP $$; sleep 300'",
    "deaf": "trap '' TERM INT HUP; while :; do sleep 1; done",
    "deaf and setsid": "setsid sh -c \"trap '' TERM; while :; do sleep 1; done\" & wait",
    "forking": "while :; do sleep 300 & sleep 0.01; done",
}


def processes_of(shells: Shells) -> list[int]:
    """Everything in a session a step of the run made, whatever its environment says."""
    sessions = set(shells.processes._sessions)
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            if os.getsid(int(name)) in sessions and is_alive(int(name)):
                found.append(int(name))
        except ProcessLookupError:
            continue
    return found


@pytest.mark.parametrize("name", ESCAPES)
def test_a_time_out_ends_everything(shells: Shells, name: str) -> None:
    result = shells.run(f"echo before; {ESCAPES[name]}", seconds=0.3)
    assert (result.exit_code, result.timed_out) == (124, True)
    assert result.stdout == b"before\n"
    assert shells.alive == []
    assert processes_of(shells) == []


def test_a_stop_ends_an_obedient_step_at_once(shells: Shells) -> None:
    threading.Timer(0.1, shells.stop.set, ["pause_now"]).start()
    result = shells.run("sleep 300")
    assert result.stopped == "pause_now"
    assert (result.exit_code, result.signal) == (143, 15)
    assert result.duration_seconds < GRACE_SECONDS
    assert not result.timed_out


def test_a_step_that_ends_while_it_is_looked_for_has_its_exit_code(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Ending.advance

    def until_none_is_left(ending: Ending) -> bool:
        while not advance(ending):
            time.sleep(0.01)
        return True

    monkeypatch.setattr(Ending, "advance", until_none_is_left)
    threading.Timer(0.1, shells.stop.set, ["pause_now"]).start()
    result = shells.run("echo said; sleep 300")
    assert (result.exit_code, result.signal, result.stdout) == (143, 15, b"said\n")


def test_a_deaf_step_is_killed_after_the_grace(shells: Shells) -> None:
    result = shells.run("trap '' TERM; while :; do sleep 1; done", seconds=0.1)
    assert 0.1 + GRACE_SECONDS <= result.duration_seconds < GRACE_SECONDS + 3


def test_a_step_may_use_the_grace_to_clean_up(shells: Shells) -> None:
    result = shells.run("trap 'echo cleaned; exit 0' TERM; sleep 300 & wait", seconds=0.2)
    assert (result.exit_code, result.timed_out) == (124, True)
    assert result.stdout == b"cleaned\n"


def test_output_is_read_while_a_step_is_being_ended(shells: Shells) -> None:
    text = "trap 'head -c 1000000 /dev/zero; exit 0' TERM; sleep 300 & wait"
    assert len(shells.run(text, seconds=0.2).stdout) == 1_000_000


def test_other_steps_are_left_alone(shells: Shells) -> None:
    shells.run("setsid sleep 300 >/dev/null 2>&1 &", step="1-1")
    shells.run("sleep 300 >/dev/null 2>&1 &", step="11-1")
    shells.run("sleep 300", step="1-10", seconds=0.1)
    assert sorted(step for _, _, step in shells.alive) == ["1-1", "11-1"]
    end_marked(shells.session_id, "1-1", grace_seconds=1)
    assert [step for _, _, step in shells.alive] == ["11-1"]


def test_processes_inside_a_step_end_with_it(shells: Shells) -> None:
    shells.run("sleep 300 >/dev/null 2>&1 &", step="1-1.2.1")
    ended = end_marked(shells.session_id, "1-1", grace_seconds=1)
    assert [process.step for process in ended] == ["1-1.2.1"]
    assert shells.alive == []


def test_another_run_is_left_alone(shells: Shells) -> None:
    other = Shells(shells.directory)
    other.run("sleep 300 >/dev/null 2>&1 &")
    shells.run("sleep 300 >/dev/null 2>&1 &")
    try:
        shells.processes.end_all()
        assert (len(shells.alive), len(other.alive)) == (0, 1)
    finally:
        other.processes.end_all()


def test_this_process_and_its_parents_are_never_ended() -> None:
    session_id = "session-that-marks-its-own-owner"
    program = (
        "import os, sys; sys.path.insert(0, os.getcwd())\n"
        "from orchestrator.steps.process_end import end_marked, survivors\n"
        f"print(survivors({session_id!r}), end_marked({session_id!r}, None, grace_seconds=0))"
    )
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1"; true', sys.executable, program],
        env={**os.environ, "PRODIGY_SESSION_ID": session_id},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[] []\n"), done.stderr


def test_survivors_are_named(shells: Shells) -> None:
    shells.run("setsid sleep 300 >/dev/null 2>&1 &", step="2-1")
    wait_until(
        lambda: [(name, step) for _, name, step in shells.alive] == [("sleep", "2-1")],
        "it to be named",
    )
    assert is_alive(shells.alive[0][0])


def test_killing_all_at_once_leaves_nothing(shells: Shells) -> None:
    shells.run("setsid sh -c \"trap '' TERM; while :; do sleep 1; done\" >/dev/null 2>&1 &")
    started = time.monotonic()
    shells.processes.kill_all()
    wait_until(lambda: not shells.alive, "all to be gone", 2)
    assert time.monotonic() - started < GRACE_SECONDS


def test_a_process_is_found_while_it_executes_a_program(shells: Shells) -> None:
    program = shells.directory / "again"
    program.write_text('#!/bin/sh\nexec "$0"\n')
    program.chmod(0o755)
    shells.run(f"setsid {program} >/dev/null 2>&1 &")
    wait_until(lambda: shells.alive, "it to begin")
    assert all(shells.alive for _ in range(300))
    shells.processes.kill_all()
    wait_until(lambda: not shells.alive, "it to be gone", 2)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_process_that_reads_the_terminal_is_not_stopped_for_ever(shells: Shells) -> None:
    result = shells.run("bash -c 'set -m; cat /dev/tty & wait; echo over'", seconds=10)
    assert not result.timed_out
