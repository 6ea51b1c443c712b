"""Workflow files for the New run screen: where they are, what is in them, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from app import format as form
from app.tui.details import (
    BeginsAt,
    FileProblem,
    ParameterView,
    WorkflowChoice,
    WorkflowView,
)

_SUFFIXES = (".yml", ".yaml", ".json")
_LOOKS_LIKE_ONE = re.compile(
    rb"^(?:commands|steps|mode|setup|map)\s*:|^-\s+(?:shell|claude|foreach|write_file)\s*:|"
    rb"^\s*\"(?:commands|steps|mode)\"\s*:",
    re.MULTILINE,
)
_LOOKED_AT = 8192
_DIRECTORIES = ("workflows", ".prodigy/workflows", "examples")
_MOST = 200


def repository_root(directory: Path) -> Path | None:
    """The checkout a directory is in, found without git."""
    for candidate in (directory, *directory.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def find_workflows(directory: Path) -> list[WorkflowChoice]:
    """Workflow files of the repository a directory is in, by where they lie."""
    root = repository_root(directory) or directory
    found: list[WorkflowChoice] = []
    for name in _DIRECTORIES:
        found += [WorkflowChoice(path, path.stem, f"{name}/", root) for path in _files(root / name)]
    found += [WorkflowChoice(path, path.stem, "./", root) for path in _files(root)]
    return found[:_MOST]


def _files(directory: Path) -> list[Path]:
    try:
        entries = sorted(directory.iterdir())
    except OSError:
        return []
    return [
        path
        for path in entries
        if path.suffix in _SUFFIXES and not path.name.startswith(".") and _is_workflow(path)
    ]


def _is_workflow(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.is_file() and _LOOKS_LIKE_ONE.search(file.read(_LOOKED_AT)) is not None
    except OSError:
        return False


def step_labels(path: Path, text: bytes) -> tuple[str, ...]:
    """The labels of the steps of a workflow; none when it cannot be read."""
    from orchestrator.workflow.load import load_workflow

    loaded = load_workflow(path, text=text)
    return tuple(step.label for step in loaded.workflow.steps) if loaded.workflow else ()


def read_workflow(path: Path) -> WorkflowView:
    """Read a workflow file: everything New run shows of it."""
    from orchestrator.workflow.load import load_workflow
    from orchestrator.workflow.model import StepKind, WorkflowKind
    from orchestrator.workflow.problems import Severity

    loaded = load_workflow(path, display=path.name)
    words = []
    for one in loaded.problems:
        meant = f"; did you mean '{one.suggestion}'?" if one.suggestion else ""
        where = f"{one.position.line}:{one.position.column}"
        text = form.one_line(f"{one.message}{meant}")
        words.append(FileProblem(where, text, one.severity is Severity.ERROR))
    errors = sum(1 for one in words if one.is_error)
    workflow = loaded.workflow
    if workflow is None:
        return WorkflowView(path, path.stem, problems=tuple(words), error_count=max(1, errors))
    is_job = workflow.kind is not WorkflowKind.STANDARD
    not_run = "this version runs no map jobs" if is_job else None
    steps = []
    for step in workflow.steps:
        beside = []
        if step.retry is not None:
            beside.append(f"{step.retry.attempts} attempts")
        if step.timeout is not None and step.timeout.seconds:
            beside.append(f"{form.duration(step.timeout.seconds).removesuffix(' 00s')} each")
        if step.on_failure is not None and step.on_failure.steps:
            beside.append(f"on_failure: {step.on_failure.steps[0].label}")
        if step.when is not None:
            beside.append("conditional")
        steps.append((step.label, ", ".join(beside)))
    parameters = tuple(
        ParameterView(
            one.name,
            one.required and not one.has_default,
            str(one.default) if one.has_default else None,
            _parameter_help(one.description, one.type, one.required, one.default),
        )
        for one in workflow.parameters
    )
    texts = loaded.sources[0].content if loaded.sources else b""
    return WorkflowView(
        path,
        workflow.name or path.stem,
        workflow.kind.value,
        tuple(steps),
        parameters,
        tuple(words),
        errors,
        uses_args=b"ARG" in texts or any(step.kind is StepKind.WORKFLOW for step in workflow.steps),
        not_run=not_run,
    )


def _parameter_help(
    description: str | None, kind: str, required: bool, default: object | None
) -> str:
    facts = ["required"] if required and default is None else []
    facts += [form.one_line(description)] if description else []
    if kind != "any":
        facts.append(kind)
    if default is not None:
        facts.append(f"default {form.one_line(str(default))}")
    elif not required:
        facts.append("optional")
    return " · ".join(facts)


def parameter_problems(path: Path, given: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with values for the parameters of a workflow."""
    from orchestrator.workflow.load import load_workflow
    from orchestrator.workflow.parameters import resolve_parameters

    loaded = load_workflow(path)
    if loaded.workflow is None:
        return ()
    _, problems = resolve_parameters(loaded.workflow, given)
    return tuple(form.one_line(problem.message) for problem in problems)


def begins_at(choice: WorkflowChoice) -> BeginsAt:
    """Where a run begins, and the files it does not see. Runs git."""
    from orchestrator.git.command import GitError
    from orchestrator.git.repository import current_branch, discover, read_head, unseen_files

    try:
        repository = discover(choice.directory)
        unseen = unseen_files(repository.checkout, choice.path)
        return BeginsAt(
            current_branch(repository.checkout),
            read_head(repository.checkout)[:7],
            unseen.uncommitted,
            unseen.untracked,
            unseen.named,
        )
    except (GitError, OSError) as error:
        return BeginsAt(None, "", problem=form.one_line(str(error)))
