"""Statistics as CSV, for whatever draws or adds up further."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from store.statistics import GroupStatistics, Totals

TOTALS = (
    "runs", "completed", "failed", "success_rate", "p50_seconds", "p95_seconds",
    "active_seconds", "cost_usd", "unpriced", "input_tokens", "output_tokens",
)  # fmt: skip


def totals_object(summed: Totals) -> dict[str, float | None]:
    """Runs taken together as plain values; what is not known is None."""
    return {name: getattr(summed, name) for name in TOTALS}


def statistics_csv(found: Iterable[GroupStatistics], by: str) -> str:
    """A line for each workflow or repository, below the names of the columns.

    Args:
        found: in the order of the lines.
        by: the name of the first column.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow((by, *TOTALS, "change"))
    for one in found:
        values = (*totals_object(one.totals).values(), one.change)
        writer.writerow((one.name, *("" if value is None else value for value in values)))
    return buffer.getvalue()
