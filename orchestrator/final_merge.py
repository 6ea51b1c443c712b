"""The final merge of a finished run: the workflow's ``merge`` block, or git's own."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.attempts import UsageLimitReached
from orchestrator.context import Frame, RunContext, deadline_after
from orchestrator.git.command import GitError
from orchestrator.git.commits import commit_count, commit_list, file_changes
from orchestrator.git.merge import integrate, is_merged, remove_after_merge
from orchestrator.git.worktrees import branch_commit
from orchestrator.nested import run_nested
from orchestrator.outcomes import UsageTally, added_to
from orchestrator.recorder import CheckpointFailed, Recorder
from orchestrator.reporting import MergeFinished, MergeQuestion, MergeStarted, Warned
from orchestrator.step_environments import scope_for
from orchestrator.stops import RunStopped, Stop
from orchestrator.texts import TextError, duration_of
from orchestrator.variables import Layer
from orchestrator.workflow.model import MergeBlock, Step, StepKind
from orchestrator.worktree_record import WorktreeRecord
from store.checkpoint import CheckpointKind
from store.faults import point
from store.owner import new_owner, read_owner, write_owner
from store.states import CheckpointStatus, MergeState
from store.times import to_text, utc_now
from store.worktree_metadata import WorktreeStatus

CONFLICT_COMMAND = "prodigy-merge-worktree"
_COMMITS_SHOWN = 100
_FILES_SHOWN = 500
_FILES_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class MergeResult:
    """How a merge went; ``kept`` says why worktree and branch are still there, if they are."""

    state: MergeState
    target: str
    commit: str | None = None
    error: str | None = None
    kept: str | None = None
    stop: Stop | None = None
    """What stopped it before it was done; then it may be merged again."""


class FinalMerge:
    """Merges the branch of one completed run; the caller holds the run's lock."""

    def __init__(self, ctx: RunContext, recorder: Recorder, worktree: WorktreeRecord) -> None:
        self._ctx = ctx
        self._recorder = recorder
        self._worktree = worktree
        self._stopped: RunStopped | None = None
        self._used = UsageTally()

    def target(self, into: str | None) -> str | None:
        """The branch to merge into: the one named, or the one the run was started from."""
        return into or self._ctx.base_branch

    def ask(self, question: MergeQuestion | None, target: str) -> bool | None:
        """Ask whether to merge. Only a "no" declines; unanswered, the merge stays open."""
        if question is None:
            return None
        self._recorder.waits("merge?", None)
        answer = question(self._ctx.session_id, target)
        self._recorder.waits(None)
        if answer is not None:
            self._worktree.answered("yes" if answer else "no")
        if answer is False:
            self._record(MergeState.DECLINED, target, None, None)
        return answer

    def merge(self, target: str) -> MergeResult:
        """Merge, verify, record, clean up; a failure leaves the target as it was."""
        ctx = self._ctx
        self._say_merging()
        commits = self._commits(target)
        ctx.event("merge_started", source=ctx.branch, target=target, commits=commits)
        ctx.report(MergeStarted(ctx.branch, target))
        point("M1")
        try:
            error = self._bring_in(target)
        except RunStopped as stopped:
            result = MergeResult(MergeState.PENDING, target, stop=stopped.stop)
            self._finished(result)
            return result
        finally:
            self._count_usage()
        point("M2")
        if error is not None:
            error = ctx.secrets.mask_text(error)
            result = MergeResult(MergeState.FAILED, target, error=error)
            self._record(result.state, target, None, error)
            self._finished(result)
            return result
        commit = branch_commit(ctx.repository, target)
        self._worktree.set_status(WorktreeStatus.MERGED)
        point("M3")
        self._record(MergeState.MERGED, target, commit, None)
        point("M4")
        result = MergeResult(MergeState.MERGED, target, commit, kept=self._clean_up(target))
        self._finished(result)
        return result

    def _commits(self, target: str) -> int | None:
        """How many commits the target is to get; None when git cannot say."""
        try:
            return commit_count(self._ctx.repository.path, target, self._ctx.branch)
        except GitError:
            return None

    def _count_usage(self) -> None:
        if self._used.total.calls == 0:
            return
        state = self._recorder.checkpoint
        state.x.usage = added_to(state.x.usage, self._used.total)
        with contextlib.suppress(CheckpointFailed):
            self._recorder.save(CheckpointKind.FINAL, CheckpointStatus.COMPLETED)
        self._recorder.progress()

    def _say_merging(self) -> None:
        owner = read_owner(self._ctx.home, self._ctx.session_id)
        attempt = owner.attempt if owner is not None else 1
        merging = new_owner("merge", attempt)
        if owner is not None:
            merging = replace(merging, token=owner.token)
        write_owner(self._ctx.home, self._ctx.session_id, merging)

    def _finished(self, result: MergeResult) -> None:
        self._ctx.event(
            "merge_finished",
            state=str(result.state),
            target=result.target,
            commit=result.commit,
            error=result.error,
        )
        self._ctx.report(
            MergeFinished(str(result.state), result.target, result.commit, result.error)
        )

    def _record(
        self, state: MergeState, target: str, commit: str | None, error: str | None
    ) -> None:
        def edit(document: dict[str, Any]) -> None:
            document["metadata"]["merge"] = str(state)
            document["metadata"]["x_prodigy"]["merge"] = {
                "target": target,
                "at": to_text(utc_now()),
                "commit": commit,
                "error": error,
            }

        if not self._recorder.record.write_now(edit, final=True):
            self._ctx.report(Warned("what became of the merge could not be written to the record"))

    # -- merging

    def _bring_in(self, target: str) -> str | None:
        """Why the target does not have the branch, or None when it has.

        Raises:
            RunStopped: somebody stopped it; a merge under way was taken back.
        """
        ctx = self._ctx
        block = ctx.workflow.merge
        try:
            if is_merged(ctx.repository, ctx.branch, target):
                return None  # by hand, or by us before we were killed
            ctx.stops.check_boundary()
            if block is not None:
                error = self._run_block(block, target)
            else:
                outcome = integrate(
                    ctx.repository,
                    ctx.worktree,
                    ctx.branch,
                    target,
                    environment=self._environment(),
                    solve=lambda _paths: self._solve(target),
                    on_wait=lambda: ctx.report(Warned("waiting for the repository's lock")),
                )
                error = outcome.error
            if self._stopped is not None:
                raise self._stopped
            if error is None and not is_merged(ctx.repository, ctx.branch, target):
                return f"afterwards {target} does not have all of {ctx.branch}"
        except (GitError, TextError, UsageLimitReached) as failure:
            return str(failure)
        return error

    def _environment(self) -> Mapping[str, str]:
        return {**self._ctx.environment.process, **self._ctx.environment.git_identity}

    def _frame(self, deadline: float | None = None) -> Frame:
        total = len(self._ctx.workflow.steps)
        return Frame(
            total,
            f"{total}-1",
            self._ctx.variables,
            self._recorder.checkpoint.x.head_last,
            role="merge",
            deadline=deadline,
            attempt=1,
            used=self._used,
        )

    def _run_block(self, block: MergeBlock, target: str) -> str | None:
        ctx = self._ctx
        ctx.variables.replace(Layer.MERGE, self._variables(target))
        frame = self._frame()
        if block.timeout is not None:
            scope = scope_for(ctx, block.steps[0], frame)
            frame.deadline = deadline_after(duration_of(block.timeout, scope))
        for step in block.steps:
            outcome = run_nested(ctx, step, frame, "merge")
            if outcome.failed:
                return outcome.message
        return None

    def _variables(self, target: str) -> dict[str, object]:
        ctx = self._ctx
        commits = commit_list(ctx.worktree, ctx.base_commit, limit=_COMMITS_SHOWN)
        files = file_changes(ctx.worktree, ctx.base_commit, limit=_FILES_LISTED)
        shown_commits = [
            {
                "id": commit.id,
                "short_id": commit.short_id,
                "author": {"name": commit.author_name, "email": commit.author_email},
                "message": commit.message,
                "timestamp": commit.timestamp,
                "files_changed": commit.files_changed,
            }
            for commit in commits
        ]
        return {
            "merge.worktree": ctx.session_id,
            "merge.session_id": ctx.session_id,
            "merge.source_branch": ctx.branch,
            "merge.target_branch": target,
            "merge.commits": shown_commits,
            "merge.commit_count": commit_count(ctx.worktree, ctx.base_commit),
            "merge.commit_ids": ", ".join(commit.short_id for commit in commits),
            "merge.modified_files": [asdict(file) for file in files[:_FILES_SHOWN]],
            "merge.file_count": len(files),
            "merge.file_list": ", ".join(file.path for file in files),
        }

    def _solve(self, target: str) -> bool:
        """Let an agent resolve a conflict, where there is one that knows how."""
        ctx = self._ctx
        path = ctx.environment.process.get("PATH")
        if shutil.which(ctx.config.claude_program, path=path) is None or not self._has_command():
            return False
        step = Step(
            kind=StepKind.CLAUDE,
            position=ctx.workflow.position,
            text=f"/{CONFLICT_COMMAND} {ctx.branch} {target}",
        )
        try:
            return not run_nested(ctx, step, self._frame(), "merge").failed
        except RunStopped as stopped:  # git is to take its merge back first
            self._stopped = stopped
        except UsageLimitReached as limit:
            ctx.report(Warned(f"usage limit: {ctx.secrets.mask_text(str(limit))}"))
        return False

    def _has_command(self) -> bool:
        home = Path(self._ctx.environment.process.get("HOME", "/"))
        return any(
            (directory / ".claude" / "commands" / f"{CONFLICT_COMMAND}.md").is_file()
            for directory in (self._ctx.worktree, home)
        )

    def _clean_up(self, target: str) -> str | None:
        ctx = self._ctx
        try:
            ctx.processes.end_all()
            kept = remove_after_merge(ctx.repository, ctx.worktree, ctx.branch, target)
        except GitError as error:
            kept = str(error)
        point("M5")
        if kept is None:
            ctx.event(
                "worktree_cleaned",
                job_id=ctx.session_id,
                agent_id="main",
                worktree_name=ctx.session_id,
            )
            self._worktree.set_status(WorktreeStatus.CLEANED_UP)
        else:
            ctx.report(Warned(f"worktree and branch are kept: {kept}"))
        return kept
