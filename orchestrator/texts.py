"""Resolving the texts and durations of a step, with what is to be said about unknown names."""

from __future__ import annotations

from orchestrator.context import RunContext
from orchestrator.reporting import Warned
from orchestrator.scopes import StepScope
from orchestrator.workflow.durations import parse_duration
from orchestrator.workflow.interpolation import (
    InterpolationError,
    Rendered,
    TextKind,
    interpolate,
)
from orchestrator.workflow.model import Duration


class TextError(Exception):
    """A text of a step cannot be resolved, so its command cannot run."""


def resolve_text(ctx: RunContext, text: str, scope: StepScope, kind: TextKind) -> Rendered:
    """Interpolate a text; unresolved references of a prompt are warned about once each.

    Raises:
        TextError: a computed value failed, or a name is unknown where names are strict.
    """
    try:
        rendered = interpolate(text, scope, kind, strict=ctx.workflow.strict_variables)
    except InterpolationError as error:
        raise TextError(str(error)) from None
    if "\0" in rendered.text:
        raise TextError("the text has a NUL character in it")
    warnings = list(rendered.warnings)
    if kind is TextKind.PROMPT:
        warnings += [f"'{name}' in a prompt is not defined" for name in rendered.unresolved]
    for warning in warnings:
        warn_once(ctx, warning)
    return rendered


def warn_once(ctx: RunContext, message: str) -> None:
    """Report a warning unless the run has said it before."""
    if message not in ctx.warned:
        ctx.warned.add(message)
        ctx.report(Warned(ctx.secrets.mask_text(message)))


def duration_of(duration: Duration | None, scope: StepScope) -> float | None:
    """Seconds of a duration; None where there is none or it is 0.

    Raises:
        TextError: its text does not resolve to a duration.
    """
    if duration is None:
        return None
    if duration.seconds is not None:
        return duration.seconds or None
    text = duration.text or ""
    try:
        resolved = interpolate(text, scope, TextKind.OTHER).text
        return parse_duration(resolved) or None
    except (InterpolationError, ValueError) as error:
        raise TextError(f"'{text}' is not a duration: {error}") from None
