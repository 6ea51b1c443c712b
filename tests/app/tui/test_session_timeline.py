"""What events mean for the timeline of a run: passes, attempts, handlers, nights, crashes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.status_style import StepSign
from app.tui.backend import Backend
from app.tui.details import SessionDetail, SpanKind, StepView
from app.tui.screens.session import SessionScreen
from app.tui.screens.tabs.steps import StepList
from app.tui.step_timeline import Happened, timeline
from app.tui.timeline import Axis
from store.catalog import Catalog
from store.events import Event
from store.home import Home
from store.states import SessionStatus
from store.times import to_text
from tests.app.tui.driving import dashboard, press, running
from tests.app.tui.prepared_store import NOW, Run, Step
from tests.app.tui.sample_runs import numbered, prepared
from tests.world import World

BEGAN = datetime(2026, 1, 15, 9, 0, tzinfo=UTC).timestamp()


def event(second: float, type_: str, **fields: Any) -> Event:
    moment = to_text(datetime.fromtimestamp(BEGAN + second, UTC))
    return Event("", moment, "session-1", type_, fields)


def of_step(*events: Event) -> StepView:
    happened = timeline(events)[-1].steps[0]
    return happened.view(StepView(1, "make", StepSign.NOT_REACHED))


def started(second: float, **fields: Any) -> Event:
    return event(second, "step_started", step_index=0, label="shell: make", **fields)


def failed(second: float, code: int = 2) -> Event:
    return event(second, "attempt_failed", step_index=0, exit_code=code)


def told(step: StepView) -> list[tuple[str, float, bool]]:
    return [(span.words, span.seconds, span.failed) for span in step.spans]


def test_attempts_and_handlers_have_their_endings_commits_and_costs() -> None:
    about = {"step_index": 0, "role": "on_failure", "label": "claude: /debug"}
    step = of_step(
        started(0), failed(10),
        event(10, "handler_started", **about),
        event(12, "claude_token_usage", step_index=0, cost_usd=0.06),
        event(15, "handler_completed", **about, exit_code=0, commits=1),
        started(15), failed(20, 3),
        event(20, "step_failed", step_index=0, exit_code=3, head="a"),
    )  # fmt: skip
    assert told(step) == [
        ("attempt 1  exit 2", 10, True),
        ("on_failure claude /debug, 1 commit", 5, False),
        ("attempt 2  exit 3", 5, True),
    ]
    assert [span.cost for span in step.spans] == [None, 0.06, None]
    assert (step.cost, step.outcome, step.seconds) == (0.06, "exit 3", 20)


def test_what_a_crash_cut_off_ends_with_the_last_word_not_with_the_resume() -> None:
    step = of_step(
        started(0), event(30, "step_output_ref", step_index=0),
        event(29_999, "checkpoint_created", step_index=0, kind="resume"),
        event(30_000, "run_started", kind="resume"), started(30_001),
        event(30_011, "step_completed", step_index=0, exit_code=0),
    )  # fmt: skip
    assert told(step) == [
        ("attempt 1  ended without a word", 30, True), ("attempt 2", 10, False),
    ]  # fmt: skip


def test_of_a_crashed_attempt_without_a_word_no_time_is_claimed() -> None:
    step = of_step(started(0), event(30_000, "run_started", kind="resume"))
    assert [span.took for span in step.spans] == [None]
    assert step.seconds is None


@pytest.mark.parametrize(
    ("kind", "words", "failed"),
    [
        ("pause_now", "paused on request", False),
        ("sigterm", "stopped by SIGTERM", False),
        ("cancel", "cancelled", False),
        ("usage_limit", "stopped by a usage limit", True),
        ("", "stopped", False),
    ],
)
def test_a_stop_is_told_by_its_reason_and_only_one_nobody_asked_for_is_a_failure(
    kind: str, words: str, failed: bool
) -> None:
    changed = event(8, "session_status_changed", to="Paused", reason=kind)
    step = of_step(started(0), changed, event(8, "run_ended", outcome="paused"))
    assert told(step) == [(f"attempt 1  {words}", 8, failed)]


def waiting(second: float, delay: float) -> Event:
    return event(second, "step_retrying", step_index=0, attempt=2, delay_ms=delay * 1000)


@pytest.mark.parametrize(
    ("then", "seconds", "outcome"),
    [
        (started(30), 30, ""),
        (started(12), 12, ""),
        (started(40), 30, ""),
        (event(7, "run_ended", outcome="paused"), 7, "stopped"),
        (event(9_000, "run_started", kind="resume"), 0, "ended without a word"),
    ],
)
def test_a_wait_lasts_until_something_follows_it(then: Event, seconds: float, outcome: str) -> None:
    wait = of_step(started(-5), failed(0), waiting(0, 30), then).spans[1]
    assert (wait.label, wait.seconds, wait.outcome) == ("wait 30s", seconds, outcome)
    assert (wait.running, wait.failed) == (False, False)


@pytest.mark.parametrize(("now", "cells"), [(7, 7), (45, 30)])
def test_the_bar_of_a_wait_ends_now(now: float, cells: float) -> None:
    step = of_step(started(-5), failed(0), waiting(0, 30))
    assert step.seconds == 5
    wait = step.spans[1]
    axis = Axis(step.spans, 60, int((BEGAN + now) * 1e6))
    assert (axis.end_us(wait) - wait.started_us) / 1e6 == cells


def test_passes_are_told_apart_and_a_resume_at_the_first_step_begins_none() -> None:
    one = event(0, "pass_started", **{"pass": 0})
    done = event(9, "step_completed", step_index=0, exit_code=0)
    passes = timeline([
        one, started(1), failed(2), event(3, "run_ended", outcome="failed"),
        event(4, "run_started"), one, started(5), done,
        event(10, "pass_started", **{"pass": 1}), started(11),
    ])  # fmt: skip
    assert [(one.number, one.steps[0].attempts) for one in passes] == [(0, 2), (1, 1)]


def test_a_tolerated_failure_is_told_as_both() -> None:
    ended = event(3, "step_completed", step_index=0, exit_code=2, tolerated=True)
    step = of_step(started(0), failed(3), ended)
    assert (step.sign, step.outcome) == (StepSign.DONE, "exit 2, tolerated")
    assert [span.failed for span in step.spans] == [True]


def test_a_night_in_which_nothing_ran_takes_no_room() -> None:
    step = of_step(
        started(0), failed(600), event(600, "run_ended", outcome="failed"),
        event(30_000, "run_started", kind="resume"), started(30_000), failed(30_600),
    )  # fmt: skip
    axis = Axis(step.spans, 60, 0)
    assert axis.seconds == 1200
    assert [round(cut.seconds) for cut in axis.cuts] == [29_400]
    first, second = step.spans
    assert axis.half_of(axis.end_us(first)) < axis.half_of(second.started_us)


@pytest.mark.parametrize("seconds", [0.1, 7, 59, 61, 600, 3_599, 7_300, 90_000, 900_000])
def test_the_axis_has_a_few_ticks_whatever_its_length(seconds: float) -> None:
    happened = Happened()
    happened.take(started(0), 0)
    happened.take(failed(seconds), int(seconds * 1e6))
    ticks = Axis(happened.spans, 51, 0).ticks
    assert 1 <= len(ticks) <= 7
    assert ticks[0] == (0, "0")
    cells = [cell for cell, _ in ticks]
    assert cells == sorted(set(cells))


# -- of a run


def detail_of(home: Home) -> SessionDetail:
    catalog = Catalog(home, use_index=False)
    catalog.refresh()
    (row,) = catalog.rows(None)
    return Backend(home, home.root).detail(row)


def test_a_real_run_of_two_passes_has_both_with_their_handlers_and_logs(world: World) -> None:
    world.run(
        """
        - shell: "test -e fixed-$ARG || { echo broken; exit 3; }"
          on_failure:
            shell: "echo mending; touch fixed-$ARG; git add -A; git commit -qm fix"
            max_attempts: 2
        - shell: "echo $ARG"
        """,
        "--args", "one", "--args", "two",
    )  # fmt: skip
    first, second = detail_of(world.home).passes
    assert (first.words, second.words) == ("pass 1 of 2  one", "pass 2 of 2  two")
    for one in (first, second):
        spans = one.steps[0].spans
        assert [span.words.partition(" echo")[0] for span in spans] == [
            "attempt 1  exit 3", "on_failure", "attempt 2",
        ]  # fmt: skip
        assert [span.commits for span in spans] == [0, 1, 0]
        assert [span.log.read_text() if span.log else None for span in spans] == [
            "broken\n", "mending\n", "",
        ]  # fmt: skip
        log = one.steps[1].log
        assert log is not None and log.read_text().strip() in one.words


def test_a_crashed_attempt_is_as_long_as_it_wrote(home: Home, tmp_path: Path) -> None:
    step = Step("shell: make", (300.0,), output="cc a.c\n")
    run = Run(1, "work", "api", (step,), 0, 7200, SessionStatus.RUNNING)
    with prepared(home, tmp_path / "src", (run,)):
        (log,) = home.logs_directory(run.id).glob("*.log")
        began = NOW.timestamp() - 7500
        os.utime(log, (began + 40, began + 40))
        (span,) = detail_of(home).steps[0].spans
    assert (span.kind, round(span.seconds), span.failed) == (SpanKind.ATTEMPT, 40, True)


# -- on the screen

PASSES = Run(1, "port", "api", numbered(3), 1, 1, SessionStatus.RUNNING, owner="live", silent=2,
             inputs=("v1", "v2", "v3"), pass_number=2)  # fmt: skip


def rows(screen: SessionScreen) -> list[str]:
    shown = screen.query_one(StepList)
    return [shown.line_at(y, 120, False).text.strip() for y in range(shown.line_count())]


async def test_every_pass_has_a_heading_and_opens_to_its_steps(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", (PASSES,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "enter")
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            heads = [row[2:].partition(" ━")[0][:14].rstrip() for row in rows(screen)]
            assert heads[:3] == ["pass 1 of 3  v", "pass 2 of 3  v", "pass 3 of 3  v"]
            assert len(heads) == 6
            await press(pilot, "g", "right")
            assert len(rows(screen)) == 9
            assert screen.footer_position() == ("pass 1", "of 3")
            await press(pilot, "j", "left")
            assert len(rows(screen)) == 6
            assert screen.footer_position() == ("pass 1", "of 3")


async def test_what_was_closed_stays_closed_while_the_run_goes_on(
    home: Home, tmp_path: Path
) -> None:
    step = Step("shell: make", (5.0, 5.0), outputs=("E   no\n",))
    run = Run(1, "work", "api", (step, *numbered(1)), 0, 60, SessionStatus.FAILED,
              failure={"exit_code": 1})  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "enter")
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            assert len(rows(screen)) == 4
            await press(pilot, "left")
            assert len(rows(screen)) == 2
            screen.read()
            await press(pilot, "j")
            assert len(rows(screen)) == 2
