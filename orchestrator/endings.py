"""How a run ends, and in which order that is written: checkpoint, record, worktree, events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from orchestrator.context import RunContext
from orchestrator.final_merge import FinalMerge, MergeResult
from orchestrator.git.changes import diff_stat, worktree_status
from orchestrator.git.command import GitError
from orchestrator.git.commits import commit_count
from orchestrator.git.worktrees import is_dirty
from orchestrator.outcomes import StepOutcome, Usage, added_to
from orchestrator.recorder import CheckpointFailed, Recorder
from orchestrator.reporting import MergeQuestion, RunResult, StepFailed, Warned
from orchestrator.step_git import head_of
from orchestrator.stops import Stop
from orchestrator.worktree_record import WorktreeRecord
from store.checkpoint import CheckpointKind
from store.faults import point
from store.states import CheckpointStatus, MergeState, SessionStatus, State, StopKind
from store.times import to_text, utc_now
from store.worktree_metadata import WorktreeStatus


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended; ``outcome`` is the word its record has for it."""

    state: State
    outcome: str
    exit_code: int
    message: str
    failed_step: StepFailed | None = None
    merge: MergeResult | None = None
    commits: int | None = None
    """Counted when the run was completed: afterwards a merge may have removed the branch."""

    @property
    def completed(self) -> bool:
        return self.outcome == "completed"


class Endings:
    """Writes the end of one attempt."""

    def __init__(self, ctx: RunContext, recorder: Recorder, worktree: WorktreeRecord) -> None:
        self._ctx = ctx
        self._recorder = recorder
        self._worktree = worktree

    # -- numbers

    def add_usage(self, usage: Usage) -> None:
        """Add what agents used to the totals of the run."""
        state = self._recorder.checkpoint.x
        state.usage = added_to(state.usage, usage)

    def count_changes(self) -> None:
        """Count what the branch has beyond its base, for the record, where git can tell."""
        recorder, base = self._recorder, self._ctx.base_commit
        try:
            recorder.files_changed = diff_stat(self._ctx.worktree, base).files
            recorder.commits = commit_count(self._ctx.worktree, base)
        except GitError:
            return

    def _commits(self) -> int:
        try:
            return commit_count(self._ctx.worktree, self._ctx.base_commit)
        except GitError:
            return 0

    def _numbers(self) -> dict[str, Any]:
        state = self._recorder.checkpoint
        is_last = state.kind is CheckpointKind.FINAL
        return {
            "files_changed": self._recorder.files_changed or 0,
            "commits": self._commits(),
            "last_commit": head_of(self._ctx),
            "iterations_completed": int(state.x.pass_.get("number", 0)) + is_last,
        }

    # -- the three ways to end

    def completed(self) -> Ending:
        """Every step of every pass is done.

        Raises:
            CheckpointFailed: that cannot be saved.
        """
        state = self._recorder.checkpoint
        state.x.in_flight = None
        self._recorder.save(CheckpointKind.FINAL, CheckpointStatus.COMPLETED)
        point("F1")
        commits = self._commits()
        self.count_changes()
        self._recorder.become(
            SessionStatus.COMPLETED, final=True, merge_pending=commits > 0, exit_code=0
        )
        point("F2")
        self._worktree.set_status(WorktreeStatus.COMPLETED, numbers=self._numbers())
        point("F3")
        count = len(self._ctx.workflow.steps)
        self._ctx.event(
            "job_completed",
            job_id=self._ctx.session_id,
            duration=self._recorder.active_seconds,
            success_count=count,
            failure_count=0,
        )
        point("F4")
        final = State.UNMERGED if commits else State.COMPLETED
        words = _counted(count, "step")
        return Ending(final, "completed", 0, words, commits=commits)

    def failed(self, failed: StepFailed, outcome: StepOutcome) -> Ending:
        """A step failed: the session is Failed and resumable at that step."""
        ctx, state = self._ctx, self._recorder.checkpoint
        failure: dict[str, Any] = {
            "step_index": failed.index,
            "label": failed.label,
            "exit_code": failed.exit_code,
            "signal": outcome.signal,
            "timed_out": outcome.timed_out,
            "reason": outcome.reason or None,
            "message": failed.message[:8192],
            "log": outcome.log,
            "at": to_text(utc_now()),
        }
        ctx.event(
            "step_failed",
            step_index=failed.index,
            attempt=outcome.attempt,
            duration=outcome.duration_seconds,
            exit_code=failed.exit_code,
            signal=outcome.signal,
            timed_out=outcome.timed_out,
            reason=outcome.reason or None,
            error=failed.message[:8192],
            head=head_of(ctx),
            log=outcome.log,
            log_bytes=outcome.log_bytes,
        )
        point("X1")
        state.x.failure = failure
        self._describe_flight()
        try:
            self._recorder.save(CheckpointKind.FAILURE, CheckpointStatus.FAILED)
        except CheckpointFailed as error:
            ctx.report(Warned(f"the failure could not be saved as a checkpoint: {error}"))
        point("X2")
        self.count_changes()
        self._recorder.become(
            SessionStatus.FAILED, final=True, error=failed.message, failure=failure, exit_code=1
        )
        point("X3")
        self._worktree.set_status(
            WorktreeStatus.FAILED, error=failed.message[:1024], numbers=self._numbers()
        )
        point("X4")
        ctx.event(
            "job_failed",
            job_id=ctx.session_id,
            error=failed.message[:1024],
            partial_results=state.index,
        )
        point("X5")
        return Ending(State.FAILED, "failed", 1, failed.message, failed_step=failed)

    def stopped(self, stop: Stop, message: str) -> Ending:
        """Somebody or something stopped the run; it can be resumed unless it was cancelled."""
        ctx, state = self._ctx, self._recorder.checkpoint
        if stop.kind in _SIGNALS:
            ctx.event("signal_received", signal=str(stop.kind), action="pause")
        self._describe_flight()
        in_flight = state.x.in_flight is not None
        at_rest = not in_flight and stop.kind is StopKind.PAUSE
        described = {
            "kind": str(stop.kind),
            "at": to_text(utc_now()),
            "step_index": state.index,
            "by": stop.by or None,
        }
        state.x.stop = described
        exit_code = stop.exit_code
        try:
            status = CheckpointStatus.PAUSED if at_rest else CheckpointStatus.INTERRUPTED
            self._recorder.save(CheckpointKind.STOP, status)
        except CheckpointFailed as error:
            exit_code = 1
            if stop.kind is not StopKind.CHECKPOINT_FAILED:
                message = f"the stop could not be saved as a checkpoint: {error}"
        point("H1")
        self.count_changes()
        cancelled = stop.kind is StopKind.CANCEL
        self._recorder.become(
            SessionStatus.CANCELLED if cancelled else SessionStatus.PAUSED,
            final=True,
            reason=str(stop.kind),
            stop=described,
            exit_code=exit_code,
        )
        point("H2")
        self._worktree.set_status(
            WorktreeStatus.ABANDONED if cancelled else WorktreeStatus.INTERRUPTED,
            stop=stop.kind,
            numbers=self._numbers(),
        )
        point("H3")
        if not cancelled:
            ctx.event("job_paused", job_id=ctx.session_id, checkpoint_version=state.seq)
        point("H4")
        where = f"step {min(state.index + 1, state.total_steps)} of {state.total_steps}"
        words = message or (f"in {where}" if in_flight else f"before {where}")
        if cancelled:
            return Ending(State.CANCELLED, "cancelled", 1, words)
        return Ending(State.PAUSED, "paused", exit_code, words)

    def _describe_flight(self) -> None:
        """Say what an interrupted or failed step left behind, if one was under way."""
        flight = self._recorder.checkpoint.x.in_flight
        if flight is None:
            return
        if "step_index" not in flight:
            self._recorder.checkpoint.x.in_flight = None
            return
        flight["head_now"] = head_of(self._ctx)
        try:
            flight["dirty"] = is_dirty(self._ctx.worktree)
        except GitError:
            flight["dirty"] = None

    # -- after completion

    def merge_if_wanted(
        self, ending: Ending, ask: MergeQuestion | None, merge: bool | None
    ) -> Ending:
        """Merge the finished branch if somebody wants that: asked before, or answering now."""
        if ending.state is not State.UNMERGED or merge is False:
            return ending
        final = FinalMerge(self._ctx, self._recorder, self._worktree)
        target = final.target(None)
        if target is None:
            self._ctx.report(
                Warned("started on a detached HEAD, so there is no branch to merge into")
            )
            return ending
        if merge is None:
            answer = final.ask(ask, target)
            if answer is not True:
                return ending
        result = final.merge(target)
        if result.state is MergeState.MERGED:
            return replace(ending, state=State.MERGED, merge=result)
        if result.stop is not None:
            words = "every step is done; the merge was stopped"
            return replace(ending, exit_code=result.stop.exit_code, message=words, merge=result)
        return replace(
            ending,
            state=State.MERGE_FAILED,
            exit_code=1,
            message=f"the merge into {target} failed: {result.error}",
            merge=result,
        )

    # -- the result

    def result(self, ending: Ending, duration_seconds: float) -> RunResult:
        """What is shown last: how things stand and the command that comes next."""
        ctx, state = self._ctx, self._recorder.checkpoint
        cost = state.x.usage.get("cost_usd")
        commits = self._commits() if ending.commits is None else ending.commits
        return RunResult(
            session_id=ctx.session_id,
            state=str(ending.state),
            exit_code=ending.exit_code,
            message=ending.message,
            workflow_name=ctx.workflow.name,
            branch=ctx.branch,
            worktree=ctx.worktree,
            step_index=state.index,
            total_steps=state.total_steps,
            commits=commits,
            duration_seconds=duration_seconds,
            cost_usd=cost if isinstance(cost, int | float) else None,
            next_command=next_command(ending.state, ctx.session_id),
            failed_step=ending.failed_step,
            kept=self._kept(ending, commits),
        )

    def _kept(self, ending: Ending, commits: int) -> str:
        """What there is for whoever goes on with it: finished steps, commits, files."""
        if ending.state in (State.MERGED, State.CANCELLED):
            return ""
        state = self._recorder.checkpoint
        words = []
        if ending.state in (State.FAILED, State.PAUSED) and state.index:
            words.append(_counted(state.index, "finished step"))
        if commits:
            words.append(_counted(commits, "commit"))
        files = self._uncommitted()
        if files:
            words.append(f"{_counted(files, 'uncommitted file')} in the worktree")
        return ", ".join(words)

    def _uncommitted(self) -> int:
        try:
            return len(worktree_status(self._ctx.worktree).modified_files)
        except GitError:
            return 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_SIGNALS = frozenset({StopKind.SIGINT, StopKind.SIGTERM, StopKind.SIGHUP})


def next_command(state: State, session_id: str) -> str | None:
    """The command a person would type next for a session in that state, None if there is none."""
    if state in (State.FAILED, State.PAUSED, State.INTERRUPTED):
        return f"prodigy resume {session_id}"
    if state in (State.UNMERGED, State.MERGE_FAILED):
        return f"prodigy merge {session_id}"
    return None
