"""The dashboard while twenty runs are at work, and while the store changes fifty times a second."""

from __future__ import annotations

import re

from benchmarks.live_runs import WORKFLOW, live_runs, run_id
from benchmarks.measuring import Place, Result, percentile, place
from benchmarks.sessions import fill
from benchmarks.terminal import Terminal, words_of

SESSIONS, LIVE = 10_000, 20
GIGABYTE = 1 << 30
CHANGES_A_SECOND = 50
KEYS = 60
_HALF_UP, _PAGE_UP, _END = b"\x15", b"\x1b[5~", b"\x1b[F"
_LINE_NUMBER = re.compile(r"(?<!\d)\d{8}(?!\d)")
"""As a log of a gigabyte has them at its end."""


def measure() -> list[Result]:
    """Keys and processor time beside ten thousand sessions."""
    with place() as here:
        fill(here.home, SESSIONS)
        here.prodigy("sessions", "list")
        with (
            live_runs(here, LIVE, record_every=3.0, line_every=0.25),
            Terminal(here) as terminal,
        ):
            terminal.wait_for_row((WORKFLOW,))
            terminal.quiet_for(3.0)
            cpu = terminal.cpu()
            calm = _in_the_list(terminal)
        often = LIVE / CHANGES_A_SECOND
        with live_runs(
            here, LIVE, record_every=often, line_every=often / 2, first_log_bytes=GIGABYTE
        ):
            with Terminal(here) as terminal:
                terminal.wait_for_row((WORKFLOW,))
                terminal.quiet_for(3.0)
                changing = _in_the_list(terminal)
            reading = _in_the_log(here)
    return [
        Result("dashboard, 10 000 sessions, 20 of them at work", cpu, "% CPU", 5,
               "each prints 4 lines a second"),
        Result("key to paint, 20 at work, p95", percentile(calm, 0.95), "ms", 30),
        Result("key to paint, 50 changes a second, p95", percentile(changing, 0.95), "ms", 30,
               "10 000 sessions, 20 at work"),
        Result("the same in a growing log of 1 GB", percentile(reading, 0.95), "ms", 30,
               "lines, pages, pause and follow"),
    ]  # fmt: skip


def _in_the_list(terminal: Terminal) -> list[float]:
    """Milliseconds of each step in the list, from the key to the cursor's new place."""
    total = SESSIONS + LIVE
    terminal.press(b"G", f"{total} of {total}")
    terminal.press(b"g", f"1 of {total}")
    return terminal.up_and_down(KEYS)


def _in_the_log(here: Place) -> list[float]:
    """The same in the output of a run, which is followed, left, scrolled and followed again."""
    found = []
    with Terminal(here, "--session", run_id(0)) as terminal:
        terminal.wait_for("Variables")
        terminal.press(b"l", "following")
        for _ in range(KEYS // 6):
            found.append(terminal.press(b"k", "follows"))
            terminal.press(b"k")  # nothing else moves what is seen from here on
            numbers = [int(number) for number in _LINE_NUMBER.findall(words_of(terminal.drawn))]
            top, height = min(numbers), max(numbers) - min(numbers) + 1
            keys = {b"k": -1, _HALF_UP: -(height // 2), _PAGE_UP: -height, b"j": 1}
            for key, by in keys.items():
                top += by
                found.append(terminal.press(key, str(top if by < 0 else top + height - 1)))
            found.append(terminal.press(_END, "following"))
    return found
