"""Passes: each execution of the step list, for one input or one iteration (pure but for git)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.git.repository import read_head
from orchestrator.git.worktrees import dirty_fingerprint
from orchestrator.variables import Layer, Variables
from store.checkpoint import WorkflowCheckpoint
from store.times import to_text, utc_now

Mask = Callable[[str], str]
"""Hides the secrets in a text."""


@dataclass(frozen=True, slots=True)
class PassPlan:
    """What the passes of a run are: one per input, or up to so many iterations."""

    inputs: tuple[str, ...]
    iterations: int

    @property
    def total(self) -> int:
        return len(self.inputs) if self.inputs else self.iterations

    @property
    def stops_when_unchanged(self) -> bool:
        """Whether a pass that changed nothing is the last one."""
        return not self.inputs and self.iterations > 1

    def input_of(self, number: int) -> str | None:
        """The input of the pass of that number, counted from 0; None when it has none."""
        return self.inputs[number] if number < len(self.inputs) else None

    def description(self, number: int, mask: Mask) -> dict[str, Any]:
        """The pass of that number as records have it."""
        given = self.input_of(number)
        by_input = bool(self.inputs)
        return {
            "number": number,
            "iteration": 1 if by_input else number + 1,
            "iterations_total": 1 if by_input else self.iterations,
            "input_index": number if by_input else 0,
            "inputs_total": max(1, len(self.inputs)),
            "input": mask(given) if given is not None else None,
            "head": None,
            "dirty": None,
        }


def note_start(plan: PassPlan, checkpoint: WorkflowCheckpoint, worktree: Path) -> None:
    """Remember what a pass begins with, so that it can be told whether it changed anything."""
    if plan.stops_when_unchanged:
        checkpoint.x.pass_["head"] = read_head(worktree)
        checkpoint.x.pass_["dirty"] = dirty_fingerprint(worktree)


def changed_nothing(checkpoint: WorkflowCheckpoint, worktree: Path) -> bool:
    """Whether HEAD and uncommitted content are what they were when the pass began."""
    begun = checkpoint.x.pass_
    return begun.get("head") == read_head(worktree) and begun.get("dirty") == dirty_fingerprint(
        worktree
    )


def advance(plan: PassPlan, checkpoint: WorkflowCheckpoint, started_at: str, mask: Mask) -> None:
    """Turn a checkpoint at the end of a pass into one at the start of the next."""
    state = checkpoint.x
    state.passes.append(
        {
            "pass": {key: state.pass_.get(key) for key in ("number", "iteration", "input")},
            "started_at": started_at,
            "ended_at": to_text(utc_now()),
            "head": state.head_last,
            "files_changed": sum(step.files_changed for step in checkpoint.completed_steps),
        }
    )
    number = int(state.pass_["number"]) + 1
    state.pass_ = plan.description(number, mask)
    checkpoint.index = 0
    checkpoint.completed_steps = []
    if not plan.inputs:
        checkpoint.iteration = number + 1


def set_inputs(
    variables: Variables, plan: PassPlan, pass_: Mapping[str, Any], worktree: Path
) -> None:
    """Define what a pass knows of its input and number."""
    values: dict[str, object] = {
        "ITERATION": pass_.get("iteration", 1),
        "PROJECT_ROOT": str(worktree),
    }
    given = plan.input_of(int(pass_.get("number", 0)))
    if given is not None:
        values |= {
            "ARG": given,
            "ARG_1": given,
            "INDEX": int(pass_.get("input_index", 0)) + 1,
            "TOTAL": plan.total,
        }
    variables.replace(Layer.INPUTS, values)
