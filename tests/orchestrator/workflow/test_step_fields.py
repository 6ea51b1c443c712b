"""Every field of a step reaches the model under every one of its names."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.workflow.model import CaptureFormat, StepKind
from tests.orchestrator.workflow.loading import problems, step


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
