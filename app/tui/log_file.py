"""A log file by line number, however big: one count of line ends for each block of it."""

from __future__ import annotations

import os
import re
import threading
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from app.agent_messages import BEGINNING

BLOCK = 64 * 1024
LONGEST = 16 * 1024
"""Bytes of one line that are read, if it is no message of an agent."""
MESSAGE = BEGINNING.encode()
LONGEST_MESSAGE = 1024 * 1024
TAIL_BYTES = 96 * 1024
_KEPT_BLOCKS = 16
_LINE_END = re.compile(rb"\n")


class LogFile:
    """Lines of a growing file.

    :meth:`look` reads what is new (whole blocks, counting line ends: about 1 GB in half a second);
    :meth:`lines` reads some. One thread may look while another one reads lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._inode = -1
        self._ends_before = [0]
        """Line ends before each block; the last entry is the total so far."""
        self._scanned = 0
        self._kept: OrderedDict[int, list[int]] = OrderedDict()
        self._lock = threading.Lock()
        self._last_byte = b"\n"

    @property
    def count(self) -> int:
        """How many lines there are, an unfinished last one included."""
        return self._ends_before[-1] + (0 if self._last_byte == b"\n" else 1)

    def look(self) -> bool:
        """Take in what was written since; says whether anything changed.

        Raises:
            OSError: the file cannot be read.
        """
        with self.path.open("rb", buffering=0) as file:
            state = os.fstat(file.fileno())
            if state.st_ino != self._inode or state.st_size < self.size:
                self._begin_again(state.st_ino)
            if state.st_size == self.size:
                return False
            # The block that was only partly filled is counted anew.
            whole = self._scanned // BLOCK
            file.seek(whole * BLOCK)
            position, total = whole * BLOCK, self._ends_before[whole]
            ends: list[int] = []
            last = self._last_byte
            while position < state.st_size and (piece := file.read(64 * BLOCK)):
                for start in range(0, len(piece), BLOCK):
                    total += piece.count(b"\n", start, start + BLOCK)
                    ends.append(total)
                position += len(piece)
                last = piece[-1:]
                if len(piece) % BLOCK:
                    break
            with self._lock:
                self._ends_before[whole + 1 :] = ends
                self._kept.pop(whole, None)
                self._last_byte = last
                self._scanned = self.size = position
        return True

    @property
    def is_looked_at(self) -> bool:
        """Whether what is there was counted once."""
        return self._inode != -1

    def lines(self, first: int, count: int) -> list[bytes]:
        """So many lines from line ``first`` (from 0) on, without their ends.

        Of each there are at most :data:`LONGEST` bytes, of a message of an agent
        :data:`LONGEST_MESSAGE`; one that is not there is empty.
        """
        found: list[bytes] = []
        try:
            with self.path.open("rb", buffering=0) as file:
                while len(found) < count:
                    file.seek(self._start_of(first + len(found)))
                    data = file.read(LONGEST)
                    *whole, last = data.split(b"\n")
                    if not whole:
                        last = self._long_line(file, first + len(found), data)
                    found += whole or [last]  # after others the last one is read again, whole
        except OSError:
            found += [b""] * (count - len(found))
        return found[:count]

    def _long_line(self, file: FileIO, number: int, beginning: bytes) -> bytes:
        """A line that goes on: of a message all, of a line that is written over its end."""
        if beginning.startswith(MESSAGE):
            return (beginning + file.read(LONGEST_MESSAGE - LONGEST)).partition(b"\n")[0]
        start, end = self._start_of(number), self._end_of(number)
        file.seek(max(start, end - LONGEST))
        last = file.read(min(LONGEST, end - start))
        return last if b"\r" in last.rstrip(b"\r") else beginning

    def whole(self, number: int) -> bytes:
        """A line with at most :data:`LONGEST_MESSAGE` bytes; empty if it is not there."""
        start = self._start_of(number)
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(min(LONGEST_MESSAGE, self._end_of(number) - start))
        except OSError:
            return b""

    def _end_of(self, number: int) -> int:
        if number + 1 < self.count:
            return self._start_of(number + 1) - 1
        return self.size - (1 if self._last_byte == b"\n" else 0)

    def _start_of(self, number: int) -> int:
        if number <= 0:
            return 0
        with self._lock:
            block = bisect_left(self._ends_before, number) - 1
            ends = self._ends(block)
            nth = number - self._ends_before[block] - 1
        return block * BLOCK + ends[nth] + 1 if nth < len(ends) else self.size

    def _ends(self, block: int) -> list[int]:
        kept = self._kept.get(block)
        if kept is None:
            try:
                with self.path.open("rb", buffering=0) as file:
                    file.seek(block * BLOCK)
                    kept = [found.start() for found in _LINE_END.finditer(file.read(BLOCK))]
            except OSError:
                kept = []
            self._kept[block] = kept
            while len(self._kept) > _KEPT_BLOCKS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(block)
        return kept

    def _begin_again(self, inode: int) -> None:
        with self._lock:
            self._inode = inode
            self.size = self._scanned = 0
            self._ends_before = [0]
            self._kept.clear()
            self._last_byte = b"\n"


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a log. ``grew_us`` is when it last grew, microseconds since the epoch."""

    lines: tuple[bytes, ...]
    size: int
    grew_us: int


def read_tail(path: Path, count: int) -> Tail | None:
    """The last lines of a file, read from its end; None when there is no such file."""
    try:
        with path.open("rb", buffering=0) as file:
            state = os.fstat(file.fileno())
            for size in (TAIL_BYTES, LONGEST_MESSAGE):
                start = max(0, state.st_size - size)
                file.seek(start)
                data = file.read(size)
                if b"\n" in data[:-1]:
                    break  # or it is one long message, of which the end alone says nothing
    except OSError:
        return None
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    if start and len(lines) > 1:
        lines.pop(0)
    return Tail(tuple(lines[-count:]) if count else (), state.st_size, state.st_mtime_ns // 1000)
