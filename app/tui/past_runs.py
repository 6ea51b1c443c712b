"""What earlier runs of a workflow say, in one line for New run."""

from __future__ import annotations

from collections.abc import Iterable

from app import format as form
from store.row import SessionRow
from store.statistics import totals

_LOOKED_AT = 12


def past_words(rows: Iterable[SessionRow], name: str, repo_path: str) -> str:
    """``last 12 runs: 31m, 92 % done, $4.10 each``; empty when there is none that ended.

    Args:
        rows: all sessions.
        name: the workflow.
        repo_path: the checkout its runs belong to.
    """
    mine = [row for row in rows if row.workflow == name and row.repo_path == repo_path]
    mine.sort(key=lambda row: -row.started_us)
    summed = totals(mine[:_LOOKED_AT])
    ended = summed.completed + summed.failed
    if not ended:
        return ""
    facts = [form.duration(summed.p50_seconds)] if summed.p50_seconds is not None else []
    facts.append(f"{form.percent(summed.completed, ended)} done")
    if summed.cost_usd:
        facts.append(f"{form.cost(summed.cost_usd / summed.runs)} each")
    runs = "last run" if summed.runs == 1 else f"last {summed.runs} runs"
    return f"{runs}: {', '.join(facts)}"
