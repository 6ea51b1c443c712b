"""How long the steps of many runs take and how often they fail, from the events of each run.

Everything here is pure: events come in, numbers go out. Durations are seconds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from store.events import Event
from store.rows import microseconds
from store.statistics import percentile


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step in one pass of one run, as its events tell it. ``index`` counts from 0."""

    index: int
    label: str
    seconds: float
    """Time in its attempts."""
    attempts: int
    completed: bool
    failed: bool
    cost_usd: float | None = None


def step_runs(events: Iterable[Event]) -> list[StepRun]:
    """What happened to each step of a run; steps that were skipped or still run are left out."""
    found: list[StepRun] = []
    steps: dict[int, _StepEvents] = {}
    for event in events:
        if event.type == "pass_started":
            found += _told(steps)
            steps = {}
        index = event.fields.get("step_index")
        at_us = microseconds(event.timestamp)
        if isinstance(index, int) and at_us is not None:
            steps.setdefault(index, _StepEvents()).take(event, at_us)
    return found + _told(steps)


class _StepEvents:
    def __init__(self) -> None:
        self.label = ""
        self.seconds = 0.0
        self.attempts = 0
        self.completed = self.failed = False
        self.cost_usd: float | None = None
        self._since: int | None = None

    def take(self, event: Event, at_us: int) -> None:
        match event.type:
            case "step_started":
                label = event.fields.get("label")
                self.label = label if isinstance(label, str) and label else self.label
                self.attempts += 1
                self._since = at_us
            case "attempt_failed":
                self._end(at_us)
            case "step_failed":
                self._end(at_us)
                self.failed = True
            case "step_completed":
                self._end(at_us)
                self.completed = True
                usage = event.fields.get("usage")
                cost = usage.get("cost_usd") if isinstance(usage, dict) else None
                self.cost_usd = cost if isinstance(cost, int | float) else None

    def _end(self, at_us: int) -> None:
        if self._since is not None:
            self.seconds += max(0.0, (at_us - self._since) / 1e6)
        self._since = None


def _told(steps: dict[int, _StepEvents]) -> list[StepRun]:
    return [
        StepRun(
            index, one.label, one.seconds, one.attempts, one.completed, one.failed, one.cost_usd
        )
        for index, one in sorted(steps.items())
        if one.attempts and (one.completed or one.failed)
    ]


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """One step over many runs. ``number`` counts from 1; shares are from 0 to 1."""

    number: int
    label: str
    runs: int
    p50_seconds: float | None
    p95_seconds: float | None
    retried: float
    """Share of runs in which it took more than one attempt."""
    failed: float
    """Share of runs in which it failed for good at least once."""
    completed: int = 0
    p50_cost_usd: float | None = None


def step_statistics(runs: Iterable[StepRun]) -> list[StepStatistics]:
    """Steps with the same place and label, taken together; in the order of their places."""
    groups: defaultdict[tuple[int, str], list[StepRun]] = defaultdict(list)
    for run in runs:
        groups[(run.index, run.label)].append(run)
    return [
        StepStatistics(
            index + 1,
            label,
            len(mine),
            percentile([one.seconds for one in mine if one.completed], 0.5),
            percentile([one.seconds for one in mine if one.completed], 0.95),
            sum(one.attempts > 1 for one in mine) / len(mine),
            sum(one.failed for one in mine) / len(mine),
            sum(one.completed for one in mine),
            percentile([one.cost_usd for one in mine if one.cost_usd is not None], 0.5),
        )
        for (index, label), mine in sorted(groups.items())
    ]


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """What steps usually take together: the middle of each. ``runs`` is how many say so."""

    seconds: float
    runs: int
    cost_usd: float | None


def time_left(known: Iterable[StepStatistics], steps: Iterable[tuple[int, str]]) -> TimeLeft | None:
    """What these steps usually take; None while one of them never completed.

    Args:
        known: steps of earlier runs.
        steps: number and label of each step that is left.
    """
    by_step = {(one.number, one.label): one for one in known if one.p50_seconds is not None}
    found = [by_step.get(step) for step in steps]
    left = [one for one in found if one is not None]
    if not left or len(left) < len(found):
        return None
    costs = [one.p50_cost_usd for one in left if one.p50_cost_usd is not None]
    return TimeLeft(
        math.fsum(one.p50_seconds or 0.0 for one in left),
        min(one.completed for one in left),
        math.fsum(costs) if costs else None,
    )


def slowest(steps: Iterable[StepStatistics], count: int) -> list[StepStatistics]:
    """The steps that take longest, by their middle duration."""
    timed = [step for step in steps if step.p50_seconds is not None]
    return _first(timed, lambda step: (step.p50_seconds or 0.0, step.p95_seconds or 0.0), count)


def flakiest(steps: Iterable[StepStatistics], count: int) -> list[StepStatistics]:
    """The steps that most often need more than one attempt or fail; steady ones are left out."""
    shaky = [step for step in steps if step.retried or step.failed]
    return _first(shaky, lambda step: (step.retried + step.failed, step.failed), count)


def _first(
    steps: list[StepStatistics],
    key: Callable[[StepStatistics], tuple[float, float]],
    count: int,
) -> list[StepStatistics]:
    return sorted(steps, key=lambda step: (tuple(-part for part in key(step)), step.number))[:count]
