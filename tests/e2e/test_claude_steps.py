"""Claude steps drive a real program: its stream is parsed, its failures are failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.world import World


def calls(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_an_agent_works_commits_and_its_cost_is_kept(world: World, fake_claude: Path) -> None:
    text = """\
        - claude: "/mend fake:commit=agent.txt fake:say=all+mended"
          commit_required: true
          capture: answer
        - shell: test "${answer}" = "all mended" && test -e agent.txt
        """
    world.run(text).expect(0)
    usage = world.record()["metadata"]["x_prodigy"]["usage"]
    assert usage["input_tokens"] == 1200
    assert usage["output_tokens"] == 340
    assert usage["calls"] == 1
    assert usage["cost_usd"] == pytest.approx(0.0125)
    (call,) = calls(fake_claude)
    assert call["cwd"] == str(world.worktree())
    assert call["env"]["PRODIGY_SESSION_ID"] == world.only_id  # type: ignore[index]
    begun = [e for e in world.events() if e["event_type"] == "claude_session_started"]
    assert [event["session_id"] for event in begun] == [call["session_id"]]
    assert '"type": "result"' in world.log(0)


@pytest.mark.parametrize(
    "action", ["exit=3", "is-error", "is-error-0", "no-result", "silent", "max-turns"]
)
def test_what_is_a_failure_of_the_agent(world: World, fake_claude: Path, action: str) -> None:
    world.run(f"- claude: '/try fake:{action}'").expect(1)
    assert world.record()["status"] == "Failed"
    assert len(calls(fake_claude)) == 1
    world.assert_agrees()


@pytest.mark.parametrize("action", ["api-retry", "garbage"])
def test_what_is_no_failure_of_the_agent(world: World, fake_claude: Path, action: str) -> None:
    world.run(f"- claude: '/try fake:{action}'").expect(0)
    assert world.record()["status"] == "Completed"


def test_the_words_of_a_refusal_are_passed_on(world: World, fake_claude: Path) -> None:
    done = world.run("- claude: '/try fake:not-logged-in'").expect(1)
    assert "Not logged in" in done.stdout + done.stderr
    assert "Not logged in" in world.record()["error"]


def test_a_failed_agent_is_tried_again(world: World, fake_claude: Path) -> None:
    text = "- {claude: '/try fake:fail-times=2', retry: {attempts: 3, initial_delay: 10ms}}"
    world.run(text).expect(0)
    sessions = [call["session_id"] for call in calls(fake_claude)]
    assert len(sessions) == 3
    assert len(set(sessions)) == 3, "every attempt has a conversation of its own"


def test_a_required_commit_that_is_missing_fails_the_step(world: World, fake_claude: Path) -> None:
    done = world.run("- {claude: '/try fake:write=x.txt', commit_required: true}").expect(1)
    assert "no commits were created" in done.stdout + done.stderr


def test_an_agent_that_is_interrupted_runs_again_as_a_whole(
    world: World, fake_claude: Path
) -> None:
    import signal

    from tests.program import wait_until

    started = world.start("- claude: '/try fake:slow=30'", env={"FAKE_CLAUDE": ""})
    world.wait_for_step(0)
    wait_until(lambda: fake_claude.exists(), "the agent was called")
    started.signal(signal.SIGINT)
    started.finish().expect(130)
    in_flight = world.checkpoint()["x_prodigy"]["in_flight"]
    (call,) = calls(fake_claude)
    assert in_flight["claude_session"] == call["session_id"]
    plan = world.prodigy("resume", world.only_id, "--plan").expect(0)
    assert f"claude --resume {call['session_id']}" in plan.stdout
    world.assert_nothing_is_held(world.only_id)


def test_a_long_prompt_goes_through_stdin(world: World, fake_claude: Path) -> None:
    world.run(json.dumps([{"claude": "/read " + "word " * 40_000}])).expect(0)
    (call,) = calls(fake_claude)
    assert call["stdin"] is True
    assert len(str(call["prompt"])) > 100_000
