"""The command line that starts a run again from its beginning, as it was started."""

from __future__ import annotations

import shlex
from pathlib import Path

from orchestrator.steps.masking import marked_names, restore
from orchestrator.stopped_run import StoppedRun
from store import fields


def start_command(run: StoppedRun) -> str:
    """``cd DIR && prodigy run FILE …`` with what it was given; secrets stand there by name."""
    if not run.workflow_path:
        return "prodigy run WORKFLOW"
    told = run.invocation
    directory = fields.text(told.get("cwd")) or run.repo_path
    words = ["prodigy run", _word(_seen_from(directory, run.workflow_path))]
    words += [f"--map {_word(pattern)}" for pattern in fields.words(told.get("map"))]
    if not told.get("map"):
        words += [f"--args {_word(str(value))}" for value in told.get("args") or ()]
    words += [
        f"--param {_word(f'{name}={value}')}"
        for name, value in fields.table(told.get("params")).items()
    ]
    if file := fields.text(told.get("parameter_file")):
        words.append(f"--param-file {_word(_seen_from(directory, file))}")
    if (times := fields.whole(told.get("max_iterations"), 1)) > 1:
        words.append(f"-n {times}")
    if profile := fields.text(told.get("profile")):
        words.append(f"--profile {_word(profile)}")
    command = " ".join(words)
    return f"cd {_word(directory)} && {command}" if directory else command


def _seen_from(directory: str, path: str) -> str:
    inside = directory and Path(path).is_relative_to(directory)
    return str(Path(path).relative_to(directory)) if inside else path


def _word(text: str) -> str:
    """A word of a shell; a masked secret is the variable of its name."""
    names = marked_names(text)
    if not names:
        return shlex.quote(text)
    plain = "".join(f"\\{sign}" if sign in '\\"`$' else sign for sign in text)
    return f'"{restore(plain, {name: f"${name}" for name in names})}"'
