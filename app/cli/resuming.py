"""Carrying out a resume: the plan is shown first, then the run goes on here or on its own."""

from __future__ import annotations

from dataclasses import replace

from app.cli.detached import report_launch
from app.cli.ending import tell_ending
from app.cli.failure import EXIT_BUSY, EXIT_FAILED, CommandFailed
from app.cli.invocation import Invocation
from app.cli.plan_text import header_line, plan_lines, plan_object
from app.cli.progress import Progress
from app.cli.prompts import MergeQuestion, ask
from app.cli.run_arguments import flags_of
from app.cli.running_config import config_of_run
from orchestrator.launch import launch_resume
from orchestrator.resume import carry_out, make_plan
from orchestrator.resume_plan import ResumeOptions, ResumePlan
from orchestrator.settling import settle

_INTERRUPTED = 130


def resume_here(
    invocation: Invocation, run_id: str, options: ResumeOptions, *, only_plan: bool, detach: bool
) -> int | None:
    """Show the plan of a resume and carry it out.

    Raises:
        Refused: it is live (exit 4), complete, cancelled, or something needs ``--force``.
    """
    config = config_of_run(invocation, run_id)
    plan = make_plan(invocation.home, run_id, options, invocation.environment, config)
    if only_plan:
        return _show_plan(invocation, plan)
    if plan.facts is not None and plan.facts.over_unrecorded:
        settle(invocation.home, run_id)
        plan = make_plan(invocation.home, run_id, options, invocation.environment, config)
    if _merge_is_all_that_is_left(plan):
        from app.cli.merge import merge_runs

        if not (invocation.settings.json or invocation.settings.quiet):
            invocation.out.line(invocation.out.own(header_line(plan)))
            invocation.out.line("Every step is done; the merge is open.")
        return merge_runs(invocation, (run_id,), everything=False, yes=options.merge is True)
    _refuse(plan)
    if plan.changed_on_disk and not options.takes_file and _wants_file(invocation, plan):
        options = replace(options, use_file=True)
        plan = make_plan(invocation.home, run_id, options, invocation.environment, config)
        _refuse(plan)
    if detach:
        _tell_plan(invocation, plan)
        words = [*_option_words(options), *flags_of(invocation.settings)]
        return report_launch(invocation, launch_resume(invocation.home, run_id, words))
    progress = Progress(invocation.out)
    if not (invocation.settings.json or invocation.settings.quiet):
        for line in plan_lines(invocation.out, plan):
            progress.tell(line)
    question = MergeQuestion(invocation, progress.aside)
    progress.start()
    try:
        result = carry_out(
            invocation.home,
            run_id,
            options,
            invocation.environment,
            config,
            progress,
            question,
            question.about_workflow,
        )
    finally:
        progress.stop()
    code = tell_ending(invocation, progress, result, resumed=True)
    return _INTERRUPTED if question.interrupted else code


def _refuse(plan: ResumePlan) -> None:
    """Refuse what carrying out would refuse, before anything is locked or shown."""
    if plan.impossible is not None:
        live = plan.facts is not None and plan.facts.live_holder is not None
        raise CommandFailed(
            plan.sentence.rstrip("."),
            code="busy" if live else "cannot_resume",
            exit_code=EXIT_BUSY if live else EXIT_FAILED,
            hint=plan.instead or "",
            session=plan.session_id,
        )
    if plan.needs_force:
        raise CommandFailed(
            f"this needs --force: {'; '.join(plan.needs_force)}",
            code="needs_force",
            hint=f"{plan.command} --force",
            session=plan.session_id,
        )


def _show_plan(invocation: Invocation, plan: ResumePlan) -> int | None:
    if invocation.settings.json:
        invocation.out.json(plan_object(plan))
    else:
        _tell_plan(invocation, plan)
        if plan.impossible is not None and plan.instead is not None:
            invocation.out.line(f"  next   {plan.instead}")
        for refusal in plan.needs_force:
            invocation.out.line(invocation.out.own(f"  --force passes: {refusal}"))
    return None if plan.can_go_on else EXIT_FAILED


def _tell_plan(invocation: Invocation, plan: ResumePlan) -> None:
    if not (invocation.settings.json or invocation.settings.quiet):
        for line in plan_lines(invocation.out, plan):
            invocation.out.line(line)
        invocation.out.stdout.flush()


def _merge_is_all_that_is_left(plan: ResumePlan) -> bool:
    facts = plan.facts
    return (
        plan.impossible is not None
        and facts is not None
        and facts.finished
        and facts.merge_open
        and facts.live_holder is None
    )


def _wants_file(invocation: Invocation, plan: ResumePlan) -> bool:
    """Whether to go on with the workflow on disk; the saved copy where nobody can be asked."""
    question = f"{plan.workflow_name} changed on disk. Use it instead of the saved copy"
    answer = ask(invocation, question, default=False)
    if answer is None:
        invocation.out.warning(
            f"{plan.workflow_name} changed on disk; the saved copy is used (else: --use-file)"
        )
    return answer is True


def _option_words(options: ResumeOptions) -> list[str]:
    """The options as words of a command line."""
    words = []
    if options.from_step is not None:
        words.append(f"--from-step={options.from_step}")
    if options.from_checkpoint is not None:
        words.append(f"--from-checkpoint={options.from_checkpoint}")
    if options.skip_step is not None:
        words.append(f"--skip-step={options.skip_step}")
    if options.workflow is not None:
        words.append(f"--workflow={options.workflow}")
    words += ["--restart"] * options.restart + ["--force"] * options.force
    words += ["--use-file"] * options.use_file + ["--restore"] * options.restore
    if options.merge is not None:
        words.append("--yes" if options.merge else "--no-merge")
    return words
