"""``prodigy merge``: what a run made goes into its branch, verified, then the worktree goes."""

from __future__ import annotations

from app.cli.command import argument, command, flag, option
from app.cli.failure import CommandFailed, usage_error
from app.cli.invocation import Invocation
from app.cli.progress import Progress
from app.cli.prompts import MergeQuestion
from app.cli.running_config import config_of_run
from app.cli.runs import for_each_run, open_catalog, repository_here
from app.format import count
from store.catalog import SessionFilter
from store.states import State

_OPEN = (State.UNMERGED, State.MERGE_FAILED)


@command(
    "merge",
    help="""Merge the branches of completed sessions into the branches they began on.

    The target is merged into the session's branch in its worktree first, so a conflict never
    touches your checkout. Then worktree and branch are removed.""",
    examples=("prodigy merge 7c1e --check", "prodigy merge --all --yes"),
)
@argument("ids", metavar="ID…", nargs=-1)
@option("--into", metavar="B", help="Merge into this branch instead.")
@flag("--check", help="Only say what would be merged, and whether it conflicts.")
@flag("--all", "everything", help="Every completed session of this repository with an open merge.")
@flag("-y", "--yes", help="Do not ask.")
def merge(
    invocation: Invocation,
    *,
    ids: tuple[str, ...],
    into: str | None,
    check: bool,
    everything: bool,
    yes: bool,
) -> int:
    if everything == bool(ids):
        raise usage_error("name the sessions, or give --all" if not ids
                          else "--all and an ID contradict each other")  # fmt: skip
    return merge_runs(invocation, ids, everything=everything, yes=yes, into=into, check=check)


def merge_runs(
    invocation: Invocation,
    ids: tuple[str, ...],
    *,
    everything: bool,
    yes: bool,
    into: str | None = None,
    check: bool = False,
) -> int:
    """Merge several runs, or those of this repository with an open merge; or only look."""
    if everything:
        wanted = SessionFilter(repo=repository_here(), states=frozenset(_OPEN))
        ids = tuple(row.id for row in open_catalog(invocation).rows(wanted))
        if not ids:
            invocation.out.line("No session here has an open merge.")
            return 0
    merging = _Merging(invocation, into, yes)
    try:
        return for_each_run(invocation, ids, merging.check if check else merging.merge)
    finally:
        merging.finish()


class _Merging:
    """Merges one run after the other; with ``--json`` all results are one document."""

    def __init__(self, invocation: Invocation, into: str | None, yes: bool) -> None:
        self._invocation = invocation
        self._into = into
        self._yes = yes
        self._results: list[dict[str, object]] = []

    def check(self, run_id: str) -> int | None:
        """Say what a merge would do."""
        from orchestrator.merging import check_merge

        found = check_merge(self._invocation.home, run_id, into=self._into)
        conflicts = list(found.conflicts)
        self._results.append({
            "id": run_id,
            "target": found.target,
            "commits": found.commits,
            "files": found.files,
            "insertions": found.insertions,
            "deletions": found.deletions,
            "behind": found.behind,
            "conflicts": conflicts,
        })  # fmt: skip
        behind = f" ({found.behind} behind)" if found.behind else ""
        how = f"conflicts in {', '.join(conflicts)}" if conflicts else "merges cleanly"
        self._say(
            f"{count(found.commits, 'commit')}, {count(found.files, 'file')},"
            f" +{found.insertions} −{found.deletions} onto {found.target}{behind}: {how}"
        )
        return None

    def merge(self, run_id: str) -> int | None:
        """Merge one run."""
        from orchestrator.merging import merge_session

        progress = Progress(self._invocation.out)
        question = MergeQuestion(self._invocation, progress.aside)
        result = merge_session(
            self._invocation.home,
            run_id,
            into=self._into,
            report=progress,
            ask=(lambda _worktree, _target: True) if self._yes else question,
            environment=self._invocation.environment,
            config=config_of_run(self._invocation, run_id),
        )
        self._results.append({
            "id": run_id,
            "state": result.state,
            "target": result.target,
            "commit": result.commit,
            "error": result.error,
        })  # fmt: skip
        if question.interrupted:
            return 130
        if result.state == "failed":
            raise CommandFailed(
                f"merge failed: {result.error}",
                code="merge_failed",
                session=run_id,
                hint=f"prodigy merge {run_id} --check",
            )
        if result.stop is not None:
            return result.stop.exit_code
        if result.state == "pending":
            self._invocation.out.notice(
                f"{run_id} stays unmerged: prodigy merge {run_id} --yes merges it"
            )
        return None

    def finish(self) -> None:
        """The one document of ``--json``."""
        if self._invocation.settings.json and self._results:
            self._invocation.out.json({"merges": self._results, "total": len(self._results)})

    def _say(self, line: str) -> None:
        if not self._invocation.settings.json:
            self._invocation.out.line(self._invocation.out.own(line))
