"""``prodigy resume``: the plan of what is left of a run, then carrying it out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import STEP_NUMBER
from app.cli.command import argument, command, flag, option, repository_option
from app.cli.failure import CommandFailed, not_found, usage_error
from app.cli.invocation import Invocation
from app.cli.runs import open_catalog, resolve_run
from app.format import short_id
from store.catalog import SessionFilter

if TYPE_CHECKING:
    from orchestrator.resume_plan import ResumeOptions

_SHOWN_RUNS = 10


@command(
    "resume",
    help="""Show what is left of a run and continue it, in the same worktree.

    ID is a session, workflow, worktree or branch, a unique prefix, latest or latest-failed.
    Finished steps are kept; a step that was interrupted or failed runs again.""",
    examples=("prodigy resume 7c1e --plan", "prodigy resume latest-failed --from-step 3"),
)
@argument("run_id", metavar="[ID]", required=False)
@flag("--plan", help="Show the plan and stop.")
@option("--from-step", type=STEP_NUMBER, metavar="N", help="Begin at step N, keep those before.")
@option("--from-checkpoint", metavar="ID", help="Go back to this checkpoint.")
@flag("--restart", help="Begin at step 1; commits are kept.")
@option("--skip-step", type=STEP_NUMBER, metavar="N", help="Leave out step N.")
@flag("--use-file", help="The workflow on disk instead of the saved copy.")
@option("--workflow", metavar="FILE", help="The workflow, for a run that recorded none.")
@flag("--restore", help="Put the worktree back to before the step; edits are saved.")
@flag("-f", "--force", help="Pass the refusal the plan names.")
@flag("-y", "--yes", help="Merge at the end, unasked.")
@flag("--no-merge", help="Leave the merge open, unasked.")
@flag("--detach", help="Continue in a process of its own.")
@flag("--kill-children", help="Accepted; left-over processes are always ended first.")
@repository_option
def resume(
    invocation: Invocation,
    *,
    run_id: str | None,
    plan: bool,
    from_step: int | None,
    from_checkpoint: str | None,
    restart: bool,
    skip_step: int | None,
    use_file: bool,
    workflow: str | None,
    restore: bool,
    force: bool,
    yes: bool,
    no_merge: bool,
    detach: bool,
    kill_children: bool,
) -> int | None:
    from orchestrator.resume_plan import ResumeOptions

    if yes and no_merge:
        raise usage_error("--yes and --no-merge contradict each other")
    starts = [name for name, given in (("--from-step", from_step), ("--restart", restart),
              ("--from-checkpoint", from_checkpoint)) if given]  # fmt: skip
    if len(starts) > 1:
        raise usage_error(f"{starts[0]} and {starts[1]} contradict each other")
    if run_id is None:
        raise _no_id(invocation)
    options = ResumeOptions(
        from_step=from_step,
        from_checkpoint=from_checkpoint,
        restart=restart,
        skip_step=skip_step,
        force=force,
        use_file=use_file,
        workflow=_existing(workflow) if workflow is not None else None,
        restore=restore,
        merge=True if yes else False if no_merge else None,
    )
    return _continue(invocation, run_id, options, only_plan=plan, detach=detach)


def _existing(name: str) -> Path:
    """A workflow file somebody named, absolute."""
    file = Path(os.path.abspath(Path(name).expanduser()))
    if not file.is_file():
        raise not_found(f"no workflow file at {name}")
    return file


def continue_run(
    invocation: Invocation, run_id: str, *, merge: bool | None, detach: bool
) -> int | None:
    """Resume with nothing else asked for, as ``run --resume`` does."""
    from orchestrator.resume_plan import ResumeOptions

    return _continue(invocation, run_id, ResumeOptions(merge=merge), only_plan=False, detach=detach)


def continue_from(invocation: Invocation, run_id: str, checkpoint: str | None) -> int | None:
    """Resume from a checkpoint, the newest if none is named."""
    from orchestrator.resume_plan import ResumeOptions

    options = ResumeOptions(from_checkpoint=checkpoint)
    return _continue(invocation, run_id, options, only_plan=False, detach=False)


def _continue(
    invocation: Invocation, text: str, options: ResumeOptions, *, only_plan: bool, detach: bool
) -> int | None:
    run_id = resolve_run(invocation, text)
    from app.cli.resuming import resume_here

    return resume_here(invocation, run_id, options, only_plan=only_plan, detach=detach)


def _no_id(invocation: Invocation) -> CommandFailed:
    """The error of a resume without an id, naming the runs that could be meant."""
    rows = open_catalog(invocation).rows(SessionFilter(resumable=True, limit=_SHOWN_RUNS))
    facts = tuple(
        (
            short_id(row.id),
            f"{row.state} at step {row.step_index + 1}, {row.workflow} in {row.repo}",
        )
        for row in rows
    )
    return CommandFailed(
        "No session ID provided. Please specify one"
        + (" of these, or latest" if facts else "; no session can be resumed"),
        code="usage",
        exit_code=2,
        facts=facts,
        hint="prodigy sessions list --resumable" if facts else "prodigy sessions list",
    )
