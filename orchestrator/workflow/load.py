"""The entry of the workflow language: a file to a checked workflow, or to all its problems."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.workflow.compose import Composer
from orchestrator.workflow.composed_files import ComposedFiles
from orchestrator.workflow.documents import read_bounded
from orchestrator.workflow.model import SourceFile, Workflow, WorkflowKind
from orchestrator.workflow.problems import Position, Problem, Problems, Severity


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workflow, or None when there are errors; problems by position."""

    workflow: Workflow | None
    problems: tuple[Problem, ...]
    sources: tuple[SourceFile, ...]


def load_workflow(
    path: Path,
    *,
    text: bytes | None = None,
    display: str | None = None,
    strict: bool = False,
    files: Mapping[str, bytes] | None = None,
) -> Loaded:
    """Reads, composes and checks a workflow file.

    Args:
        path: the file.
        text: its content, when that is not to be read from the path.
        display: the name of the file in problems; the path as given otherwise.
        strict: turns warnings into errors.
        files: contents of the files it is composed from, by the path of their ``SourceFile``, used
            in place of what is on disk.
    """
    problems = Problems()
    shown = display or str(path)
    data = _content(path, shown, problems) if text is None else text
    if data is None:
        return _loaded(None, problems, (), strict)
    composer = Composer(problems, ComposedFiles(Path.cwd(), files))
    workflow = composer.workflow(path, shown, data)
    sources = tuple(composer.sources)
    if workflow is None:
        return _loaded(None, problems, sources, strict)
    if workflow.kind is WorkflowKind.STANDARD and not workflow.steps and not problems.has_errors:
        problems.error(workflow.position, "no_steps", "Workflow has no steps to execute")
    return _loaded(replace(workflow, sources=sources), problems, sources, strict)


def _content(path: Path, shown: str, problems: Problems) -> bytes | None:
    try:
        return read_bounded(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        problems.error(Position(shown), "unreadable_file", f"cannot be read: {reason}")
        return None


def _loaded(
    workflow: Workflow | None, problems: Problems, sources: tuple[SourceFile, ...], strict: bool
) -> Loaded:
    found = problems.sorted
    if strict:
        found = tuple(replace(problem, severity=Severity.ERROR) for problem in found)
    failed = any(problem.severity is Severity.ERROR for problem in found)
    return Loaded(None if failed else workflow, found, sources)
