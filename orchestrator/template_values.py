"""The values a step was given where its template was used, defined while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from orchestrator.context import Frame, RunContext
from orchestrator.scopes import StepScope
from orchestrator.step_environments import environment_for
from orchestrator.texts import TextError, resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow.interpolation import InterpolationError, TextKind, sole_value
from orchestrator.workflow.model import Step
from orchestrator.workflow.values import MISSING


@contextmanager
def template_values(ctx: RunContext, step: Step, frame: Frame) -> Iterator[None]:
    """Define the arguments of a step; one that cannot be resolved fails its command."""
    if not step.arguments:
        yield
        return
    bare = replace(step, env=())
    with frame.variables.kept(Layer.ARGUMENTS):
        for values in step.arguments:
            try:
                scope = environment_for(ctx, bare, replace(frame, environments={}))[1]
                resolved = {k: resolved_value(ctx, v, scope) for k, v in values.items()}
            except TextError as error:
                frame.problem = str(error)
                break
            frame.variables.set(Layer.ARGUMENTS, resolved)
        yield


def resolved_value(ctx: RunContext, value: object, scope: StepScope) -> object:
    """A given value; a text that is one reference keeps the type of what it refers to.

    Raises:
        TextError: it cannot be resolved.
    """
    if isinstance(value, list):
        return [resolved_value(ctx, item, scope) for item in value]
    if isinstance(value, dict):
        return {name: resolved_value(ctx, item, scope) for name, item in value.items()}
    if not isinstance(value, str) or "$" not in value:
        return value
    try:
        sole = sole_value(value, scope)
    except InterpolationError as error:
        raise TextError(str(error)) from None
    return resolve_text(ctx, value, scope, TextKind.OTHER).text if sole is MISSING else sole
