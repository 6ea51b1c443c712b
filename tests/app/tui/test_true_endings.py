"""What is told of a step that was ended from outside: how, and no more time than is known."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.cli.sessions_list import failure_note
from app.status_style import StepSign
from app.tui.backend import Backend
from app.tui.changes_reading import read_worktree
from app.tui.details import SessionDetail, Span, StepView
from app.tui.failure_reading import Evidence
from app.tui.failure_words import Known, facts, sentence
from app.tui.notes import note
from app.tui.reasons import no_skip_step
from app.tui.session_reading import with_worktree
from app.tui.subject import Subject
from store.catalog import Catalog
from store.owner import read_owner, write_owner
from store.repair import make_record
from store.times import utc_now
from tests.orchestrator.continuing.stage import Child, Stage, stopped
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
    child = begun(stage, f"sleep 0.3; echo more; test -e '{stage.mark('gate')}' || sleep 60")
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
    active = detail_of(stage).row.active_seconds
    assert active > span.took, "the time of a step that was cut off is time of the session"
    stage.mark("gate").touch()
    stage.resume()
    assert detail_of(stage).row.active_seconds > active


def test_a_step_that_made_no_commit_says_so_and_not_that_its_command_failed(stage: Stage) -> None:
    stage.run([{"shell": "true", "name": "Work", "commit_required": True}])
    detail = detail_of(stage)
    _, how = sentence(detail, detail.row.state_since_us)
    assert note(detail.row, 0) == failure_note(detail.row) == "made no commit · Work"
    assert how.startswith("made no commit after ")
    (step,) = detail.steps
    assert [span.outcome for span in step.spans] == [step.outcome] == ["made no commit"]
    for file in (stage.world.home.root / "events").rglob("*.jsonl"):
        file.unlink()
    assert detail_of(stage).steps[0].outcome == "made no commit"


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


def test_commits_of_the_step_that_failed_are_told(stage: Stage) -> None:
    stage.run([{"shell": "true"}, {"shell": "git commit -q --allow-empty -m half; exit 6"}])
    detail = detail_of(stage)
    assert detail.commits == 1
    assert dict(detail.facts)["Base"].endswith(", 1 commit ahead")
    stage.world.git("commit", "-q", "--allow-empty", "-m", "more", cwd=stage.world.worktree())
    view = read_worktree(detail.row, detail.head_last)
    asked = with_worktree(detail, view)
    assert asked.commits == 2
    assert dict(asked.facts)["Base"].endswith(", 2 commits ahead")
    told = {fact.label: fact.pieces[0][0] for fact in facts(detail, Known(worktree=view))}
    assert told["Resume"].endswith("; both commits are in the worktree")


def test_a_wait_is_no_longer_than_its_run_was_seen(stage: Stage) -> None:
    steps = [{"shell": "echo no; exit 3", "retry": {"attempts": 2, "initial_delay": "20s"}}]
    child = stage.child(lambda: stage.run(steps))

    def spans() -> tuple[Span, ...]:
        return detail_of(stage).steps[0].spans if stage.world.records else ()

    wait_until(lambda: len(spans()) == 2, "it waits")
    detail = detail_of(stage)
    attempt, wait = detail.steps[0].spans
    assert wait.label == "wait 20s"
    a_second_in = wait.started_us + 1_000_000
    assert detail.steps[0].seconds_at(a_second_in) == pytest.approx(1 + attempt.seconds)
    child.signal(signal.SIGKILL)
    wait_until(lambda: detail_of(stage).row.state == "interrupted", "it is interrupted")
    (step,) = detail_of(stage).steps
    assert (step.seconds or 0) < 15
    assert not step.spans[1].failed


def test_an_unreadable_record_hides_neither_what_failed_nor_how_long_it_took(stage: Stage) -> None:
    stage.run([{"shell": "true"}, stage.failing()])
    record = stage.world.home.session_file(stage.id)
    wanted = detail_of(stage)
    record.write_text('{"id": ')
    step, said, _ = told(stage)
    assert (step.sign, step.outcome) == (StepSign.FAILED, "exit 1")
    assert said.startswith("Unreadable")
    assert no_skip_step(Subject(detail_of(stage).row)) is None
    made = make_record(stage.world.home, stage.id, now=utc_now() + timedelta(hours=2))
    row = detail_of(stage).row
    assert made.set_aside is not None
    assert row.state == "failed"
    assert row.active_seconds == pytest.approx(wanted.row.active_seconds, abs=1)


def test_a_lost_worktree_is_promised_only_while_its_branch_is_there(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.git("worktree", "remove", "--force", str(stage.worktree))
    assert "resume makes it again" in detail_of(stage).worktree_words
    stage.git("branch", "-D", f"prodigy-{run_id}")
    assert detail_of(stage).worktree_words == "gone, and its branch too; r says what is left"
