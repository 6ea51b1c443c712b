"""What the logs of a run add up to: steps, an agent's tools, tokens, cost, transcripts."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.cli.invocation import Invocation
from app.cli.places import tilde
from app.cli.run_logs import RunLogFile, logs_of_run
from app.cli.runs import row_of
from app.format import cost, count, size, tokens


def show_summary(invocation: Invocation, run_id: str) -> int | None:
    """Print how many steps and attempts there were, what agents used, and what it cost."""
    row = row_of(invocation, run_id)
    logs = logs_of_run(invocation.home, run_id)
    tools: Counter[str] = Counter()
    for log in logs:
        for message in _messages(log):
            tools.update(_tools(message))
    document = {
        "session": run_id,
        "steps": len({log.step for log in logs if not log.phase}),
        "total_steps": row.total_steps,
        "attempts": sum(1 for log in logs if not log.handler),
        "handlers": sum(1 for log in logs if log.handler),
        "bytes": sum(log.size for log in logs),
        "tools": dict(tools.most_common()),
        "usage": {
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "cost_usd": row.cost_usd,
        },
    }
    if invocation.out.settings.json:
        invocation.out.json(document)
        return None
    used = ", ".join(f"{name} {times}" for name, times in tools.most_common())
    invocation.out.record([[
        ("steps", f"{document['steps']} of {row.total_steps}"),
        ("attempts", count(int(str(document["attempts"])), "attempt")),
        ("output", size(int(str(document["bytes"])))),
        ("tools", used or "none"),
        ("tokens", tokens(row.input_tokens, row.output_tokens)),
        ("cost", cost(row.cost_usd)),
    ]])  # fmt: skip
    return None


def show_transcripts(invocation: Invocation, run_id: str) -> int | None:
    """Print where the transcript of every agent of the run is."""
    found = []
    for log in logs_of_run(invocation.home, run_id):
        for message in _messages(log):
            if message.get("type") == "system" and message.get("subtype") == "init":
                path = _transcript(invocation, message)
                if path is not None:
                    found.append((log, str(message.get("session_id")), path))
                break
    if invocation.out.settings.json:
        transcripts = [
            {"step": log.step, "attempt": log.attempt, "claude_session": session, "path": str(path),
             "exists": path.exists()}
            for log, session, path in found
        ]  # fmt: skip
        invocation.out.json({"transcripts": transcripts, "total": len(transcripts)})
        return None
    if not found:
        invocation.out.line("No agent ran in this session.")
    for log, _session, path in found:
        gone = "" if path.exists() else "  (gone)"
        invocation.out.line(f"step {log.step}, attempt {log.attempt}  {tilde(path)}{gone}")
    return None


def _transcript(invocation: Invocation, init: dict[str, Any]) -> Path | None:
    session, cwd = init.get("session_id"), init.get("cwd")
    if not isinstance(session, str) or not isinstance(cwd, str) or "/" in session:
        return None
    home = invocation.environment.get("HOME") or str(Path.home())
    folder = re.sub(r"[^A-Za-z0-9]", "-", cwd)
    return Path(os.path.abspath(Path(home) / ".claude" / "projects" / folder / f"{session}.jsonl"))


def _messages(log: RunLogFile) -> Iterator[dict[str, Any]]:
    """The messages of an agent's stream; a log of anything else has none."""
    with log.path.open("rb") as file:
        for number, line in enumerate(file):
            if not line.startswith(b'{"') or b'"type"' not in line:
                if number > 100:
                    return  # no agent's log has that much before its first message
                continue
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                yield message


def _tools(message: dict[str, Any]) -> list[str]:
    match message:
        case {"type": "assistant", "message": {"content": list(blocks)}}:
            return [
                str(block.get("name"))
                for block in blocks
                if isinstance(block, dict) and block.get("type") == "tool_use"
            ]
    return []
