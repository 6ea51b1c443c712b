"""One attempt at a run: ``setup_environment`` → ``execute_workflow`` → ``cleanup``.

Everything of the run is written by whoever holds its lock, in an order in which a crash between any
two writes leaves something that can be continued. ``setup_environment`` is different for a new run
(``orchestrator.start``) and one that goes on (``orchestrator.resume``); the rest is the same.
"""

from __future__ import annotations

import shutil
import time
import traceback
from dataclasses import dataclass, field, replace

from orchestrator import passes
from orchestrator.attempts import UsageLimitReached
from orchestrator.context import Frame, RunContext, deadline_after
from orchestrator.endings import Ending, Endings
from orchestrator.guard import Guard
from orchestrator.inbox import Inbox
from orchestrator.outcomes import StepEnd, StepOutcome
from orchestrator.passes import PassPlan
from orchestrator.recorder import CheckpointFailed, Recorder
from orchestrator.reporting import (
    MergeQuestion,
    PassStarted,
    RunResult,
    StepCompleted,
    StepFailed,
    StepSkipped,
    Warned,
)
from orchestrator.run_log import RunLog
from orchestrator.step_environments import scope_for
from orchestrator.step_git import (
    head_of,
    publish_git_now,
    publish_step_git,
    snapshot_for,
    step_facts,
)
from orchestrator.step_run import run_step
from orchestrator.steps.process import TIMED_OUT
from orchestrator.stops import RunStopped, Stop, Stops
from orchestrator.texts import TextError, duration_of
from orchestrator.variables import Layer
from orchestrator.workflow.model import Step, StepKind
from orchestrator.worktree_record import WorktreeRecord
from store.checkpoint import CheckpointKind, CompletedStep
from store.faults import point
from store.locks import RunLock
from store.owner import Owner, remove_owner
from store.states import CheckpointStatus, State, StopKind
from store.times import to_text, utc_now

_OUTPUT_LIMIT = 4096


class StepEndedRun(Exception):
    """A step failed, so the workflow did."""

    def __init__(self, index: int, step: Step, outcome: StepOutcome) -> None:
        super().__init__(outcome.message)
        self.index = index
        self.step = step
        self.outcome = outcome


@dataclass(slots=True)
class Attempt:
    """A run in the hands of its owner, everything set up."""

    ctx: RunContext
    recorder: Recorder
    lock: RunLock
    owner: Owner
    guard: Guard
    inbox: Inbox
    stops: Stops
    plan: PassPlan
    endings: Endings
    worktree_record: WorktreeRecord
    run_log: RunLog
    continues_step: bool = False
    """Whether the first step to run was interrupted before, so its work may be half done."""
    skip: frozenset[int] = frozenset()
    """Indexes a person chose to skip."""
    started: float = field(default_factory=time.monotonic)
    pass_started: str = field(default_factory=lambda: to_text(utc_now()))
    pass_began: float = field(default_factory=time.monotonic)

    # -- execute_workflow

    def execute_workflow(self) -> None:
        """Run what is left of every pass.

        Raises:
            RunStopped: somebody wants the run to stop.
            StepEndedRun: a step failed.
            CheckpointFailed: the progress cannot be saved.
            UsageLimitReached: an agent's limit, with nothing in the workflow about it.
        """
        state = self.recorder.checkpoint
        timeout = self._timeout()
        deadline = deadline_after(timeout)
        while True:
            self._begin_pass()
            while state.index < len(self.ctx.workflow.steps):
                self._check_boundary()
                self._run_next_step(deadline, timeout)
            if not self._next_pass():
                return

    def _check_boundary(self) -> None:
        self.inbox.look()
        self.stops.check_boundary()

    def _timeout(self) -> float | None:
        """Seconds the workflow as a whole may take; None for no limit."""
        timeout = self.ctx.workflow.timeout
        if timeout is None:
            return None
        step = Step(kind=StepKind.SHELL, position=self.ctx.workflow.position)
        frame = Frame(0, "0-0", self.ctx.variables, None)
        scope = scope_for(self.ctx, step, frame)
        try:
            return duration_of(timeout, scope)
        except TextError as error:
            self.ctx.report(Warned(f"timeout: {error}"))
            return None

    def _begin_pass(self) -> None:
        state = self.recorder.checkpoint
        passes.set_inputs(self.ctx.variables, self.plan, state.x.pass_, self.ctx.worktree)
        if state.index == 0 and not state.completed_steps:
            self.ctx.event("pass_started", **{"pass": state.x.pass_["number"]})
        if self.plan.total > 1:
            number = int(state.x.pass_["number"]) + 1
            self.ctx.report(PassStarted(number, self.plan.total, state.x.pass_.get("input")))
        self.pass_started = to_text(utc_now())
        self.pass_began = time.monotonic()

    def _next_pass(self) -> bool:
        """Go over to the next pass; False when that was the last one."""
        state = self.recorder.checkpoint
        number = int(state.x.pass_["number"])
        self.ctx.event(
            "pass_completed",
            **{"pass": number},
            steps_done=len(state.completed_steps),
            head=state.x.head_last,
            duration=time.monotonic() - self.pass_began,
        )
        if number + 1 >= self.plan.total:
            return False
        if self.plan.stops_when_unchanged and passes.changed_nothing(state, self.ctx.worktree):
            self.ctx.report(Warned(f"No changes were made in pass {number + 1}: stopping"))
            return False
        self._check_boundary()
        passes.advance(self.plan, state, self.pass_started, self.ctx.secrets.mask_text)
        passes.note_start(self.plan, state, self.ctx.worktree)
        self.recorder.save(CheckpointKind.PASS, CheckpointStatus.RUNNING)
        self.recorder.progress()
        return True

    def _run_next_step(self, deadline: float | None, timeout: float | None) -> None:
        state = self.recorder.checkpoint
        index = state.index
        step = self.ctx.workflow.steps[index]
        started = utc_now()
        head_before = state.x.head_last
        state.x.in_flight = {"head_before": head_before}
        self._describe_step(step, index)
        frame = Frame(
            index,
            f"{index}-1",
            self.ctx.variables,
            head_before,
            deadline=deadline,
            pass_number=int(state.x.pass_["number"]),
            continues=self.continues_step,
            snapshot=snapshot_for(self.ctx, step, head_before),
        )
        self.continues_step = False
        point("S1")
        if index in self.skip:
            outcome = StepOutcome(StepEnd.SKIPPED, skipped_because="skipped by request")
        elif frame.out_of_time:
            outcome = StepOutcome(StepEnd.FAILED, message=f"'{step.label}' was not begun")
        else:
            outcome = self._run_counted(step, frame)
        point("S2")
        if frame.out_of_time and outcome.end in (StepEnd.FAILED, StepEnd.TOLERATED):
            outcome.end, outcome.exit_code, outcome.timed_out = StepEnd.FAILED, TIMED_OUT, True
            words = f"The workflow timed out after {timeout:g} seconds"
            outcome.message = f"{words}\n{outcome.message}".rstrip()
        if outcome.failed:
            raise StepEndedRun(index, step, outcome)
        self._finish_step(step, index, frame, outcome, to_text(started))

    def _run_counted(self, step: Step, frame: Frame) -> StepOutcome:
        """Run a step; what its agents used is counted even when it is stopped."""
        try:
            return run_step(self.ctx, step, frame)
        except (RunStopped, UsageLimitReached):
            self.endings.add_usage(frame.used.total)
            raise

    def _describe_step(self, step: Step, index: int) -> None:
        pass_ = self.recorder.checkpoint.x.pass_
        values: dict[str, object] = {
            "step.name": step.label,
            "step.index": index,
            "total_steps": len(self.ctx.workflow.steps),
            "workflow.name": self.ctx.workflow.name,
            "workflow.id": self.recorder.checkpoint.workflow_id,
            "workflow.iteration": pass_.get("iteration", 1),
            "workflow.duration": round(self.recorder.active_seconds, 3),
        }
        self.ctx.variables.set(Layer.CONTEXT, values)
        publish_git_now(self.ctx)

    def _finish_step(
        self, step: Step, index: int, frame: Frame, outcome: StepOutcome, started_at: str
    ) -> None:
        facts = step_facts(self.ctx, frame.head_before)
        git = publish_step_git(self.ctx, frame) or None
        completed = CompletedStep(
            index=index,
            command=self.ctx.secrets.mask_text(f"{step.kind}: {step.text}"),
            success=True,
            output=self._shown_output(step, outcome),
            duration_seconds=outcome.duration_seconds,
            completed_at=to_text(utc_now()),
            kind=str(step.kind),
            label=self.ctx.secrets.mask_text(step.label),
            attempt=max(outcome.attempt, 1),
            started_at=started_at,
            exit_code=None if outcome.end is StepEnd.SKIPPED else outcome.exit_code,
            signal=outcome.signal,
            tolerated=outcome.end is StepEnd.TOLERATED,
            skipped=outcome.skipped_because,
            head_before=frame.head_before,
            head_after=head_of(self.ctx),
            commits=facts.commits,
            files_changed=facts.files_changed,
            git={name: list(v) if isinstance(v, list) else v for name, v in git.items()}
            if git
            else None,
            log=outcome.log,
            log_bytes=outcome.log_bytes,
            usage=outcome.usage.document() if outcome.usage.calls else None,
        )
        self.endings.add_usage(outcome.usage)
        if facts.moved:
            self.endings.count_changes()
        self.recorder.step_done(completed, captured=outcome.captured)
        total = len(self.ctx.workflow.steps)
        if outcome.skipped_because is not None:
            self.ctx.report(StepSkipped(index, total, completed.label, outcome.skipped_because))
            return
        self.ctx.report(
            StepCompleted(
                index,
                total,
                completed.label,
                outcome.duration_seconds,
                outcome.exit_code,
                facts.commits,
                completed.tolerated,
            )
        )

    def _shown_output(self, step: Step, outcome: StepOutcome) -> str | None:
        if not step.capture.kept or outcome.end is StepEnd.SKIPPED:
            return None
        # masked before it is cut: half a secret would not be recognised
        masked = self.ctx.secrets.mask_beginning(outcome.output, 16 * _OUTPUT_LIMIT)
        return masked[:_OUTPUT_LIMIT]

    # -- the whole attempt

    def go(self, ask_merge: MergeQuestion | None, merge: bool | None) -> RunResult:
        """Execute the workflow, record how it ended, clean up; never raises for what it runs."""
        ending = self._execute_recorded()
        try:
            if ending.completed:
                ending = self.endings.merge_if_wanted(ending, ask_merge, merge)
        except Exception as error:
            self.run_log.write(traceback.format_exc())
            ending = replace(ending, exit_code=1, message=_internal(error))
        finally:
            result = self.cleanup(ending)
        return result

    def _execute_recorded(self) -> Ending:
        try:
            self.execute_workflow()
            return self.endings.completed()
        except RunStopped as stopped:
            return self._stopped(stopped.stop)
        except StepEndedRun as ended:
            return self._failed(ended)
        except UsageLimitReached as limit:
            message = self.ctx.secrets.mask_text(str(limit))
            self.ctx.report(Warned(f"usage limit: {message}"))
            return self._stopped(Stop(StopKind.USAGE_LIMIT, {}), message)
        except CheckpointFailed as failed:
            message = f"the progress of the run cannot be saved: {failed}"
            return self._stopped(Stop(StopKind.CHECKPOINT_FAILED, {}), message)
        except Exception as error:
            self.run_log.write(traceback.format_exc())
            return self._stopped(Stop(StopKind.INTERNAL_ERROR, {}), _internal(error))

    def _stopped(self, stop: Stop, message: str = "") -> Ending:
        ending = self.endings.stopped(stop, message)
        self.inbox.obeyed(lambda kind: kind is not StopKind.CANCEL or stop.kind is kind)
        self.inbox.look()
        wish = self.stops.wish
        if stop.kind is not StopKind.CANCEL and wish is not None and wish.kind is StopKind.CANCEL:
            ending = self.endings.stopped(wish, "")
            self.inbox.obeyed(lambda _kind: True)
        return ending

    def _failed(self, ended: StepEndedRun) -> Ending:
        outcome = ended.outcome
        self.endings.add_usage(outcome.usage)
        message = self.ctx.secrets.mask_text(outcome.message)
        log = None
        if outcome.log is not None:
            log = self.ctx.home.run_directory(self.ctx.session_id) / outcome.log
        failed = StepFailed(
            ended.index,
            len(self.ctx.workflow.steps),
            self.ctx.secrets.mask_text(ended.step.label),
            outcome.duration_seconds,
            outcome.exit_code,
            message,
            log,
        )
        self.ctx.report(failed)
        return self.endings.failed(failed, outcome)

    # -- cleanup

    def cleanup(self, ending: Ending) -> RunResult:
        """End what steps left running, give everything back, say how it went."""
        over = ending.completed or ending.state is State.CANCELLED
        self.inbox.decline(f"the run has {ending.outcome}", cancel_too=over)
        self.ctx.processes.end_all()
        point("F6")
        self.ctx.event(
            "run_ended",
            attempt=self.owner.attempt,
            outcome=ending.outcome,
            exit_code=ending.exit_code,
            duration=time.monotonic() - self.started,
        )
        self.recorder.close()
        self.guard.goodbye()
        shutil.rmtree(self.ctx.scratch, ignore_errors=True)
        self.run_log.close()
        remove_owner(self.ctx.home, self.ctx.session_id)
        self.lock.release()
        return self.endings.result(ending, time.monotonic() - self.started)


def _internal(error: Exception) -> str:
    return f"an error of prodigy itself: {error!r}"
