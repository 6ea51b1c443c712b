"""Memory of a run: its owner after a thousand talkative steps, and its guard."""

from __future__ import annotations

import subprocess
import time

import psutil

from benchmarks.measuring import PRODIGY, Result, place

STEPS = 1000
TALK = "head -c 65536 /dev/zero | tr '\\0' x"


def measure() -> list[Result]:
    """Peak of the owner, and of the guard, in MB."""
    with place() as here:
        gate = here.path / "gate"
        steps = [{"shell": TALK}] * STEPS
        steps.append({"shell": f"while [ ! -e '{gate}' ]; do sleep 0.05; done"})
        path = here.workflow(steps)
        process = subprocess.Popen(
            [PRODIGY, "run", str(path)],
            cwd=here.repository,
            env=here.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        owner = psutil.Process(process.pid)
        began = time.perf_counter()
        peak = 0.0
        while not list((here.home / "state").glob(f"session-*/logs/{STEPS:03}-1.log")):
            if process.poll() is not None:
                raise RuntimeError(f"the run ended early, exit {process.returncode}")
            peak = max(peak, owner.memory_info().rss / 1e6)
            time.sleep(0.05)
        took = time.perf_counter() - began
        peak = max(peak, owner.memory_info().rss / 1e6)
        guard = max((_own(child) for child in owner.children() if _is_guard(child)), default=0.0)
        gate.touch()
        process.wait()
        if process.returncode != 0:
            raise RuntimeError(f"the run ended with {process.returncode}")
    return [
        Result("the owner after 1 000 steps of 64 KiB, peak", peak, "MB", 100, f"in {took:.0f} s"),
        Result("its guard, memory of its own", guard, "MB", 12),
    ]


def _is_guard(child: psutil.Process) -> bool:
    return any("guard" in word for word in child.cmdline())


def _own(child: psutil.Process) -> float:
    """Memory that is not shared with others, in MB; where the system does not tell, all of it."""
    try:
        return float(child.memory_full_info().uss) / 1e6
    except (psutil.Error, AttributeError):
        return float(child.memory_info().rss) / 1e6
