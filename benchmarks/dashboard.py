"""The dashboard with ten thousand sessions: how soon it is there and answers, what it costs."""

from __future__ import annotations

import json
import statistics

from benchmarks.measuring import Place, Result, percentile, place
from benchmarks.sessions import fill
from benchmarks.terminal import Terminal


def measure() -> list[Result]:
    """Paint, keys, filter, changes, idle and memory."""
    with place() as here:
        fill(here.home, 10_000)
        here.prodigy("sessions", "list")
        paint, row = opened(here, 6)
        with Terminal(here) as terminal:
            terminal.wait_for_row()
            terminal.quiet_for(3.0)
            keys = terminal.up_and_down(60)
            terminal.press(b"/")
            filters = [terminal.press(bytes([one])) for one in b"repo-3 nigh"]
            terminal.press(b"\x1b")
            terminal.quiet_for(1.0)
            terminal.press(b"g")
            terminal.press(b"j")
            changes = [_change(here, terminal, number) for number in range(10)]
            cpu, memory = terminal.cpu(), terminal.memory()
    return [
        Result("dashboard, 10 000 sessions, first paint", paint, "ms", 400, "in a pty"),
        Result("dashboard, 10 000 sessions, first row", row, "ms", note="in a pty"),
        Result("key to paint, 10 000 sessions, p95", percentile(keys, 0.95), "ms", 30),
        Result("filter keystroke, 10 000 sessions, p95", percentile(filters, 0.95), "ms", 30),
        Result("change on disk to screen, median", statistics.median(changes), "ms", 150),
        Result("dashboard, idle", cpu, "% CPU", 1),
        Result("dashboard, memory at 10 000 sessions", memory, "MB", 90),
    ]


def opened(here: Place, times: int) -> tuple[float, float]:
    """Milliseconds to the first paint and to the first session: medians, a first try left out."""
    found = []
    for _ in range(times):
        with Terminal(here) as terminal:
            found.append(terminal.wait_for_row())
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
