"""The dashboard with a hundred thousand sessions: keys stay live while it reads and looks."""

from __future__ import annotations

from benchmarks.dashboard import opened
from benchmarks.measuring import Result, percentile, place
from benchmarks.sessions import fill
from benchmarks.terminal import Terminal

SESSIONS = 100_000
_QUERY = "id:0000270 repo:repo-3"


def measure() -> list[Result]:
    """Paint, keys, typing a filter, and memory."""
    with place() as here:
        fill(here.home, SESSIONS)
        here.prodigy("sessions", "list")
        with Terminal(here) as terminal:  # the index learns of all of them
            terminal.wait_for_row()
            terminal.wait_until_calm()
        paint, row = opened(here, 4)
        with Terminal(here) as terminal:
            terminal.wait_for_row()
            loading = terminal.up_and_down(30)
            terminal.wait_until_calm()
            keys = terminal.up_and_down(40)
            terminal.press(b"/")
            terminal.press(_QUERY[:1].encode())
            typed = [
                terminal.press(_QUERY[at - 1 : at].encode(), _QUERY[:at])
                for at in range(2, len(_QUERY) + 1)
            ]
            found = terminal.press(b"9", "0 of")
            memory = terminal.memory()
    return [
        Result("dashboard, 100 000 sessions, first paint", paint, "ms", 600, "in a pty"),
        Result("dashboard, 100 000 sessions, first row", row, "ms", note="in a pty"),
        Result("key to paint while they are read, p95", percentile(loading, 0.95), "ms"),
        Result("key to paint, 100 000 sessions, p95", percentile(keys, 0.95), "ms", 30),
        Result("filter keystroke to its letter, p95", percentile(typed, 0.95), "ms", 50),
        Result("the same to what it finds", found, "ms"),
        Result("dashboard, memory at 100 000 sessions", memory, "MB"),
    ]
