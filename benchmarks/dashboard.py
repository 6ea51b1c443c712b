"""The dashboard in a real terminal: how soon it is there, how soon it answers, what it costs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Place, Result, percentile, place
from benchmarks.sessions import WORKFLOWS, fill

PROGRAM = str(Path(sys.executable).parent / "prodigy-tui")
ROWS, COLUMNS = 40, 120
IDLE_SECONDS = 8.0
_DRAWS = b"\x1b[?1049h"
"""To the alternate screen; what comes after it is drawn."""


def measure() -> list[Result]:
    """Paint, keys, filter, changes, idle and memory with 10 000 sessions; paint with 100 000."""
    results = _with_ten_thousand()
    with place() as here:
        fill(here.home, 100_000)
        here.prodigy("sessions", "list")
        paint, row = _opened(here, 5)
    results += [
        Result("dashboard, 100 000 sessions, first paint", paint, "ms", 600, "in a pty"),
        Result("dashboard, 100 000 sessions, first row", row, "ms", note="in a pty"),
    ]
    return results


def _with_ten_thousand() -> list[Result]:
    with place() as here:
        fill(here.home, 10_000)
        here.prodigy("sessions", "list")
        paint, row = _opened(here, 6)
        terminal = Terminal(here)
        try:
            terminal.wait_for_row()
            terminal.quiet_for(3.0)
            keys = [terminal.answer(b"j") for _ in range(60)]
            terminal.answer(b"/")
            filters = [terminal.answer(bytes([one])) for one in b"repo-3 nigh"]
            terminal.answer(b"\x1b")
            terminal.quiet_for(1.0)
            terminal.answer(b"g")
            terminal.answer(b"j")
            changes = [_change(here, terminal, number) for number in range(10)]
            cpu, memory = terminal.idle_cpu(), terminal.memory()
        finally:
            terminal.close()
    return [
        Result("dashboard, 10 000 sessions, first paint", paint, "ms", 400, "in a pty"),
        Result("dashboard, 10 000 sessions, first row", row, "ms", note="in a pty"),
        Result("key to paint, 10 000 sessions, p95", percentile(keys, 0.95), "ms", 30),
        Result("filter keystroke, 10 000 sessions, p95", percentile(filters, 0.95), "ms", 30),
        Result("change on disk to screen, median", statistics.median(changes), "ms", 150),
        Result("dashboard, idle", cpu, "% CPU", 1),
        Result("dashboard, memory at 10 000 sessions", memory, "MB", 90),
    ]


def _opened(here: Place, times: int) -> tuple[float, float]:
    """Milliseconds to the first paint and to the first session: medians, a first try left out."""
    found = []
    for _ in range(times):
        terminal = Terminal(here)
        found.append(terminal.wait_for_row())
        terminal.close()
    paints, rows = zip(*found[1:], strict=True)
    return statistics.median(paints), statistics.median(rows)


def _change(here: Place, terminal: Terminal, number: int) -> float:
    """Milliseconds from the first session's new error, on disk, to the screen."""
    run_id = f"session-{9_999:08x}-0000-4000-8000-000000000000"
    path = here.home / "sessions" / f"{run_id}.json"
    word = f"broken-{number}"
    document = json.loads(path.read_text("utf-8"))
    document |= {"status": "Failed", "error": word}
    new = path.with_name(f".{path.name}.new")
    new.write_text(json.dumps(document), encoding="utf-8")
    took = terminal.until(lambda seen: word.encode() in seen, lambda: new.replace(path))
    terminal.quiet_for(0.5)
    return took


class Terminal:
    """The dashboard in a pseudo-terminal, and what it draws there."""

    def __init__(self, here: Place) -> None:
        self._began = time.perf_counter()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(here.repository)
            os.execve(PROGRAM, [PROGRAM], here.environment(TERM="xterm-256color"))

    def _read(self, timeout: float) -> bytes:
        if not select.select([self._terminal], [], [], timeout)[0]:
            return b""
        return os.read(self._terminal, 65536)

    def wait_for_row(self) -> tuple[float, float]:
        """Milliseconds from the command to the first text, and to the first session."""
        seen, painted = b"", 0.0
        while True:
            seen += self._read(0.5)
            now = (time.perf_counter() - self._began) * 1000
            if now > 60_000:
                raise RuntimeError(f"no session appeared; the screen began {seen[-2000:]!r}")
            # The alternate screen alone is no paint: something must be drawn on it.
            if not painted and _DRAWS in seen and b"rodigy" in seen:
                painted = now
            if any(name.encode() in seen for name in WORKFLOWS):
                return painted or now, now

    def until(self, holds: Callable[[bytes], bool], do: Callable[[], object]) -> float:
        """Do something; milliseconds until what is drawn holds."""
        seen, began = b"", time.perf_counter()
        do()
        while not holds(seen):
            seen += self._read(1.0)
            if time.perf_counter() - began > 10:
                raise RuntimeError(f"nothing came; the screen got {seen[-2000:]!r}")
        return (time.perf_counter() - began) * 1000

    def answer(self, key: bytes) -> float:
        """Press a key; milliseconds until the first thing it draws."""
        took = self.until(bool, lambda: os.write(self._terminal, key))
        self.quiet_for(0.15)
        return took

    def quiet_for(self, seconds: float) -> None:
        """Take what is drawn for some time."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._read(0.05)

    def idle_cpu(self) -> float:
        """Percent of one processor while nothing happens."""
        self.quiet_for(2.0)
        before = self._cpu_seconds()
        self.quiet_for(IDLE_SECONDS)
        return 100 * (self._cpu_seconds() - before) / IDLE_SECONDS

    def _cpu_seconds(self) -> float:
        words = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGTERM)
        os.close(self._terminal)
        os.waitpid(self.pid, 0)
