"""Workflow files for the New run screen: where they are, what is in them, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import format as form
from app.tui.details import StepPlan
from app.tui.new_run_views import (
    BeginsAt,
    FileProblem,
    ParameterView,
    WorkflowChoice,
    WorkflowView,
)

if TYPE_CHECKING:
    from orchestrator.workflow.model import Parameter, Step, Workflow
    from orchestrator.workflow.problems import Problem

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


def step_plans(path: Path, text: bytes) -> tuple[StepPlan, ...]:
    """The steps of a workflow; none when it cannot be read."""
    from orchestrator.workflow.load import load_workflow

    loaded = load_workflow(path, text=text)
    if loaded.workflow is None:
        return ()
    plans = []
    for step in loaded.workflow.steps:
        tries = step.retry.attempts if step.retry is not None else 1
        if step.on_failure is not None:
            tries *= max(1, step.on_failure.max_attempts)
        timeout = step.timeout.seconds if step.timeout is not None else None
        plans.append(StepPlan(step.label, tries, timeout or None, step.position.line))
    return tuple(plans)


def read_workflow(path: Path) -> WorkflowView:
    """Read a workflow file: everything New run shows of it."""
    from orchestrator.workflow.load import load_workflow
    from orchestrator.workflow.model import StepKind, WorkflowKind

    loaded = load_workflow(path, display=path.name)
    problems = tuple(_problem_view(one, path) for one in loaded.problems)
    errors = sum(1 for one in problems if one.is_error)
    workflow = loaded.workflow
    if workflow is None:
        return WorkflowView(path, path.stem, problems=problems, error_count=max(1, errors))
    is_job = workflow.kind is not WorkflowKind.STANDARD
    texts = loaded.sources[0].content if loaded.sources else b""
    return WorkflowView(
        path,
        workflow.name or path.stem,
        workflow.kind.value,
        tuple((step.label, _beside(step)) for step in workflow.steps),
        tuple(_parameter_view(one) for one in workflow.parameters),
        problems,
        errors,
        uses_args=b"ARG" in texts or any(step.kind is StepKind.WORKFLOW for step in workflow.steps),
        passes=workflow.max_iterations,
        profiles=tuple(workflow.profiles),
        active_profile=workflow.active_profile,
        not_run="this version runs no map jobs" if is_job else None,
        check=partial(parameter_problems, workflow),
    )


def _problem_view(problem: Problem, path: Path) -> FileProblem:
    from orchestrator.workflow.problems import Severity

    meant = f"; did you mean '{problem.suggestion}'?" if problem.suggestion else ""
    position = problem.position
    elsewhere = position.file not in ("", path.name, str(path))
    where = f"{position.line}:{position.column}"
    return FileProblem(
        f"{Path(position.file).name}:{where}" if elsewhere else where,
        form.one_line(f"{problem.message}{meant}"),
        problem.severity is Severity.ERROR,
        Path(position.file) if elsewhere else path,
    )


def _beside(step: Step) -> str:
    """What happens to a step besides running it."""
    facts = []
    if step.retry is not None:
        facts.append(f"{step.retry.attempts} attempts")
    if step.timeout is not None and step.timeout.seconds:
        facts.append(f"{form.duration(step.timeout.seconds).removesuffix(' 00s')} each")
    if step.on_failure is not None and step.on_failure.steps:
        facts.append(f"on_failure: {step.on_failure.steps[0].label}")
    if step.when is not None:
        facts.append("conditional")
    return ", ".join(facts)


def _parameter_view(parameter: Parameter) -> ParameterView:
    default = None
    if parameter.has_default and parameter.default is not None:
        from orchestrator.workflow.values import render

        default = render(parameter.default)
    required = parameter.required and default is None
    facts = ["required"] if required else []
    facts += [form.one_line(parameter.description)] if parameter.description else []
    facts += [parameter.type] if parameter.type not in ("any", "boolean") else []
    if default is not None:
        facts.append(f"default {form.one_line(default)}")
    elif not required:
        facts.append("optional")
    choices = ("true", "false") if parameter.type == "boolean" else ()
    return ParameterView(parameter.name, required, default, " · ".join(facts), choices)


def parameter_problems(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with values for the parameters of a workflow, each in a few words.

    Every parameter is judged by itself, so that one that is missing hides no other.
    """
    from orchestrator.workflow.parameters import resolve_parameters

    found: dict[str, str] = {}
    for parameter in workflow.parameters:
        _, problems = resolve_parameters(replace(workflow, parameters=(parameter,)), given)
        for problem in problems[:1]:
            found[parameter.name] = _problem_words(parameter, problem)
    return found


def _problem_words(parameter: Parameter, problem: Problem) -> str:
    """What is wrong with a value, said beside its own field."""
    if problem.code == "missing_parameter":
        return "needs a value"
    if problem.code == "invalid_parameter" and parameter.validation is not None:
        rule = form.one_line(parameter.validation.text)
        is_short = rule.startswith("value ") and " value" not in rule[6:]
        return f"must be {rule[6:]}" if is_short else f"must hold: {rule}"
    return form.one_line(problem.message.removeprefix(f"the parameter '{parameter.name}' "))


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
