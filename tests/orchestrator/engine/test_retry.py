"""``retry``: how often, after which delays, for which failures, and what comes when it is over."""

from __future__ import annotations

import pytest

from orchestrator.reporting import StepRetrying, Waiting
from tests.orchestrator.engine.runs import RunWorkflow


def failing(times: int, words: str = "no") -> str:
    """A command that fails so often."""
    return f"echo run >>trace; echo {words} >&2; test $(grep -c run trace) -gt {times}"


@pytest.mark.parametrize(
    ("retry", "delays"),
    [
        ("{attempts: 3, backoff: fixed, initial_delay: 20ms}", [20, 20]),
        ("{attempts: 4, backoff: linear, initial_delay: 10ms}", [10, 20, 30]),
        ("{attempts: 3, backoff: {linear: {initial: 10ms, increment: 5ms}}}", [10, 15]),
        ("{attempts: 4, backoff: exponential, initial_delay: 10ms}", [10, 20, 40]),
        ("{attempts: 3, backoff: {type: exponential, base: 3}, initial_delay: 10ms}", [10, 30]),
        ("{attempts: 5, backoff: fibonacci, initial_delay: 10ms}", [10, 10, 20, 30]),
        (
            "{attempts: 4, backoff: {custom: {delays: [10ms, 30ms]}}, max_delay: 40ms}",
            [10, 30, 40],
        ),
        ("{attempts: 4, initial_delay: 10ms, max_delay: 25ms}", [10, 20, 25]),
        ("{attempts: 3, backoff: fixed, initial_delay: 0}", [0, 0]),
    ],
)
def test_a_command_is_run_again_after_the_delays_of_its_backoff(
    run_workflow: RunWorkflow, retry: str, delays: list[int]
) -> None:
    ran = run_workflow(
        f"""
        timeout: 30
        commands:
          - shell: "{failing(len(delays))}"
            retry: {retry}
        """
    ).completed()
    assert [event["delay_ms"] for event in ran.events("step_retrying")] == delays
    assert [event.attempt for event in ran.of(StepRetrying)] == list(range(2, len(delays) + 2))
    assert len(ran.lines()) == len(delays) + 1
    assert ran.step(0)["x_prodigy"]["attempt"] == len(delays) + 1
    assert ran.result.duration_seconds < 5


def test_attempts_are_runs_in_all(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo one >>trace; exit 1"
          retry: 1
          on_failure: true
        - shell: "echo two >>trace; exit 1"
          max_attempts: 2
          retry: {initial_delay: 0}
          on_failure: true
        - shell: "echo three >>trace; exit 1"
          retries: 2
          retry: {initial_delay: 0}
          on_failure: true
        """
    ).completed()
    assert ran.lines().count("one") == 1


def test_jitter_stays_within_its_factor(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        f"""
        - shell: "{failing(3)}"
          retry: {{attempts: 4, backoff: fixed, initial_delay: 40ms, jitter: true,
                  jitter_factor: 0.5}}
        """
    ).completed()
    assert all(20 <= event["delay_ms"] <= 60 for event in ran.events("step_retrying"))


@pytest.mark.parametrize(
    ("said", "retry_on", "runs"),
    [
        ("Connection refused", "[network]", 2),
        ("404 not found", "[network]", 1),
        ("HTTP 503", "[network, server_error]", 2),
        ("Too Many Requests", "rate_limit", 2),
        ("it timed out", "[timeout]", 2),
        ("flaky: yes", "[{pattern: 'flaky: (yes|no)'}]", 2),
        ("Flaky: yes", "[{pattern: 'flaky'}]", 1),
    ],
)
def test_only_the_failures_that_are_named_are_retried(
    run_workflow: RunWorkflow, said: str, retry_on: str, runs: int
) -> None:
    ran = run_workflow(
        f"""
        - shell: '{failing(9, said)}'
          retry: {{attempts: 2, initial_delay: 0, retry_on: {retry_on}}}
        """
    ).failed()
    assert len(ran.lines()) == runs


def test_a_delay_over_the_budget_ends_retrying(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        f"""
        - shell: "{failing(9)}"
          retry: {{attempts: 9, backoff: fixed, initial_delay: 20ms, retry_budget: 50ms}}
          on_failure: true
        - shell: "echo second >>other; exit 1"
          retry: {{attempts: 9, initial_delay: 1h, max_delay: 1h, retry_budget: 1s}}
          on_failure: true
        """
    ).completed()
    assert len(ran.lines()) == 3, "two delays of 20 ms fit into 50"
    assert len(ran.lines("other")) == 1


def test_an_exhausted_retry_stops_continues_or_falls_back(run_workflow: RunWorkflow) -> None:
    retry = "attempts: 2, initial_delay: 0"
    ran = run_workflow(
        f"""
        - shell: "echo a >>trace; exit 3"
          id: a
          retry: {{{retry}, on_failure: continue}}
        - shell: "echo b >>trace; exit 3"
          id: b
          capture: got
          retry: {{{retry}, on_failure: {{fallback: {{command: "echo instead"}}}}}}
        - shell: "echo c >>trace; exit 3"
          retry: {{{retry}, on_failure: {{fallback: {{command: "echo worse; exit 4"}}}}}}
          on_failure: "echo handled ${{shell.exit_code}} >>trace"
        - shell: "echo ${{a.success}} ${{a.exit_code}} ${{b.output}} ${{got}} >>trace"
        - shell: "echo d >>trace; exit 3"
          retry: {{{retry}, on_failure: stop}}
        """
    ).failed("exit code 3")
    assert ran.lines() == [
        *("a", "a", "b", "b", "c", "c", "handled 4"),
        "false 3 instead instead",
        *("d", "d"),
    ]


def test_retries_happen_inside_one_run_of_the_handling(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace; exit 1"
          retry: {attempts: 2, initial_delay: 0}
          on_failure: {shell: "echo handler >>trace", max_attempts: 2, fail_workflow: true}
        """
    ).failed()
    assert ran.lines() == ["run", "run", "handler", "run", "run"]
    logs = sorted(path.name for path in ran.home.logs_directory(ran.id).glob("000-*.log"))
    assert logs == ["000-1.log", "000-2.log", "000-3.log", "000-4.log"], "each run has its log"


def test_defaults_hold_for_steps_and_loop_bodies_but_not_for_handlers(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        retry_defaults: {attempts: 2, initial_delay: 0}
        commands:
          - shell: "echo step >>trace; exit 1"
            on_failure: "echo handler >>trace; exit 1"
          - shell: "echo own >>trace; exit 1"
            retry: {attempts: 3}
            on_failure: true
          - foreach: ["x"]
            do: ["shell: echo body >>trace; exit 1"]
            on_failure: true
        """
    ).completed()
    counts = {word: ran.lines().count(word) for word in ("step", "handler", "own", "body")}
    assert counts == {"step": 2, "handler": 1, "own": 3, "body": 2}


def test_a_retry_waits_no_longer_than_its_workflow_may_run(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        f"""
        timeout: 700ms
        commands:
          - shell: "{failing(9)}"
            retry: {{attempts: 5, initial_delay: 1h, max_delay: 1h}}
            on_failure: "echo handler >>trace"
        """
    ).failed("timed out after 0.7 seconds")
    assert ran.lines() in (["run"], ["run", "run"])
    assert ran.result.duration_seconds < 10
    assert ran.of(Waiting)[0].reason == "retry after exit 1", "a long delay is shown as waiting"
