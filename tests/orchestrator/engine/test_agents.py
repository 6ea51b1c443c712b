"""Claude steps, with a stand-in for the Claude program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.reporting import RunEvent, Waiting
from tests.orchestrator.engine.runs import Runner, RunWorkflow


def calls_of(file: Path) -> list[dict[str, Any]]:
    """How the stand-in was called, in order."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_prompt_is_asked_and_its_result_kept(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - claude: "/do ${name} it fake:commit=a.txt fake:say=all+is+well"
          env: {name: really}
          id: a
          capture: got
          commit_required: true
        - "plain words"
        - shell: "echo '${got}|${claude.output}|${a.output}|${a.stdout}|${last.output}' >>trace"
        """
    ).completed()
    assert ran.lines() == [
        "all is well|done: /plain words|all is well|all is well|done: /plain words"
    ]
    first, second = calls_of(fake_claude)
    assert first["prompt"] == "/do really it fake:commit=a.txt fake:say=all+is+well"
    assert second["prompt"] == "/plain words"
    assert first["cwd"] == str(ran.worktree)
    assert first["session_id"] != second["session_id"]
    assert first["env"]["PRODIGY_STEP"] == "0-1"
    assert "-p" in first["argv"]
    (begun, _) = ran.events("claude_session_started")
    assert begun["session_id"] == first["session_id"]
    assert begun["run_session_id"] == ran.id
    assert ran.step(0)["output"] == "all is well"
    assert '"type": "result"' in ran.log(0), "the log has the lines as they came"


@pytest.mark.parametrize(
    ("action", "exit_code", "words"),
    [
        ("is-error", 1, "done: /x"),
        ("is-error-0", 1, "done: /x"),
        ("exit=7", 7, "exit code 7"),
        ("no-result", 1, "without a result"),
        ("silent", 1, "without a result"),
        ("max-turns", 1, "it reached the most turns it may take (error_max_turns)"),
        ("no-connection", 1, "Unable to connect"),
    ],
)
def test_a_failed_conversation_is_handled_like_a_failed_command(
    run_workflow: RunWorkflow, fake_claude: Path, action: str, exit_code: int, words: str
) -> None:
    ran = run_workflow(
        f"""
        - claude: "/x fake:{action}"
          on_failure: {{shell: "echo ${{claude.exit_code}} ${{error.exit_code}} >>trace",
                       max_attempts: 1}}
        - claude: "/x fake:{action}"
        """
    ).failed(f"failed with exit code {exit_code}", words)
    assert ran.lines() == [f"{exit_code} {exit_code}"]


def test_a_program_that_has_vanished_is_a_command_failure(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - claude: "/x"
          env: {PATH: /nowhere}
          on_failure: "echo ${claude.exit_code} >>trace"
        """
    ).completed()
    assert ran.lines() == ["127"]


def test_every_run_of_a_step_is_a_conversation_of_its_own(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - claude: "/x fake:fail-times=2"
          retry: {attempts: 3, initial_delay: 0}
        """
    ).completed()
    ids = [call["session_id"] for call in calls_of(fake_claude)]
    assert len(set(ids)) == 3
    usage = ran.record["metadata"]["x_prodigy"]["usage"]
    assert (usage["calls"], usage["input_tokens"]) == (3, 3600)


def test_tokens_and_cost_of_every_agent_are_counted(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - claude: "/one fake:is-error"
          on_failure: {claude: "/handler", max_attempts: 1}
        - shell: "true"
          validate: {claude: "/check fake:json={\\"score\\":100}"}
          on_success: {claude: "/after"}
        - foreach: [a, b]
          parallel: 2
          do: [{claude: "/item ${item}"}]
        """
    ).completed()
    usage = ran.checkpoint["x_prodigy"]["usage"]
    assert (usage["calls"], usage["output_tokens"]) == (6, 6 * 340)
    assert usage["cost_usd"] == pytest.approx(5 * 0.0125)
    assert ran.record["metadata"]["x_prodigy"]["usage"] == usage
    assert [ran.step(n)["x_prodigy"]["usage"]["calls"] for n in range(3)] == [2, 2, 2]
    assert ran.result.cost_usd == pytest.approx(usage["cost_usd"])
    assert len(ran.events("claude_token_usage")) == 6


def test_a_usage_limit_pauses_a_run_that_says_nothing_about_it(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow('["shell: echo a", {claude: "/x fake:rate-limit"}, "shell: echo b"]')
    assert ran.result.state == "paused"
    assert ran.result.exit_code == 130
    assert ran.record["status"] == "Paused"
    assert ran.record["metadata"]["x_prodigy"]["stop"]["kind"] == "usage_limit"
    assert ran.checkpoint["execution_state"]["current_step_index"] == 1
    assert ran.checkpoint["x_prodigy"]["in_flight"]["step_index"] == 1
    assert ran.checkpoint["x_prodigy"]["usage"]["calls"] == 1
    assert any("usage limit" in words for words in ran.warnings)


def test_a_retry_waits_until_a_usage_limit_resets(
    run_workflow: Runner, fake_claude: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.attempts._USAGE_LIMIT_WAIT_SECONDS", 0.3)
    waiting: list[object] = []

    def look(event: RunEvent) -> None:
        if isinstance(event, Waiting) and event.reason == "usage limit":
            (record,) = run_workflow.home.sessions.glob("*.json")
            waiting.append(record)

    run_workflow.listen = look
    ran = run_workflow(
        """
        - claude: "/x fake:limit-times=1"
          retry: {attempts: 2, initial_delay: 0, max_delay: 0}
        """
    ).completed()
    (retrying,) = ran.events("step_retrying")
    assert retrying["reason"] == "usage limit"
    assert retrying["delay_ms"] == 300
    assert waiting, "the wait is shown"
    assert ran.of(Waiting)[-1] == Waiting(None)


def test_a_handler_sees_a_usage_limit_as_a_failure(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - claude: "/x fake:rate-limit"
          on_failure: "echo handled >>trace"
        """
    ).completed()
    assert ran.lines() == ["handled"]


def test_an_agent_that_waits_for_its_api_is_shown_as_waiting_and_has_not_failed(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow('- claude: "/x fake:api-retry fake:garbage"').completed()
    waits = ran.of(Waiting)
    assert [event.reason for event in waits] == ["overloaded", "overloaded", None]
    assert "waiting" not in ran.record["metadata"]["x_prodigy"]
    assert "this line is not JSON" in ran.log(0)


def test_long_and_odd_prompts_reach_the_program_whole(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - {shell: "head -c 300000 /dev/zero | tr '\\\\0' x", capture: big}
        - claude: "/x ${big}"
        - claude: "--help me"
        - claude: "/all\\nlines $HOME_NOT_SET ${env.USER_NAME} $$5 \\\\${x}"
        - {shell: ": ${big}; printf '%s' '${big|length}' >>trace"}
        """,
        env={"USER_NAME": "ana"},
    ).completed()
    long, dashed, other = calls_of(fake_claude)
    assert long["stdin"] is True
    assert long["prompt"] == "/x " + "x" * 300_000
    assert dashed["prompt"] == "--help me"
    assert other["prompt"] == "/all\nlines $HOME_NOT_SET ana $5 ${x}"
    assert ran.lines() == ["300000"]


def test_what_a_prompt_does_not_find_is_said(run_workflow: RunWorkflow, fake_claude: Path) -> None:
    ran = run_workflow('- claude: "/x ${nowhere} ${nowhere} ${also:-fine}"').completed()
    assert calls_of(fake_claude)[0]["prompt"] == "/x ${nowhere} ${nowhere} fine"
    assert ran.warnings == ["'${nowhere}' in a prompt is not defined"]


def test_an_agent_may_be_asked_for_plain_text(run_workflow: RunWorkflow, fake_claude: Path) -> None:
    ran = run_workflow(
        """
        env: {PRODIGY_CLAUDE_STREAMING: "false"}
        commands:
          - {claude: "/x fake:say=plain", capture: got}
          - shell: "echo ${got} >>trace"
          - claude: "/x fake:exit=3"
        """
    ).failed("exit code 3")
    assert ran.lines() == ["plain"]
    assert "stream-json" not in calls_of(fake_claude)[0]["argv"]


def test_an_agent_that_takes_too_long_is_ended(
    run_workflow: RunWorkflow, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        - {claude: "/x fake:slow=60", timeout: 700ms, on_failure: true}
        - {claude: "/x fake:slow=60 fake:deaf fake:child", env: {PRODIGY_COMMAND_TIMEOUT: "0.7"}}
        """
    ).failed("exit code 124", "timed out after 0.7 seconds")
    assert ran.result.duration_seconds < 12


def test_the_program_is_needed_only_where_it_is_used(run_workflow: RunWorkflow) -> None:
    run_workflow('- shell: "true"', env={"PATH": "/usr/bin:/bin"}).completed()
