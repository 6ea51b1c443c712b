"""Everything that can refuse a run, looked at before anything of it exists."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.all_steps import every_step
from orchestrator.config import Config
from orchestrator.git.command import GitError
from orchestrator.git.repository import (
    NoCommits,
    NotARepository,
    Repository,
    current_branch,
    discover,
    read_head,
    unseen_files,
)
from orchestrator.refusal import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_USAGE, Refused
from orchestrator.reporting import RunRequest, UnseenFiles
from orchestrator.run_environment import RunEnvironment
from orchestrator.step_git import texts_of
from orchestrator.workflow.inputs import resolve_inputs
from orchestrator.workflow.load import load_workflow
from orchestrator.workflow.model import StepKind, Workflow, WorkflowKind
from orchestrator.workflow.parameters import read_parameter_file, resolve_parameters
from orchestrator.workflow.problems import Problem, Severity
from store.home import Home, new_session_id

_WANTS_INPUT = re.compile(r"(?<!\\)\$(?:ARG\b|\{ARG(?:_1)?(?!\w|:-|\s*\|\s*default))")
"""A reference to the input that has no default."""
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run nothing stands against, and of which nothing exists yet."""

    request: RunRequest
    home: Home
    config: Config
    session_id: str
    workflow_id: str
    workflow: Workflow
    repository: Repository
    base_branch: str | None
    base_commit: str
    unseen: UnseenFiles
    environment: RunEnvironment
    parameters: Mapping[str, object]
    inputs: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()

    @property
    def iterations(self) -> int:
        """How many passes at most; inputs are passes of their own."""
        wanted = self.request.max_iterations
        return wanted if wanted is not None else self.workflow.max_iterations


def prepare(
    request: RunRequest, home: Home, environment: Mapping[str, str], config: Config
) -> PreparedRun:
    """Check everything and resolve what the run begins with; creates nothing.

    Raises:
        Refused: with every problem of the workflow file, or the one thing of the machine.
    """
    workflow, warnings = read_workflow(request.workflow, strict=request.strict)
    parameters, resolved = resolve_start(
        request, workflow, environment, claude_key=config.claude_api_key
    )
    if request.max_iterations is not None and request.max_iterations < 1:
        raise Refused(
            f"-n expects a number of passes from 1, got {request.max_iterations}",
            code="bad_iterations",
            exit_code=EXIT_USAGE,
        )
    inputs = _inputs(request, environment)
    repository, commit = check_repository(request.directory)
    check_home(home)
    check_claude(workflow, config, environment)
    branch = current_branch(repository.checkout)
    return PreparedRun(
        request=request,
        home=home,
        config=config,
        session_id=request.session_id or new_session_id(),
        workflow_id=f"workflow-{time.time_ns() // 1_000_000}",
        workflow=workflow,
        repository=repository,
        base_branch=branch,
        base_commit=commit,
        unseen=unseen_files(repository.checkout, request.workflow),
        environment=resolved.in_repository(repository.checkout, branch),
        parameters=parameters,
        inputs=inputs,
        warnings=warnings,
    )


def start_warnings(prepared: PreparedRun) -> list[str]:
    """What is worth saying when the run begins, beside the warnings of its file."""
    found = []
    if prepared.inputs and prepared.request.max_iterations is not None:
        found.append("-n is ignored: the steps run once for each input")
    workflow = prepared.workflow
    known = prepared.parameters.keys() | prepared.environment.process.keys()
    known |= {entry.name for entry in workflow.env}
    if not prepared.inputs and "ARG" not in known:
        texts = texts_of((workflow.steps, workflow.merge, workflow.env))
        if any(_WANTS_INPUT.search(text) for text in texts):
            found.append("the workflow uses ARG, but no input is given (--args, --map)")
    return found


def read_workflow(path: Path, *, strict: bool = False) -> tuple[Workflow, tuple[Problem, ...]]:
    """Load a workflow that can be run, and what there is to warn about.

    Raises:
        Refused: the file is missing (exit 3) or has errors (exit 2), all of them named.
    """
    if not path.exists():
        raise Refused(
            f"no workflow file at {path}",
            code="workflow_not_found",
            exit_code=EXIT_NOT_FOUND,
            hint="prodigy init writes an example",
        )
    loaded = load_workflow(path, strict=strict)
    errors = [problem for problem in loaded.problems if problem.severity is Severity.ERROR]
    if loaded.workflow is None or errors:
        raise Refused(
            f"{path.name} cannot be run: {len(errors)} "
            + ("problem" if len(errors) == 1 else "problems"),
            code="invalid_workflow",
            exit_code=EXIT_USAGE,
            problems=loaded.problems,
            hint=f"prodigy validate {path.name}",
        )
    if loaded.workflow.kind is WorkflowKind.MAPREDUCE:
        raise Refused(
            f"{path.name} is a MapReduce workflow, which this version reads but does not run",
            code="unsupported_workflow",
            exit_code=EXIT_USAGE,
            hint=f"prodigy validate {path.name} checks it",
        )
    return loaded.workflow, loaded.problems


def resolve_start(
    request: RunRequest,
    workflow: Workflow,
    environment: Mapping[str, str],
    *,
    claude_key: str | None = None,
    complete: bool = True,
) -> tuple[Mapping[str, object], RunEnvironment]:
    """Resolve parameters, profile, env files and secrets; also done again by every resume.

    Raises:
        Refused: what is missing or wrong among them, all at once (exit 2), unless it need not be
            ``complete``.
    """
    from_file = request.file_parameters or {}
    if request.file_parameters is None and request.parameter_file is not None:
        from_file = read_parameter_file(request.parameter_file)
    parameters, problems = resolve_parameters(workflow, dict(request.parameters), from_file)
    resolved = RunEnvironment.resolve(
        workflow, environment, request, parameters, claude_key=claude_key
    )
    found = (*problems, *resolved.problems)
    if found and complete:
        raise Refused(
            "; ".join(problem.message for problem in found),
            code="unresolved",
            exit_code=EXIT_USAGE,
            problems=found,
        )
    return parameters, resolved


def _inputs(request: RunRequest, environment: Mapping[str, str]) -> tuple[str, ...]:
    inputs = resolve_inputs(request.map_patterns, request.args, request.directory)
    if not inputs and (request.map_patterns or request.args):
        raise Refused(
            "No inputs found from --map patterns or --args",
            code="no_inputs",
            exit_code=EXIT_USAGE,
        )
    if not inputs and environment.get("PRODIGY_ARG"):
        return (environment["PRODIGY_ARG"],)
    return inputs


def check_repository(directory: Path) -> tuple[Repository, str]:
    """The repository a run would work in and the commit it would begin at.

    Raises:
        Refused: no git, no repository, or no commit in it (exit 1).
    """
    if shutil.which("git") is None:
        raise Refused("git is not installed, or not on PATH", code="no_git")
    try:
        repository = discover(directory)
        return repository, read_head(repository.checkout)
    except NotARepository:
        raise Refused(
            f"{directory} is not inside a git repository",
            code="no_repository",
            hint="prodigy init makes one, or: git init && git commit --allow-empty -m start",
        ) from None
    except NoCommits:
        raise Refused(
            f"the repository at {directory} has no commit yet, so there is nothing to start from",
            code="no_commit",
            hint="git commit --allow-empty -m start",
        ) from None
    except GitError as error:
        raise Refused(str(error), code="git_failed") from None


def check_home(home: Home) -> None:
    """See that the state home can be written and locked, as far as can be told without writing.

    Raises:
        Refused: it cannot (exit 1).
    """
    existing = home.root
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise Refused(f"the state home is not a directory: {existing}", code="home_unusable")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise Refused(
            f"the state home cannot be written: {home.root}",
            code="home_unusable",
            hint="set PRODIGY_HOME to a directory of yours",
        )
    descriptor = os.open(existing, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise Refused(
                f"the file system of {home.root} has no locks, so runs cannot be kept apart",
                code="home_unusable",
                hint="set PRODIGY_HOME to a directory on a local disk",
            ) from None
        raise
    finally:
        os.close(descriptor)


def check_claude(workflow: Workflow, config: Config, environment: Mapping[str, str]) -> None:
    """See that the Claude program is there if any step, handler or validator needs it.

    Raises:
        Refused: it is needed and missing (exit 1).
    """
    needed = next((step for step in every_step(workflow) if step.kind is StepKind.CLAUDE), None)
    if needed is None or environment.get("PRODIGY_TEST_MODE", "").lower() == "true":
        return
    if shutil.which(config.claude_program, path=environment.get("PATH")) is None:
        raise Refused(
            f"{needed.position}: this step needs the Claude program, "
            f"and '{config.claude_program}' is not on PATH",
            code="no_claude",
            exit_code=EXIT_FAILED,
            hint="install Claude Code, or set claude.program in config.yml",
        )
