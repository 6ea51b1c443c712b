"""Killed at any named write, a run reads as interrupted, resumes, and repeats no finished step."""

from __future__ import annotations

import re
import signal

import pytest

from tests.crash.history import (
    assert_a_crash_lost_nothing,
    assert_whole,
    resume_to_the_end,
    times_run,
    twenty_steps,
)
from tests.program import ROOT, Finished
from tests.world import World, marked

pytestmark = pytest.mark.crash


def fault_points() -> list[str]:
    """Every named point of the sources, so that a new one is tested without being listed here."""
    text = "\n".join(
        path.read_text("utf-8")
        for package in ("store", "orchestrator")
        for path in (ROOT / package).rglob("*.py")
    )
    names = set(re.findall(r'\bpoint\(\s*"([A-Za-z][\w.]*)"', text))
    prefixes = set(re.findall(r'\bfault="([a-z_]+)"', text))
    suffixes = set(re.findall(r'point\(f"\{fault\}\.(\w+)"', text))
    return sorted(names | {f"{prefix}.{suffix}" for prefix in prefixes for suffix in suffixes})


def points(pattern: str) -> list[str]:
    """Those that match, of all named points."""
    return [name for name in fault_points() if re.match(pattern, name)]


ONCE = points(r"[RF]\d|owner|worktree")
REPEATED = points(r"S\d|atomic|checkpoint|record")
EVERY_RUN = [(name, 1) for name in ONCE] + [(name, n) for name in REPEATED for n in (1, 12)]
"""Points any run comes to, and at which arrivals it is killed there."""


def was_killed(done: Finished) -> None:
    """Skip the test when the run never came to the point."""
    if done.exit_code != -9:
        done.expect(0)
        pytest.skip("this run does not come there that often")


@pytest.mark.parametrize(("name", "arrival"), EVERY_RUN)
def test_a_run_killed_at_a_named_point_goes_on(world: World, name: str, arrival: int) -> None:
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    fault = {"PRODIGY_FAULT": f"{name}@{arrival}=kill"}
    was_killed(world.prodigy("run", path, env=fault, timeout=110))
    run_id = assert_a_crash_lost_nothing(world)
    if run_id is None:
        assert not times_run(notes), "a step ran and there is no run"
        world.prodigy("run", path, timeout=110).expect(0)
        run_id = world.only_id
    else:
        resume_to_the_end(world, run_id)
    assert_whole(world, run_id, notes, crashes=1)


@pytest.mark.parametrize("name", points(r"[UFS]\d|atomic|checkpoint|record|owner"))
def test_a_resume_killed_at_a_named_point_goes_on(world: World, name: str) -> None:
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    world.prodigy("run", path, env={"PRODIGY_FAULT": "checkpoint.temp@9=kill"}, timeout=110)
    run_id = assert_a_crash_lost_nothing(world)
    assert run_id is not None
    fault = {"PRODIGY_FAULT": f"{name}=kill"}
    was_killed(world.prodigy("resume", run_id, "--no-merge", env=fault, timeout=110))
    assert assert_a_crash_lost_nothing(world) == run_id
    resume_to_the_end(world, run_id)
    assert_whole(world, run_id, notes, crashes=2)


@pytest.mark.parametrize("name", points(r"X\d"))
def test_a_failing_run_killed_at_a_named_point_goes_on(world: World, name: str) -> None:
    notes, gate = world.repository.parent / "notes.txt", world.repository.parent / "gate"
    path = world.workflow(twenty_steps(notes, gate=gate))
    done = world.prodigy("run", path, env={"PRODIGY_FAULT": f"{name}=kill"}, timeout=110)
    assert done.exit_code == -9, done
    run_id = assert_a_crash_lost_nothing(world, at_rest=frozenset({"failed"}))
    assert run_id is not None
    gate.touch()
    resume_to_the_end(world, run_id)
    assert_whole(world, run_id, notes, crashes=1)


@pytest.mark.parametrize("name", points(r"H\d"))
def test_a_stopping_run_killed_at_a_named_point_goes_on(world: World, name: str) -> None:
    notes = world.repository.parent / "notes.txt"
    steps = twenty_steps(notes).replace(f"echo 11 >> '{notes}'", f"echo 11 >> '{notes}'; sleep 2")
    started = world.prodigy.start(
        "run", world.workflow(steps), env={"PRODIGY_FAULT": f"{name}=kill"}
    )
    world.wait_for_step(11)
    started.signal(signal.SIGINT)
    assert started.finish().exit_code == -9
    run_id = assert_a_crash_lost_nothing(world, at_rest=frozenset({"paused"}))
    assert run_id is not None
    resume_to_the_end(world, run_id)
    assert_whole(world, run_id, notes, crashes=1)


@pytest.mark.parametrize("name", points(r"M\d"))
def test_a_merge_killed_at_a_named_point_can_be_finished(world: World, name: str) -> None:
    text = "- {shell: echo a > a.txt, auto_commit: true}"
    done = world.run(text, "-y", env={"PRODIGY_FAULT": f"{name}=kill"})
    assert done.exit_code == -9, done
    run_id = world.only_id
    assert world.record()["status"] == "Completed"
    assert world.state() in ("unmerged", "merged", "completed")
    if world.state() != "merged":
        world.prodigy("merge", run_id, "-y").expect(0)
    assert world.state() == "merged"
    assert (world.repository / "a.txt").read_text() == "a\n"
    assert world.git("status", "--porcelain") == ""
    assert world.git("log", "--format=%s", "main").count("Auto-commit") == 1
    assert not marked(run_id)


def test_the_points_are_found() -> None:
    found = fault_points()
    assert len(found) >= 20, found
    assert {"checkpoint.linked", "S3", "R5"} <= set(found)
