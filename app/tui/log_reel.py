"""The logs of one or more attempts as one run of lines, with a mark before each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.tui.log_file import LogFile, read_tail
from app.tui.log_search import lines_with

TAIL_LINES = 400


@dataclass(frozen=True, slots=True)
class LogPart:
    """One log, and what the rule before it says; no rule when that is empty."""

    path: Path
    mark: str = ""


class Reel(Protocol):
    """Lines by number, from 0. A mark is text of ours, a line the bytes of a program."""

    @property
    def count(self) -> int: ...

    def lines(self, first: int, count: int) -> Sequence[bytes | str]:
        """So many lines in a row, all of which must be there."""
        ...

    def whole(self, number: int) -> bytes | str:
        """One line, also what is left out of a very long one."""
        ...

    def number_of(self, number: int) -> int | None:
        """The number of a line in its own log, from 1; None for a mark."""
        ...


class TailReel:
    """The end of a log that is still being counted: shown at once, its numbers not known yet."""

    def __init__(self, path: Path) -> None:
        tail = read_tail(path, TAIL_LINES)
        self._lines = tail.lines if tail is not None else ()

    @property
    def count(self) -> int:
        return len(self._lines)

    def lines(self, first: int, count: int) -> Sequence[bytes | str]:
        return self._lines[first : first + count]

    def whole(self, number: int) -> bytes | str:
        return self._lines[number]

    def number_of(self, number: int) -> int | None:
        return None


class LogReel:
    """Logs one after the other, however big; :meth:`look` takes in what is new."""

    def __init__(self, parts: Sequence[LogPart]) -> None:
        self.parts = tuple(parts)
        self._files = [LogFile(part.path) for part in self.parts]
        self._marks = [1 if part.mark else 0 for part in self.parts]
        self._starts = [0] * len(self.parts)
        self._count = 0

    def look(self) -> bool:
        """Take in what was written since; says whether anything changed."""
        changed = False
        for file in self._files:
            try:
                changed = file.look() or changed
            except OSError:  # a log that was removed meanwhile keeps the lines it had
                continue
        starts, at = [], 0
        for file, mark in zip(self._files, self._marks, strict=True):
            starts.append(at)
            at += mark + file.count
        self._starts, self._count = starts, at
        return changed

    @property
    def may_have_grown(self) -> bool:
        """Whether some log is of another size than when it was looked at."""
        for file in self._files:
            try:
                if file.path.stat().st_size != file.size or not file.is_looked_at:
                    return True
            except OSError:
                continue
        return False

    @property
    def size(self) -> int:
        """Bytes of all logs on disk."""
        total = 0
        for file in self._files:
            try:
                total += file.path.stat().st_size
            except OSError:
                continue
        return total

    @property
    def count(self) -> int:
        return self._count

    @property
    def most_lines(self) -> int:
        """Lines of the longest log: as wide as its numbers may be."""
        return max((file.count for file in self._files), default=0)

    def _place(self, number: int) -> tuple[int, int]:
        """Which log, and which line of it; -1 for its mark."""
        part = bisect_right(self._starts, number) - 1
        while part + 1 < len(self._starts) and self._starts[part + 1] == number:
            part += 1  # pragma: no cover - an empty log without a mark
        return part, number - self._starts[part] - self._marks[part]

    def lines(self, first: int, count: int) -> Sequence[bytes | str]:
        found: list[bytes | str] = []
        while len(found) < count:
            number = first + len(found)
            part, at = self._place(number)
            if at < 0:
                found.append(self.parts[part].mark)
                continue
            end = self._starts[part + 1] if part + 1 < len(self._starts) else self._count
            found += self._files[part].lines(at, min(first + count, end) - number)
        return found

    def whole(self, number: int) -> bytes | str:
        part, at = self._place(number)
        return self._files[part].whole(at) if at >= 0 else self.parts[part].mark

    def number_of(self, number: int) -> int | None:
        _, at = self._place(number)
        return at + 1 if at >= 0 else None

    def search(self, text: str, stop: Callable[[], bool]) -> Iterator[list[int]]:
        """The numbers of lines that have a text in them, in pieces, in order."""
        for file, start, mark in zip(self._files, self._starts, self._marks, strict=True):
            for found in lines_with(file.path, text, stop):
                yield [start + mark + number for number in found]
