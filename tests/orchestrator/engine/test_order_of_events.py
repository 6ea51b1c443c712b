"""The order in which things happen in one step, and what makes it be skipped or fail."""

from __future__ import annotations

import pytest

from orchestrator.outcomes import CommandOutcome
from orchestrator.reporting import StepCompleted, StepFailed, StepSkipped, StepStarted
from tests.orchestrator.engine.runs import RunWorkflow, git


def test_everything_in_a_step_happens_in_its_order(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo command >>trace; echo x >made.txt; echo COLOUR=blue >>$PRODIGY_OUTPUT"
          id: first
          capture: said
          step_validate: "echo step_validate $COLOUR >>trace"
          validate:
            shell: "echo validate >>trace; grep -q filled trace"
            on_incomplete: {shell: "echo filled >>trace"}
          auto_commit: true
          commit_config: {message_template: "made ${step.files_added}"}
          commit_required: true
          outputs: {product: "made*"}
          on_success: "echo on_success ${first.product} $(git log -1 --format=%s) >>trace"
          on_exit_code: {0: "echo on_exit_code >>trace"}
        - shell: "echo next >>trace"
        """
    ).completed()
    assert ran.lines() == [
        "command",
        "step_validate blue",
        "validate",
        "filled",
        "validate",
        "on_success made.txt made made.txt trace",
        "on_exit_code",
        "next",
    ]


def test_what_follows_success_does_not_happen_after_a_failure(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo command >>trace; exit 7"
          step_validate: "echo step_validate >>trace"
          validate: "echo validate >>trace"
          auto_commit: true
          commit_required: true
          outputs: {product: "made*"}
          on_success: "echo on_success >>trace"
          on_exit_code: {"7": "echo on_exit_code >>trace", 0: "echo zero >>trace"}
        - shell: "echo next >>trace"
        """
    ).failed("failed with exit code 7")
    assert ran.lines() == ["command", "on_exit_code"]
    assert "commit" not in ran.result.message, "the first failure is the one reported"
    assert ran.result.failed_step is not None
    assert ran.result.failed_step.exit_code == 7


def test_a_step_for_an_exit_code_never_changes_the_outcome(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "true"
          on_exit_code: {0: "exit 9"}
        - shell: "exit 3"
          on_failure: true
          on_exit_code: {3: ["echo one >>trace", "shell: echo two >>trace"]}
        """
    ).completed()
    assert ran.lines() == ["one", "two"]
    assert ran.step(1)["x_prodigy"]["tolerated"] is True


def test_a_failing_step_after_success_fails_the_step(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo fine"
          on_failure: "echo handled >>trace"
          on_success: {shell: "echo broken >&2; exit 4"}
        """
    ).failed("broken")
    assert ran.lines() == [], "on_failure does not see a failure of on_success"


def test_a_handled_failure_after_success_is_no_failure(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "true"
          on_success:
            shell: "exit 4"
            on_failure: "echo handled >>trace"
        """
    ).completed()
    assert ran.lines() == ["handled"]


def test_a_failed_step_validate_is_a_command_failure(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace"
          id: checked
          step_validate: {commands: ["test -e fixed"], max_attempts: 2, retry_delay: 0}
          on_failure:
            shell: "echo ${checked.success} >>trace; touch fixed"
            max_attempts: 2
        - shell: "echo ok"
          step_validate:
            commands: ["exit 1", {command: "echo yes", expect_output: "^y"}]
            success_criteria: any
        - shell: "echo ok"
          step_validate:
            commands: [{command: "exit 3", expect_exit_code: 3}, "exit 1", "true"]
            success_criteria: {at_least: 2}
        - shell: "echo ok"
          step_validate: "exit 1"
          ignore_validation_failure: true
        - shell: "echo ok"
          step_validate: "exit 1"
          skip_validation: true
        """
    ).completed()
    assert ran.lines() == ["run", "false", "run"]


def test_a_step_validate_that_takes_too_long_fails(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "true"
          step_validate: "sleep 30"
          validation_timeout: 200ms
        """
    ).failed("step validation failed", "124")


def test_a_false_condition_skips_the_step_and_sets_only_that(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo ${ITERATION}"
          id: odd
          when: "${ITERATION} == 1"
        - shell: "echo ${odd.output:-none} ${odd.skipped} ${odd.exit_code:-none} >>trace"
        """,
        max_iterations=2,
    ).completed()
    assert ran.lines() == ["1 false 0", "none true none"]
    (skipped,) = ran.of(StepSkipped)
    assert skipped.index == 0
    assert [event["reason"] for event in ran.events("step_skipped")] == [skipped.reason]
    assert ran.step(0)["x_prodigy"]["skipped"] == skipped.reason


def test_a_condition_that_has_no_value_fails_the_step_without_running_it(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace"
          when: "${file:missing.txt} == 'x'"
          on_failure:
            shell: "echo handled >>trace"
            max_attempts: 2
            fail_workflow: true
        """
    ).failed("missing.txt")
    assert ran.lines() == ["handled"]


def test_the_label_and_numbers_of_a_step_are_told_as_it_runs(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        commands:
          - name: "Say it"
            shell: "echo $((1 + 1)) ${step.name} ${step.index} ${total_steps} >>trace"
          - shell: |
              echo two
              exit 5
        """
    ).failed("Step 'shell: echo two …' failed with exit code 5\ntwo")
    assert ran.lines() == ["2 Say it 0 2"]
    assert [event.label for event in ran.of(StepStarted)] == ["Say it", "shell: echo two …"]
    assert [event.label for event in ran.of(StepCompleted)] == ["Say it"]
    (failed,) = ran.of(StepFailed)
    assert (failed.index, failed.total, failed.exit_code) == (1, 2, 5)
    assert failed.log is not None
    assert failed.log.read_text() == "two\n"


def test_a_long_failure_is_shown_by_its_first_and_last_lines(run_workflow: RunWorkflow) -> None:
    ran = run_workflow('- shell: "seq 1 200 >&2; exit 1"').failed("\n25\n", "\n176\n", "\n200")
    assert "\n26\n" not in ran.result.message
    assert "150 lines left out" in ran.result.message


def test_of_long_lines_the_last_are_kept_in_the_record(run_workflow: RunWorkflow) -> None:
    line = "x" * 900
    text = f'for n in 1 2 3 4 5 6 7 8 9 10; do echo "$n {line}"; done; echo why; exit 1'
    ran = run_workflow(f"- shell: |\n    {text}\n").failed("exit code 1\n1 x", "\nwhy")
    assert "4 lines left out" in ran.result.message
    assert str(ran.record["error"]).endswith("\nwhy")


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (CommandOutcome(1, stderr=b"\x1b[0m\x1b[1m\x1b[38;5;9merror\x1b[0m: no\n"), "error: no"),
        (CommandOutcome(1, stderr=b"0%\r50%\r99%\r\ncurl: (22)\r\n"), "99%\ncurl: (22)"),
        (CommandOutcome(1, stdout=b"said", stderr=b"\x1b[?25h\x1b[0m\n"), "said"),
        (CommandOutcome(1, error="API Error: 500", result="API Error: 500\n"), "API Error: 500"),
        (CommandOutcome(1, error="it ended: bad\nworse", stderr=b"bad\nworse\n"),
         "it ended: bad\nworse"),
        (CommandOutcome(1, error="timed out after 5 seconds", stdout=b"5"),
         "timed out after 5 seconds\n5"),
    ],
)  # fmt: skip
def test_a_failure_is_told_once_and_as_a_terminal_shows_it(
    outcome: CommandOutcome, text: str
) -> None:
    assert outcome.failure_text() == text


def test_steps_before_commands_run_first_and_are_counted(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        setup: ["shell: echo setup >>trace"]
        commands: ["shell: echo command >>trace"]
        """
    ).completed()
    assert ran.lines() == ["setup", "command"]
    assert ran.result.total_steps == 2


def test_nothing_is_run_in_test_mode(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace; exit 1"
          commit_required: true
        - write_file: {path: trace, content: "written"}
        - foreach: "echo listed >>trace; echo x"
          do: ["shell: echo item >>trace"]
        - claude: "/not-there"
          validate: {claude: "/neither"}
        """,
        env={"PRODIGY_TEST_MODE": "true"},
        merge=True,
    ).completed()
    assert ran.lines() == []
    assert [words for words in ran.warnings if words.startswith("[TEST MODE]")] == [
        "[TEST MODE] Would execute: shell: echo run >>trace; exit 1",
        "[TEST MODE] Would execute: write_file: trace",
        "[TEST MODE] Would execute: foreach: echo listed >>trace; echo x",
        "[TEST MODE] Would execute: claude: /not-there",
    ]
    assert ran.result.state == "completed"
    assert git(ran.repository, "log", "--format=%s", "main") == "begin"
