"""Reopening a stopped run: its workflow loaded, its environment resolved here and now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.config import Config
from orchestrator.git.repository import Repository
from orchestrator.passes import PassPlan
from orchestrator.preflight import resolve_start
from orchestrator.refusal import Refused
from orchestrator.reporting import RunRequest
from orchestrator.run_environment import RunEnvironment
from orchestrator.steps.masking import marked_names, restore, restore_value
from orchestrator.stopped_run import StoppedRun, find_repository
from orchestrator.workflow.load import Loaded, load_workflow
from orchestrator.workflow.model import Workflow, WorkflowKind
from store import fields


@dataclass(frozen=True, slots=True)
class Reopened:
    """A stopped run with its workflow loaded and its environment resolved anew."""

    run: StoppedRun
    workflow: Workflow
    request: RunRequest
    environment: RunEnvironment
    parameters: Mapping[str, object]
    plan: PassPlan
    repository: Repository
    from_disk: bool = False
    other: Loaded | None = field(default=None, repr=False)
    """The version that is not used, where they differ: the file on disk, or the saved copy."""


def saved_workflow(
    run: StoppedRun, environment: Mapping[str, str], *, use_file: bool
) -> tuple[Loaded | None, bool, Loaded | None]:
    """The workflow a resume uses, whether it is a changed file on disk, and the other version.

    The saved copy is used unless somebody chose the file. A copy in which secrets are masked counts
    only when they can be put back.
    """
    path = Path(run.workflow_path) if run.workflow_path else None
    if path is None:
        return None, False, None
    text = _read(path)
    same = text is not None and _hash(text) == run.workflow_hash
    on_disk = load_workflow(path, text=text) if text is not None and not same else None
    copy = _usable_copy(run, environment)
    without_copy = copy is None and (same or run.saved_copy is None)
    saved = load_workflow(path, text=copy, files=_saved_parts(run)) if copy is not None else None
    if text is not None and (use_file or without_copy):
        return on_disk or load_workflow(path, text=text), not same, None if same else saved
    return saved, False, on_disk


def _usable_copy(run: StoppedRun, environment: Mapping[str, str]) -> bytes | None:
    """The saved copy, what was masked in it taken from the environment; None if that fails."""
    copy = _read(run.saved_copy)
    if copy is None or not marked_names(copy.decode("utf-8", "replace")):
        return copy
    text = restore(copy.decode("utf-8", "surrogateescape"), environment)
    restored = text.encode("utf-8", "surrogateescape")
    return restored if _hash(restored) == run.workflow_hash else None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _saved_parts(run: StoppedRun) -> dict[str, bytes]:
    """The saved copies of the files the workflow was composed from, by their original path."""
    directory = run.home.workflow_copies(run.session_id)
    parts = {}
    for file in run.workflow_files:
        content = _read(directory / Path(str(file.get("file", ""))).name)
        if content is not None and file.get("role") != "main":
            parts[str(file.get("path"))] = content
    return parts


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError:
        return None


def request_of(run: StoppedRun, secrets: Mapping[str, str]) -> RunRequest:
    """The request a run was started with, what was masked in it put back."""
    told = restore_value(run.invocation, secrets)
    invocation = told if isinstance(told, dict) else {}
    parameters = fields.table(invocation.get("params"))
    file = invocation.get("parameter_file")
    return RunRequest(
        workflow=Path(run.workflow_path or "workflow.yml"),
        directory=Path(fields.text(invocation.get("cwd")) or run.repo_path or "."),
        session_id=run.session_id,
        args=tuple(str(value) for value in invocation.get("args") or ()),
        parameters={str(name): str(value) for name, value in parameters.items()},
        parameter_file=Path(file) if isinstance(file, str) else None,
        file_parameters=fields.table(invocation.get("file_params")) or None,
        max_iterations=fields.whole(invocation.get("max_iterations"), 1),
        profile=fields.optional_text(invocation.get("profile")),
        command=fields.text(invocation.get("command")) or "run",
    )


def reopen(
    run: StoppedRun,
    environment: Mapping[str, str],
    config: Config,
    *,
    use_file: bool = False,
    only_merge: bool = False,
) -> Reopened:
    """Load the workflow of a stopped run and resolve its environment here and now.

    Args:
        run: the run.
        environment: the one prodigy was started with.
        config: the settings.
        use_file: take the workflow on disk, not the saved copy.
        only_merge: no step is to run but those of a ``merge`` block; without one git merges, and
            what is missing among secrets and parameters does not matter.

    Raises:
        Refused: there is no workflow to go on with, or a secret or parameter is missing.
    """
    loaded, from_disk, other = saved_workflow(run, environment, use_file=use_file)
    if loaded is None:
        raise _no_workflow(run, changed=other is not None)
    if loaded.workflow is None:
        raise Refused(
            f"{run.workflow_path} cannot be run as it is",
            code="invalid_workflow",
            exit_code=2,
            problems=loaded.problems,
        )
    workflow = loaded.workflow
    if workflow.kind is WorkflowKind.MAPREDUCE:
        raise Refused(
            f"{run.workflow_path} is a MapReduce workflow, which has no steps to go on with",
            code="unsupported_workflow",
            exit_code=2,
        )
    complete = not only_merge or workflow.merge is not None

    def resolve(request: RunRequest) -> tuple[Mapping[str, object], RunEnvironment]:
        key = config.claude_api_key
        return resolve_start(request, workflow, environment, claude_key=key, complete=complete)

    _, first = resolve(request_of(run, {}))
    known = _known_secrets(run, first.secrets.values, environment, complete=complete)
    request = request_of(run, known)
    parameters, resolved = resolve(request)
    repository = find_repository(run)
    return Reopened(
        run=run,
        workflow=workflow,
        request=request,
        environment=resolved.in_repository(repository.checkout, run.base_branch),
        parameters=parameters,
        plan=_pass_plan(run, request),
        repository=repository,
        from_disk=from_disk,
        other=other,
    )


def _no_workflow(run: StoppedRun, *, changed: bool) -> Refused:
    """The error of a run whose workflow is not to be had any more."""
    words = "" if run.checkpoint is not None else "No checkpoints found, and "
    if not run.workflow_path:
        words += "no workflow to go on with: none was recorded"
    elif changed:
        words += (
            f"no workflow to go on with: {run.workflow_path} has changed, and the saved copy "
            "cannot be used without the secrets that were masked in it"
        )
    else:
        places = ", ".join(str(place) for place in run.workflow_places)
        words += f"no workflow to go on with: no saved copy, and no file at {places}"
    error = run.record.error if run.record is not None else None
    way = "--use-file" if changed else "--workflow FILE"
    return Refused(
        f"{words}. Its error was: {error}" if error else words,
        code="no_workflow",
        hint=f"prodigy resume {run.session_id} {way}",
    )


def _known_secrets(
    run: StoppedRun,
    resolved: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    complete: bool,
) -> dict[str, str]:
    """What can be put back where the invocation is masked; the environment helps out by name.

    Raises:
        Refused: an argument or a parameter stays masked, so steps would run with the mask;
            only if it is to be ``complete``.
    """
    known = {name: value for name, value in resolved.items() if not marked_names(value)}
    masked = {key: run.invocation.get(key) for key in ("args", "params", "file_params")}
    for name in marked_names(str(masked)):
        if name not in known and name in environment:
            known[name] = environment[name]
    missing = sorted(marked_names(str(restore_value(masked, known))))
    if missing and complete:
        names = ", ".join(missing)
        raise Refused(
            f"the run was given the secret {names}, which is not kept; set it in the environment",
            code="unresolved",
            hint=f"{missing[0]}=… prodigy resume {run.session_id}",
        )
    return known


def _pass_plan(run: StoppedRun, request: RunRequest) -> PassPlan:
    inputs = request.args
    if not inputs and run.checkpoint is not None and not run.invocation:
        # the original records an argument among the variables only
        given = run.checkpoint.variables.get("ARG")
        inputs = (str(given),) if given is not None else ()
    return PassPlan(inputs, max(1, request.max_iterations or 1))
