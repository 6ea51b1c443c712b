"""Statistics over runs: what counts, and what is left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import Event
from store.row import SessionRow
from store.states import State
from store.statistics import by_day, group_statistics, in_slots, percentile, totals
from store.step_statistics import (
    StepRun,
    TimeLeft,
    flakiest,
    slowest,
    step_runs,
    step_statistics,
    time_left,
)
from store.times import to_text

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def run(
    days_ago: float = 0.5,
    *,
    workflow: str = "fix",
    status: str = "Completed",
    seconds: float = 60,
    cost: float | None = None,
    tokens: int = 0,
) -> SessionRow:
    started = NOW - timedelta(days=days_ago)
    return SessionRow(
        "x", State.MERGED, status=status, workflow=workflow, active_seconds=seconds,
        started_us=int(started.timestamp() * 1e6), cost_usd=cost, input_tokens=tokens,
    )  # fmt: skip


def test_only_runs_that_ended_are_judged_and_only_completed_ones_are_timed() -> None:
    rows = [
        run(seconds=10), run(seconds=30), run(seconds=20),
        run(status="Failed", seconds=900), run(status="Running", seconds=900),
        run(status="Cancelled", seconds=900),
    ]  # fmt: skip
    summed = totals(rows)
    assert (summed.runs, summed.completed, summed.failed) == (6, 3, 1)
    assert summed.success_rate == 0.75
    assert (summed.p50_seconds, summed.p95_seconds) == (20, 30)
    assert summed.active_seconds == 60 + 3 * 900


def test_nothing_that_ended_has_no_rate_and_no_price_is_not_zero() -> None:
    assert totals([run(status="Running")]).success_rate is None
    assert totals([run(), run(tokens=5)]).cost_usd is None
    summed = totals([run(cost=0.1), run(cost=0.2), run(tokens=5)])
    assert summed.cost_usd == pytest.approx(0.3)
    assert summed.unpriced == 1


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_holds_its_share(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_workflows_are_compared_with_the_period_before() -> None:
    rows = [run(days, seconds=120) for days in (1, 2, 3, 4, 5)]
    rows += [run(days, seconds=100) for days in (8, 9, 10, 11, 12)]
    rows += [run(40, seconds=1), run(1, workflow="other")]
    fix, other = group_statistics(rows, NOW - timedelta(days=7), NOW)
    assert (fix.name, fix.totals.runs) == ("fix", 5)
    assert fix.change == pytest.approx(0.2)
    assert other.change is None
    assert group_statistics(rows, None, NOW)[0].totals.runs == 11
    assert group_statistics(rows, None, NOW)[0].change is None


def test_few_runs_give_no_verdict() -> None:
    rows = [run(1, seconds=500), *[run(8, seconds=1) for _ in range(9)]]
    assert group_statistics(rows, NOW - timedelta(days=7), NOW)[0].change is None


def test_every_day_is_there_and_a_run_belongs_to_the_day_it_began_on() -> None:
    rows = [run(0.4, cost=1), run(0.6, cost=2), run(2, status="Failed")]
    days = by_day(rows, date(2026, 1, 12), date(2026, 1, 15), zone=UTC)
    assert [day.day.day for day in days] == [12, 13, 14, 15]
    assert [day.totals.runs for day in days] == [0, 1, 1, 1]
    assert [day.totals.cost_usd for day in days] == [None, None, 2, 1]
    paired = by_day(rows, date(2026, 1, 13), date(2026, 1, 15), zone=UTC, days_each=2)
    assert [(day.day.day, day.totals.runs) for day in paired] == [(12, 1), (14, 2)]


def test_slots_have_the_middle_duration_or_nothing() -> None:
    rows = [run(3.5, seconds=5), run(0, seconds=7), run(0.1, seconds=9, status="Failed")]
    assert in_slots(rows, NOW - timedelta(days=4), NOW, 4) == [5, None, None, 7]


def event(kind: str, at: int, index: int | None = None, **fields: object) -> Event:
    where = {} if index is None else {"step_index": index}
    return Event("", to_text(NOW + timedelta(seconds=at)), "x", kind, {**where, **fields})


EVENTS = [
    event("pass_started", 0),
    event("step_started", 0, 0, label="make"),
    event("step_completed", 10, 0),
    event("step_started", 10, 1, label="test"),
    event("attempt_failed", 20, 1),
    event("step_started", 50, 1, label="test"),
    event("step_completed", 55, 1),
    event("pass_started", 60),
    event("step_started", 60, 0, label="make"),
    event("step_failed", 64, 0),
    event("step_started", 70, 1, label="test"),
]


def test_a_step_has_the_time_of_its_attempts_without_the_waits_between() -> None:
    told = [
        (one.index, one.label, one.seconds, one.attempts, one.completed, one.failed)
        for one in step_runs(EVENTS)
    ]
    assert told == [
        (0, "make", 10, 1, True, False),
        (1, "test", 15, 2, True, False),
        (0, "make", 4, 1, False, True),
    ]


def test_slowest_and_flakiest_steps() -> None:
    steps = step_statistics(step_runs(EVENTS))
    assert [(step.number, step.runs, step.retried, step.failed) for step in steps] == [
        (1, 2, 0, 0.5),
        (2, 1, 1, 0),
    ]
    assert [step.label for step in slowest(steps, 5)] == ["test", "make"]
    assert [step.label for step in flakiest(steps, 1)] == ["test"]
    assert flakiest(step_statistics(step_runs(EVENTS[:3])), 5) == []


def steps_of(*runs: tuple[float, float | None]) -> list[StepRun]:
    """Two steps of so many runs: how long the first took, and what it cost; the second a minute."""
    first = [StepRun(0, "make", seconds, 1, True, False, cost) for seconds, cost in runs]
    return first + [StepRun(1, "test", 60, 1, True, False) for _ in runs[:-1]]


def test_what_is_left_is_the_middle_of_each_step_and_as_sure_as_the_least_known_one() -> None:
    known = step_statistics(steps_of((10, 0.2), (20, 0.4), (90, None)))
    left = time_left(known, [(1, "make"), (2, "test")])
    assert left == TimeLeft(80, 2, 0.2)
    assert time_left(known, [(2, "test")]) == TimeLeft(60, 2, None)


def test_nothing_is_estimated_while_a_step_that_is_left_never_completed() -> None:
    known = step_statistics([StepRun(0, "make", 5, 1, False, True)])
    assert time_left(known, [(1, "make")]) is None
    assert time_left(step_statistics(steps_of((1, None))), [(1, "make"), (2, "test")]) is None
    assert time_left([], []) is None


def test_the_cost_of_a_step_is_read_from_its_event() -> None:
    events = [
        event("step_started", 0, 0, label="ask"),
        event("step_completed", 9, 0, usage={"cost_usd": 0.25}),
        event("step_started", 9, 1, label="ask"),
        event("step_completed", 12, 1, usage=None),
    ]
    assert [one.cost_usd for one in step_runs(events)] == [0.25, None]
