"""The environment of each step, made from that of its run, and the names its texts may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.run_environment import secrets_of
from orchestrator.scopes import StepScope
from orchestrator.steps.process import ProcessSpec
from orchestrator.texts import TextError
from orchestrator.workflow.environment import StepEnvironment, is_base_name, step_environment
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.model import Step
from orchestrator.workflow.shell_names import exports_for

_COMMAND_SECONDS = 30.0
_SHOWN_CHARACTERS = 200


def environment_for(ctx: RunContext, step: Step, frame: Frame) -> tuple[StepEnvironment, StepScope]:
    """The environment of a step and the names it sees; computed once per step and frame.

    Raises:
        TextError: a value of the environment cannot be made.
    """
    known = frame.environments.get(id(step))
    if known is None:
        known = _made(ctx, step, frame)
        frame.environments[id(step)] = known
    return known


def scope_for(ctx: RunContext, step: Step, frame: Frame) -> StepScope:
    """The names a step sees, its environment left out where that cannot be made."""
    try:
        return environment_for(ctx, step, frame)[1]
    except TextError:
        return _scope(ctx, frame, {})


def may_export(name: str) -> bool:
    """Whether a workflow variable of that name may be exported to a shell text that mentions it."""
    return not is_base_name(name) and not name.startswith("PRODIGY_")


def _made(ctx: RunContext, step: Step, frame: Frame) -> tuple[StepEnvironment, StepScope]:
    of_run = ctx.environment
    values: dict[str, str] = {}
    scope = _scope(ctx, frame, values)
    try:
        built = step_environment(
            of_run.workflow,
            step,
            process=of_run.process,
            files=of_run.files,
            secrets=of_run.secret_values,
            profile=of_run.profile,
            scope=scope,
            run_command=lambda text, env: _shell_output(ctx, frame, text, env, ctx.worktree),
            cache=of_run.cached,
            facts=of_run.facts,
        )
    except InterpolationError as error:
        raise TextError(f"env: {error}") from None
    ctx.secrets.learn(secrets_of(built))
    values.update(built.values)
    values.update(of_run.git_identity)
    values["PRODIGY_AUTOMATION"] = "true"
    if of_run.profile is not None:
        values["PRODIGY_PROFILE"] = of_run.profile
        values.setdefault("PROFILE", of_run.profile)
    argument = frame.variables.lookup("ARG")
    if isinstance(argument, str):
        values["PRODIGY_ARG"] = argument
    scope.declared = built.declared
    return replace(built, values=values), scope


def _scope(ctx: RunContext, frame: Frame, values: Mapping[str, str]) -> StepScope:
    """The names of a step; ``values`` is its environment, filled in when it is known."""
    scope: StepScope

    def run_computed(text: str) -> str:
        exports = exports_for(text, frame.variables.lookup).entries
        exported = {name: value for name, value in exports.items() if may_export(name)}
        environment = {**values, **exported}
        return _shell_output(ctx, frame, text, environment, scope.command_directory)

    scope = StepScope(frame.variables, {}, ctx.environment.process, ctx.worktree, run_computed)
    return scope


def _shell_output(
    ctx: RunContext, frame: Frame, text: str, environment: Mapping[str, str], directory: Path
) -> str:
    """What a small command prints, for ``cmd:`` and ``{command}`` values.

    Raises:
        InterpolationError: it failed or took longer than 30 seconds.
    """
    frame.nested += 1
    spec = ProcessSpec(
        argv=("sh", "-c", text),
        cwd=directory,
        env=environment,
        marks=(ctx.session_id, f"{frame.mark}.{frame.nested}"),
    )
    deadline = earliest(frame.deadline, deadline_after(_COMMAND_SECONDS))
    result = ctx.processes.run(spec, log=None, stop=ctx.stops.now, deadline=deadline)
    ctx.stops.check_now()
    if result.timed_out:
        raise InterpolationError(f"`{text}` took longer than 30 s")
    if result.exit_code != 0:
        stderr = result.stderr.decode("utf-8", "replace").strip()
        said = ctx.secrets.mask_beginning(stderr, _SHOWN_CHARACTERS)
        code = result.exit_code
        raise InterpolationError(f"`{text}` failed with exit code {code} {said}".rstrip())
    return result.stdout.decode("utf-8", "replace").rstrip("\n")
