"""``validate``: how complete a step's work is, and filling its gaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrator.engine.runs import RunWorkflow


def test_gaps_are_filled_until_the_work_is_complete(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo run >>trace"
          validate:
            shell: |
              echo "validate $PRODIGY_VALIDATION" >>trace
              n=$(grep -c fill trace)
              printf '{"score": %s, "missing": ["gap %s"], "note": "n%s"}' $((n * 50)) $n $n
            on_incomplete:
              shell: >-
                echo "fill ${validation.completion} ${validation.missing:csv}
                ${validation.attempt_number} ${validation.note} ${validation.missing_count}" >>trace
              max_attempts: 5
          on_success: {shell: "echo done ${validation.completion}% ${validation.status} >>trace"}
        - shell: "echo later ${validation.completion_percentage} ${validation.note} >>trace"
        """
    ).completed()
    assert ran.lines() == [
        "run",
        "validate true",
        "fill 0 gap 0 0 n0 1",
        "validate true",
        "fill 50 gap 1 1 n1 1",
        "validate true",
        "done 100% complete",
        "later 100 n2",
    ]
    completions = [event["completion"] for event in ran.events("validation_result")]
    assert completions == [0, 50, 100]


@pytest.mark.parametrize(
    ("options", "fills", "fails"),
    [
        ("", 2, True),
        ("max_attempts: 1", 1, True),
        ("max_attempts: 3, fail_workflow: false", 3, False),
        ("commit_required: true", 1, True),
    ],
)
def test_attempts_to_fill_gaps_are_used_up(
    run_workflow: RunWorkflow, options: str, fills: int, fails: bool
) -> None:
    options = f", {options}" if options else ""
    ran = run_workflow(
        f"""
        - shell: "true"
          on_failure: "echo never >>trace"
          validate:
            shell: "echo 'score: 40'"
            threshold: 41
            on_incomplete: {{shell: "echo fill >>trace"{options}}}
        """
    )
    words = f"Validation failed after {fills} attempts. Completion: 40%"
    if fails:
        ran.failed(words)
    else:
        ran.completed()
        assert any(words in warning for warning in ran.warnings)
    assert ran.lines() == ["fill"] * fills


def test_a_failing_gap_filling_ends_the_loop(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "true"
          validate:
            shell: "echo check >>trace; exit 1"
            on_incomplete:
              max_attempts: 4
              commands: ["shell: echo one >>trace", "shell: exit 2", "shell: echo two >>trace"]
        """
    ).failed("Validation failed after 1 attempts. Completion: 0%")
    assert ran.lines() == ["check", "one"]


def test_an_incomplete_result_without_gap_filling_is_a_warning(run_workflow: RunWorkflow) -> None:
    ran = run_workflow('[{shell: "true", validate: "exit 1"}]').completed()
    assert any("Completion: 0%" in words for words in ran.warnings)


def test_nothing_to_validate_is_a_warning(run_workflow: RunWorkflow) -> None:
    run_workflow('[{shell: "true", validate: {threshold: 50}}]').completed()


def test_validators_in_a_list_must_all_succeed(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "true"
          validate:
            commands: [{shell: "test -e a", name: first}, {shell: "test -e b", name: second},
                       {shell: "true", name: third}]
            on_incomplete: {shell: "echo ${validation.missing:csv} >>trace; touch a b"}
        """
    ).completed()
    assert ran.lines() == ["first,second"]


def test_a_result_file_left_over_from_before_is_not_believed(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "test ${ARG} != one || echo '{\\"complete\\": true}' >result.json"
          validate:
            result_file: result.json
            on_incomplete: {shell: "echo ${ARG} ${validation.missing:csv} >>trace"}
        """,
        args=("one", "two"),
    ).failed("Completion: 0%", "older than the step")
    assert ran.lines() == ["two result.json is older than the step"] * 2


def test_a_result_file_that_is_written_again_is_believed(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "echo '{\\"complete\\": true}' >result.json"
          validate: {result_file: result.json, on_incomplete: {shell: "exit 1"}}
        """,
        args=("one", "two", "three"),
    ).completed()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        ("{broken", "not JSON"),
        ('{"completion_percentage": 101}', "not a number from 0 to 100"),
        ('{"status": "clean"}', None),
    ],
)
def test_a_result_that_cannot_be_read_is_incomplete_with_the_reason(
    run_workflow: RunWorkflow, content: str | None, reason: str | None
) -> None:
    write = "rm -f r.json" if content is None else f"echo '{content}' >r.json"
    ran = run_workflow(
        f"""
        - shell: |
            {write}
          validate:
            result_file: r.json
            on_incomplete:
              shell: "echo ${{validation.status}}: ${{validation.missing:csv|quote}} >>trace"
              max_attempts: 1
              fail_workflow: false
        """
    ).completed()
    (line,) = ran.lines()
    assert (reason or "clean") in line


def test_a_schema_must_fit(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "true"
          validate:
            shell: "echo '{\\"complete\\": true, \\"n\\": \\"x\\"}'"
            expected_schema: {type: object, properties: {n: {type: integer}}}
            on_incomplete: {shell: "true", max_attempts: 1}
        """
    ).failed("does not fit expected_schema")


def test_an_agent_may_validate_and_its_failure_means_incomplete(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - shell: "true"
          validate:
            claude: '/check fake:json={"completion_percentage":90,"gaps":{"a":{"severity":"low"}}}'
            threshold: 90
        - shell: "echo '${validation.gaps:json}' >>trace"
        - shell: "true"
          validate:
            claude: "/check fake:is-error"
            on_incomplete: {claude: "/fill ${validation.gaps}", fail_workflow: false,
                            max_attempts: 1}
        - validate: "echo only >>trace; exit 0"
        """
    ).completed()
    assert ran.lines() == ['{"a":{"severity":"low"}}', "only"]


def test_a_round_of_validators_is_limited_in_time(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "true"
          validate: {shell: "sleep 60", timeout: 300ms, on_incomplete: {shell: "exit 1"}}
        """
    ).failed("Completion: 0%")
    assert ran.result.duration_seconds < 5


@pytest.mark.parametrize(("answer", "goes_on"), [(True, True), (False, False), (None, False)])
def test_a_person_may_let_an_incomplete_step_pass(
    run_workflow: RunWorkflow, answer: bool | None, goes_on: bool
) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool | None:
        asked.append(question)
        return answer

    ran = run_workflow(
        """
        - shell: "true"
          validate: {shell: "exit 1", on_incomplete: {shell: "true", prompt: "Go on?"}}
        """,
        ask_person=ask,
    )
    assert (ran.result.exit_code == 0) is goes_on
    assert len(asked) == 1
    assert "Go on?" in asked[0]


def test_the_output_of_a_step_is_its_own_after_validation(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo mine", validate: "echo theirs"}
        - shell: "echo ${shell.output} >>trace"
        """
    ).completed()
    assert ran.lines() == ["mine"]
