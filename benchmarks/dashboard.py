"""The dashboard in a real terminal: from the command to the first row on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from pathlib import Path

from benchmarks.measuring import Place, Result, place
from benchmarks.sessions import WORKFLOWS, fill

PROGRAM = str(Path(sys.executable).parent / "prodigy-tui")
ROWS, COLUMNS = 40, 120


def measure() -> list[Result]:
    """First paint and first row with ten thousand sessions, median of five."""
    with place() as here:
        fill(here.home, 10_000)
        here.prodigy("sessions", "list")
        times = [_open(here) for _ in range(6)][1:]
    paint = statistics.median(first for first, _ in times)
    row = statistics.median(second for _, second in times)
    return [
        Result("dashboard, 10 000 sessions, first paint", paint, "ms", 400, "in a pty"),
        Result("dashboard, 10 000 sessions, first row", row, "ms", note="in a pty"),
    ]


def _open(here: Place) -> tuple[float, float]:
    """Milliseconds to the first text on the screen, and to the first session."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.chdir(here.repository)
        os.execve(PROGRAM, [PROGRAM], here.environment(TERM="xterm-256color"))
    seen = b""
    painted = 0.0
    try:
        while True:
            if time.perf_counter() - began > 20:
                raise RuntimeError(f"no session appeared; the screen began {seen[-2000:]!r}")
            if not select.select([terminal], [], [], 0.5)[0]:
                continue
            seen += os.read(terminal, 65536)
            now = (time.perf_counter() - began) * 1000
            # The alternate screen alone is no paint: something must be drawn on it.
            if not painted and b"\x1b[?1049h" in seen and b"rodigy" in seen:
                painted = now
            if any(name.encode() in seen for name in WORKFLOWS):
                return painted or now, now
    finally:
        os.kill(pid, signal.SIGTERM)
        os.close(terminal)
        os.waitpid(pid, 0)
