"""``prodigy run --dry-run``: the plan of a run, with nothing started and nothing written."""

from __future__ import annotations

from app.cli.invocation import Invocation
from app.cli.problems import described
from app.cli.running_config import config_for
from app.format import count, one_line
from orchestrator.known_texts import known_text
from orchestrator.preflight import PreparedRun, prepare
from orchestrator.reporting import RunRequest
from orchestrator.workflow.model import Step
from orchestrator.workflow.values import render

_SHORT_COMMIT = 7


def show_dry_run(invocation: Invocation, request: RunRequest) -> int:
    """Check everything a run would check and print what it would do.

    Raises:
        Refused: something stands against it.
    """
    config = config_for(invocation, request.directory)
    prepared = prepare(request, invocation.home, invocation.environment, config)
    for problem in prepared.warnings:
        invocation.out.warning(described(problem))
    if invocation.out.settings.json:
        invocation.out.json(_document(prepared))
        return 0
    for line in _lines(prepared):
        invocation.out.line(invocation.out.own(line))
    return 0


def _lines(prepared: PreparedRun) -> list[str]:
    steps = prepared.workflow.steps
    base = prepared.base_branch or "detached HEAD"
    lines = [
        f"[DRY RUN] {prepared.workflow.name}: {count(len(steps), 'step')},"
        f" from {base} at {prepared.base_commit[:_SHORT_COMMIT]}"
    ]
    unseen = prepared.unseen
    if unseen.uncommitted or unseen.untracked:
        named = f": {', '.join(map(one_line, unseen.named))} among them" if unseen.named else ""
        without = f"{unseen.uncommitted} uncommitted and {unseen.untracked} untracked files"
        lines.append(f"[DRY RUN] It would not see {without}{named}")
    if prepared.inputs:
        shown = ", ".join(one_line(value) for value in prepared.inputs[:10])
        more = f" and {len(prepared.inputs) - 10} more" if len(prepared.inputs) > 10 else ""
        lines.append(f"[DRY RUN] {count(len(prepared.inputs), 'input')}: {shown}{more}")
    elif prepared.iterations > 1:
        lines.append(f"[DRY RUN] Up to {prepared.iterations} passes")
    for index, step in enumerate(steps):
        place = f"{index + 1}/{len(steps)}"
        lines.append(f"[DRY RUN] Would execute step {place}: {one_line(step.label)}")
        lines += [f"[DRY RUN]   {fact}" for fact in _facts(step, known_text(prepared, step))]
    if prepared.workflow.merge is not None:
        merging = count(len(prepared.workflow.merge.steps), "step")
        lines.append(f"[DRY RUN] Would merge with the {merging} of the merge block, when wanted")
    return lines


def _facts(step: Step, text: str) -> list[str]:
    """What decides whether a step runs, and what happens around it; ``text`` is its known text."""
    facts = []
    if step.name or text != step.text:
        facts.append(f"{step.kind}: {one_line(text)}")
    for values in step.arguments:
        given = ", ".join(f"{name}={one_line(render(value))}" for name, value in values.items())
        facts.append(f"with {given}")
    for block in step.blocks:
        inside = ", ".join(one_line(inner.label) for inner in block.steps)
        facts.append(f"{one_line(block.name)} runs {inside}")
    if step.when is not None:
        facts.append(f"when {one_line(step.when.text)}")
    if step.retry is not None:
        facts.append(f"up to {count(step.retry.attempts, 'attempt')}")
    if step.on_failure is not None:
        handlers = ", ".join(one_line(handler.label) for handler in step.on_failure.steps)
        facts.append(f"on_failure {handlers}" if handlers else "on_failure go on")
    if step.on_success:
        handlers = ", ".join(one_line(handler.label) for handler in step.on_success)
        facts.append(f"on_success {handlers}")
    if step.env:
        facts.append(f"env {', '.join(entry.name for entry in step.env)}")
    if step.commit_required:
        facts.append("needs a commit")
    return facts


def _document(prepared: PreparedRun) -> dict[str, object]:
    return {
        "dry_run": True,
        "workflow": prepared.workflow.name,
        "path": str(prepared.repository.path),
        "base": {"branch": prepared.base_branch, "commit": prepared.base_commit},
        "unseen": {
            "uncommitted": prepared.unseen.uncommitted,
            "untracked": prepared.unseen.untracked,
            "named": list(prepared.unseen.named),
        },
        "inputs": list(prepared.inputs),
        "passes": len(prepared.inputs) or prepared.iterations,
        "steps": [
            {
                "step": index + 1,
                "step_index": index,
                "name": step.label,
                "kind": str(step.kind),
                "text": known_text(prepared, step),
                "when": step.when.text if step.when is not None else None,
                "commit_required": step.commit_required,
                "facts": _facts(step, step.text),
            }
            for index, step in enumerate(prepared.workflow.steps)
        ],
    }
