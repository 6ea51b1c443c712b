"""What a step does when it fails: every form of ``on_failure`` and ``retry`` reaches the model."""

from __future__ import annotations

import pytest

from tests.orchestrator.workflow.loading import load, problems, step, workflow

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
