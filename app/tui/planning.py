"""The resume plan of the orchestrator, as the screen shows it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app import format as form
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, ResumeChoice, StepFate
from store.home import Home
from store.rows import microseconds

if TYPE_CHECKING:
    from orchestrator.config import Config


def make_plan(
    home: Home, run_id: str, choice: ResumeChoice, now: datetime, prodigy: str = "prodigy"
) -> PlanView:
    """Make the plan anew. Runs git, so it may take a second.

    Args:
        home: the state home.
        run_id: the session.
        choice: how it is to go on.
        now: the present, by which moments are told.
        prodigy: how the program is typed.

    Raises:
        orchestrator.refusal.Refused: there is nothing to plan.
    """
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
    config = _config(home, run_id, environment)
    plan = plan_resume(home, run_id, options, environment, config)
    facts = plan.facts
    fates = {fate.value: fate for fate in StepFate}
    findings = {finding.value: finding for finding in Finding}
    idle = "" if plan.impossible else "Nothing has run yet. "

    def at(timestamp: str, words: str) -> str:
        """The words with a time: ``done 09:08, 2 commits``."""
        moment = form.moment_from_microseconds(microseconds(timestamp))
        if moment is None:
            return words
        first, comma, rest = words.partition(",")
        return f"{first} {form.clock(moment, now)}{comma}{rest}"

    def written(timestamp: str, words: str) -> str:
        moment = form.moment_from_microseconds(microseconds(timestamp))
        return words if moment is None else f"{words}, written {form.clock(moment, now)}"

    def shown(command: str) -> str:
        """With a short id, as it is typed in any terminal."""
        short = command.replace(plan.session_id, form.short_id(plan.session_id))
        return _at_home(re.sub(r"(?:(?<=^)|(?<=&& )|(?<=… ))prodigy(?= )", prodigy, short))

    return PlanView(
        sentence=_at_home(f"{idle}{plan.sentence}"),
        steps=tuple(
            PlannedStepView(
                step.index + 1,
                step.label,
                fates.get(step.action.value, StepFate.RUN),
                at(step.at, step.why),
                step.commits,
            )
            for step in plan.steps
        ),
        checks=tuple(
            CheckView(
                check.name,
                findings.get(check.verdict.value, Finding.WARN),
                _at_home(written(check.at, check.words)),
            )
            for check in plan.checks
        ),
        command=shown(plan.command),
        impossible=plan.impossible,
        instead=shown(plan.instead) if plan.instead else None,
        is_live=facts is not None and facts.live_holder is not None,
        needs_force=plan.needs_force,
        workflow_changed=plan.changed_on_disk,
        can_restore=facts is not None
        and facts.worktree_present
        and bool(facts.uncommitted or facts.commits_since or facts.head_moved_away),
        passes_left=facts.passes_left if facts is not None else 0,
    )


def difference(home: Home, run_id: str) -> tuple[str, ...]:
    """What the workflow file on disk has otherwise than the saved copy, as lines.

    Raises:
        orchestrator.refusal.Refused: they cannot be compared.
        OSError: one of them cannot be read.
    """
    from orchestrator.workflow_difference import workflow_difference

    environment = dict(os.environ)
    return workflow_difference(home, run_id, environment, _config(home, run_id, environment))


def _config(home: Home, run_id: str, environment: Mapping[str, str]) -> Config:
    """The settings that hold for a run, those of its repository included."""
    from orchestrator.config import load_config
    from orchestrator.stopped_run import read_run

    repository = Path(read_run(home, run_id).repo_path)
    return load_config(home, repository if repository.is_absolute() else None, environment).config


def _at_home(text: str) -> str:
    """The user's home as ``~``, where a path begins with it outside of quotes."""
    return re.sub(rf"(?<=\s){re.escape(str(Path.home()))}(?=/)", "~", text)
