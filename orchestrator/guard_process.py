"""The program of the guard: waits for its owner to be gone, then ends what the owner's steps left.

Started by ``guard.py`` with an empty environment, in a session of its own, with the pipe from the
owner as its input: ``guard_process.py RUN_ID OWNER_PID GRACE_SECONDS``.
"""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    # os.path, not pathlib, which would double what is loaded
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100,PTH120

from orchestrator.steps.process_end import Ending, Wanted  # noqa: E402

GOODBYE = b"."


def watch(run_id: str, owner: int, grace_seconds: float) -> None:
    """Read kernel sessions, one a line, until the pipe closes; end all unless it said goodbye."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = b""
    while piece := os.read(0, 4096):
        told += piece
    if not told.endswith(GOODBYE):
        sessions = [int(line) for line in told.split() if line.isdigit()]
        Ending(Wanted(run_id, owner=owner, sessions=sessions), grace_seconds).finish()


if __name__ == "__main__":
    watch(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
