"""Killed at any named write, a run reads as interrupted, resumes, and repeats no finished step."""

from __future__ import annotations

import re

import pytest

from tests.crash.history import (
    assert_a_crash_lost_nothing,
    assert_whole,
    resume_to_the_end,
    times_run,
    twenty_steps,
)
from tests.program import ROOT
from tests.world import World

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


@pytest.mark.parametrize("arrival", [1, 3, 12])
@pytest.mark.parametrize("name", fault_points())
def test_a_run_killed_at_a_named_point_goes_on(world: World, name: str, arrival: int) -> None:
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    fault = {"PRODIGY_FAULT": f"{name}@{arrival}=kill"}
    first = world.prodigy("run", path, env=fault, timeout=110)
    if first.exit_code != -9:
        first.expect(0)
        pytest.skip("this run does not come there that often")
    run_id = assert_a_crash_lost_nothing(world)
    if run_id is None:
        assert not times_run(notes), "a step ran and there is no run"
        world.prodigy("run", path, timeout=110).expect(0)
        run_id = world.only_id
    else:
        resume_to_the_end(world, run_id)
    assert_whole(world, run_id, notes, crashes=1)


@pytest.mark.parametrize("name", fault_points())
def test_a_resume_killed_at_a_named_point_goes_on(world: World, name: str) -> None:
    notes = world.repository.parent / "notes.txt"
    path = world.workflow(twenty_steps(notes))
    world.prodigy("run", path, env={"PRODIGY_FAULT": "checkpoint.temp@9=kill"}, timeout=110)
    run_id = assert_a_crash_lost_nothing(world)
    assert run_id is not None
    fault = {"PRODIGY_FAULT": f"{name}@1=kill"}
    second = world.prodigy("resume", run_id, "--no-merge", env=fault, timeout=110)
    if second.exit_code != -9:
        second.expect(0)
        pytest.skip("a resume does not come there")
    assert assert_a_crash_lost_nothing(world) == run_id
    resume_to_the_end(world, run_id)
    assert_whole(world, run_id, notes, crashes=2)


def test_the_points_are_found() -> None:
    points = fault_points()
    assert len(points) >= 8, points
    assert "checkpoint.linked" in points
