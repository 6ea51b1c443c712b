"""With the disk full or read-only in the middle, a run stops honestly and goes on later."""

from __future__ import annotations

import errno
import os

import pytest

from tests.crash.history import assert_whole, times_run, twenty_steps
from tests.world import World

pytestmark = pytest.mark.crash


@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EIO"])
@pytest.mark.parametrize("arrival", [4, 20, 40])
def test_a_disk_that_fails_for_good_stops_the_run_and_loses_nothing(
    world: World, error: str, arrival: int
) -> None:
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    fault = {"PRODIGY_FAULT": f"atomic.temp@{arrival}={error}+"}
    done = world.prodigy("run", path, env=fault, timeout=110)
    assert done.exit_code == 1, done
    assert "Traceback" not in done.stderr
    run_id = world.only_id
    (row,) = world.listed()
    assert row["state"] in ("paused", "interrupted", "failed"), row
    ran = len(times_run(notes))
    resumed = world.prodigy("resume", run_id, "--no-merge", timeout=110)
    resumed.expect(0)
    assert len(times_run(notes)) >= ran
    assert_whole(world, run_id, notes, crashes=1)


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("arrival", [5, 6, 7, 8, 9, 10, 11, 12])
def test_one_failed_write_is_repeated_and_costs_nothing(
    world: World, error: str, arrival: int
) -> None:
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    fault = {"PRODIGY_FAULT": f"atomic.temp@{arrival}={error}"}
    done = world.prodigy("run", path, env=fault, timeout=110)
    if done.exit_code == 0:
        assert_whole(world, world.only_id, notes, crashes=0)
        return
    # A write of the start has no second chance; then nothing ran, and the record says why.
    assert done.exit_code == 1, done
    assert os.strerror(getattr(errno, error)) in done.stderr
    assert not times_run(notes)
