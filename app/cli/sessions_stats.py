"""``prodigy sessions stats``: what many runs say together, by workflow, step and day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from app.cli.arguments import moment
from app.cli.command import command, flag, option
from app.cli.invocation import Invocation
from app.cli.output import Cell, Column
from app.format import UNKNOWN, amount, cost, count, duration, percent, tokens
from app.past_steps import NEWEST_RUNS, past_steps
from app.statistics_csv import statistics_csv, totals_object
from app.status_style import Role
from store.catalog import SessionFilter
from store.row import SessionRow
from store.statistics import (
    ENOUGH_RUNS,
    DayStatistics,
    GroupStatistics,
    Totals,
    by_day,
    day_of,
    group_statistics,
    of_repository,
    of_workflow,
    totals,
)
from store.step_statistics import StepStatistics, step_statistics
from store.times import to_text, utc_now

_NAMES = {"workflow": of_workflow, "repository": of_repository}
_LISTS = {"workflow": "workflows", "repository": "repositories"}
_GROUPS = (
    Column("RUNS", right=True),
    Column("DONE", right=True),
    Column("P50", right=True),
    Column("P95", right=True),
    Column("COST", right=True),
    Column("TOKENS", right=True),
    Column("CHANGE", right=True),
)
_STEPS = (
    Column("STEP", flexible=True),
    Column("RUNS", right=True),
    Column("P50", right=True),
    Column("P95", right=True),
    Column("RETRIED", right=True),
    Column("FAILED", right=True),
)
_DAYS = (
    Column("DAY"),
    Column("RUNS", right=True),
    Column("FAILED", right=True),
    Column("COST", right=True),
    Column("TOKENS", right=True),
)
_FEW, _TOO_FEW = 0.9, 0.7
"""Success rates below which a workflow is told in colour."""
_SLOWER = 0.2


@command(
    "stats",
    help="""Runs, success rate, durations and cost, by workflow and day.

    DONE is the share of runs that completed, of those that ended. P50 and P95 are the durations
    that half and 95 % of completed runs do not exceed. CHANGE compares P50 with the period of the
    same length before --since.""",
    examples=(
        "prodigy sessions stats --since 30d",
        "prodigy sessions stats --workflow fix-issue --since 7d",
        "prodigy sessions stats --by repository --csv > runs.csv",
    ),
)
@option("--workflow", metavar="W", help="Only this workflow, with each of its steps.")
@option("--since", type=moment("m"), metavar="T", help="Only runs started since then.")
@option("--repo", metavar="R", help="Only runs of this repository.")
@flag("--here", help="Only runs of the repository of this directory.")
@option(
    "--by",
    type=click.Choice(list(_NAMES)),
    default="workflow",
    metavar="workflow|repository",
    help="What runs are taken together by (workflow).",
)
@flag("--csv", "as_csv", help="The first table as CSV.")
def sessions_stats(
    invocation: Invocation,
    *,
    workflow: str | None,
    since: datetime | None,
    repo: str | None,
    here: bool,
    by: str,
    as_csv: bool,
) -> None:
    from app.cli.runs import open_catalog, repository_here

    if here:
        repo = repository_here()
    now = utc_now()
    wanted = SessionFilter(workflow=workflow, repo=repo, archived=None)
    rows = open_catalog(invocation).rows(wanted)
    found = group_statistics(rows, since, now, _NAMES[by])
    inside = [row for one in found for row in one.rows]
    if as_csv:
        invocation.out.raw(statistics_csv(found, by))
        return
    steps = None
    if workflow is not None:
        steps = step_statistics(past_steps(invocation.home, inside))
    days = _days(inside)
    if invocation.out.settings.json:
        invocation.out.json(_document(since, inside, found, by, steps, days))
    elif not found:
        invocation.out.line("No runs to tell about.")
    else:
        _show(invocation, inside, found, by, steps, days)


def _days(rows: Sequence[SessionRow]) -> list[DayStatistics]:
    """The days on which something ran."""
    if not rows:
        return []
    days = [day_of(row) for row in rows]
    return [day for day in by_day(rows, min(days), max(days)) if day.totals.runs]


# -- for people


def _show(
    invocation: Invocation,
    rows: Sequence[SessionRow],
    found: Sequence[GroupStatistics],
    by: str,
    steps: Sequence[StepStatistics] | None,
    days: Sequence[DayStatistics],
) -> None:
    out = invocation.out
    summed = totals(rows)
    facts = [count(summed.runs, "run"), f"{_rate(summed)} done", cost(summed.cost_usd),
             duration(summed.active_seconds)]  # fmt: skip
    if summed.unpriced:
        facts.append(f"{count(summed.unpriced, 'run')} without a price")
    out.line(out.own(", ".join(facts)))
    out.line()
    out.table((Column(by.upper(), flexible=True), *_GROUPS), [_group_cells(one) for one in found])
    if steps:
        out.line()
        out.table(_STEPS, [_step_cells(step) for step in steps])
        if len(rows) > NEWEST_RUNS:
            out.notice(f"steps are those of the newest {NEWEST_RUNS} runs")
    out.line()
    out.table(_DAYS, [_day_cells(day) for day in days])
    if steps is None:
        out.notice("--workflow W shows its steps too")


def _group_cells(one: GroupStatistics) -> list[Cell]:
    summed = one.totals
    few = summed.runs < ENOUGH_RUNS
    rate = summed.success_rate
    role = None
    if rate is not None and not few:
        role = Role.ERROR if rate < _TOO_FEW else Role.WARN if rate < _FEW else None
    change = "" if one.change is None else f"{_signed(one.change)} %"
    slower = one.change is not None and one.change >= _SLOWER
    return [
        Cell(one.name or UNKNOWN),
        Cell(str(summed.runs)),
        Cell(_rate(summed), role),
        Cell(duration(summed.p50_seconds, finished=True)),
        Cell(duration(summed.p95_seconds, finished=True)),
        Cell(cost(summed.cost_usd, partly=summed.cost_usd is not None and summed.unpriced > 0)),
        Cell(_tokens(summed)),
        Cell(change, Role.WARN if slower else None),
    ]


def _step_cells(step: StepStatistics) -> list[Cell]:
    return [
        Cell(f"{step.number} {step.label}"),
        Cell(str(step.runs)),
        Cell(duration(step.p50_seconds, finished=True)),
        Cell(duration(step.p95_seconds, finished=True)),
        Cell(percent(step.retried, 1)),
        Cell(percent(step.failed, 1)),
    ]


def _day_cells(day: DayStatistics) -> list[Cell]:
    summed = day.totals
    return [
        Cell(day.day.isoformat()),
        Cell(str(summed.runs)),
        Cell(str(summed.failed), Role.ERROR if summed.failed else None),
        Cell(cost(summed.cost_usd)),
        Cell(_tokens(summed)),
    ]


def _rate(summed: Totals) -> str:
    return percent(summed.completed, summed.completed + summed.failed)


def _tokens(summed: Totals) -> str:
    if not (summed.input_tokens or summed.output_tokens):
        return ""
    return tokens(summed.input_tokens, summed.output_tokens)


def _signed(share: float) -> str:
    whole = round(share * 100)
    return f"+{amount(whole)}" if whole > 0 else f"−{amount(-whole)}" if whole < 0 else "0"


# -- for programs


def _document(
    since: datetime | None,
    rows: Sequence[SessionRow],
    found: Sequence[GroupStatistics],
    by: str,
    steps: Sequence[StepStatistics] | None,
    days: Sequence[DayStatistics],
) -> dict[str, Any]:
    return {
        "since": to_text(since) if since is not None else None,
        "total": totals_object(totals(rows)),
        _LISTS[by]: [
            {by: one.name, **totals_object(one.totals), "change": one.change} for one in found
        ],
        "steps": None
        if steps is None
        else [
            {
                "step": step.number,
                "label": step.label,
                "runs": step.runs,
                "p50_seconds": step.p50_seconds,
                "p95_seconds": step.p95_seconds,
                "retried": step.retried,
                "failed": step.failed,
            }
            for step in steps
        ],
        "days": [{"day": day.day.isoformat(), **totals_object(day.totals)} for day in days],
    }
