"""A killed owner leaves no step alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from orchestrator.guard import Guard
from orchestrator.steps.process_end import end_marked, survivors
from tests.orchestrator.steps.shells import Shells, is_alive, wait_until

GRACE_SECONDS = 0.5
OWNER = """
import os, sys, time
from pathlib import Path
from orchestrator.guard import Guard
from orchestrator.steps.process import Processes, ProcessSpec
from orchestrator.steps.stopping import StopSignal

session_id, text = sys.argv[1:]
guard = Guard.start(session_id, {grace})
print(guard.pid, flush=True)
spec = ProcessSpec(("sh", "-c", text), Path("/"), dict(os.environ), (session_id, "0-1"))
Processes(session_id, guard=guard).run(spec, log=None, stop=StopSignal())
"""


class Owner:
    """A process that owns a run and is in its first step."""

    def __init__(self, session_id: str, text: str) -> None:
        self.session_id = session_id
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER.format(grace=GRACE_SECONDS), session_id, text],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert self.process.stdout is not None
        self.guard = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def session_id() -> Iterator[str]:
    session_id = f"session-{uuid4()}"
    yield session_id
    end_marked(session_id, None, grace_seconds=0)


OBEDIENT = "sleep 300 & timeout 300 sleep 300 & nohup setsid sleep 300 & (setsid sleep 300 &); wait"


def test_everything_an_owner_killed_with_9_had_started_is_ended(session_id: str) -> None:
    owner = Owner(session_id, OBEDIENT)
    wait_until(lambda: len(survivors(session_id)) >= 6, "the step to be under way")
    owner.kill()
    wait_until(lambda: not survivors(session_id), "the step to be gone", GRACE_SECONDS)
    wait_until(lambda: not is_alive(owner.guard), "the guard to be gone")


def deaf_owner(session_id: str, directory: Path) -> Owner:
    """An owner whose step has begun not to listen to TERM."""
    ready = directory / "ready"
    deaf = f"trap '' TERM; touch {ready}; while :; do sleep 1; done"
    owner = Owner(session_id, f'setsid sh -c "{deaf}"')
    wait_until(ready.exists, "the step to be under way")
    return owner


def test_what_is_deaf_to_term_is_killed_after_the_grace(session_id: str, tmp_path: Path) -> None:
    owner = deaf_owner(session_id, tmp_path)
    killed = time.monotonic()
    owner.kill()
    wait_until(lambda: not survivors(session_id), "the step to be gone", GRACE_SECONDS + 3)
    assert time.monotonic() - killed >= GRACE_SECONDS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_guard_is_deaf_to_what_ends_its_owner(session_id: str, number: signal.Signals) -> None:
    owner = Owner(session_id, "sleep 300")
    wait_until(lambda: survivors(session_id), "the step to be under way")
    wait_until(lambda: _ignores(owner.guard, number), "the guard to be ready")
    os.kill(owner.guard, number)
    owner.kill()
    wait_until(lambda: not survivors(session_id), "the step to be gone")


def _ignores(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(mask & 1 << (number - 1))


def test_the_steps_of_the_next_owner_are_spared(session_id: str, shells: Shells) -> None:
    owner = deaf_owner(session_id, shells.directory)
    next_owner = Shells(shells.directory, session_id)
    next_owner.run("sleep 300 >/dev/null 2>&1 &", step="0-2")
    owner.kill()
    wait_until(lambda: not is_alive(owner.guard), "the guard to be done")
    assert [step for _, _, step in survivors(session_id)] == ["0-2"]


def test_after_a_goodbye_the_guard_ends_nothing(shells: Shells) -> None:
    guard = Guard.start(shells.session_id, GRACE_SECONDS)
    shells.run("sleep 300 >/dev/null 2>&1 &")
    guard.goodbye()
    assert not is_alive(guard.pid)
    assert len(shells.alive) == 1
    guard.goodbye()


def test_no_step_holds_the_guards_pipe_open(session_id: str) -> None:
    owner = Owner(session_id, "env -i setsid sleep 5")
    wait_until(lambda: survivors(session_id), "the step to be under way")
    owner.kill()
    wait_until(lambda: not is_alive(owner.guard), "the guard to notice", 3)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_guard_is_small_and_carries_nothing_of_its_owner() -> None:
    guard = Guard.start("session-x", GRACE_SECONDS)
    try:
        wait_until(lambda: _ignores(guard.pid, signal.SIGTERM), "the guard to be ready")
        status = Path(f"/proc/{guard.pid}/status").read_text()
        resident = int(status.partition("VmRSS:")[2].split()[0])
        assert resident <= 12 * 1024, f"{resident} KiB"
        assert Path(f"/proc/{guard.pid}/environ").read_bytes() == b""
        assert os.readlink(f"/proc/{guard.pid}/cwd") == "/"  # noqa: PTH115
        assert os.getsid(guard.pid) == guard.pid
    finally:
        guard.goodbye()
