"""Every step written anywhere in a workflow (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.workflow.model import Step, Workflow


def every_step(workflow: Workflow) -> Iterator[Step]:
    """Every step of a workflow: its own, those in loops, handlers, validators, and the merge."""
    pending = [*workflow.steps, *(workflow.merge.steps if workflow.merge else ())]
    while pending:
        step = pending.pop(0)
        yield step
        pending += inner_steps(step)


def inner_steps(step: Step) -> list[Step]:
    """The steps written inside a step."""
    inner = [*step.on_success]
    for handlers in step.on_exit_code.values():
        inner += handlers
    if step.on_failure is not None:
        inner += step.on_failure.steps
    if step.foreach is not None:
        inner += step.foreach.steps
    for block in step.blocks:
        inner += block.steps
    if step.validate is not None:
        inner += step.validate.steps
        if step.validate.on_incomplete is not None:
            inner += step.validate.on_incomplete.steps
    if step.step_check is not None:
        inner += [
            Step(kind=command.kind, position=step.position, text=command.text)
            for command in step.step_check.commands
        ]
    return inner
