"""The ``workflow`` and ``template`` steps: other steps run inside one, apart or with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.nested import run_nested
from orchestrator.outcomes import CommandOutcome, StepEnd, StepOutcome
from orchestrator.reporting import Warned
from orchestrator.scopes import StepScope
from orchestrator.step_git import head_of, publish_git_now, publish_step_git, snapshot_for
from orchestrator.template_values import resolved_value
from orchestrator.texts import TextError, duration_of, resolve_text
from orchestrator.variables import Layer, Variables
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import Block, Profile, Workflow
from orchestrator.workflow.parameters import converted
from orchestrator.workflow.values import MISSING, render

if TYPE_CHECKING:
    from orchestrator.commands import PreparedStep

_TIMED_OUT = 124
_OF_THE_RUN = ("ITERATION", "PROJECT_ROOT")


@dataclass(slots=True)
class _Inside:
    """One block about to run, with the variables and settings its steps have."""

    block: Block
    ctx: RunContext
    frame: Frame


def run_blocks(ctx: RunContext, prepared: PreparedStep, frame: Frame) -> CommandOutcome:
    """Run what a step stands for: one block, or several at the same time.

    Raises:
        RunStopped: a stop that cannot wait.
        TextError: an input of a block cannot be resolved.
    """
    started = time.monotonic()
    blocks = prepared.step.blocks
    insides = [_inside(ctx, block, prepared, frame) for block in blocks]
    if len(insides) == 1:
        ends = [_run(insides[0], prepared)]
    else:
        workers = min(len(insides), ctx.workflow.max_parallel)
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="workflow") as pool:
            ends = list(pool.map(lambda inside: _run(inside, prepared), insides))
    failures = []
    for inside, end in zip(insides, ends, strict=True):
        if inside.block.settings is not None:
            _hand_over(frame.variables, inside, succeeded=not end.failed)
        if not end.failed:
            continue
        message = f"'{inside.block.name}': {end.message}"
        if inside.block.continue_on_error:
            ctx.report(Warned(ctx.secrets.mask_text(message)))
        else:
            failures.append((message, end))
    message = "\n".join(message for message, _ in failures)
    return CommandOutcome(
        exit_code=(failures[0][1].exit_code or 1) if failures else 0,
        result="\n".join(end.output for end in ends if end.output),
        stderr=message.encode(),
        combined=message.encode(),
        duration_seconds=time.monotonic() - started,
        timed_out=any(end.timed_out for _, end in failures),
    )


def _inside(ctx: RunContext, block: Block, prepared: PreparedStep, frame: Frame) -> _Inside:
    deadline = earliest(
        prepared.deadline, deadline_after(duration_of(block.timeout, prepared.scope))
    )
    values = prepared.environment.values
    own = {entry.name: values[entry.name] for entry in prepared.step.env if entry.name in values}
    extra_env = {**frame.extra_env, **own}
    inner = frame.inner(str(prepared.step.kind), deadline=deadline, extra_env=extra_env)
    if block.settings is None:
        return _Inside(block, ctx, inner)
    variables = frame.variables.apart()
    variables.set(Layer.PARAMETERS, _given(ctx, block, block.settings, prepared.scope))
    known = {name: frame.variables.lookup(name) for name in _OF_THE_RUN}
    variables.set(Layer.INPUTS, {k: v for k, v in known.items() if v is not MISSING})
    inner.variables = variables
    workflow = _with_settings(ctx.workflow, block.settings)
    apart = replace(
        ctx,
        workflow=workflow,
        environment=replace(ctx.environment, workflow=workflow),
        variables=variables,
        base=_directory(ctx, block, prepared.scope),
    )
    return _Inside(block, apart, inner)


def _with_settings(outer: Workflow, own: Workflow) -> Workflow:
    """The workflow around with what a sub-workflow says itself on top."""
    profiles = dict(outer.profiles)
    for name, profile in own.profiles.items():
        below = profiles[name].env if name in profiles else ()
        profiles[name] = Profile(name, profile.position, (*below, *profile.env))
    return replace(
        outer,
        env=(*outer.env, *own.env),
        profiles=profiles,
        defaults={**outer.defaults, **own.defaults},
        max_parallel=own.max_parallel,
        strict_variables=own.strict_variables,
    )


def _directory(ctx: RunContext, block: Block, scope: StepScope) -> Path | None:
    """Where relative directories of its steps begin, if not where those around it do."""
    if block.working_dir is None:
        return ctx.base
    text = resolve_text(ctx, block.working_dir, scope, TextKind.OTHER).text
    directory = (ctx.base or ctx.worktree) / Path(text).expanduser()
    if not directory.is_dir():
        raise TextError(f"working_dir is not a directory: {directory}")
    return directory


def _given(
    ctx: RunContext, block: Block, settings: Workflow, scope: StepScope
) -> Mapping[str, object]:
    """All a sub-workflow sees: its parameters, then its inputs from outside.

    Raises:
        TextError: one cannot be resolved, or is not what its parameter says.
    """
    values = {name: resolved_value(ctx, value, scope) for name, value in block.values.items()}
    for name, text in block.inputs.items():
        outside = scope.lookup(text.strip())
        values[name] = resolved_value(ctx, text, scope) if outside is MISSING else outside
    for parameter in settings.parameters:
        value = values.get(parameter.name)
        if value is None:
            continue
        fits, typed = converted(value, parameter.type)
        if not fits:
            raise TextError(
                f"the parameter '{parameter.name}' of '{block.name}' expects {parameter.type}, "
                f"got '{render(value)}'"
            )
        values[parameter.name] = typed
    return values


def _run(inside: _Inside, prepared: PreparedStep) -> StepOutcome:
    """Its steps in order, up to the first that fails; the outcome of the last one that ran."""
    ctx, frame, steps = inside.ctx, inside.frame, inside.block.steps
    last = StepOutcome(StepEnd.SUCCEEDED)
    for index, step in enumerate(steps):
        if frame.out_of_time:
            message = f"'{inside.block.name}' ran out of time before '{step.label}'"
            return StepOutcome(StepEnd.FAILED, _TIMED_OUT, message, timed_out=True)
        if inside.block.settings is not None:
            place = {"step.name": step.label, "step.index": index, "total_steps": len(steps)}
            frame.variables.set(Layer.CONTEXT, place)
            publish_git_now(ctx)
        head = head_of(ctx)
        frame.head_before, frame.snapshot = head, snapshot_for(ctx, step, head)
        outcome = run_nested(ctx, step, frame, str(prepared.step.kind))
        publish_step_git(ctx, frame)
        if outcome.failed:
            return outcome
        if outcome.end is not StepEnd.SKIPPED:
            last = outcome
    return last


def _hand_over(outside: Variables, inside: _Inside, *, succeeded: bool) -> None:
    """Define ``NAME.OUTPUT`` and ``NAME.success`` where the sub-workflow was asked for."""
    name = inside.block.name
    values: dict[str, object] = {f"{name}.success": succeeded}
    for wanted in inside.block.outputs:
        value = inside.frame.variables.lookup(wanted)
        if value is not MISSING:
            values[f"{name}.{wanted}"] = value
    outside.set(Layer.RESULTS, values)
