"""Finding a text in a log of any size: which lines have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from app.tui import log_text
from app.tui.log_file import MESSAGE
from orchestrator.terminal_text import SEQUENCE_IN_BYTES

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
    if not wanted:
        return
    find = _find_in_text if _needs_text(text) else _find_in_bytes
    folds = not minds_case(text)
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
                found = find(without_colours(whole), wanted, folds)
                if whole.startswith(MESSAGE) or b"\n" + MESSAGE in whole or b"\r" in whole:
                    found = _as_read(whole, text, found)
                yield [number + at for at in found]
                number += whole.count(b"\n")
    except OSError:
        return


def without_colours(data: bytes) -> bytes:
    """The bytes without what programs send to colour them; line ends stay where they are."""
    return SEQUENCE_IN_BYTES.sub(b"", data) if b"\x1b" in data else data


def _needs_text(text: str) -> bool:
    """Whether upper and lower case of it are not told apart by one bit of a byte."""
    return not text.isascii() and not minds_case(text)


def _find_in_bytes(data: bytes, wanted: bytes, folds: bool) -> list[int]:
    data = data.lower() if folds else data
    found: list[int] = []
    at = counted = number = 0
    while (at := data.find(wanted, at)) >= 0:
        number += data.count(b"\n", counted, at)
        counted = at
        found.append(number)
        after = data.find(b"\n", at)
        if after < 0:
            break
        at = after
    return found


def _find_in_text(data: bytes, wanted: bytes, _folds: bool) -> list[int]:
    text = data.decode("utf-8", "replace").lower()
    sought = wanted.decode("utf-8", "replace")
    return [number for number, line in enumerate(text.split("\n")) if sought in line]


def _as_read(data: bytes, text: str, found: list[int]) -> list[int]:
    """The same, but of messages and lines written over those that have it in what is shown."""
    hits = set(found)
    return [
        number
        for number, line in enumerate(data.split(b"\n"))
        if (line.startswith(MESSAGE) or number in hits)
        and (not _is_shown_otherwise(line) or places(log_text.whole(line), text))
    ]


def _is_shown_otherwise(line: bytes) -> bool:
    return line.startswith(MESSAGE) or b"\r" in line.rstrip(b"\r")


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
