"""The run the crash tests kill, and what must be true of it after each kill and after its end."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.program import Finished, wait_until
from tests.world import World, marked, read

STEPS = 20
GATED = 11
GRACE_SECONDS = 8.0


def twenty_steps(notes: Path, *, gate: Path | None = None) -> str:
    """A workflow whose every step notes that it ran, and most commit; one is a loop.

    A line is written by one append of a few bytes, so a kill leaves whole lines. With a ``gate``
    step 11 fails as long as that file is missing.
    """
    steps: list[dict[str, object]] = []
    for index in range(STEPS):
        note = f"echo {index} >> '{notes}'"
        if index == 7:
            body = {"shell": f"echo {index}-$item >> '{notes}'"}
            steps.append({"foreach": ["a", "b", "c"], "do": [body]})
        elif index == GATED and gate is not None:
            steps.append({"shell": f"{note}; test -e '{gate}'"})
        elif index % 3 == 0:
            steps.append({"shell": f"{note}; echo {index} > f{index}.txt", "auto_commit": True})
        elif index % 3 == 1:
            commit = f"echo {index} > f{index}.txt; git add -A; git commit -qm 'step {index}'"
            steps.append({"shell": f"{note}; {commit} || git diff --quiet HEAD"})
        else:
            steps.append({"shell": f"{note}; echo value-{index}", "capture": f"value{index}"})
    return json.dumps({"name": "twenty", "commands": steps})


def times_run(notes: Path) -> dict[str, int]:
    """How often each step noted that it ran."""
    counts: dict[str, int] = {}
    if notes.exists():
        for line in notes.read_text().split():
            counts[line] = counts.get(line, 0) + 1
    return counts


def steps_done(world: World, run_id: str) -> int:
    """The progress the newest checkpoint proves, read without our own code."""
    directory = world.home.checkpoints_directory(run_id)
    newest, index = -1, 0
    for path in [*directory.glob("*.checkpoint.json"), *directory.glob("history/*.json")]:
        with suppress(ValueError, OSError):
            document = read(path)
            seq = document["x_prodigy"]["seq"]
            if seq > newest:
                newest, index = seq, document["execution_state"]["current_step_index"]
    return index


def assert_a_crash_lost_nothing(world: World, at_rest: frozenset[str] = frozenset()) -> str | None:
    """What must hold right after a kill. Returns the id of the run, None when there is none yet.

    Args:
        at_rest: states the run may have reached before it was killed, besides its end.
    """
    rows = world.listed()
    names = [path.stem for path in world.records]
    if not rows:
        assert not names
        return None
    (row,) = rows
    run_id = str(row["id"])
    assert names in ([run_id], []), f"records: {names}"
    wait_until(lambda: not marked(run_id), "no process outlives the owner", seconds=GRACE_SECONDS)
    if names:
        record = world.record(run_id)  # it parses: never torn
        done = steps_done(world, run_id)
        behind = done - record["workflow_data"]["current_step"]
        assert 0 <= behind <= 1, f"record {behind} steps behind the checkpoint"
    finished = {"completed", "unmerged", "merged"}
    (row,) = world.listed()
    assert row["state"] in {"interrupted", *at_rest, *finished}, row
    return run_id


def resume_to_the_end(world: World, run_id: str) -> Finished:
    """Resume; a run that was complete when it was killed says so."""
    done = world.prodigy("resume", run_id, "--no-merge", timeout=110)
    if done.exit_code == 1 and "already complete" in done.stdout + done.stderr:
        return done
    return done.expect(0)


def assert_whole(world: World, run_id: str, notes: Path, crashes: int) -> None:
    """What must hold at the end: every step ran, completed ones once, nothing is held or left."""
    record = world.record(run_id)
    assert record["status"] == "Completed", record["error"]
    assert [path.stem for path in world.records] == [run_id]
    world.assert_agrees(run_id)
    world.assert_nothing_is_held(run_id)
    counts = times_run(notes)
    wanted = {str(n) for n in range(STEPS) if n != 7} | {"7-a", "7-b", "7-c"}
    assert set(counts) == wanted, f"steps that never ran: {sorted(wanted - set(counts))}"
    repeated = sum(count - 1 for count in counts.values())
    assert repeated <= crashes, f"{repeated} repeats after {crashes} crashes: {counts}"
    worktree = world.worktree(run_id)
    assert all((worktree / f"f{n}.txt").exists() for n in range(STEPS) if n % 3 < 2 and n != 7)
    assert world.git("status", "--porcelain", cwd=worktree) == ""
    locks = [path for path in (world.repository / ".git").rglob("*.lock") if path.is_file()]
    assert [path.name for path in locks if path.name != "prodigy.lock"] == []
    world.git("fsck", "--no-dangling")


def kill(pid: int) -> None:
    """``kill -9`` of the owner alone; what it started is for its guard."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
