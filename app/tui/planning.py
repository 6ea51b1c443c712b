"""The resume plan of the orchestrator, as the screen shows it."""

from __future__ import annotations

import os

from app.format import short_id
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, ResumeChoice, StepFate
from store.home import Home


def make_plan(home: Home, run_id: str, choice: ResumeChoice) -> PlanView:
    """Make the plan anew. Runs git, so it may take a second.

    Raises:
        orchestrator.refusal.Refused: there is nothing to plan.
    """
    from orchestrator.config import load_config
    from orchestrator.resume import make_plan as plan_resume
    from orchestrator.resume_plan import ResumeOptions

    options = ResumeOptions(
        from_step=choice.from_step,
        from_checkpoint=choice.from_checkpoint,
        skip_step=choice.skip_step,
        use_file=choice.use_file,
        restore=choice.restore,
        force=choice.force,
    )
    environment = dict(os.environ)
    config = load_config(home, None, environment).config
    plan = plan_resume(home, run_id, options, environment, config)
    facts = plan.facts
    fates = {fate.value: fate for fate in StepFate}
    findings = {finding.value: finding for finding in Finding}
    idle = "" if plan.impossible else "Nothing has run yet. "

    def shortened(command: str) -> str:
        return command.replace(plan.session_id, short_id(plan.session_id))

    return PlanView(
        sentence=f"{idle}{plan.sentence}",
        steps=tuple(
            PlannedStepView(
                step.index + 1, step.label, fates.get(step.action.value, StepFate.RUN), step.why
            )
            for step in plan.steps
        ),
        checks=tuple(
            CheckView(check.name, findings.get(check.verdict.value, Finding.WARN), check.words)
            for check in plan.checks
        ),
        command=shortened(plan.command),
        impossible=plan.impossible,
        instead=shortened(plan.instead) if plan.instead else None,
        needs_force=plan.needs_force,
        workflow_changed=plan.changed_on_disk,
        can_restore=facts is not None
        and facts.worktree_present
        and bool(facts.uncommitted or facts.commits_since or facts.head_moved_away),
    )
