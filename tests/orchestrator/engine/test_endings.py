"""Every way a run can end; what is written then is checked for each run, here too."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.control import ask
from orchestrator.refusal import Refused
from orchestrator.reporting import RunEvent, SessionCreated, StepStarted, StopAsked
from store import faults
from store.home import Home
from tests.orchestrator.engine.runs import Ran, Runner, git
from tests.program import wait_until

SLOW = """
- {shell: "echo one", capture: first}
- shell: "echo begun; touch begun; sleep 60"
  on_failure: "echo handled >>trace"
- shell: "echo never"
"""


class When:
    """Does something once a run has made a file in its worktree."""

    def __init__(self, runner: Runner, name: str, do: Callable[[str], object]) -> None:
        self._runner, self._name, self._do = runner, name, do
        self._threads: list[threading.Thread] = []
        runner.listen = self._listen

    def _listen(self, event: RunEvent) -> None:
        if isinstance(event, SessionCreated):
            worker = threading.Thread(target=self._act, args=(event.session_id, event.worktree))
            worker.start()
            self._threads.append(worker)

    def _act(self, run_id: str, worktree: Path) -> None:
        wait_until((worktree / self._name).exists, f"{self._name} exists")
        self._do(run_id)

    def join(self) -> None:
        for worker in self._threads:
            worker.join()


def signals(number: int) -> Callable[[str], object]:
    return lambda _run_id: os.kill(os.getpid(), number)


def asks(runner: Runner, action: str) -> Callable[[str], object]:
    return lambda run_id: ask(runner.home, run_id, action)


def stop_of(ran: Ran) -> str:
    kind = ran.record["metadata"]["x_prodigy"]["stop"]["kind"]
    assert ran.checkpoint["x_prodigy"]["stop"]["kind"] == kind
    return str(kind)


@pytest.mark.parametrize(
    ("number", "exit_code", "kind", "interruption"),
    [
        (signal.SIGINT, 130, "sigint", "user_interrupt"),
        (signal.SIGTERM, 143, "sigterm", "termination"),
        (signal.SIGHUP, 129, "sighup", "termination"),
    ],
)
def test_a_signal_ends_the_step_and_pauses_the_run(
    run_workflow: Runner, number: int, exit_code: int, kind: str, interruption: str
) -> None:
    when = When(run_workflow, "begun", signals(number))
    ran = run_workflow(SLOW)
    when.join()
    assert (ran.result.exit_code, ran.result.state) == (exit_code, "paused")
    assert stop_of(ran) == kind
    assert ran.record["status"] == "Paused"
    assert ran.checkpoint["execution_state"]["status"] == "Interrupted"
    assert ran.checkpoint["execution_state"]["current_step_index"] == 1
    assert ran.checkpoint["x_prodigy"]["in_flight"]["dirty"] is True
    assert ran.variables["first"] == "one"
    assert ran.metadata["interruption_type"] == interruption
    assert ran.lines() == [], "nobody handles a stop"
    assert ran.log(1) == "begun\n"
    assert ran.result.next_command == f"prodigy resume {ran.id}"
    assert [event.action for event in ran.of(StopAsked)] == [kind]
    assert ran.events("signal_received")[0]["signal"] == kind


def test_a_pause_waits_for_the_step_and_its_handlers(run_workflow: Runner) -> None:
    when = When(run_workflow, "begun", asks(run_workflow, "pause"))
    ran = run_workflow(
        """
        - shell: "touch begun; sleep 0.8; exit 1"
          on_failure: "echo handled >>trace"
        - shell: "echo never"
        """
    )
    when.join()
    assert (ran.result.exit_code, ran.result.state) == (130, "paused")
    assert stop_of(ran) == "pause"
    assert ran.lines() == ["handled"]
    state = ran.checkpoint["execution_state"]
    assert (state["status"], state["current_step_index"]) == ("Paused", 1)
    assert ran.checkpoint["x_prodigy"]["in_flight"] is None


@pytest.mark.parametrize(
    ("action", "status", "exit_code"), [("pause_now", "Paused", 130), ("cancel", "Cancelled", 1)]
)
def test_a_request_that_cannot_wait_ends_the_step(
    run_workflow: Runner, action: str, status: str, exit_code: int
) -> None:
    when = When(run_workflow, "begun", asks(run_workflow, action))
    ran = run_workflow(SLOW)
    when.join()
    assert ran.record["status"] == status
    assert ran.result.exit_code == exit_code
    assert stop_of(ran) == action
    assert ran.checkpoint["execution_state"]["status"] == "Interrupted"
    assert ran.record["metadata"]["x_prodigy"]["stop"]["by"]["pid"] == os.getpid()
    assert ran.events("control_received")[0]["action"] == action


def test_a_pause_in_the_last_step_comes_too_late(run_workflow: Runner) -> None:
    when = When(run_workflow, "begun", asks(run_workflow, "pause"))
    ran = run_workflow('- shell: "touch begun; sleep 0.8"').completed()
    when.join()
    assert ran.result.state == "completed"


@pytest.mark.parametrize("action", ["pause", "pause_now"])
def test_a_stop_during_a_delay_is_obeyed_at_once(run_workflow: Runner, action: str) -> None:
    when = When(run_workflow, "begun", asks(run_workflow, action))
    ran = run_workflow(
        """
        - shell: "touch begun; exit 1"
          retry: {attempts: 2, initial_delay: 1h, max_delay: 1h}
        """
    )
    when.join()
    assert ran.result.state == "paused"
    assert ran.result.duration_seconds < 10
    assert ran.checkpoint["execution_state"]["current_step_index"] == 0


def test_a_stop_in_a_loop_keeps_the_items_that_are_done(run_workflow: Runner) -> None:
    when = When(run_workflow, "begun", signals(signal.SIGINT))
    ran = run_workflow(
        """
        - foreach: [a, b, c, d]
          parallel: 2
          do: ["shell: test ${item} = a || { touch begun; sleep 60; }"]
        """
    )
    when.join()
    assert ran.result.state == "paused"
    lines = ran.home.foreach_file(ran.id, 0, 0).read_text().splitlines()
    assert lines[1:] == ['{"index": 0}']


def test_a_stop_between_passes_is_between_passes(run_workflow: Runner) -> None:
    seen: list[int] = []

    def stop_after_first(event: RunEvent) -> None:
        if isinstance(event, StepStarted):
            seen.append(event.index)
            if len(seen) == 1:
                (record,) = run_workflow.home.sessions.glob("*.json")
                ask(run_workflow.home, record.stem, "pause")

    run_workflow.listen = stop_after_first
    ran = run_workflow('- shell: "echo x >>trace; sleep 0.5"', args=("a", "b"))
    assert ran.result.state == "paused"
    assert ran.lines() == ["x"]
    assert ran.checkpoint["execution_state"]["status"] == "Paused"


def test_an_error_of_our_own_leaves_a_run_that_can_be_resumed(
    run_workflow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_words: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("orchestrator.step_run.attempt", broken)
    ran = run_workflow('["shell: echo never"]')
    assert (ran.result.exit_code, ran.result.state) == (1, "paused")
    assert stop_of(ran) == "internal_error"
    assert "on purpose" in ran.result.message
    assert "ZeroDivisionError" in ran.home.run_log(ran.id).read_text()


def test_no_step_begins_when_progress_cannot_be_saved(
    run_workflow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = faults._parse("checkpoint.temp@2=ENOSPC,checkpoint.temp@3=ENOSPC")
    monkeypatch.setattr("store.faults._faults", planned)
    ran = run_workflow('["shell: echo one >>trace", "shell: echo two >>trace"]')
    assert (ran.result.exit_code, ran.result.state) == (1, "paused")
    assert stop_of(ran) == "checkpoint_failed"
    assert ran.lines() == ["one"]
    assert "cannot be saved" in ran.result.message


def test_a_record_that_vanishes_is_made_again(run_workflow: Runner) -> None:
    ran = run_workflow(
        """
        - shell: "rm $PRODIGY_HOME/sessions/*.json"
        - shell: "echo two >>trace"
        """
    ).completed()
    assert ran.lines() == ["two"]


def test_a_start_that_fails_is_a_failed_session(
    run_workflow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run_workflow.home.root / "worktrees").mkdir(parents=True)
    (run_workflow.home.root / "worktrees" / "project").write_text("in the way")
    ran = run_workflow('["shell: echo never"]')
    assert (ran.result.exit_code, ran.result.state) == (1, "failed")
    assert ran.record["status"] == "Failed"
    assert "could not be set up" in ran.record["error"]
    assert ran.of(StepStarted) == []
    assert "prodigy-" not in git(ran.repository, "branch", "--list")


def test_nothing_is_left_of_a_run_that_has_no_record(
    run_workflow: Runner, home: Home, repository: Path
) -> None:
    home.root.mkdir(parents=True)
    home.sessions.write_text("in the way")
    with pytest.raises(Refused, match="cannot create session record"):
        run_workflow('["shell: echo never"]')
    assert not list(home.root.glob("state/*"))
    assert not list(home.root.glob("worktrees/*/*"))
    assert git(repository, "branch", "--list").split() == ["*", "main"]


def test_the_first_record_of_a_run_says_that_it_starts(run_workflow: Runner) -> None:
    seen: dict[str, str] = {}

    def look(event: RunEvent) -> None:
        if isinstance(event, StepStarted) and event.index == 0:
            (record,) = run_workflow.home.sessions.glob("*.json")
            seen["running"] = record.read_text()

    run_workflow.listen = look
    ran = run_workflow('["shell: echo one", "shell: exit 3"]').failed()
    assert '"status": "Running"' in seen["running"]
    changes = ran.events("session_status_changed")
    assert [(one["from"], one["to"]) for one in changes] == [
        ("Initializing", "Running"),
        ("Running", "Failed"),
    ]
    kinds = [one["x_prodigy"]["kind"] for one in ran.history]
    assert kinds == ["start", "step", "failure"]
    assert ran.checkpoint["variable_state"]["__failed_step_index"] == 1
    assert "exit code 3" in ran.record["error"]
