"""What a run would do, as ``prodigy run --dry-run`` itself says it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from app import format as form
from app.tui.new_run_views import PlannedRun
from store.home import Home

MOST_SECONDS = 60.0


class NotPlanned(Exception):
    """There is no plan; the text says why, as the command said it."""


def plan_run(home: Home, arguments: Sequence[str], directory: Path) -> PlannedRun:
    """Ask for the plan of a run; nothing is written.

    Args:
        home: the state home.
        arguments: those of ``prodigy run``.
        directory: where it would be started.

    Raises:
        NotPlanned: something stands against the run.
    """
    from orchestrator.launch import own_command

    command = [*own_command(), "run", *arguments, "--dry-run", "--json"]
    environment = {**os.environ, "PRODIGY_HOME": str(home.root)}
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotPlanned(str(error)) from error
    if done.returncode != 0:
        raise NotPlanned(_error_words(done.stderr) or f"it ended with exit {done.returncode}")
    return planned_run(json.loads(done.stdout))


def said_against(words: str, directory: Path) -> tuple[str, ...]:
    """Why a run was not started, as lines, with paths as they are typed in its directory."""
    lines = (form.visible(line.strip()) for line in words.splitlines())
    return tuple(
        line.removeprefix("error: ").replace(f"{directory}/", "") for line in lines if line
    )


def planned_run(document: dict[str, object]) -> PlannedRun:
    """The plan from the document of ``--dry-run --json``."""
    steps = []
    for step in _list(document.get("steps")):
        facts = [str(fact) for fact in _list(step.get("facts"))]
        steps.append((form.one_line(str(step.get("name"))), tuple(map(form.one_line, facts))))
    base = document.get("base")
    place = ""
    if isinstance(base, dict):
        place = f" from {base.get('branch') or 'detached HEAD'} at {str(base.get('commit'))[:7]}"
    inputs = tuple(form.one_line(str(one)) for one in _list(document.get("inputs")))
    passes = document.get("passes")
    runs = f"{form.count(len(steps), 'step')} would run{place}"
    if inputs:
        runs += f", once for each of {form.count(len(inputs), 'input')}"
    elif isinstance(passes, int) and passes > 1:
        runs += f", up to {passes} times"
    return PlannedRun(f"Nothing has run. {runs}.", tuple(steps), inputs)


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _error_words(stderr: str) -> str:
    """The message of the error document, else the last thing that was said."""
    for line in reversed(stderr.splitlines()):
        try:
            error = json.loads(line)["error"]
            hint = f"; {error['hint']}" if error.get("hint") else ""
            return form.one_line(f"{error['message']}{hint}")
        except (ValueError, KeyError, TypeError):
            continue
    return form.one_line(stderr)
