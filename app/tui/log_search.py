"""Finding a text in a log of any size: which lines have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

_PIECE = 1024 * 1024
MOST_HITS = 100_000


def minds_case(text: str) -> bool:
    """Whether upper and lower case differ: when there is an upper case letter in the text."""
    return text != text.lower()


def lines_with(path: Path, text: str, stop: Callable[[], bool]) -> Iterator[list[int]]:
    """The numbers (from 0) of lines with a text in them, piece by piece of the file.

    Args:
        path: the log.
        text: what is looked for; without an upper case letter case does not matter.
        stop: says that nobody waits any more.
    """
    wanted = text.encode("utf-8", "surrogateescape")
    folds = not minds_case(text)
    if not wanted:
        return
    number = 0
    rest = b""
    try:
        with path.open("rb", buffering=0) as file:
            while not stop():
                piece = file.read(_PIECE)
                data = rest + piece
                if not data:
                    return
                end = data.rfind(b"\n") + 1 if piece else len(data)
                if end == 0 and len(data) < 8 * _PIECE:
                    rest = data
                    continue
                # One line may be longer than what is kept: its pieces are looked at one by one.
                end = end or len(data)
                whole, rest = data[:end], data[end:]
                yield _found(whole.lower() if folds else whole, wanted, number)
                number += whole.count(b"\n")
    except OSError:
        return


def _found(data: bytes, wanted: bytes, number: int) -> list[int]:
    found: list[int] = []
    at = counted = 0
    while (at := data.find(wanted, at)) >= 0:
        number += data.count(b"\n", counted, at)
        counted = at
        if not found or found[-1] != number:
            found.append(number)
        after = data.find(b"\n", at)
        if after < 0:
            break
        at = after
    return found


def places(text: str, wanted: str) -> list[tuple[int, int]]:
    """Where a text stands in a line as it is shown: starts and ends."""
    if not wanted:
        return []
    line = text if minds_case(wanted) else text.lower()
    if len(line) != len(text):  # some letters are longer in lower case
        line = text
    found, at = [], 0
    while (at := line.find(wanted, at)) >= 0:
        found.append((at, at + len(wanted)))
        at += len(wanted)
    return found
