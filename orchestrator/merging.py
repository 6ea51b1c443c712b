"""Merging a completed run by command: looking what it would do, and doing it as its owner."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.all_steps import every_step
from orchestrator.assembly import assemble
from orchestrator.config import Config
from orchestrator.final_merge import FinalMerge, MergeResult
from orchestrator.git.changes import diff_stat, worktree_status
from orchestrator.git.command import GitError
from orchestrator.git.merge import is_merged, would_merge_cleanly
from orchestrator.git.worktrees import branch_commit, is_worktree, remake_from_branch
from orchestrator.ownership import take_run
from orchestrator.parts_of_run import parts_of
from orchestrator.refusal import EXIT_FAILED, Refused
from orchestrator.reopening import reopen
from orchestrator.reporting import MergeQuestion, Report
from orchestrator.settling import is_over_unrecorded, record_end
from orchestrator.start import reported_stops
from orchestrator.stopped_run import (
    StoppedRun,
    base_commit_of,
    find_repository,
    read_run,
)
from orchestrator.stops import SignalWatch
from orchestrator.stored_variables import restored
from store.errors import StoreError
from store.home import Home
from store.locks import RunLock
from store.owner import Owner, remove_owner
from store.states import MergeState, SessionStatus


@dataclass(frozen=True, slots=True)
class MergeCheck:
    """What a merge would bring into its target."""

    target: str
    commits: int
    files: int
    insertions: int
    deletions: int
    behind: int
    """Commits the target has that the branch has not."""
    conflicts: tuple[str, ...]
    merged: bool
    uncommitted: int
    """Files in the worktree that are in no commit: not merged, and the worktree stays for them."""


def check_merge(home: Home, run_id: str, *, into: str | None = None) -> MergeCheck:
    """Look what merging a run would do; changes nothing.

    Raises:
        Refused: it has no branch or no target.
    """
    run = read_run(home, run_id)
    repository = find_repository(run)
    target = _target(run, into)
    try:
        tip = branch_commit(repository, run.branch)
        goal = branch_commit(repository, target)
        if tip is None or goal is None:
            gone = run.branch if tip is None else target
            raise Refused(f"there is no branch {gone}", code="no_branch")
        git = repository.git()
        base = git.look("merge-base", tip, goal).text
        stat = diff_stat(repository.path, base, tip)
        return MergeCheck(
            target=target,
            commits=int(git.look("rev-list", "--count", f"{goal}..{tip}").text),
            files=stat.files,
            insertions=stat.insertions,
            deletions=stat.deletions,
            behind=int(git.look("rev-list", "--count", f"{tip}..{goal}").text),
            conflicts=would_merge_cleanly(repository, run.branch, target).conflicts,
            merged=is_merged(repository, run.branch, target),
            uncommitted=_uncommitted(run.worktree),
        )
    except GitError as error:
        raise Refused(str(error), code="git_failed") from error


def _uncommitted(worktree: Path) -> int:
    return len(worktree_status(worktree).modified_files) if is_worktree(worktree) else 0


def merge_session(
    home: Home,
    run_id: str,
    *,
    into: str | None = None,
    report: Report,
    ask: MergeQuestion | None = None,
    environment: Mapping[str, str] | None = None,
    config: Config | None = None,
) -> MergeResult:
    """Merge the branch of a completed run, verify it, record it, clean up.

    Args:
        home: the state home.
        run_id: the run.
        into: another branch than the one it began on.
        report: told what happens.
        ask: asked before merging; None merges without asking.
        environment: for merge steps; that of this process when None.
        config: the settings.

    Raises:
        Refused: it is live (exit 4), not completed, or has nothing to merge.
    """
    lock, owner = take_run(home, run_id, "merge")
    try:
        return _merge(
            home,
            run_id,
            lock,
            owner,
            into,
            report,
            ask,
            os.environ if environment is None else environment,
            config or Config(),
        )
    except (StoreError, GitError, OSError) as error:
        raise Refused(f"session {run_id} cannot be merged: {error}", code="merge_failed") from error
    finally:
        remove_owner(home, run_id)
        lock.release()


def _merge(
    home: Home,
    run_id: str,
    lock: RunLock,
    owner: Owner,
    into: str | None,
    report: Report,
    ask: MergeQuestion | None,
    environment: Mapping[str, str],
    config: Config,
) -> MergeResult:
    run = read_run(home, run_id)
    if is_over_unrecorded(run):
        record_end(run, owner)
        run = read_run(home, run_id)
    _refuse_unmergeable(run)
    reopened = reopen(run, environment, config, only_merge=True)
    target = _target(run, into)
    if not is_worktree(run.worktree):
        remake_from_branch(reopened.repository, run.worktree, run.branch)
    assert run.checkpoint is not None and run.record is not None
    parts = parts_of(
        reopened,
        lock,
        owner,
        config,
        report,
        reported_stops(report),
        base=base_commit_of(run, reopened.repository),
        checkpoint=run.checkpoint,
        record=run.record.document,
    )
    attempt = assemble(parts)
    with SignalWatch(parts.stops, attempt.ctx.processes.kill_all), attempt.inbox:
        try:
            values, _ = restored(attempt.recorder.checkpoint, attempt.ctx.secrets.values)
            ids = frozenset(step.id for step in every_step(reopened.workflow) if step.id)
            attempt.ctx.variables.restore(values, ids)
            merge = FinalMerge(attempt.ctx, attempt.recorder, attempt.worktree_record)
            if ask is not None:
                answer = merge.ask(ask, target)
                if answer is not True:
                    state = MergeState.PENDING if answer is None else MergeState.DECLINED
                    return MergeResult(state, target)
            return merge.merge(target)
        finally:
            attempt.ctx.processes.end_all()
            attempt.inbox.decline("the merge has ended", cancel_too=True)
            shutil.rmtree(attempt.ctx.scratch, ignore_errors=True)
            attempt.recorder.close()
            attempt.guard.goodbye()
            attempt.run_log.close()


def _refuse_unmergeable(run: StoppedRun) -> None:
    if run.truth.status is not SessionStatus.COMPLETED or run.checkpoint is None:
        raise Refused(
            f"session {run.session_id} is not completed, so there is nothing to merge yet",
            code="not_completed",
            exit_code=EXIT_FAILED,
            hint=f"prodigy resume {run.session_id} --plan",
        )
    if run.record is not None and run.record.merge_state is MergeState.MERGED:
        raise Refused(f"session {run.session_id} is merged already", code="already_merged")
    if run.truth.merge is None or run.record is None:
        raise Refused(
            f"session {run.session_id} made no commits: nothing to merge", code="nothing_to_merge"
        )


def _target(run: StoppedRun, into: str | None) -> str:
    target = into or run.base_branch
    if target is None:
        raise Refused(
            f"session {run.session_id} began on a detached HEAD, so it has no branch to merge into",
            code="no_target",
            exit_code=2,
            hint=f"prodigy merge {run.session_id} --into BRANCH",
        )
    return target
