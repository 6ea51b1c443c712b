"""Whatever a workflow does and wherever it is killed, in the end it is as if it never was."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.refusal import Refused
from store.home import Home
from tests.conftest import make_repository
from tests.orchestrator.continuing.stage import Stage
from tests.program import Program
from tests.world import World

POINTS = (
    "R3", "R5", "R6", "R7", "R8", "S1", "S2", "S3", "S4", "S5", "F1", "F2", "record.temp",
    "record.rename", "checkpoint.temp", "checkpoint.linked", "checkpoint.renamed", "U5", "U6", "U7",
)  # fmt: skip

REQUESTS: dict[str, dict[str, Any]] = {
    "once": {},
    "inputs": {"args": ("p", "q")},
    "iterations": {"max_iterations": 2},
}

# Steps whose effect is the same however often they run, so that only what the run remembers counts.
STEP = st.sampled_from(["write", "commit", "auto_commit", "capture", "append_captured", "loop"])


def steps_of(kinds: list[str], effects: Path) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for index, kind in enumerate(kinds):
        effect = effects / f"{index}-$ARG-$ITERATION"
        match kind:
            case "write":
                steps.append({"shell": f"echo w{index} > {effect}"})
            case "commit":
                work = f"echo $ARG-$ITERATION > c{index}.txt; git add -A; git commit -qm 'c{index}'"
                steps.append({"shell": f"{{ {work}; }} > /dev/null || git diff --quiet HEAD"})
            case "auto_commit":
                write = f"echo $ARG-$ITERATION > a{index}.txt"
                steps.append({"shell": write, "auto_commit": True})
            case "capture":
                steps.append({"shell": f"echo v{index}-$ARG-$ITERATION", "capture": "said"})
            case "append_captured":
                steps.append({"shell": f'echo "heard ${{said:-nothing}}" > {effect}'})
            case "loop":
                body = {"shell": f"echo $item >> {effect}-$item"}
                steps.append({"foreach": ["x", "y"], "do": [body]})
    return steps


def observed(stage: Stage, effects: Path) -> dict[str, Any]:
    """Everything a person could see of a run that is over, times and ids left out."""
    record, checkpoint = stage.record, stage.checkpoint
    log = stage.git("log", "--reverse", "--format=%s", "main..HEAD", cwd=stage.worktree)
    tree = stage.git("ls-tree", "-r", "HEAD", cwd=stage.worktree)
    return {
        "effects": {
            path.name: set(path.read_text().splitlines()) for path in sorted(effects.iterdir())
        },
        "variables": {
            name: value
            for name, value in checkpoint["variable_state"].items()
            if not name.endswith("duration")
        },
        "commits": log.replace(stage.id, "ID"),
        "tree": tree,
        "status": record["status"],
        "merge": record["metadata"].get("merge"),
        "steps": record["workflow_data"]["completed_steps"],
        "passes": record["workflow_data"]["iterations_completed"],
        "inputs": checkpoint["x_prodigy"]["pass"]["input_index"],
    }


def a_stage(place: Path) -> Stage:
    repository = place / "project"
    make_repository(repository)
    world = World(Home(place / "prodigy"), repository, Program(repository, place / "outputs"))
    return Stage(world)


def outcome(
    kinds: list[str], request: dict[str, Any], kills: list[tuple[str, int]]
) -> dict[str, Any]:
    """Run to the end, killed on the way at each of these arrivals."""
    with tempfile.TemporaryDirectory() as directory:
        stage = a_stage(Path(directory).resolve())
        effects = stage.place / "effects"
        effects.mkdir()
        path = stage.workflow(steps_of(kinds, Path("../../../..") / "effects"))
        try:
            for point, arrival in kills:
                begun = bool(stage.world.records)
                child = stage.child(
                    (lambda: stage.resume()) if begun else (lambda: stage.run(path, **request)),
                    fault=f"{point}@{arrival}=kill",
                )
                assert child.finish(30) in (-signal.SIGKILL, 0, 1), stage.child_error
            if not stage.world.records:
                assert stage.run(path, **request).exit_code == 0
            elif kills:
                _to_the_end(stage)
            stage.assert_complete()
            return observed(stage, effects)
        finally:
            for child in stage.children:
                child.kill()


def _to_the_end(stage: Stage) -> None:
    try:
        assert stage.resume().exit_code == 0
    except Refused as refused:
        assert refused.code == "already_complete", refused.message


@cache
def _undisturbed(kinds: tuple[str, ...], request: str) -> dict[str, Any]:
    return outcome(list(kinds), REQUESTS[request], [])


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    kinds=st.lists(STEP, min_size=1, max_size=4),
    request=st.sampled_from(sorted(REQUESTS)),
    kills=st.lists(st.tuples(st.sampled_from(POINTS), st.integers(1, 8)), min_size=1, max_size=2),
)
def test_a_run_that_was_killed_ends_as_one_that_was_not(
    kinds: list[str], request: str, kills: list[tuple[str, int]]
) -> None:
    killed = outcome(kinds, REQUESTS[request], kills)
    whole = _undisturbed(tuple(kinds), request)
    assert killed == whole, json.dumps({"kinds": kinds, "kills": kills})


def test_git_is_whole_after_a_kill_in_a_commit(stage: Stage) -> None:
    hook = stage.world.repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    waiting = stage.mark("waiting")
    hook.write_text(f"#!/bin/sh\ntest -e '{waiting}' || {{ touch '{waiting}'; sleep 60; }}\n")
    hook.chmod(0o755)
    steps = [{"shell": "echo x > x.txt; git add -A; git commit -qm x", "commit_required": True}]
    child = stage.started(steps)
    child.kill()
    result = stage.resume()
    assert result.exit_code == 0, result
    subprocess.run(["git", "fsck", "--no-dangling"], cwd=stage.world.repository, check=True)
    assert stage.git("log", "-1", "--format=%s", cwd=stage.worktree) == "x"
