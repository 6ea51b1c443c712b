"""Loading texts in tests: a workflow that must be right, or the problems of one that is not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from orchestrator.workflow.load import Loaded, load_workflow
from orchestrator.workflow.model import Step, Workflow

FILE = "w.yml"


def load(text: str | bytes, file: str = FILE) -> Loaded:
    data = dedent(text).encode() if isinstance(text, str) else text
    return load_workflow(Path("/nowhere") / file, text=data, display=file)


def workflow(text: str | bytes, file: str = FILE) -> Workflow:
    """A workflow without a single problem."""
    loaded = load(text, file)
    assert not loaded.problems, "\n".join(map(str, loaded.problems))
    assert loaded.workflow is not None
    return loaded.workflow


def step(text: str) -> Step:
    """The only step of a file that is a list of one, without a single problem."""
    (only,) = workflow(text).steps
    return only


def problems(text: str | bytes, file: str = FILE) -> list[str]:
    """All problems as ``line:column: severity: message``."""
    return [str(problem).removeprefix(f"{file}:") for problem in load(text, file).problems]
