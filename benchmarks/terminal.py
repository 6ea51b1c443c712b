"""The dashboard in a pseudo-terminal: keys go in, and what it draws is looked at."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType

from benchmarks.measuring import Place
from benchmarks.sessions import WORKFLOWS

PROGRAM = str(Path(sys.executable).parent / "prodigy-tui")
ROWS, COLUMNS = 40, 120
IDLE_SECONDS = 8.0
CALM_PERCENT = 20
BETWEEN_KEYS = 0.15
GIVE_UP_SECONDS = 60.0
_FIRST_ROW, _ROWS_SEEN = 6, 12
"""Where the list begins on the screen, and some of the rows it has there."""
_DRAWS = b"\x1b[?1049h"
"""To the alternate screen; what comes after it is drawn."""
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
_PLACE_OR_CURSOR = re.compile(b"\x1b\\[([0-9]+);[0-9]+H|" + "▌".encode())
_OTHER = re.compile(rb"\x1b(?:\[[0-9;:?<>=]*[ -/]*[@-~]|[^\[])")


class Terminal:
    """A dashboard of 120 by 40 cells; ended when left."""

    def __init__(self, here: Place, *arguments: str) -> None:
        self.drawn = b""
        """What was drawn since the last key."""
        self._began = time.perf_counter()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(here.repository)
            os.execve(PROGRAM, [PROGRAM, *arguments], here.environment(TERM="xterm-256color"))

    def _read(self, timeout: float) -> bytes:
        if not select.select([self._terminal], [], [], timeout)[0]:
            return b""
        return os.read(self._terminal, 65536)

    def wait_for_row(self, names: Iterable[str] = WORKFLOWS) -> tuple[float, float]:
        """Milliseconds from the command to the first text, and to the first session."""
        wanted = [name.encode() for name in names]
        seen, painted = b"", 0.0
        while True:
            seen += self._read(0.5)
            now = (time.perf_counter() - self._began) * 1000
            if now > GIVE_UP_SECONDS * 1000:
                raise RuntimeError(f"no session appeared; the screen began {seen[-2000:]!r}")
            # The alternate screen alone is no paint: something must be drawn on it.
            if not painted and _DRAWS in seen and b"rodigy" in seen:
                painted = now
            if any(name in seen for name in wanted):
                return painted or now, now

    def until(self, holds: Callable[[bytes], bool], do: Callable[[], object]) -> float:
        """Do something; milliseconds until what is drawn holds."""
        self.drawn, began = b"", time.perf_counter()
        do()
        while not holds(self.drawn):
            self.drawn += self._read(1.0)
            if time.perf_counter() - began > GIVE_UP_SECONDS:
                words = words_of(self.drawn)[-2000:]
                raise RuntimeError(f"nothing came; the screen got {words!r}")
        return (time.perf_counter() - began) * 1000

    def wait_for(self, words: str) -> float:
        """Milliseconds until these words are drawn."""
        return self.until(lambda seen: words in words_of(seen), lambda: None)

    def press(self, key: bytes, words: str = "") -> float:
        """Press a key; milliseconds until it draws these words, or anything."""

        def holds(seen: bytes) -> bool:
            return words in words_of(seen) if words else bool(seen)

        took = self.until(holds, lambda: self._send(key))
        self.drawn += self.quiet_for(BETWEEN_KEYS)
        return took

    def move(self, key: bytes, row: int) -> float:
        """Press a key that moves the cursor; milliseconds until it is drawn in that row."""
        took = self.until(lambda seen: row in _cursor_rows(seen), lambda: self._send(key))
        self.drawn += self.quiet_for(BETWEEN_KEYS)
        return took

    def up_and_down(self, times: int) -> list[float]:
        """Milliseconds of each step of the cursor from the first row down, up, and down again."""
        self.press(b"g")
        way = [(b"j", row) for row in range(1, _ROWS_SEEN)]
        way += [(b"k", row) for row in reversed(range(_ROWS_SEEN - 1))]
        return [self.move(key, _FIRST_ROW + row) for key, row in islice(cycle(way), times)]

    def _send(self, key: bytes) -> None:
        os.write(self._terminal, key)

    def quiet_for(self, seconds: float) -> bytes:
        """Take what is drawn for some time."""
        seen, until = b"", time.perf_counter() + seconds
        while time.perf_counter() < until:
            seen += self._read(0.05)
        return seen

    def cpu(self, seconds: float = IDLE_SECONDS) -> float:
        """Percent of one processor it takes while nobody does anything."""
        self.quiet_for(2.0)
        before = self._cpu_seconds()
        self.quiet_for(seconds)
        return 100 * (self._cpu_seconds() - before) / seconds

    def wait_until_calm(self) -> None:
        """Until it has read whatever it reads behind what is shown."""
        while self.cpu(1.0) > CALM_PERCENT:
            pass

    def _cpu_seconds(self) -> float:
        words = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.kill(self.pid, signal.SIGTERM)
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


def _cursor_rows(drawn: bytes) -> set[int]:
    """The rows of the screen, from 1, in which a cursor bar was drawn."""
    rows, row = set(), 0
    for found in _PLACE_OR_CURSOR.finditer(drawn):
        row = int(found[1]) if found[1] else row
        if found[1] is None:
            rows.add(row)
    return rows


def words_of(drawn: bytes) -> str:
    """What was drawn without colours; a line end wherever the cursor went elsewhere."""
    return _OTHER.sub(b"\n", _COLOUR.sub(b"", drawn)).decode("utf-8", "replace")
