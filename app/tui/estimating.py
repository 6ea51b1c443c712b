"""How long a resume may take, from what its steps took in earlier runs of the workflow."""

from __future__ import annotations

from collections.abc import Iterable

from app import format as form
from app.past_steps import past_steps
from app.tui.details import PlanView, StepFate
from store.home import Home
from store.row import SessionRow
from store.step_statistics import step_statistics, time_left

_NEWEST_RUNS = 40


def earlier_runs(rows: Iterable[SessionRow], row: SessionRow) -> list[SessionRow]:
    """The newest other runs of the same workflow in the same repository."""
    mine = [
        one
        for one in rows
        if one.workflow == row.workflow and one.repo == row.repo and one.id != row.id
    ]
    return sorted(mine, key=lambda one: -one.started_us)[:_NEWEST_RUNS]


def usually_takes(home: Home, runs: list[SessionRow], plan: PlanView) -> str:
    """``Usually takes about 6m from here (p50 of 31 runs), about $0.20.``

    Empty until every step that is left was completed by one earlier run, and while whole passes
    follow, of which nobody knows how many there will be.
    """
    left = [
        (step.number, step.label)
        for step in plan.steps
        if step.fate in (StepFate.RUN, StepFate.AGAIN)
    ]
    if plan.impossible or plan.passes_left or not left or not runs:
        return ""
    found = time_left(step_statistics(past_steps(home, runs)), left)
    if found is None:
        return ""
    of = "the run before" if found.runs == 1 else f"p50 of {found.runs} runs"
    cost = f", about {form.cost(found.cost_usd)}" if found.cost_usd is not None else ""
    return f"Usually takes {form.estimate(found.seconds)} from here ({of}){cost}."
