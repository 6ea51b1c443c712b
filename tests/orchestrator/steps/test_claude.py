"""Claude is started as its program wants it, and its lines are read whatever their version."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Config
from orchestrator.outcomes import Usage
from orchestrator.steps.claude import find_program, invocation
from orchestrator.steps.claude_stream import (
    AgentEvent,
    AgentGoesOn,
    AgentSaid,
    AgentStarted,
    AgentUsedTool,
    AgentWaits,
    ClaudeOutcome,
    StreamReader,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "result": "done\n",
    "total_cost_usd": 0.25,
    "usage": {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 40,
    },
}


SAYS = {"type": "assistant", "message": {"content": [{"type": "text", "text": "Let me look"}]}}


def ended(subtype: str, *errors: str) -> dict[str, object]:
    return {"type": "result", "subtype": subtype, "is_error": True, "errors": [*errors]}


def read(*lines: object, exit_code: int = 0, stderr: bytes = b"") -> ClaudeOutcome:
    reader = StreamReader()
    for line in lines:
        reader.line(line if isinstance(line, bytes) else json.dumps(line).encode())
    return reader.outcome(exit_code, stderr, NOW)


def test_the_arguments_are_those_of_the_program() -> None:
    asked = invocation(Config(), "/fix it", "UUID", {})
    assert asked.argv == [
        "claude",
        *("-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"),
        *("--session-id", "UUID", "/fix it"),
    ]
    assert (asked.stdin, asked.streams) == (None, True)


def test_plain_text_can_be_asked_for() -> None:
    asked = invocation(Config(), "x", "UUID", {"PRODIGY_CLAUDE_STREAMING": "false"})
    assert asked.argv[1:] == ["-p", "--dangerously-skip-permissions", "--session-id", "UUID", "x"]
    assert not asked.streams


def test_a_prompt_that_looks_like_an_option_and_a_long_one_are_told_safely() -> None:
    assert invocation(Config(), "-v", "UUID", {}).argv[-2:] == ["--", "-v"]
    asked = invocation(Config(), "é" * 150_000, "UUID", {})
    assert asked.argv[-1] == "UUID"
    assert asked.stdin == ("é" * 150_000).encode()


def test_the_program_is_looked_for_on_the_path_of_the_step(tmp_path: Path) -> None:
    program = tmp_path / "my-claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    config = Config(claude_program="my-claude")
    assert find_program(config, {"PATH": str(tmp_path)}) == program
    assert find_program(config, {"PATH": "/nowhere"}) is None
    assert find_program(Config(claude_program=str(program)), {}) == program


def test_a_result_is_text_tokens_and_cost() -> None:
    assert read(RESULT) == ClaudeOutcome("done\n", None, Usage(10, 20, 30, 40, 0.25, 1))


@pytest.mark.parametrize(
    ("lines", "exit_code", "stderr", "words"),
    [
        ([{**RESULT, "is_error": True, "result": "API Error: no"}], 1, b"", "API Error: no"),
        ([{**RESULT, "is_error": True, "result": "bad"}], 0, b"", "bad"),
        ([RESULT], 3, b"", "exit code 3"),
        ([], 0, b"", "without a result (exit code 0)"),
        ([], 1, b"Not logged in\n", "exit code 1): Not logged in"),
        ([b"Segmentation fault"], 139, b"", "exit code 139): Segmentation fault"),
        ([ended("error_max_turns")], 1, b"", "the most turns it may take (error_max_turns)"),
        ([SAYS, ended("error_max_turns")], 1, b"", "the most turns it may take (error_max_turns)"),
        ([SAYS, ended("error_new")], 1, b"warning", "ended with an error (error_new)"),
        ([SAYS, ended("error_during_execution", "no disk", "")], 1, b"", "no disk"),
        ([SAYS, {**ended("error_max_turns"), "is_error": False}], 1, b"", "(error_max_turns)"),
        ([SAYS, ended("success")], 1, b"", "Let me look"),
    ],
)
def test_failures_are_recognised_and_say_why(
    lines: list[object], exit_code: int, stderr: bytes, words: str
) -> None:
    error = read(*lines, exit_code=exit_code, stderr=stderr).error
    assert error is not None and words in error


def retry(status: int | None) -> dict[str, object]:
    return {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 1,
        "max_retries": 10,
        "retry_delay_ms": 500,
        "error_status": status,
        "error": "rate_limit",
    }


def limited(text: str) -> ClaudeOutcome:
    result = {**RESULT, "is_error": True, "result": text, "api_error_status": 429}
    return read(result, exit_code=1)


def test_a_usage_limit_is_told_from_other_failures() -> None:
    assert limited("API Error: Request rejected (429)").usage_limit is not None
    assert read(retry(429), exit_code=1).usage_limit is not None
    assert read(retry(429), retry(529), exit_code=1).usage_limit is None
    assert read(retry(429), RESULT).usage_limit is None
    other = {**RESULT, "is_error": True, "api_error_status": 500}
    assert read(retry(429), other, exit_code=1).usage_limit is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Claude AI usage limit reached|1772370000", datetime(2026, 3, 1, 13, 0, tzinfo=UTC)),
        ("You've hit your limit · resets 3pm (UTC)", datetime(2026, 3, 1, 15, 0, tzinfo=UTC)),
        ("limit · resets 3:30am (UTC)", datetime(2026, 3, 2, 3, 30, tzinfo=UTC)),
        ("resets at 12am (America/New_York)", datetime(2026, 3, 2, 5, 0, tzinfo=UTC)),
        ("resets 99pm", None),
        ("resets 3pm (No/Where)", None),
        ("resets soon", None),
    ],
)
def test_when_a_limit_resets_is_read_from_its_text(text: str, moment: datetime | None) -> None:
    limit = limited(text).usage_limit
    assert limit is not None
    assert limit.resets_at == (moment.timestamp() if moment else None)


def test_what_happens_is_told_as_it_happens() -> None:
    events: list[AgentEvent] = []
    reader = StreamReader(events.append)
    message = {
        "id": "m1",
        "content": [
            {"type": "thinking", "thinking": "…"},
            {"type": "text", "text": "I read"},
            {"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "x"}},
        ],
    }
    for entry in (
        {"type": "system", "subtype": "init", "session_id": "S", "model": "M", "tools": ["Read"]},
        retry(None),
        retry(529),
        {"type": "assistant", "message": message},
        {"type": "user", "message": {"content": []}},
        {"type": "new in some version", "x": 1},
    ):
        reader.line(json.dumps(entry).encode())
    assert events == [
        AgentStarted("S", "M", ("Read",)),
        AgentWaits(1, 10, 0.5, None, "rate_limit"),
        AgentWaits(1, 10, 0.5, 529, "rate_limit"),
        AgentGoesOn(),
        AgentSaid("I read"),
        AgentUsedTool("Read", "t1", {"path": "x"}),
    ]


def test_tokens_of_a_conversation_that_was_cut_short_are_counted_once_a_message() -> None:
    def said(message_id: str, tokens: int) -> dict[str, object]:
        usage = {"input_tokens": tokens, "output_tokens": 1}
        return {"type": "assistant", "message": {"id": message_id, "content": [], "usage": usage}}

    usage = read(said("a", 5), said("a", 5), said("b", 7), exit_code=143).usage
    assert (usage.input_tokens, usage.output_tokens, usage.calls) == (12, 2, 1)
    assert usage.cost_usd is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["subtype", "message", "usage", "result", "is_error", "content", "tools", "rate_limit_info"]
    + ["errors", "attempt", "max_retries", "retry_delay_ms", "error_status", "total_cost_usd"]
)


@given(
    kind=st.sampled_from(["system", "assistant", "result", "user", "rate_limit_event"]),
    rest=st.dictionaries(KEYS, JSON),
)
def test_no_line_stops_the_reading(kind: str, rest: dict[str, object]) -> None:
    read({"subtype": "api_retry", **rest, "type": kind}, exit_code=1)
    read(rest)
    read(json.dumps(rest).encode()[:-1])


@given(st.binary())
def test_no_bytes_stop_the_reading(line: bytes) -> None:
    read(line)
    read(b"[" * 100_000)
