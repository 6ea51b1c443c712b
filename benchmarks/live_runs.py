"""Runs at work: each a process that holds its run's lock, prints to its log and writes its record.

``python -m benchmarks.live_runs HOME COUNT RECORD_EVERY LINE_EVERY FIRST_LOG_BYTES`` starts them,
says ``ready``, and ends them when its standard input is closed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT, Place
from store.home import Home
from store.locks import RunLock
from store.owned_record import OwnedRecord
from store.owner import new_owner, write_owner
from store.session import SessionConfig, new_document
from store.states import SessionStatus
from store.step_logs import next_log, relative_name
from store.times import to_text
from store.transitions import transition

WORKFLOW = "at-work"
STEPS = 12
_LINES = b"".join(b"%05d compiling one of very many files\n" % number for number in range(1700))


def run_id(number: int) -> str:
    """The id of the run of that number."""
    return f"session-11fe{number:04x}-0000-4000-8000-000000000000"


@contextmanager
def live_runs(
    here: Place, count: int, *, record_every: float, line_every: float, first_log_bytes: int = 0
) -> Iterator[None]:
    """Some runs at work in a home.

    Args:
        here: where.
        count: how many.
        record_every: seconds between two changes of a run's record.
        line_every: seconds between two lines of a run's output.
        first_log_bytes: how long the log of the first one is already.
    """
    numbers = map(str, (count, record_every, line_every, first_log_bytes))
    starter = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.live_runs", str(here.home), *numbers],
        cwd=ROOT,
        env=here.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert starter.stdin is not None and starter.stdout is not None
    try:
        if starter.stdout.readline() != b"ready\n":
            raise RuntimeError("the runs did not start")
        yield
    finally:
        starter.stdin.close()
        starter.wait()


def main(root: str, count: str, *every: str) -> None:
    """Start the runs, and end them when nobody needs them any more."""
    record_every, line_every, first_log_bytes = float(every[0]), float(every[1]), int(every[2])
    ready_end, say_ready = os.pipe()
    pids = []
    for number in range(int(count)):
        pid = os.fork()
        if pid == 0:
            os.close(0)  # whoever holds it must be the parent alone
            size = first_log_bytes if number == 0 else 0
            _run(Home(Path(root)), number, record_every, line_every, size, say_ready)
        pids.append(pid)
    for _ in pids:
        os.read(ready_end, 1)
    print("ready", flush=True)
    sys.stdin.read()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _run(
    home: Home, number: int, record_every: float, line_every: float, log_bytes: int, say_ready: int
) -> None:
    lock = RunLock.acquire(home, run_id(number))
    log = next_log(home, lock.run_id, 0)
    record = OwnedRecord(home, _document(lock.run_id, number), on_problem=print)
    write_owner(home, lock.run_id, new_owner("run", 1))
    with log.path.open("ab") as file:
        for _ in range(log_bytes // len(_LINES)):
            file.write(_LINES)
    record.write_now(partial(_begin, relative_name(home, lock.run_id, log.path)))
    os.write(say_ready, b".")
    step, next_record = 0, time.monotonic() + record_every * number / 20
    while True:
        with log.path.open("ab", buffering=0) as file:
            file.write(b"at work on something, %d\n" % step)
        if time.monotonic() >= next_record:
            step, next_record = step + 1, next_record + record_every
            record.write_now(partial(_reach, step))
        time.sleep(min(line_every, record_every))


def _document(run: str, number: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    config = SessionConfig(
        workflow_id=f"workflow-{number}", workflow_name=WORKFLOW, total_steps=STEPS
    )
    document = new_document(config, run, now)
    attempt = {"kind": "run", "pid": os.getpid(), "host": os.uname().nodename, "from_step": 0}
    transition(document, SessionStatus.RUNNING, now=now, attempt=attempt)
    return document


def _begin(log: str, document: dict[str, Any]) -> None:
    document["metadata"]["project_name"] = "repo-live"
    document["metadata"]["x_prodigy"]["step"] = {
        "index": 0, "label": "shell: make all", "attempt": 1,
        "started_at": to_text(datetime.now(UTC)), "log": log,
    }  # fmt: skip


def _reach(step: int, document: dict[str, Any]) -> None:
    document["metadata"]["x_prodigy"]["step"]["index"] = step % STEPS


if __name__ == "__main__":
    main(*sys.argv[1:])
