"""The commands of ``prodigy checkpoints`` that check, repair and delete."""

from __future__ import annotations

from app.cli.command import argument, command, flag, option, repository_option
from app.cli.failure import EXIT_FAILED, CommandFailed, usage_error
from app.cli.invocation import Invocation
from app.cli.prompts import confirmed
from app.cli.runs import open_catalog, resolve_run, row_of
from app.format import count, short_id
from app.status_style import word_of
from store.catalog import SessionFilter
from store.row import SessionRow
from store.states import State

_FINISHED = frozenset({State.COMPLETED, State.MERGED, State.UNMERGED, State.CANCELLED})
_OPEN = "prodigy checkpoints clean --force does it"


@command(
    "validate",
    help="""See whether a resume can use a run's checkpoints; exit 1 when something is wrong.

    --repair sets unreadable files aside and goes back to the newest good one.""",
    examples=("prodigy checkpoints validate 7c1e", "prodigy checkpoints validate 7c1e --repair"),
)
@argument("run_id", metavar="ID")
@flag("--repair", help="Set unreadable files aside, take the newest good one.")
@repository_option
def checkpoints_validate(invocation: Invocation, *, run_id: str, repair: bool) -> int | None:
    from orchestrator.checkpoint_check import check, repair_checkpoints

    found = resolve_run(invocation, run_id)
    repaired: list[str] = []
    if repair:
        repaired = repair_checkpoints(invocation.home, found)
    verdict = check(invocation.home, found)
    out = invocation.out
    if out.settings.json:
        out.json({
            "session": found,
            "valid": not verdict.problems,
            "seq": verdict.seq,
            "problems": list(verdict.problems),
            "repaired": repaired,
        })  # fmt: skip
    else:
        for line in repaired:
            out.line(out.own(line))
        for problem in verdict.problems:
            out.line(out.own(f"{'x' if out.ascii else '×'} {problem}"))
        if not verdict.problems:
            out.line(f"Checkpoint #{verdict.seq:06} is good: a resume can use it.")
    return EXIT_FAILED if verdict.problems else None


@command(
    "delete",
    help="""Delete the checkpoints of a finished run.

    Those of a run that can be resumed are refused.""",
    examples=("prodigy checkpoints delete 7c1e", "prodigy checkpoints delete 7c1e --force"),
)
@argument("run_id", metavar="ID")
@flag("-f", "--force", help="Do not ask.")
@repository_option
def checkpoints_delete(invocation: Invocation, *, run_id: str, force: bool) -> int | None:
    row = row_of(invocation, resolve_run(invocation, run_id))
    _refuse_needed(row)
    return _delete(invocation, [row], force)


@command(
    "clean",
    help="Delete the checkpoints of finished runs: of one, or of all.",
    examples=("prodigy checkpoints clean --all", "prodigy checkpoints clean --workflow-id 7c1e -f"),
)
@option("--workflow-id", metavar="ID", help="Only of this run; any id of it.")
@flag("--all", "everything", help="Of every finished run.")
@flag("-f", "--force", help="Do not ask.")
@repository_option
def checkpoints_clean(
    invocation: Invocation, *, workflow_id: str | None, everything: bool, force: bool
) -> int | None:
    if everything == (workflow_id is not None):
        raise usage_error("give --workflow-id ID or --all")
    if workflow_id is not None:
        row = row_of(invocation, resolve_run(invocation, workflow_id))
        _refuse_needed(row)
        return _delete(invocation, [row], force)
    rows = open_catalog(invocation).rows(SessionFilter(states=_FINISHED, archived=None))
    return _delete(invocation, rows, force)


def _refuse_needed(row: SessionRow) -> None:
    if row.state not in _FINISHED:
        raise CommandFailed(
            f"{row.id} is {word_of(row.state)}: a resume needs its checkpoints",
            code="needed",
            exit_code=4 if row.state.is_live else EXIT_FAILED,
            session=row.id,
        )


def _delete(invocation: Invocation, rows: list[SessionRow], force: bool) -> int | None:
    from orchestrator.checkpoint_check import delete_checkpoints

    home, out = invocation.home, invocation.out
    meant = [row for row in rows if home.checkpoints_directory(row.id).is_dir()]
    deleted = 0
    if meant:
        named = short_id(meant[0].id) if len(meant) == 1 else count(len(meant), "session")
        question = f"Delete the checkpoints of {named}"
        if not confirmed(invocation, question, force=force, otherwise=_OPEN):
            meant = []
        for row in meant:
            deleted += delete_checkpoints(home, row.id)
    if out.settings.json:
        out.json({"deleted": deleted, "sessions": [row.id for row in meant]})
    elif deleted:
        out.line(f"Deleted {count(deleted, 'checkpoint')} of {count(len(meant), 'session')}.")
    else:
        out.line("No checkpoints found." if not rows or not meant else "Nothing was deleted.")
    return None


@command(
    "resume",
    help="Resume a run from its newest checkpoint or the one of a number.",
    examples=("prodigy checkpoints resume 7c1e", "prodigy checkpoints resume 7c1e --version 3"),
)
@argument("run_id", metavar="ID")
@option("--version", metavar="N", help="The checkpoint of this number.")
@repository_option
def checkpoints_resume(invocation: Invocation, *, run_id: str, version: str | None) -> int | None:
    from app.cli.resume import continue_from

    return continue_from(invocation, run_id, version)
