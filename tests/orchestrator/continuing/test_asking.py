"""Pausing and cancelling: what is asked is done, dropped with a word, or said to be unanswered."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from orchestrator.control import Answer, AnswerKind, ask, cancel_at_rest, wait_answer
from orchestrator.refusal import Refused
from store.locks import RunLock
from store.owner import new_owner, write_owner
from store.requests import requester, write_request
from tests.orchestrator.continuing.stage import Stage
from tests.program import wait_until
from tests.world import marked


def three(stage: Stage) -> list[dict[str, Any]]:
    return [{"shell": stage.note("one")}, stage.waiting("two"), {"shell": stage.note("three")}]


def answer(stage: Stage, action: str, seconds: float = 10, **options: Any) -> Answer:
    return wait_answer(stage.world.home, stage.id, action, seconds, **options)


def test_a_pause_is_noticed_at_once_and_obeyed_after_the_step(stage: Stage) -> None:
    child = stage.started(three(stage))
    asked = stage.ask("pause")
    assert asked.owner.pid == child.pid
    noticed = answer(stage, "pause")
    assert noticed.kind is AnswerKind.RECEIVED
    assert stage.world.state(stage.id) == "pausing"
    stage.open_gate()
    assert answer(stage, "pause", until_obeyed=True).kind is AnswerKind.OBEYED
    assert child.finish() == 130
    assert stage.noted == ["one", "two"]
    assert stage.checkpoint["execution_state"]["status"] == "Paused"
    assert stage.checkpoint["execution_state"]["current_step_index"] == 2
    stage.world.assert_agrees(stage.id)
    stage.world.assert_nothing_is_held(stage.id)
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "two", "three"]


def test_a_pause_holds_at_the_very_next_boundary_however_short_the_steps_are(stage: Stage) -> None:
    quick = [{"shell": "true"} for _ in range(6)]
    child = stage.started([*three(stage)[:2], *quick, {"shell": stage.note("end")}])
    stage.ask("pause")
    stage.open_gate()
    assert child.finish() == 130
    assert stage.checkpoint["execution_state"]["current_step_index"] == 2


def test_an_answer_that_is_not_waited_for_to_the_end_says_that_it_was_noticed(stage: Stage) -> None:
    child = stage.started(three(stage))
    stage.ask("pause")
    began = time.monotonic()
    assert answer(stage, "pause", 0.8, until_obeyed=True).kind is AnswerKind.RECEIVED
    assert 0.7 < time.monotonic() - began < 5
    stage.open_gate()
    assert child.finish() == 130


def test_a_pause_in_the_last_step_lets_the_run_complete_and_leaves_nothing(stage: Stage) -> None:
    child = stage.started([stage.waiting()])
    stage.ask("pause")
    stage.open_gate()
    assert child.finish() == 0
    stage.assert_complete()
    assert "control_dropped" in stage.event_types


@pytest.mark.parametrize(
    "escape",
    [
        "true",
        "trap '' TERM",
        "timeout 600 sleep 600 &",
        "bash -c 'set -m; sleep 600 & sleep 600' &",
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &",
    ],
)
def test_pause_now_ends_the_step_and_all_it_started(stage: Stage, escape: str) -> None:
    slow = stage.waiting("two")
    slow["shell"] = f"{escape}\n{slow['shell']}"
    child = stage.started([{"shell": stage.note("one")}, slow])
    stage.ask("pause_now")
    assert answer(stage, "pause_now", until_obeyed=True).kind is AnswerKind.OBEYED
    assert child.finish() == 130
    wait_until(lambda: not marked(stage.id), "nothing of the step is left", seconds=5)
    assert stage.checkpoint["execution_state"]["status"] == "Interrupted"
    stage.world.assert_agrees(stage.id)
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "two", "two"]


def test_a_cancel_is_final(stage: Stage) -> None:
    child = stage.started(three(stage))
    stage.ask("cancel")
    assert answer(stage, "cancel", until_obeyed=True).kind is AnswerKind.OBEYED
    assert child.finish() == 1
    assert stage.record["status"] == "Cancelled"
    assert "cancelled" in stage.refusal(force=True, restart=True).message
    stage.world.assert_agrees(stage.id)
    stage.world.assert_nothing_is_held(stage.id)


@pytest.mark.parametrize("first", ["pause", "pause_now"])
def test_a_cancel_while_a_pause_is_being_obeyed_is_not_lost(stage: Stage, first: str) -> None:
    slow = stage.waiting("two")
    slow["shell"] = f"trap '' TERM\n{slow['shell']}"
    child = stage.started([slow])
    stage.ask(first)
    answer(stage, first)
    stage.ask("cancel")
    assert child.finish() == 1
    assert stage.record["status"] == "Cancelled"
    assert stage.world.metadata(stage.id)["status"] == "abandoned"
    stage.world.assert_nothing_is_held(stage.id)


def test_three_requests_at_once_the_strongest_is_obeyed(stage: Stage) -> None:
    child = stage.started(three(stage))
    for action in ("pause", "pause_now", "cancel"):
        stage.ask(action)
    assert child.finish() == 1
    assert stage.record["status"] == "Cancelled"
    stage.world.assert_nothing_is_held(stage.id)


def test_a_cancel_whose_owner_dies_is_carried_out_by_who_asked(stage: Stage) -> None:
    child = stage.started(three(stage))
    child.signal(signal.SIGSTOP)
    stage.ask("cancel")
    child.kill()
    assert answer(stage, "cancel").kind is AnswerKind.OBEYED
    assert stage.record["status"] == "Cancelled"
    stage.world.assert_agrees(stage.id)
    assert not list(stage.world.home.control_directory(stage.id).iterdir())


def test_a_pause_whose_owner_dies_is_gone(stage: Stage) -> None:
    child = stage.started(three(stage))
    child.signal(signal.SIGSTOP)
    stage.ask("pause")
    child.kill()
    assert answer(stage, "pause").kind is AnswerKind.GONE
    assert stage.world.state(stage.id) == "interrupted"
    assert not list(stage.world.home.control_directory(stage.id).iterdir())


@pytest.mark.parametrize("until_obeyed", [False, True])
def test_a_stopped_owner_is_named_with_what_it_is_doing(stage: Stage, until_obeyed: bool) -> None:
    child = stage.started(three(stage))
    child.signal(signal.SIGSTOP)
    stage.ask("pause")
    silent = answer(stage, "pause", 3600, until_obeyed=until_obeyed, silent_after_seconds=0.5)
    assert silent.kind is AnswerKind.SILENT
    assert not silent.done
    assert f"process {child.pid}" in silent.description
    assert "is stopped" in silent.description
    assert f"kill -9 {child.pid}" in silent.description
    child.kill()
    stage.open_gate()
    assert stage.resume().exit_code == 0


def test_requests_for_others_and_what_is_none_are_dropped_with_an_event(stage: Stage) -> None:
    child = stage.started(three(stage))
    home, run_id = stage.world.home, stage.id
    write_request(home, run_id, "cancel", "another-token", requester("test"))
    control = home.control_directory(run_id)
    (control / "pause.json").write_bytes(b"\0garbage")
    (control / "explode.json").write_text("{}")
    (control / "pause_now.json").write_text('{"format": 9, "to": "x"}')
    wait_until(lambda: not any(control.iterdir()), "all of them are dropped")
    stage.open_gate()
    assert child.finish() == 0
    assert stage.event_types.count("control_dropped") == 4
    assert stage.record["status"] == "Completed"


def test_a_request_left_by_a_killed_owner_does_not_stop_the_resume(stage: Stage) -> None:
    child = stage.started(three(stage))
    child.signal(signal.SIGSTOP)
    stage.ask("cancel")
    child.kill()
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert "control_dropped" in stage.event_types
    stage.assert_complete()


def test_nobody_is_asked_where_nobody_runs(stage: Stage) -> None:
    stage.run([stage.failing()])
    for action in ("pause", "pause_now", "cancel"):
        with pytest.raises(Refused, match="not running") as refused:
            stage.ask(action)
        assert refused.value.exit_code == 1
    assert not stage.world.home.control_directory(stage.id).exists()


def test_a_holder_that_has_not_said_who_it_is_cannot_be_asked(stage: Stage) -> None:
    stage.run([stage.failing()])
    with RunLock.acquire(stage.world.home, stage.id), pytest.raises(Refused) as refused:
        ask(stage.world.home, stage.id, "pause")
    assert refused.value.code == "owner_unknown"


# -- runs at rest


def paused(stage: Stage) -> None:
    child = stage.started(three(stage))
    child.signal(signal.SIGINT)
    assert child.finish() == 130


def failed(stage: Stage) -> None:
    stage.run([{"shell": "true"}, stage.failing()])


def interrupted(stage: Stage) -> None:
    stage.killed(three(stage)[:1] * 2, "S3@1")


def never_begun(stage: Stage) -> None:
    stage.killed(three(stage), "R5")


def without_record(stage: Stage) -> None:
    failed(stage)
    stage.world.home.session_file(stage.id).unlink()


def unreadable(stage: Stage) -> None:
    failed(stage)
    stage.world.home.session_file(stage.id).write_text("{")


@pytest.mark.parametrize(
    "rest", [paused, failed, interrupted, never_begun, without_record, unreadable]
)
def test_a_run_at_rest_can_be_cancelled(stage: Stage, rest: Any) -> None:
    rest(stage)
    run_id = stage.id
    cancel_at_rest(stage.world.home, run_id)
    assert stage.id == run_id
    record = stage.record
    assert record["status"] == "Cancelled"
    assert record["completed_at"] is not None
    assert record["metadata"]["x_prodigy"]["stop"]["kind"] == "cancel"
    if rest is not never_begun:
        stage.world.assert_agrees(run_id)
        assert stage.world.metadata(run_id)["status"] == "abandoned"
        assert stage.world.metadata(run_id)["resumable"] is False
        seq = stage.checkpoint["x_prodigy"]["seq"]
        assert record["metadata"]["x_prodigy"]["checkpoint_seq"] == seq
    assert stage.refusal(force=True).exit_code == 1
    with pytest.raises(Refused, match="cancelled already"):
        cancel_at_rest(stage.world.home, run_id)


def test_what_is_complete_cannot_be_cancelled(stage: Stage) -> None:
    stage.run([{"shell": "true"}])
    before = stage.record
    with pytest.raises(Refused, match="completed already"):
        cancel_at_rest(stage.world.home, stage.id)
    assert stage.record == before
    stage.world.assert_nothing_is_held(stage.id)


def test_a_live_run_is_not_cancelled_behind_its_owner(stage: Stage) -> None:
    child = stage.started(three(stage))
    with pytest.raises(Refused) as refused:
        cancel_at_rest(stage.world.home, stage.id)
    assert refused.value.exit_code == 4
    stage.open_gate()
    assert child.finish() == 0


def test_an_owner_on_another_machine_is_not_asked(stage: Stage) -> None:
    stage.run([stage.failing()])
    write_owner(stage.world.home, stage.id, new_owner("run", 1))
    owner = stage.world.home.owner_file(stage.id)
    owner.write_text(json.dumps(json.loads(owner.read_text()) | {"host": "orion"}))
    with pytest.raises(Refused, match="orion"):
        stage.ask("pause")


# -- through the program


def test_the_program_waits_for_the_fact_only_when_told_to(stage: Stage) -> None:
    child = stage.started(three(stage))
    at_once = stage.world.prodigy("pause", stage.id).expect(0)
    assert "pausing" in at_once.stdout
    short = stage.world.prodigy("pause", stage.id, "--wait", "1").expect(0)
    assert "pausing" in short.stdout
    request = stage.world.home.request_file(stage.id, "pause")
    before = request.read_bytes()
    waiting = stage.world.prodigy.start("pause", stage.id, "--wait")
    wait_until(lambda: request.read_bytes() != before, "it asks once more")
    stage.open_gate()
    assert "paused after step 2/3" in waiting.finish().expect(0).stdout
    assert child.finish() == 130
