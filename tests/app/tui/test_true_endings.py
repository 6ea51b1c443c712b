"""What is told of a step that was ended from outside: how, and no more time than is known."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.status_style import StepSign
from app.tui.backend import Backend
from app.tui.details import SessionDetail, StepView
from app.tui.failure_reading import Evidence
from app.tui.failure_words import Known, facts, sentence
from store.catalog import Catalog
from store.owner import read_owner, write_owner
from tests.orchestrator.continuing.stage import Child, Stage
from tests.program import wait_until
from tests.world import World


@pytest.fixture
def stage(world: World) -> Iterator[Stage]:
    stage = Stage(world)
    yield stage
    for child in stage.children:
        child.kill()


def begun(stage: Stage, command: str) -> Child:
    """A run in the middle of its second step."""
    child = stage.child(lambda: stage.run([{"shell": "true"}, {"shell": command}]))

    def is_recorded() -> bool:
        step = stage.record["metadata"]["x_prodigy"].get("step") or {}
        return bool(step.get("index") == 1)

    wait_until(lambda: bool(stage.world.records) and is_recorded(), "the second step is recorded")
    return child


def detail_of(stage: Stage) -> SessionDetail:
    home = stage.world.home
    catalog = Catalog(home, use_index=False)
    catalog.refresh()
    (row,) = catalog.rows(None)
    return Backend(home, home.root).detail(row)


def told(stage: Stage) -> tuple[StepView, str, str]:
    """The second step, the sentence of Failure, and what it says under Tried."""
    detail = detail_of(stage)
    known = Known(Evidence())
    tried = {fact.label: fact.pieces[0][0] for fact in facts(detail, known)}.get("Tried", "")
    at_us = detail.row.state_since_us or 0
    return detail.steps[1], "  ".join(sentence(detail, at_us, known)), tried


def test_a_silent_step_whose_owner_was_killed_claims_no_time(stage: Stage) -> None:
    begun(stage, "sleep 60").signal(signal.SIGKILL)
    wait_until(lambda: detail_of(stage).row.state == "interrupted", "it is interrupted")
    step, said, tried = told(stage)
    (span,) = step.spans
    assert (span.outcome, span.took, span.failed) == ("ended without a word", None, True)
    assert (step.seconds, tried) == (None, "once")
    assert "0.0s" not in said


def test_a_step_that_said_something_lived_at_least_until_then(stage: Stage) -> None:
    child = begun(stage, "sleep 0.3; echo more; sleep 60")
    (log,) = stage.world.home.logs_directory(stage.id).glob("001-1.log")
    wait_until(lambda: log.stat().st_size > 0, "it printed something")
    child.signal(signal.SIGKILL)
    wait_until(lambda: detail_of(stage).row.state == "interrupted", "it is interrupted")
    step, _, tried = told(stage)
    (span,) = step.spans
    assert span.took is not None
    assert span.took > 0.25, "the clock of files lags by some milliseconds"
    assert step.seconds == span.took
    assert tried.startswith("once, at least ")


@pytest.mark.parametrize(
    ("how", "words"), [("pause_now", "paused on request"), ("term", "stopped by SIGTERM")]
)
def test_what_somebody_ended_did_not_end_without_a_word(stage: Stage, how: str, words: str) -> None:
    child = begun(stage, "sleep 60")
    if how == "term":
        child.signal(signal.SIGTERM)
    else:
        stage.ask(how)
    child.finish()
    step, said, _ = told(stage)
    (span,) = step.spans
    assert (span.outcome, span.failed, step.outcome) == (words, False, words)
    assert span.took is not None
    assert said.startswith(f"Stopped in step 2 of 2  {words}")
    # the same when it was killed between its record and its last event
    for file in (stage.world.home.root / "events").rglob("*.jsonl"):
        text = file.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in text if "run_ended" not in line]
        file.write_text("".join(kept), "utf-8")
    (span,) = told(stage)[0].spans
    assert (span.outcome, span.failed, span.is_cut_off) == (words, False, False)


def test_a_step_whose_owner_cannot_be_checked_is_perhaps_running_and_did_not_fail(
    stage: Stage,
) -> None:
    begun(stage, "sleep 60").signal(signal.SIGKILL)
    home = stage.world.home
    wait_until(lambda: detail_of(stage).row.state == "interrupted", "it is interrupted")
    owner = read_owner(home, stage.id)
    assert owner is not None
    write_owner(home, stage.id, replace(owner, host="orion"))
    step, said, _ = told(stage)
    (span,) = step.spans
    assert step.sign is StepSign.UNKNOWN
    assert (span.outcome, span.failed, step.outcome) == (
        "perhaps running", False, "perhaps running",
    )  # fmt: skip
    assert said.startswith("Perhaps running step 2 of 2")
