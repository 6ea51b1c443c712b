"""Running: start-up of the program, set-up of a run, and what a step costs beside a plain loop."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import datetime

from benchmarks.measuring import Place, Result, median_of, place

STEPS = 100


def measure() -> list[Result]:
    """Start-up, set-up and overhead per step."""
    with place() as here:
        version = median_of(lambda: here.prodigy("--version")) * 1000
        setup, git = _setup(here)
        ours, shell = _steps(here)
    each = (ours - shell) / STEPS * 1000
    return [
        Result("prodigy --version", version, "ms", 100),
        Result(
            "record created to first step started",
            setup,
            "ms",
            100 + git,
            f"of it git making a worktree of this size: {git:.0f} ms",
        ),
        Result("100 × `true`, as a workflow", ours, "s"),
        Result("100 × `sh -c true`, plain loop", shell, "s"),
        Result("overhead of a step", each, "ms", note=f"{ours / shell:.1f} times the plain loop"),
    ]


def _setup(here: Place) -> tuple[float, float]:
    """Milliseconds from the creation of the record to the first step, and git's part of that."""
    path = here.workflow([{"shell": "true"}])
    here.prodigy("run", path)
    took = []
    for _ in range(5):
        before = set((here.home / "sessions").glob("*.json"))
        here.prodigy("run", path)
        (record,) = set((here.home / "sessions").glob("*.json")) - before
        created = json.loads(record.read_text("utf-8"))["started_at"]
        (events,) = (here.home / "events" / "project" / record.stem).glob("*.jsonl")
        lines = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
        first = next(li["timestamp"] for li in lines if li["event"]["event_type"] == "step_started")
        took.append((_moment(first) - _moment(created)).total_seconds() * 1000)

    def git() -> float:
        target = here.path / "plain-worktree"
        began = time.perf_counter()
        for words in (
            ["worktree", "prune"],
            ["worktree", "add", "-q", "--no-checkout", "-B", "plain", str(target), "main"],
            ["-C", str(target), "reset", "-q", "--hard"],
        ):
            subprocess.run(["git", *words], cwd=here.repository, env=here.environment(), check=True)
        spent = time.perf_counter() - began
        words = ["git", "worktree", "remove", "--force", str(target)]
        subprocess.run(words, cwd=here.repository, env=here.environment(), check=True)
        return spent

    return sorted(took)[len(took) // 2], median_of(git, 5) * 1000


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _steps(here: Place) -> tuple[float, float]:
    """Seconds for 100 trivial steps, ours without its start, and a plain shell loop's."""
    many = here.workflow([{"shell": "true"}] * STEPS, "many.json")
    one = here.workflow([{"shell": "true"}], "one.json")
    ours = median_of(lambda: here.prodigy("run", many), 3)
    start = median_of(lambda: here.prodigy("run", one), 3)
    loop = f"i=0; while [ $i -lt {STEPS} ]; do sh -c true; i=$((i+1)); done"

    def plain() -> float:
        began = time.perf_counter()
        subprocess.run(["sh", "-c", loop], check=True)
        return time.perf_counter() - began

    return (ours - start) * STEPS / (STEPS - 1), median_of(plain, 5)
