"""Limits in time: what is ended, what is kept, and what the failure says."""

from __future__ import annotations

import pytest

from tests.orchestrator.engine.runs import RunWorkflow
from tests.program import wait_until
from tests.world import marked


def test_a_command_that_takes_too_long_ends_with_124_and_its_output_is_kept(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        - shell: "echo before; sleep 60; echo after"
          id: slow
          timeout: 300ms
          capture: got
          on_exit_code: {124: "echo exit 124 >>trace"}
          on_failure: true
        - shell: "echo '${got}|${slow.exit_code}|${slow.success}' >>trace"
        """
    ).completed()
    assert ran.lines() == ["exit 124", "before|124|false"]
    assert ran.log(0) == "before\n"


@pytest.mark.parametrize(
    "how",
    [
        "sleep 60",
        "sh -c 'sleep 60' & wait",
        "setsid sh -c 'sleep 60; echo' & wait",
        "timeout 60 sh -c 'sleep 60; echo'",
        "trap '' TERM; while :; do sleep 1; done",
    ],
)
def test_a_time_out_ends_everything_the_command_started(
    run_workflow: RunWorkflow, how: str
) -> None:
    ran = run_workflow(
        f"""
        - shell: "{how}"
          timeout: 300ms
        - shell: "echo never"
        """
    ).failed("failed with exit code 124", "Command timed out after 0.3 seconds")
    assert ran.result.duration_seconds < 8
    wait_until(lambda: not marked(ran.id), "every process of the step is gone", seconds=5)
    failure = ran.record["metadata"]["x_prodigy"]["failure"]
    assert failure["timed_out"] is True
    assert failure["exit_code"] == 124


def test_a_limit_may_come_from_a_variable_and_is_told_to_the_command(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        env: {LIMIT: "90s"}
        commands:
          - shell: "echo ${PRODIGY_COMMAND_TIMEOUT:-none} >>trace"
            timeout: "${LIMIT}"
          - shell: "echo ${PRODIGY_COMMAND_TIMEOUT:-none} >>trace"
            timeout: 0
          - shell: "true"
            timeout: "${NOWHERE}"
        """
    ).failed("is not a duration")
    assert ran.lines() == ["90", "none"]


def test_each_run_of_a_command_has_its_own_limit(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace; test $(grep -c run trace) -eq 2 || sleep 60"
          timeout: 400ms
          retry: {attempts: 3, initial_delay: 0, retry_on: [timeout]}
        """
    ).completed()
    assert ran.lines() == ["run", "run"]


def test_the_limit_of_a_loop_is_for_the_whole_loop(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: [1, 2, 3, 4]
          timeout: 600ms
          continue_on_error: true
          do: ["shell: echo item >>trace; sleep 0.4"]
        """
    ).failed("exit code 124", "Command timed out after 0.6 seconds")
    assert len(ran.lines()) == 2


def test_the_limit_of_the_workflow_ends_it_whatever_its_steps_forgive(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        timeout: 1500ms
        commands:
          - shell: "echo one >>trace"
          - shell: "echo two >>trace; sleep 60"
            on_failure: true
          - shell: "echo three >>trace"
        """
    ).failed("timed out after 1.5 seconds")
    assert ran.lines() == ["one", "two"]
    assert ran.result.step_index == 1, "a resume goes on with the step that was cut short"
    assert ran.result.failed_step is not None
    assert ran.result.failed_step.exit_code == 124


def test_no_step_begins_after_the_limit_of_the_workflow(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        timeout: 300ms
        commands:
          - write_file: {path: a.txt, content: "${cmd:sleep 0.5; echo x}"}
            on_failure: true
          - shell: "echo two >>trace"
        """
    ).failed("timed out after 0.3 seconds")
    assert ran.lines() == []
    assert ran.checkpoint["execution_state"]["status"] == "Failed"
