"""``python -m benchmarks.run [NAME…]``: measure, print the table, fail when a limit is not kept."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

from benchmarks import busy, dashboard, language, lists, logs, many, memory, runs, writes
from benchmarks.measuring import Result

BENCHMARKS: dict[str, Callable[[], list[Result]]] = {
    "writes": writes.measure,
    "runs": runs.measure,
    "language": language.measure,
    "lists": lists.measure,
    "memory": memory.measure,
    "dashboard": dashboard.measure,
    "busy": busy.measure,
    "logs": logs.measure,
    "many": many.measure,
}


def main(names: list[str]) -> int:
    """Measure what was named, or everything; returns the exit code."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return 2
    results: list[Result] = []
    print(f"Python {platform.python_version()}, {platform.system()}\n")
    print("| what | measured | limit | kept | |\n|---|---|---|---|---|")
    for name, measure in BENCHMARKS.items():
        if names and name not in names:
            continue
        for result in measure():
            results.append(result)
            print(result.row(), flush=True)
    return 0 if all(result.is_within for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
