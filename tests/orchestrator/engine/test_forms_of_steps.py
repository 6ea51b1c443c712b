"""Short and odd forms of steps do what their long forms do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.refusal import Refused
from tests.orchestrator.engine.runs import Runner, RunWorkflow


def prompts(calls: Path) -> list[str]:
    return [json.loads(line)["prompt"] for line in calls.read_text("utf-8").splitlines()]


def test_prompts_may_be_written_in_many_ways(run_workflow: RunWorkflow, fake_claude: Path) -> None:
    run_workflow(
        """
        - "claude: /one"
        - "/two a b"
        - "three c"
        - {name: four, args: ["${x}", y], options: {deep: true, level: 2}, env: {x: from-env}}
        - {command: "/five"}
        """
    ).completed()
    assert prompts(fake_claude) == [
        "/one",
        "/two a b",
        "/three c",
        "/four from-env y --deep --level 2",
        "/five",
    ]


def test_a_built_in_command_must_commit_unless_it_says_otherwise(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    run_workflow(
        """
        - {name: prodigy-code-review, commit_required: false}
        - "prodigy-code-review fake:commit=a.txt"
        - "other-command"
        - "prodigy-code-review"
        """
    ).failed("Step 'claude: /prodigy-code-review'", "no commits were created")


def test_shell_and_claude_together_run_in_that_order(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - shell: "echo x; exit 1"
          on_failure:
            shell: "echo handler >>trace"
            claude: "/handle ${shell.output} fake:write=seen"
            max_attempts: 1
          on_success:
            shell: "test -e seen && echo success >>trace"
            claude: "/celebrate"
        - shell: "exit 1"
          on_failure: ["/short", "echo text >>trace", {shell: "echo map >>trace"}]
        """
    ).completed()
    assert ran.lines() == ["handler", "success", "text", "map"]
    assert prompts(fake_claude) == ["/handle x fake:write=seen", "/celebrate", "/short"]


def test_an_agent_may_check_a_step(run_workflow: RunWorkflow, fake_claude: Path) -> None:
    run_workflow(
        """
        - shell: "true"
          step_validate:
            - "claude: /check fake:say=fine"
            - "shell: true"
        - shell: "true"
          step_validate: {commands: [{command: "claude:/check fake:say=bad", expect_output: good}]}
        """
    ).failed("does not match 'good'")


def test_a_test_step_is_a_shell_step(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {test: "echo from test"}
        - test: {command: "exit 2", on_failure: {shell: "echo ${test.exit_code} >>trace",
                 max_attempts: 1}}
        - shell: "echo ${shell.exit_code} >>trace"
        """
    ).completed()
    assert ran.lines() == ["2", "0"]


def test_an_analyze_step_is_skipped_with_a_warning(run_workflow: RunWorkflow) -> None:
    ran = run_workflow("[{analyze: {max_cache_age: 300}}, 'shell: echo x']").completed()
    assert any("analyze" in words for words in ran.warnings)
    assert ran.step(0)["x_prodigy"]["skipped"]


def test_texts_of_any_length_reach_the_shell(run_workflow: RunWorkflow) -> None:
    text = "\n".join(f"# {number:0100}" for number in range(3000))
    ran = run_workflow(
        "- shell: |\n    exec 3>&1\n"
        + "".join(f"    {line}\n" for line in text.split("\n"))
        + "    echo long >>trace\n"
    ).completed()
    assert ran.lines() == ["long"]


def test_a_nul_in_a_text_is_a_command_failure(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "printf '{\\"x\\": \\"a\\\\\\\\u0000b\\"}'", capture: doc, capture_format: json}
        - shell: "echo ${doc.x}"
          on_failure: "echo handled >>trace"
        """
    ).completed()
    assert ran.lines() == ["handled"]


def test_an_agent_that_is_needed_somewhere_must_be_there_at_the_start(
    run_workflow: Runner,
) -> None:
    with pytest.raises(Refused, match="needs the Claude program"):
        run_workflow(
            '[{shell: "true", on_failure: {claude: "/fix"}}]', env={"PATH": "/usr/bin:/bin"}
        )
    assert not run_workflow.home.root.exists()


def test_computed_values_are_made_once_for_each_step(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        r"""
        env: {COUNT: "cat count | wc -l | tr -d ' '"}
        commands:
          - {shell: 'echo "{\"a\": [7]}"', capture: doc, capture_format: json}
          - {shell: "echo first >file"}
          - {shell: "echo ${file:file} ${cmd:echo x >>count; eval $COUNT} >>trace"}
          - shell: "echo ${cmd:eval $COUNT} ${env.GIVEN} ${json:a[0]:from:doc}"
            capture: got
            env: {UNUSED: "${cmd:echo x >>count}", AGAIN: "${cmd:echo x >>count}"}
          - shell: "echo '${file:missing:-none} ${got}' >>trace"
        """,
        env={"GIVEN": "outer"},
    ).completed()
    assert ran.lines() == ["first 1", "none 2 outer 7"]


def test_the_results_of_a_test_step_are_those_of_a_test_until_the_next_one(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        - test: "echo one; echo two >&2; exit 4"
          on_failure: {shell: "echo ${test.attempt} >>trace", max_attempts: 1, fail_workflow: false}
        - test: "echo three"
        - shell: "echo four"
        - shell: "echo ${test.output} ${test.exit_code} ${shell.output} >>trace"
        """
    ).completed()
    assert ran.lines() == ["1", "three 0 four"]
