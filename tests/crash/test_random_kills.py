"""Killed at random instants, as often as PRODIGY_CRASH_KILLS says, a run always goes on."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.crash.history import (
    STEPS,
    assert_a_crash_lost_nothing,
    assert_whole,
    kill,
    times_run,
    twenty_steps,
)
from tests.world import World

pytestmark = pytest.mark.crash
KILLS = int(os.environ.get("PRODIGY_CRASH_KILLS", "20"))
KILLS_A_RUN = 4


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(max(1, KILLS // KILLS_A_RUN)))
def test_a_run_killed_again_and_again_completes(world: World, seed: int) -> None:
    chance = random.Random(seed)
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    run_id: str | None = None
    crashes = 0
    for _ in range(KILLS_A_RUN):
        words = ("resume", run_id, "--no-merge") if run_id else ("run", path)
        started = world.prodigy.start(*words)
        # Half of the instants fall anywhere in a start, half right behind some step.
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0.1, 1.5))
        else:
            target = chance.randrange(STEPS)
            deadline = time.monotonic() + 20
            while started.is_running and len(times_run(notes)) < target:
                assert time.monotonic() < deadline, "the run makes no progress"
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.03))
        kill(started.pid)
        if started.finish().exit_code == -9:
            crashes += 1
        found = assert_a_crash_lost_nothing(world)
        assert run_id is None or found == run_id, "the run was lost"
        run_id = found
        if run_id and world.record(run_id)["status"] == "Completed":
            break
    words = ("resume", run_id, "--no-merge") if run_id else ("run", path)
    done = world.prodigy(*words, timeout=110)
    assert done.exit_code == 0 or "already complete" in done.stdout + done.stderr, done
    assert_whole(world, world.only_id, notes, crashes)
