"""A resume plan as people read it, and as machines get it."""

from __future__ import annotations

from app.cli.output import Output
from app.format import clock, one_line, visible
from app.status_style import Role, word_of
from orchestrator.resume_plan import Action, ResumePlan, Verdict
from store.times import from_text, utc_now

_WORDS = {
    Action.KEEP: "kept",
    Action.RUN_AGAIN: "run again",
    Action.RUN: "to run",
    Action.SKIP: "skipped",
}
_STEP_SIGNS = {
    Action.KEEP: ("✓", "v"),
    Action.RUN_AGAIN: ("►", ">"),
    Action.RUN: ("·", "."),
    Action.SKIP: ("–", "-"),
}
_CHECK_SIGNS = {
    Verdict.OK: ("✓", "v", Role.DONE),
    Verdict.WARN: ("!", "!", Role.WARN),
    Verdict.BAD: ("×", "x", Role.ERROR),
}
_FOLD_ABOVE = 4


def plan_lines(out: Output, plan: ResumePlan) -> list[str]:
    """The plan: what it is about, one sentence, every step, what was looked at."""
    lines = [header_line(plan), visible(plan.sentence)]
    lines += _step_lines(out, plan)
    for check in plan.checks:
        glyph, ascii_sign, role = _CHECK_SIGNS[check.verdict]
        sign = out.paint(ascii_sign if out.ascii else glyph, role)
        lines.append(f"  {sign} {check.name.lower()}: {visible(check.words)}")
    if plan.conversation is not None:
        lines.append(f"  its agent's conversation: claude --resume {plan.conversation}")
    return [out.own(line) for line in lines]


def header_line(plan: ResumePlan) -> str:
    """Which session it is, how it stands, and from when its checkpoint is."""
    return f"Resuming session: {plan.session_id} ({_where(plan)})"


def _where(plan: ResumePlan) -> str:
    facts = [word_of(plan.state)]
    if plan.start < plan.total:
        facts[0] += f" at step {plan.start + 1}/{plan.total}"
    if plan.checkpoint_time:
        facts.append(f"checkpoint {clock(from_text(plan.checkpoint_time), utc_now())}")
    return ", ".join(facts)


def _step_lines(out: Output, plan: ResumePlan) -> list[str]:
    """A line for each step; many kept ones in a row are one line."""
    kept = [step for step in plan.steps if step.action is Action.KEEP]
    folds = len(kept) > _FOLD_ABOVE and kept == list(plan.steps[: len(kept)])
    lines = []
    if folds:
        sign = _STEP_SIGNS[Action.KEEP][out.ascii]
        lines.append(f"  {sign} 1–{len(kept)}  kept")
    for step in plan.steps[len(kept) if folds else 0 :]:
        sign = _STEP_SIGNS[step.action][out.ascii]
        why = f": {one_line(step.why)}" if step.why else ""
        label = one_line(step.label)
        lines.append(f"  {sign} {step.index + 1} {label}   {_WORDS[step.action]}{why}")
    return lines


def plan_object(plan: ResumePlan) -> dict[str, object]:
    """The plan for machines; steps count from 1, indexes from 0."""
    return {
        "id": plan.session_id,
        "state": str(plan.state),
        "sentence": plan.sentence,
        "possible": plan.impossible is None,
        "impossible": plan.impossible,
        "instead": plan.instead,
        "needs_force": list(plan.needs_force),
        "start_step": plan.start + 1,
        "start_index": plan.start,
        "total_steps": plan.total,
        "command": plan.command,
        "checkpoint_time": plan.checkpoint_time or None,
        "conversation": plan.conversation,
        "steps": [
            {
                "step": step.index + 1,
                "step_index": step.index,
                "name": step.label,
                "action": str(step.action).replace(" ", "_"),
                "why": step.why or None,
            }
            for step in plan.steps
        ],
        "checks": [
            {"name": check.name, "verdict": str(check.verdict), "words": check.words}
            for check in plan.checks
        ],
    }
