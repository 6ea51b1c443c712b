"""``prodigy sessions clean``: finished sessions go, with state and logs; the rest stays."""

from __future__ import annotations

from collections import Counter

from app.cli.arguments import span
from app.cli.command import command, flag, option
from app.cli.failure import EXIT_FAILED, failure_of
from app.cli.invocation import Invocation
from app.cli.prompts import confirmed
from app.cli.runs import open_catalog
from app.format import age, count, moment_from_microseconds, short_id
from app.status_style import word_of
from orchestrator.worktree_cleaning import (
    RunWorktree,
    remove_worktree,
    standing_of,
    worktrees_of_runs,
)
from store.catalog import SessionFilter
from store.manager import SessionManager
from store.row import SessionRow
from store.states import State
from store.times import utc_now

_DEFAULT_AGE_SECONDS = 30 * 86_400.0
_FINISHED = frozenset({State.COMPLETED, State.MERGED, State.CANCELLED})
_COMPLETED = frozenset({State.COMPLETED, State.MERGED})
_OTHERWISE = "prodigy sessions clean --force does it, and --dry-run shows what"
_SHOWN = 20


@command(
    "clean",
    help="""Remove finished sessions older than 30 days: records, checkpoints, events, logs.

    Running, resumable and unmerged ones are kept and counted. Branches are never removed, and
    worktrees only when they are merged and clean.""",
    examples=("prodigy sessions clean --dry-run", "prodigy sessions clean --older-than 7d --force"),
)
@flag("--all", "everything", help="Of any age.")
@flag("--completed", help="Only completed ones, not cancelled ones.")
@option("--older-than", type=span("d"), metavar="D", help="Finished so long ago (30d).")
@flag("--dry-run", help="Only say what would go.")
@flag("-f", "--force", help="Do not ask.")
def sessions_clean(
    invocation: Invocation,
    *,
    everything: bool,
    completed: bool,
    older_than: float | None,
    dry_run: bool,
    force: bool,
) -> int | None:
    seconds = older_than if older_than is not None else _DEFAULT_AGE_SECONDS
    cleaning = _Cleaning(invocation, _COMPLETED if completed else _FINISHED)
    cleaning.judge(0.0 if everything else seconds)
    if not dry_run:
        cleaning.carry_out(force=force)
    cleaning.report(dry_run)
    return EXIT_FAILED if cleaning.failed else None


class _Cleaning:
    """The sessions that may go, those that stay by reason, and what became of them."""

    def __init__(self, invocation: Invocation, states: frozenset[State]) -> None:
        self._invocation = invocation
        self._states = states
        self._going: list[SessionRow] = []
        self._worktrees: dict[str, RunWorktree] = {}
        self._kept: Counter[str] = Counter()
        self._removed: list[str] = []
        self.failed = False

    def judge(self, older_than_seconds: float) -> None:
        """Sort every session into those that go and those that stay."""
        home = self._invocation.home
        now = utc_now()
        self._worktrees = {one.session_id: one for one in worktrees_of_runs(home)}
        for row in open_catalog(self._invocation).rows(SessionFilter(archived=None)):
            ended = moment_from_microseconds(row.completed_us or row.updated_us)
            if row.state not in self._states:
                self._kept[word_of(row.state)] += 1
            elif row.newer_format:
                self._kept["written by a newer version"] += 1
            elif ended is None or (now - ended).total_seconds() < older_than_seconds:
                self._kept["too young"] += 1
            elif (reason := self._worktree_reason(row)) is not None:
                self._kept[reason] += 1
            else:
                self._going.append(row)

    def _worktree_reason(self, row: SessionRow) -> str | None:
        """Why the worktree of a finished session must not go, if it still has one."""
        worktree = self._worktrees.get(row.id)
        if worktree is None:
            return None
        return standing_of(self._invocation.home, worktree, row).keeps

    def carry_out(self, *, force: bool) -> None:
        """Remove them; one that cannot go is told and the others go on."""
        if not self._going:
            return
        if not force:
            self._list()
        question = f"Remove {count(len(self._going), 'session')}"
        if not confirmed(self._invocation, question, force=force, otherwise=_OTHERWISE):
            self._kept["not confirmed"] += len(self._going)
            return
        manager = SessionManager(self._invocation.home)
        for row in self._going:
            try:
                worktree = self._worktrees.get(row.id)
                if worktree is not None:
                    remove_worktree(self._invocation.home, worktree, row)
                manager.delete_session(row.id, purge=True)
            except Exception as error:  # each session is told on its own
                failure = failure_of(error)
                if failure is None:
                    raise
                self._invocation.out.error(failure)
                self._kept["could not be removed"] += 1
                self.failed = True
                continue
            self._removed.append(row.id)

    def _list(self) -> None:
        now_us = utc_now().timestamp() * 1e6
        for row in self._going[:_SHOWN]:
            old = age((now_us - (row.completed_us or row.updated_us)) / 1e6)
            line = f"  {short_id(row.id)}  {word_of(row.state)}  {row.workflow}  {old}"
            self._invocation.out.notice(line)
        if len(self._going) > _SHOWN:
            self._invocation.out.notice(f"  and {len(self._going) - _SHOWN} more")

    def report(self, dry_run: bool) -> None:
        """Say what went, or would go, and how many stay for which reason."""
        out = self._invocation.out
        if out.settings.json:
            going = [row.id for row in self._going]
            out.json({
                "dry_run": dry_run,
                "removed": self._removed,
                "would_remove": going if dry_run else [],
                "kept": dict(self._kept),
            })  # fmt: skip
            return
        if dry_run:
            self._list_on_stdout()
            line = f"would remove {count(len(self._going), 'session')}"
        else:
            line = f"removed {count(len(self._removed), 'session')}"
        kept = ", ".join(f"{number} {reason}" for reason, number in self._kept.most_common())
        out.line(out.own(f"{line}; keeping {kept}" if kept else line))

    def _list_on_stdout(self) -> None:
        for row in self._going:
            line = f"{row.id}  {word_of(row.state)}  {row.workflow}"
            self._invocation.out.line(self._invocation.out.own(line))
