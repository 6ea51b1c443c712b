"""The real Claude program, where there is one, against an API of our own."""

from __future__ import annotations

import shutil

import pytest

from tests.e2e.messages_api import messages_api
from tests.world import World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("claude") is None, reason="there is no claude on PATH"),
]


def surroundings(address: str) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": "sk-not-a-key",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",
    }


def test_the_real_program_works_and_commits(world: World) -> None:
    with messages_api() as address:
        done = world.run(
            "- {claude: say hello in a file, commit_required: true}", env=surroundings(address)
        )
    done.expect(0)
    assert (world.worktree() / "hello.txt").read_text() == "hello\n"
    assert world.record()["metadata"]["x_prodigy"]["usage"]["output_tokens"] > 0


def test_a_refusal_of_the_real_program_is_a_failure(world: World) -> None:
    with messages_api(refuses=True) as address:
        done = world.run("- claude: say hello", env=surroundings(address))
    assert done.exit_code in (1, 130), done
    assert world.record()["status"] in ("Failed", "Paused")
