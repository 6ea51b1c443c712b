"""``on_failure`` in every form: exactly how often commands and handlers run, and the outcome."""

from __future__ import annotations

import pytest

from orchestrator.reporting import HandlerStarted
from tests.orchestrator.engine.runs import Ran, RunWorkflow

SUCCEEDED, TOLERATED, FAILED = "succeeded", "tolerated", "failed"


def outcome_of(ran: Ran) -> str:
    """How the first step ended, as record and exit code agree on."""
    if ran.result.exit_code == 1:
        assert ran.result.failed_step is not None
        return FAILED
    step = ran.step(0)["x_prodigy"]
    if step["tolerated"]:
        assert step["exit_code"] != 0, "the exit code of a forgiven step stays"
        return TOLERATED
    assert step["exit_code"] == 0
    return SUCCEEDED


def failing_until(run: int) -> str:
    """A command that fails with 3 until its n-th run; 0 is never."""
    return f"echo run >>trace; test $(grep -c run trace) -eq {run} || exit 3"


H = "shell: 'echo handler >>trace'"
CASES = {
    # form: (succeeds at run n, runs, handler calls, outcome)
    "false": (0, 1, 0, FAILED),
    "true": (0, 1, 0, TOLERATED),
    "'echo handler >>trace'": (0, 1, 1, SUCCEEDED),
    "['echo handler >>trace', 'echo handler >>trace']": (0, 1, 2, SUCCEEDED),
    "['echo handler >>trace; exit 1', 'echo handler >>trace']": (0, 1, 1, TOLERATED),
    f"{{{H}}}": (0, 3, 2, TOLERATED),
    f"{{{H}, fail_workflow: true}}": (0, 3, 2, FAILED),
    f"{{{H}, max_attempts: 1}}": (0, 1, 1, SUCCEEDED),
    f"{{{H}, max_attempts: 1, fail_workflow: true}}": (0, 1, 1, FAILED),
    f"{{{H}, max_attempts: 2}}": (0, 2, 1, TOLERATED),
    f"{{{H}, max_attempts: 2, fail_workflow: true}}": (2, 2, 1, SUCCEEDED),
    f"{{{H}, max_attempts: 3, fail_workflow: true}}": (2, 2, 1, SUCCEEDED),
    f"{{{H}, max_retries: 3, fail_workflow: true}}": (3, 3, 2, SUCCEEDED),
    f"{{{H}, max_attempts: 1, retry_original: true}}": (2, 2, 1, SUCCEEDED),
    "{shell: 'echo handler >>trace; exit 1', max_attempts: 3}": (0, 3, 2, TOLERATED),
    "{shell: 'echo handler >>trace; exit 1', max_attempts: 3, fail_workflow: true}": (
        3, 3, 2, SUCCEEDED,
    ),
    "{shell: 'echo handler >>trace; exit 1', handler_failure_fatal: true}": (2, 1, 1, FAILED),
    f"{{commands: [{{{H}}}]}}": (0, 1, 1, SUCCEEDED),
    f"{{commands: [{{{H}}}], fail_workflow: true}}": (0, 1, 1, FAILED),
    f"{{commands: [{{{H}}}, {{{H}}}], strategy: recovery}}": (2, 2, 2, SUCCEEDED),
    f"{{commands: [{{{H}}}], strategy: recovery}}": (0, 2, 1, TOLERATED),
    f"{{commands: [{{{H}}}], strategy: fallback}}": (0, 1, 1, SUCCEEDED),
    f"{{commands: [{{{H}}}], strategy: cleanup}}": (0, 1, 1, TOLERATED),
    f"{{commands: [{{{H}}}], strategy: cleanup, fail_workflow: true}}": (0, 1, 1, FAILED),
    f"{{commands: [{{{H}}}], strategy: custom}}": (0, 1, 1, TOLERATED),
    f"{{commands: [{{{H}}}], strategy: custom, max_attempts: 2}}": (2, 2, 1, SUCCEEDED),
    "{commands: [{shell: 'echo handler >>trace; exit 1'}, {shell: 'echo handler >>trace'}]}": (
        0, 1, 1, TOLERATED,
    ),
    "{commands: [{shell: 'echo handler >>trace; exit 1', continue_on_error: true},"
    " {shell: 'echo handler >>trace'}]}": (0, 1, 2, TOLERATED),
    f"{{{H}, max_attempts: 3, commit_required: true}}": (0, 1, 1, TOLERATED),
    f"{{{H}, max_attempts: 1, commit_required: true}}": (0, 1, 1, TOLERATED),
    "{shell: 'echo handler >>trace; git commit -q --allow-empty -m fix', max_attempts: 3,"
    " commit_required: true}": (0, 3, 2, TOLERATED),
    "{max_attempts: 2}": (2, 2, 0, SUCCEEDED),
    "{fail_workflow: false}": (0, 1, 0, TOLERATED),
}  # fmt: skip


@pytest.mark.parametrize("form", CASES)
def test_runs_and_handler_calls_are_exactly_those_of_the_form(
    run_workflow: RunWorkflow, form: str
) -> None:
    succeeds_at, runs, handlers, outcome = CASES[form]
    ran = run_workflow(
        f"""
        - shell: "{failing_until(succeeds_at)}"
          on_failure: {form}
        """
    )
    lines = ran.lines()
    counted = (lines.count("run"), lines.count("handler"), outcome_of(ran))
    assert counted == (runs, handlers, outcome)


@pytest.mark.parametrize(
    ("beside", "runs", "outcome"),
    [
        ("max_attempts: 2\n  on_failure: {shell: 'true'}", 2, TOLERATED),
        ("fail_workflow: true\n  on_failure: {shell: 'true', max_attempts: 1}", 1, FAILED),
        ("max_attempts: 2\n  on_failure: {shell: 'true', max_attempts: 3}", 3, TOLERATED),
        ("fail_workflow: false", 1, TOLERATED),
        ("continue_on_error: true", 1, TOLERATED),
        ("ignore_errors: true", 1, TOLERATED),
        ("allow_failure: true", 1, TOLERATED),
    ],
)
def test_options_beside_on_failure_count_as_written_inside(
    run_workflow: RunWorkflow, beside: str, runs: int, outcome: str
) -> None:
    ran = run_workflow(f"- shell: 'echo run >>trace; exit 3'\n  {beside}\n")
    assert (len(ran.lines()), outcome_of(ran)) == (runs, outcome)


def test_a_handler_sees_what_failed_and_only_while_it_runs(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - name: Build
          shell: "echo out; echo err >&2; exit 42"
          on_failure:
            commands:
              - shell: |
                  cat >seen.txt <<'END'
                  ${shell.output}|${last.output}
                  ${shell.stdout}|${shell.stderr}|${shell.exit_code}|${shell.attempt}
                  ${test.output}
                  ${test.exit_code}|${test.attempt}
                  ${error.step}|${error.exit_code}
                  ${error.message}
                  END
                  echo $TEST_ATTEMPT $SHELL_ATTEMPT
              - shell: "echo '${handler.output} ${shell.exit_code}' >>seen.txt"
        - shell: "echo '${error.step:-gone} ${handler.output:-gone} ${test.attempt:-gone}' >>after"
        """
    ).completed()
    assert ran.text("seen.txt").split("\n") == [
        "out",
        "err|out",
        "err",
        "out|err|42|1",
        "STDOUT:",
        "out",
        "STDERR:",
        "err",
        "42|1",
        "Build|42",
        "err",
        "1 1 42",
    ]
    assert ran.text("after") == "gone gone gone"


def test_long_output_reaches_a_handler_as_a_file(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "seq 1 5000; exit 1"
          on_failure: "sed -n 4999p ${shell.output} >seen.txt; head -2 ${test.output} >>seen.txt"
        """
    ).completed()
    assert ran.lines("seen.txt") == ["4999", "STDOUT:", "1"]
    assert not list(ran.home.run_directory(ran.id).glob("tmp/*")), "the file is gone afterwards"


def test_the_output_of_a_fallback_takes_the_place_of_the_steps(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo broken; exit 1"
          id: fetch
          capture: got
          on_failure:
            strategy: fallback
            commands: [{shell: "echo other"}, {shell: "echo from cache"}]
        - shell: |
            echo '${got}|${shell.output}|${fetch.output}|${last.output}' >>trace
            echo '${fetch.success}|${fetch.exit_code}|${got.success}' >>trace
        """
    ).completed()
    assert ran.lines() == ["|".join(["from cache"] * 4), "true|0|true"]


def test_a_recovered_step_keeps_its_own_output(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo mine; exit 1"
          id: a
          on_failure: "echo handler"
        - shell: "echo '${shell.output}|${a.stdout}|${a.success}|${a.exit_code}' >>trace"
        """
    ).completed()
    assert ran.lines() == ["mine|mine|true|0"]


def test_a_forgiven_step_is_known_as_failed(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo out; exit 3"
          id: a
          commit_required: true
          on_success: "echo never >>trace"
          on_failure: true
        - shell: "echo '${a.success} ${a.exit_code} ${a.output}' >>trace"
        """
    ).completed()
    assert ran.lines() == ["false 3 out"]


def test_what_a_round_gave_can_be_captured(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "exit 1"
          on_failure:
            commands: [{shell: "echo one"}, {shell: "echo two"}]
            capture: {all: handlers, last_one: "${handler.output}!"}
        - shell: "echo \\"$all\\" ${last_one} >>trace"
        """
    ).completed()
    assert ran.lines() == ["one", "two two!"]


def test_handlers_have_handlers_of_their_own(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace; exit 1"
          on_failure:
            shell: "echo outer >>trace; exit 2"
            max_attempts: 1
            on_failure: "echo inner ${error.exit_code} >>trace"
            on_success: {shell: "echo after >>trace"}
        """
    ).completed()
    assert ran.lines() == ["run", "outer", "inner 2", "after"]


def test_a_round_of_handlers_is_limited_in_time(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "exit 1"
          on_failure:
            timeout: 300ms
            fail_workflow: true
            commands: [{shell: "echo one >>trace; sleep 30"}, {shell: "echo two >>trace"}]
        """
    ).failed()
    assert ran.lines() == ["one"]
    assert ran.result.duration_seconds < 5


def test_the_failure_of_a_fatal_handler_is_named(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "echo first >&2; exit 1"
          on_failure: {shell: "echo second >&2; exit 2", handler_failure_fatal: true}
        """
    ).failed("failed with exit code 1", "first", "its handler failed", "second")


def test_every_kind_of_command_can_be_handled(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - write_file: {path: "no/such/x", content: ""}
          on_failure: "echo write_file >>trace"
        - foreach: ["a"]
          do: ["shell: exit 1"]
          on_failure: "echo foreach >>trace"
        - shell: "true"
          working_dir: nowhere
          on_failure: "echo working_dir >>trace"
        - shell: "echo '${file:missing}'"
          on_failure: "echo text >>trace"
        - shell: "true"
          env: {X: {command: "exit 3"}}
          on_failure: {shell: "echo env >>trace", max_attempts: 2, timeout: 5}
          retry: {attempts: 2, initial_delay: 0}
        - shell: "echo no json"
          capture: x
          capture_format: json
          on_failure: "echo capture >>trace"
        - shell: "kill -9 $$"
          on_failure: "echo signal ${shell.exit_code} >>trace"
        """
    ).completed()
    assert ran.lines() == [
        "write_file",
        "foreach",
        "working_dir",
        "text",
        "env",
        "capture",
        "signal 137",
    ]


def test_a_mistake_in_the_handling_itself_fails_the_step(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "exit 1"
          on_failure: {commands: [{shell: "true"}], timeout: "${soon}"}
          env: {soon: "soon"}
        """
    ).failed("is not a duration")


def test_the_log_of_a_handler_is_known_when_it_starts(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "exit 1"
          on_failure:
            - {shell: "echo first"}
            - {shell: "echo never", when: "false"}
            - {shell: "exit 0", validate: {shell: "echo within"}}
        """
    ).completed()
    started = ran.events("handler_started")
    assert [event["n"] for event in started] == [1, 2, 3, 1]
    assert started[1]["log"] is None
    logs = [ran.home.run_directory(ran.id) / event["log"] for event in started if event["log"]]
    assert [path.read_text() for path in logs] == ["first\n", "", "within\n"]
    ended = ran.events("handler_completed")
    assert sorted(event["log"] or "" for event in ended) == sorted(
        event["log"] or "" for event in started
    )
    assert [event["commits"] for event in ended] == [0, 0, 0, 0]
    told = {event.label: event.log for event in ran.of(HandlerStarted)}
    assert told["shell: echo first"] == logs[0]
