"""Opening the output of a step in the dashboard: a hundred thousand lines, and a gigabyte."""

from __future__ import annotations

import statistics

from benchmarks.measuring import Place, Result, place
from benchmarks.sessions import add_failed, fill
from benchmarks.terminal import Terminal

TIMES = 4
_LINE = b"a line of output as long as many of them are, %06d\n"
_PIECE = b"".join(_LINE % number for number in range(20_000))
_END = "the very last line"


def measure() -> list[Result]:
    """From the key to the end of the output on the screen."""
    with place() as here:
        fill(here.home, 100)
        many = [_PIECE] * 5
        add_failed(here.home, 1000, "many-lines", [*many, f"{_END}\n".encode()])
        giant = [_PIECE] * ((1 << 30) // len(_PIECE))
        add_failed(here.home, 1001, "a-gigabyte", [*giant, f"{_END}\n".encode()])
        here.prodigy("sessions", "list")
        lines, gigabyte = _opened(here, "many-lines"), _opened(here, "a-gigabyte")
    return [
        Result("output of 100 000 lines, key to its end on the screen", lines, "ms", 300),
        Result("output of 1 GB, key to its end on the screen", gigabyte, "ms", 500),
    ]


def _opened(here: Place, workflow: str) -> float:
    """Milliseconds from the key to the last line: the median, a first try left out."""
    with Terminal(here, "--filter", f"workflow:{workflow}") as terminal:
        terminal.wait_for_row((workflow,))
        terminal.quiet_for(2.0)
        found = []
        for _ in range(TIMES + 1):
            found.append(terminal.press(b"l", _END))
            terminal.quiet_for(1.5)
            terminal.press(b"\x1b", "STATUS")
            terminal.quiet_for(0.5)
    return statistics.median(found[1:])
