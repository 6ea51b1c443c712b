"""Workflow files for the New run screen: where they are, what is in them, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
from store.row import SessionRow

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
_MOST = 1000
_RECENT_LOOKED_AT = 200
_MOST_RECENT = 5
_MOST_CHOICES = 5
_CHOICES_CELLS = 40
"""Choices that take more room than this are typed."""


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


def recent_elsewhere(
    rows: Sequence[SessionRow], listed: Sequence[WorkflowChoice]
) -> list[WorkflowChoice]:
    """Workflows of other repositories that ran lately, and whose files are still there."""
    here = {choice.path for choice in listed}
    found: dict[Path, WorkflowChoice] = {}
    for row in sorted(rows, key=lambda row: -row.started_us)[:_RECENT_LOOKED_AT]:
        path = Path(row.workflow_path)
        usable = row.workflow_path and row.repo_path and path not in here
        if usable and path not in found and path.is_file() and Path(row.repo_path).is_dir():
            found[path] = WorkflowChoice(path, path.stem, "recent elsewhere", Path(row.repo_path))
        if len(found) >= _MOST_RECENT:
            break
    return list(found.values())


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
    if not path.is_file():  # to open a pipe would wait for its writer
        return False
    try:
        with path.open("rb") as file:
            return _LOOKS_LIKE_ONE.search(file.read(_LOOKED_AT)) is not None
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
        form.one_line((workflow.description or "").strip()),
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
    return ParameterView(parameter.name, required, default, " · ".join(facts), _choices(parameter))


def _choices(parameter: Parameter) -> tuple[str, ...]:
    """All values a parameter may have, when they are few: of a boolean, of ``in(['a', 'b'])``."""
    from orchestrator.workflow.expression_nodes import Comparison, Elements, Literal
    from orchestrator.workflow.values import render

    if parameter.type == "boolean":
        return ("true", "false")
    rule = parameter.validation.root if parameter.validation is not None else None
    if not (isinstance(rule, Comparison) and rule.sign == "in" and rule.left.names() == {"value"}):
        return ()
    nodes = rule.right.elements if isinstance(rule.right, Elements) else ()
    found = [render(node.constant) for node in nodes if isinstance(node, Literal)]
    if not 1 < len(found) == len(nodes) <= _MOST_CHOICES or not all(found):
        return ()
    return tuple(found) if sum(len(one) + 4 for one in found) <= _CHOICES_CELLS else ()


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
    from app.tui.typed import tilde
    from orchestrator.git.command import GitError
    from orchestrator.git.repository import (
        NoCommits,
        NotARepository,
        current_branch,
        discover,
        read_head,
        unseen_files,
    )

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
    except NotARepository:
        place = tilde(choice.directory)
        return BeginsAt(None, "", problem=f"{place} is in no git repository; git init makes one")
    except NoCommits:
        place = tilde(choice.directory)
        words = f"{place} has no commit to begin at; git commit makes one"
        return BeginsAt(None, "", problem=words)
    except (GitError, OSError) as error:
        return BeginsAt(None, "", problem=form.one_line(str(error)))
