"""Every field of a step reaches the model under every one of its names."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.workflow.model import CaptureFormat, StepKind
from tests.orchestrator.workflow.loading import load, problems, step, workflow


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("id: one", "id", "one"),
        ("name: A label", "name", "A label"),
        ("description: Why", "description", "Why"),
        ("clear_env: yes", "clear_env", True),
        ("working_dir: sub", "working_dir", "sub"),
        ("cwd: sub", "working_dir", "sub"),
        ("output_file: out/${x}.txt", "output_file", "out/${x}.txt"),
        ("outputs: {spec: {file_pattern: '*.md'}, log: '*.log'}", "outputs",
         {"spec": "*.md", "log": "*.log"}),
        ("commit_required: true", "commit_required", True),
        ("auto_commit: true", "auto_commit", True),
        ("temporary: true", "clear_env", False),
    ],
)  # fmt: skip
def test_plain_fields(written: str, field: str, value: Any) -> None:
    assert getattr(step(f"- shell: x\n  {written}\n"), field) == value


@pytest.mark.parametrize("key", ["timeout", "timeout_secs", "timeout_seconds"])
def test_timeout_under_each_name(key: str) -> None:
    timeout = step(f"- shell: x\n  {key}: 90\n").timeout
    assert timeout is not None and timeout.seconds == 90


@pytest.mark.parametrize("key", ["when", "condition"])
def test_when_under_each_name(key: str) -> None:
    when = step(f"- shell: x\n  {key}: ${{a}} == 'b'\n").when
    assert when is not None and when.text == "${a} == 'b'"


# -- captures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "names", "kept"),
    [
        ("timeout: 1", (), True),
        ("capture_output: true", (), True),
        ("capture_output: false", (), False),
        ("capture_output: build", ("build",), True),
        ("capture: build", ("build",), True),
        ("capture: build\n  capture_output: all", ("all", "build"), True),
        ("capture: build\n  capture_output: true", ("build",), True),
        ("capture: shell.output", ("shell.output",), True),
    ],
)
def test_capture_names(written: str, names: tuple[str, ...], kept: bool) -> None:
    capture = step(f"- shell: x\n  {written}\n").capture
    assert (capture.names, capture.kept) == (names, kept)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("string", CaptureFormat.STRING),
        ("text", CaptureFormat.STRING),
        ("json", CaptureFormat.JSON),
        ("lines", CaptureFormat.LINES),
        ("number", CaptureFormat.NUMBER),
        ("Boolean", CaptureFormat.BOOLEAN),
    ],
)
def test_capture_formats(word: str, expected: CaptureFormat) -> None:
    assert step(f"- shell: x\n  capture_format: {word}\n").capture.format is expected


@pytest.mark.parametrize(
    ("written", "streams", "dropped"),
    [
        ("stdout", ("stdout",), set()),
        ("both", ("both",), set()),
        ("stdout, stderr", ("stdout", "stderr"), set()),
        ("[stderr, exit_code]", ("stderr", "exit_code"), set()),
        ("{stdout: true, stderr: true, duration: false}", ("stdout", "stderr"), {"duration"}),
        ("{stdout: false, stderr: true}", ("stderr",), {"stdout"}),
    ],
)
def test_capture_streams(written: str, streams: tuple[str, ...], dropped: set[str]) -> None:
    capture = step(f"- shell: x\n  capture_streams: {written}\n").capture
    assert (capture.streams, set(capture.dropped)) == (streams, dropped)


@pytest.mark.parametrize("name", ["item", "map", "step", "workflow.x", "env", "last", "git"])
def test_a_capture_into_a_reserved_name_is_warned_of(name: str) -> None:
    (problem,) = problems(f"- shell: x\n  capture: {name}\n")
    assert problem.startswith("2:12: warning:") and "reserved" in problem


# -- failure --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kinds", "attempts", "fails"),
    [
        ("/fix it", ["claude: /fix it"], 1, False),
        ("make clean", ["shell: make clean"], 1, False),
        ("[make clean, /fix, {shell: a}]", ["shell: make clean", "claude: /fix", "shell: a"], 1,
         False),
        ("{claude: /fix}", ["claude: /fix"], 3, False),
        ("{shell: a, claude: /b}", ["shell: a", "claude: /b"], 3, False),
        ("{claude: /fix, max_attempts: 5, fail_workflow: true}", ["claude: /fix"], 5, True),
        ("{claude: /fix, max_retries: 2}", ["claude: /fix"], 2, False),
        ("{commands: [a, {claude: /b}]}", ["shell: a", "claude: /b"], 1, False),
        ("{commands: [a], strategy: recovery}", ["shell: a"], 2, False),
        ("{commands: [a], strategy: Fallback}", ["shell: a"], 1, False),
        ("{max_attempts: 4, fail_workflow: true}", [], 4, True),
        ("{fail_workflow: true}", [], 1, True),
    ],
)  # fmt: skip
def test_on_failure_forms(written: str, kinds: list[str], attempts: int, fails: bool) -> None:
    handling = step(f"- shell: x\n  on_failure: {written}\n").on_failure
    assert handling is not None
    assert [s.label for s in handling.steps] == kinds
    assert (handling.max_attempts, handling.fail_workflow) == (attempts, fails)
    assert not handling.forgive


def test_on_failure_true_forgives_and_false_is_as_if_absent() -> None:
    handling = step("- shell: x\n  on_failure: true\n").on_failure
    assert handling is not None and handling.forgive and not handling.steps
    assert step("- shell: x\n  on_failure: false\n").on_failure is None


def test_on_failure_options_and_fields_of_its_step_are_told_apart() -> None:
    handling = step(
        """\
        - shell: x
          on_failure:
            shell: ./clean
            timeout: 30
            env: {A: 1}
            capture: {reason: "${handler.output}"}
            commit_required: true
            handler_failure_fatal: true
            on_success: {shell: y}
        """
    ).on_failure
    assert handling is not None
    (handler,) = handling.steps
    assert handler.timeout is not None and handler.timeout.seconds == 30
    assert [entry.name for entry in handler.env] == ["A"]
    assert [s.text for s in handler.on_success] == ["y"]
    assert not handler.commit_required and handling.commit_required
    assert handling.handler_failure_fatal
    assert handling.capture == {"reason": "${handler.output}"}
    assert handling.timeout is None


def test_the_timeout_of_the_commands_form_is_that_of_a_round() -> None:
    handling = step("- shell: x\n  on_failure: {commands: [a], timeout: 9}\n").on_failure
    assert handling is not None and handling.timeout is not None
    assert handling.timeout.seconds == 9


def test_continue_on_error_in_a_handler_goes_on_to_the_next() -> None:
    handling = step(
        "- shell: x\n  on_failure: [{shell: a, continue_on_error: true}, {shell: b}]\n"
    ).on_failure
    assert handling is not None
    assert [s.continue_on_error for s in handling.steps] == [True, False]
    assert handling.steps[0].on_failure is None


def test_options_beside_an_on_failure_map_count_as_written_inside() -> None:
    handling = step(
        "- shell: x\n  max_attempts: 6\n  fail_workflow: true\n  on_failure: {claude: /f}\n"
    ).on_failure
    assert handling is not None and (handling.max_attempts, handling.fail_workflow) == (6, True)


def test_without_such_a_map_they_mean_retry_and_forgive() -> None:
    loaded = step("- shell: x\n  max_attempts: 6\n  fail_workflow: false\n")
    assert loaded.retry is not None and loaded.retry.attempts == 6
    assert loaded.on_failure is not None and loaded.on_failure.forgive


@pytest.mark.parametrize("key", ["allow_failure", "ignore_errors", "continue_on_error"])
def test_the_three_old_words_for_tolerating_a_failure(key: str) -> None:
    handling = step(f"- shell: x\n  {key}: true\n").on_failure
    assert handling is not None and handling.forgive
    assert step(f"- shell: x\n  {key}: false\n").on_failure is None


def test_retry_original_is_deprecated_and_raises_one_to_two() -> None:
    text = "- shell: x\n  on_failure: {commands: [a], retry_original: true}\n"
    loaded = load(text).workflow
    assert loaded is not None and loaded.steps[0].on_failure is not None
    assert loaded.steps[0].on_failure.max_attempts == 2
    assert problems(text)[0].startswith("2:31: warning: 'retry_original' is deprecated")


# -- retry ----------------------------------------------------------------------------------------


def test_retry_as_a_number_and_retries() -> None:
    for text, attempts in (("retry: 1", 1), ("retry: '4'", 4), ("retries: 3", 4)):
        retry = step(f"- shell: x\n  {text}\n").retry
        assert retry is not None and retry.attempts == attempts
    assert step("- shell: x\n  retries: 0\n").retry is None


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("fixed", "fixed"),
        ("Exponential", "exponential"),
        ("{fixed: {delay: 2s}}", "fixed"),
        ("{type: linear, initial: 2s, increment: 1s}", "linear"),
        ("!fibonacci {initial: 2s}", "fibonacci"),
        ("{exponential: {multiplier: 3}}", "exponential"),
        ("{custom: {delays: [1s, 2s]}}", "custom"),
        ("!custom [1s, 2s]", "custom"),
        ("{fixed: 2s}", "fixed"),
    ],
)
def test_backoff_spellings(written: str, kind: str) -> None:
    retry = step(f"- shell: x\n  retry: {{backoff: {written}}}\n").retry
    assert retry is not None and str(retry.backoff.kind) == kind
    backoff = retry.backoff
    if "2s}" in written or "fixed: 2s" in written:
        assert backoff.initial is not None and backoff.initial.seconds == 2
    if "multiplier" in written:
        assert backoff.base == 3
    if kind == "custom":
        assert [delay.seconds for delay in backoff.delays] == [1, 2]


def test_retry_in_full() -> None:
    retry = step(
        """\
        - shell: x
          retry_config:
            max_attempts: 5
            initial_delay: 500ms
            max_delay: 1m
            jitter: yes
            jitter_factor: 0.5
            retry_on: [network, ServerError, {pattern: "E[0-9]+"}]
            retry_budget: 10m
            on_failure: {fallback: {command: ./other}}
        """
    ).retry
    assert retry is not None
    assert (retry.attempts, retry.initial_delay.seconds, retry.max_delay.seconds) == (5, 0.5, 60)
    assert (retry.jitter, retry.jitter_factor) == (True, 0.5)
    assert [cause.word or cause.pattern for cause in retry.retry_on] == [
        "network",
        "server_error",
        "E[0-9]+",
    ]
    assert retry.budget is not None and retry.budget.seconds == 600
    assert (retry.exhausted, retry.fallback) == ("fallback", "./other")


@pytest.mark.parametrize(("word", "meant"), [("fail", "stop"), ("continue", "continue")])
def test_retry_on_failure_words(word: str, meant: str) -> None:
    retry = step(f"- shell: x\n  retry: {{on_failure: {word}}}\n").retry
    assert retry is not None and retry.exhausted == meant


def test_an_invalid_retry_pattern_only_warns() -> None:
    (problem,) = problems("- shell: x\n  retry: {retry_on: [{pattern: '('}]}\n")
    assert problem.startswith("2:22: warning: the pattern never matches")


@pytest.mark.parametrize(
    "defaults",
    ["retry_defaults: {attempts: 7, jitter: true}",
     "error_policy: {retry_config: {attempts: 7, jitter: true}}"],
)  # fmt: skip
def test_retry_defaults_reach_steps_and_loop_bodies_but_no_handlers(defaults: str) -> None:
    loaded = workflow(
        f"{defaults}\n"
        + """\
commands:
  - shell: a
    on_failure: {claude: /h}
    validate: {shell: v}
    on_success: {shell: s}
  - claude: /b
    retry: {attempts: 2}
  - foreach: ls
    do: {shell: c}
merge: [{shell: m}]
"""
    )
    first, second, loop = loaded.steps
    assert first.retry is not None and first.retry.attempts == 7
    assert second.retry is not None and (second.retry.attempts, second.retry.jitter) == (2, True)
    assert loop.retry is None
    assert loop.foreach is not None and loop.foreach.steps[0].retry is not None
    assert first.on_failure is not None and first.on_failure.steps[0].retry is None
    assert first.validate is not None and first.validate.steps[0].retry is None
    assert first.on_success[0].retry is None
    assert loaded.merge is not None and loaded.merge.steps[0].retry is None


# -- what follows ---------------------------------------------------------------------------------


def test_on_success_with_both_kinds_runs_shell_then_claude() -> None:
    loaded = step("- shell: x\n  on_success: {claude: /b, shell: a, timeout: 3}\n")
    assert [s.label for s in loaded.on_success] == ["shell: a", "claude: /b"]
    assert all(s.timeout is not None for s in loaded.on_success)


def test_on_exit_code_keys_are_numbers_quoted_or_not() -> None:
    loaded = step(
        "- shell: x\n  on_exit_code: {0: {shell: a}, '101': [{shell: b}, {claude: /c}]}\n"
    )
    assert {code: len(steps) for code, steps in loaded.on_exit_code.items()} == {0: 1, 101: 2}
    (problem,) = problems("- shell: x\n  on_exit_code: {bad: {shell: a}}\n")
    assert problem.startswith("2:18: error: 'on_exit_code' expects exit codes from 0 to 255")


def test_commit_config() -> None:
    config = step(
        """\
        - shell: x
          auto_commit: true
          commit_config:
            message_template: "done: ${step.name}"
            message_pattern: "^done"
            author: A <a@b>
            sign: false
            include_files: "*.md"
            exclude_files: [a, b]
            squash: true
        """
    ).commit_config
    assert config.message_template == "done: ${step.name}"
    assert (config.include_files, config.exclude_files) == (("*.md",), ("a", "b"))
    assert config.squash and not config.sign and config.author == "A <a@b>"


# -- checks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "labels", "as_commands"),
    [
        ("./check", ["shell: ./check"], False),
        ("'claude: /check'", ["claude: /check"], False),
        ("[{shell: a}, {claude: /b}]", ["shell: a", "claude: /b"], True),
        ("{shell: a}", ["shell: a"], False),
        ("{command: a}", ["shell: a"], False),
        ("{claude: /b, shell: a}", ["shell: a", "claude: /b"], False),
        ("{commands: [{shell: a}]}", ["shell: a"], True),
    ],
)
def test_validate_forms(written: str, labels: list[str], as_commands: bool) -> None:
    validate = step(f"- shell: x\n  validate: {written}\n").validate
    assert validate is not None
    assert [s.label for s in validate.steps] == labels
    assert validate.as_commands is as_commands
    assert validate.threshold == 100


def test_keys_of_the_whole_validation_may_be_written_inside_an_item() -> None:
    validate = step(
        """\
        - shell: x
          validate:
            - shell: a
            - claude: /b
              result_file: r.json
              threshold: 80
              on_incomplete: {claude: /fill}
        """
    ).validate
    assert validate is not None and validate.as_commands
    assert (validate.result_file, validate.threshold, len(validate.steps)) == ("r.json", 80, 2)
    assert validate.on_incomplete is not None


def test_on_incomplete_in_full() -> None:
    validate = step(
        """\
        - shell: x
          validate:
            result_file: r.json
            timeout: 1m
            expected_schema: {type: object}
            on_incomplete:
              commands: [{claude: /a, commit_required: true}, {shell: b}]
              max_attempts: 5
              fail_workflow: false
              commit_required: true
              prompt: Go on?
        """
    ).validate
    assert validate is not None and validate.on_incomplete is not None
    filling = validate.on_incomplete
    assert [s.commit_required for s in filling.steps] == [True, False]
    assert (filling.max_attempts, filling.fail_workflow, filling.commit_required) == (
        5,
        False,
        True,
    )
    assert filling.prompt == "Go on?" and validate.expected_schema == {"type": "object"}


def test_on_incomplete_defaults() -> None:
    validate = step("- shell: x\n  validate: {shell: a, on_incomplete: {claude: /a}}\n").validate
    assert validate is not None and validate.on_incomplete is not None
    filling = validate.on_incomplete
    assert (filling.max_attempts, filling.fail_workflow, filling.commit_required) == (
        2,
        True,
        False,
    )


def test_a_validation_without_anything_to_check_is_warned_of() -> None:
    assert problems("- shell: x\n  validate: {threshold: 3}\n") == [
        "2:13: warning: 'validate' has no validator and no 'result_file'"
    ]


def test_step_validate_forms() -> None:
    check = step("- shell: x\n  step_validate: ./check\n").step_check
    assert check is not None and [c.text for c in check.commands] == ["./check"]
    check = step(
        """\
        - shell: x
          step_validate:
            commands:
              - "claude: /look"
              - {command: ./c, expect_output: "^ok", expect_exit_code: 3, command_type: shell}
            success_criteria: {at_least: 1}
            max_attempts: 2
            retry_delay: 1s
          validation_timeout: 9
          ignore_validation_failure: true
        """
    ).step_check
    assert check is not None
    assert [c.kind for c in check.commands] == [StepKind.CLAUDE, StepKind.SHELL]
    assert (check.criteria, check.at_least, check.max_attempts) == ("at_least", 1, 2)
    assert check.commands[1].expect_exit_code == 3 and check.ignore_failure
    assert check.timeout is not None and check.timeout.seconds == 9
    skipped = step("- shell: x\n  step_validate: ./check\n  skip_validation: true\n")
    assert skipped.step_check is None
