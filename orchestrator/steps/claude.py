"""Starting the Claude program: where it is, and its arguments for a prompt."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import Config

LONG_PROMPT_BYTES = 100_000
"""Longer prompts go to its input: one argument holds at most 128 KiB on Linux."""

_STREAM_FLAGS = {"--output-format": 2, "--output-format=stream-json": 1, "--verbose": 1}


@dataclass(frozen=True, slots=True)
class Invocation:
    """``streams`` says whether it prints JSON lines; otherwise its stdout is the result."""

    argv: list[str]
    stdin: bytes | None
    streams: bool


def find_program(config: Config, environment: Mapping[str, str]) -> Path | None:
    """The configured Claude program, on the PATH of an environment; None if it is not there."""
    found = shutil.which(config.claude_program, path=environment.get("PATH"))
    return Path(found) if found else None


def invocation(
    config: Config, prompt: str, conversation: str, environment: Mapping[str, str]
) -> Invocation:
    """How to ask Claude something.

    Args:
        config: names program and flags.
        prompt: what to ask.
        conversation: a fresh UUID, under which the conversation can be continued by hand.
        environment: of the step; ``PRODIGY_CLAUDE_STREAMING=false`` asks for plain text.
    """
    flags = list(config.claude_flags)
    if environment.get("PRODIGY_CLAUDE_STREAMING", "").strip().lower() == "false":
        flags = _without_streaming(flags)
    argv = [config.claude_program, *flags, "--session-id", conversation]
    data = prompt.encode("utf-8", "surrogateescape")
    stdin = data if len(data) > LONG_PROMPT_BYTES else None
    if stdin is None:
        # what begins with a dash would be taken for an option
        argv += ["--", prompt] if prompt.startswith("-") else [prompt]
    return Invocation(argv, stdin, any("stream-json" in flag for flag in flags))


def _without_streaming(flags: list[str]) -> list[str]:
    kept = []
    rest = iter(flags)
    for flag in rest:
        size = _STREAM_FLAGS.get(flag, 0)
        if size == 0:
            kept.append(flag)
        elif size == 2:
            next(rest, None)
    return kept
