"""What the text of a step will be, as far as that is known before anything runs."""

from __future__ import annotations

from orchestrator.preflight import PreparedRun
from orchestrator.workflow.environment import StartScope, step_environment
from orchestrator.workflow.interpolation import (
    InterpolationError,
    TextKind,
    interpolate,
    referred_names,
)
from orchestrator.workflow.model import Step, StepKind


def known_text(prepared: PreparedRun, step: Step) -> str:
    """The command or prompt of a step with parameters, input and environment filled in, masked.

    A text that refers to anything only the run can tell is given as it is written: a default shown
    in place of a value that will be captured would mislead.
    """
    first = prepared.inputs[0] if prepared.inputs else None
    variables = {
        **prepared.parameters,
        **({"ARG": first, "ARG_1": first} if first is not None else {}),
        "ITERATION": 1,
        "workflow.name": prepared.workflow.name,
    }
    environment = prepared.environment
    start = StartScope(variables, environment.process)
    try:
        declared = step_environment(
            prepared.workflow,
            step,
            process=environment.process,
            files=environment.files,
            secrets=environment.secret_values,
            profile=environment.profile,
            scope=start,
            run_command=None,
            cache={},
            facts=environment.facts,
        ).declared
        kind = TextKind.PROMPT if step.kind is StepKind.CLAUDE else TextKind.SHELL
        known = {*variables, *declared, *environment.process}
        text = step.text
        if referred_names(text) <= known:
            scope = StartScope(variables, environment.process, declared)
            text = interpolate(text, scope, kind).text
    except InterpolationError:
        text = step.text
    return environment.secrets.mask_text(text)
