"""Continuing a run: the plan of what is left, and carrying it out under the run's lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator import passes
from orchestrator.all_steps import every_step
from orchestrator.assembly import AskPerson, assemble
from orchestrator.config import Config
from orchestrator.engine import Attempt
from orchestrator.git.command import GitError
from orchestrator.ownership import take_run
from orchestrator.parts_of_run import parts_of
from orchestrator.recorder import CheckpointFailed
from orchestrator.refusal import EXIT_FAILED, Refused
from orchestrator.reopening import Reopened
from orchestrator.reporting import (
    MergeQuestion,
    Report,
    RunResult,
    SessionResumed,
    Warned,
)
from orchestrator.resume_facts import gather
from orchestrator.resume_plan import ResumeOptions, ResumePlan, plan_resume
from orchestrator.resume_state import state_to_go_on_with
from orchestrator.resume_worktree import bring_back, settle_processes
from orchestrator.settling import apply_truth, is_over_unrecorded, note_corrections, record_end
from orchestrator.start import reported_stops
from orchestrator.steps.foreach import forget_items_from
from orchestrator.stopped_run import StoppedRun, base_commit_of, read_run
from orchestrator.stops import SignalWatch, Stops
from orchestrator.stored_variables import restored
from orchestrator.variables import Layer
from orchestrator.workflow.values import restore_kinds
from store import checkpoints, fields, repair
from store.checkpoint import CheckpointKind
from store.errors import StoreError
from store.faults import point
from store.home import Home
from store.locks import Liveness, RunLock, Verdict
from store.owner import Owner, remove_owner
from store.states import CheckpointStatus, SessionStatus, State
from store.times import duration_seconds, utc_now
from store.transitions import transition
from store.worktree_metadata import WorktreeStatus

__all__ = ["ResumeOptions", "ResumePlan", "carry_out", "make_plan"]


def make_plan(
    home: Home,
    run_id: str,
    options: ResumeOptions,
    environment: Mapping[str, str],
    config: Config,
) -> ResumePlan:
    """What a resume would do; changes nothing.

    Raises:
        Refused: nothing is known of the run, or not of the checkpoint that was chosen (exit 3).
    """
    run = read_run(home, run_id, seq=_chosen_seq(home, run_id, options))
    facts, _ = gather(run, environment, config, options)
    return plan_resume(facts, options)


def carry_out(
    home: Home,
    run_id: str,
    options: ResumeOptions,
    environment: Mapping[str, str],
    config: Config,
    report: Report,
    ask_merge: MergeQuestion | None = None,
    ask_person: AskPerson | None = None,
) -> RunResult:
    """Take the run's lock, plan once more, and continue it to its end or to where it stops.

    Raises:
        Refused: it is live (exit 4), nothing is left of it, or something needs ``force``.
    """
    stops = reported_stops(report)
    resuming = _Resuming(home, run_id, options, environment, config, report, stops, ask_person)
    with SignalWatch(stops, resuming.abandon):
        attempt = resuming.take_up()
        with attempt.inbox:
            return attempt.go(ask_merge, options.merge)


def _chosen_seq(home: Home, run_id: str, options: ResumeOptions) -> int | None:
    if options.from_checkpoint is None:
        return None
    text = options.from_checkpoint.lstrip("#")
    if text.isdigit():
        return int(text)
    try:
        record = read_run(home, run_id).record
    except Refused:
        record = None
    for entry in fields.rows(record.document.get("checkpoints")) if record is not None else []:
        if entry.get("id") == options.from_checkpoint:
            return fields.whole(fields.table(entry.get("state")).get("seq"))
    newest = checkpoints.newest(home, run_id)
    if newest is not None and newest.path.name.removesuffix(".checkpoint.json") == text:
        return newest.checkpoint.seq
    raise Refused(
        f"session {run_id} has no checkpoint {options.from_checkpoint}",
        code="no_checkpoint",
        exit_code=3,
        hint=f"prodigy checkpoints list --workflow-id {run_id}",
    )


@dataclass(slots=True)
class _Resuming:
    """``setup_environment`` of a run that goes on."""

    home: Home
    run_id: str
    options: ResumeOptions
    environment: Mapping[str, str]
    config: Config
    report: Report
    stops: Stops
    ask_person: AskPerson | None
    attempt: Attempt | None = None

    def abandon(self) -> None:
        """Leave at once: kill what runs."""
        if self.attempt is not None:
            self.attempt.ctx.processes.kill_all()

    def take_up(self) -> Attempt:
        """U1 to U8: from the lock to the session that says Running again.

        Raises:
            Refused: the run stays as it was.
        """
        force = self.options.force
        lock, owner = take_run(self.home, self.run_id, "resume", force=force)
        try:
            seq = _chosen_seq(self.home, self.run_id, self.options)
            run = read_run(self.home, self.run_id, seq=seq)
            run.verdict = Verdict(Liveness.DEAD)  # whoever holds it is us
            facts, reopened = gather(run, self.environment, self.config, self.options)
            plan = plan_resume(facts, self.options)
            if plan.impossible is not None and is_over_unrecorded(run):
                record_end(run, owner)
            refuse_what_cannot_be(plan, reopened)
            assert reopened is not None
            point("U2")
            attempt = self._carry(lock, owner, run, reopened, plan)
        except BaseException as error:
            remove_owner(self.home, self.run_id)
            lock.release()
            if isinstance(error, StoreError | GitError | OSError | CheckpointFailed):
                raise Refused(
                    f"session {self.run_id} cannot be continued: {error}",
                    code="resume_failed",
                    exit_code=EXIT_FAILED,
                ) from error
            raise
        self.attempt = attempt
        return attempt

    def _carry(
        self, lock: RunLock, owner: Owner, run: StoppedRun, reopened: Reopened, plan: ResumePlan
    ) -> Attempt:
        document = self._record(run)
        point("U3")
        settle_processes(self.run_id, reopened, run, self.config, self.report)
        base = base_commit_of(run, reopened.repository)
        anew = run.checkpoint is None
        bring_back(run, reopened.repository, base, anew=anew, report=self.report)
        point("U4")
        checkpoint = state_to_go_on_with(
            run,
            reopened,
            base,
            plan,
            restore=self.options.restore,
            started_at=str(document.get("started_at")),
            config=self.config,
            report=self.report,
        )
        attempt = assemble(
            parts_of(
                reopened,
                lock,
                owner,
                self.config,
                self.report,
                self.stops,
                base=base,
                checkpoint=checkpoint,
                record=document,
                ask_person=self.ask_person,
                active_before=_active_seconds(document),
            )
        )
        try:
            self._set_going(attempt, run, plan)
        except BaseException:
            attempt.recorder.close()
            attempt.guard.goodbye()
            attempt.run_log.close()
            raise
        return attempt

    def _record(self, run: StoppedRun) -> dict[str, Any]:
        """The record to go on with; a missing one is made, a bad one set aside first."""
        if run.record is not None:
            apply_truth(run.record.document, run)
            return run.record.document
        made = repair.make_record(self.home, self.run_id, started_by="resume")
        if made.set_aside is not None:
            name = made.set_aside.name
            self.report(Warned(f"the session record was unreadable; it is kept as {name}"))
        return made.document

    def _set_going(self, attempt: Attempt, run: StoppedRun, plan: ResumePlan) -> None:
        ctx, recorder = attempt.ctx, attempt.recorder
        first = run.checkpoint is None
        checkpoint = recorder.checkpoint
        values, missing = restored(checkpoint, ctx.secrets.values)
        ids = frozenset(step.id for step in every_step(ctx.workflow) if step.id)
        ctx.variables.restore(values, ids)
        for name in missing:
            self.report(Warned(f"secret {name} is not known here: variables with it are masked"))
        _restore_step_git(attempt)
        attempt.continues_step = not first and not plan.rewinds
        if self.options.skip_step is not None:
            attempt.skip = frozenset({self.options.skip_step - 1})
        if plan.rewinds:
            number = fields.whole(checkpoint.x.pass_.get("number"))
            forget_items_from(self.home, self.run_id, number, plan.start)
        attempt.worktree_record.set_status(WorktreeStatus.IN_PROGRESS)
        point("U5")
        if first:
            passes.note_start(attempt.plan, checkpoint, ctx.worktree)
        kind = CheckpointKind.REWIND if plan.rewinds else CheckpointKind.RESUME
        recorder.save(CheckpointKind.START if first else kind, CheckpointStatus.RUNNING)
        point("U6")
        self._become_running(attempt, plan)
        point("U7")
        note_corrections(run, ctx.events)
        ctx.event("checkpoint_loaded", job_id=self.run_id, version=checkpoint.seq)
        ctx.event(
            "run_started",
            kind="rewind" if plan.rewinds else "resume",
            attempt=attempt.owner.attempt,
            command="resume",
            cwd=None,
            workflow_path=checkpoint.workflow_path,
            workflow_sha256=checkpoint.workflow_hash,
            from_step=plan.start,
            total_steps=plan.total,
        )
        ctx.event("job_resumed", job_id=self.run_id, checkpoint_version=checkpoint.seq)
        point("U8")
        self.report(
            SessionResumed(self.run_id, ctx.workflow.name, plan.start, plan.total, ctx.worktree)
        )

    def _become_running(self, attempt: Attempt, plan: ResumePlan) -> None:
        def edit(record: dict[str, Any]) -> None:
            transition(
                record,
                SessionStatus.RUNNING,
                now=utc_now(),
                reopen=self.options.force,
                attempt={
                    "kind": "rewind" if plan.rewinds else "resume",
                    "pid": attempt.owner.pid,
                    "host": attempt.owner.host,
                    "from_step": plan.start,
                },
            )

        attempt.recorder.become_by(SessionStatus.RUNNING, edit, reason="resume")


def refuse_what_cannot_be(plan: ResumePlan, reopened: Reopened | None) -> None:
    """Raise unless a plan can be carried out.

    Raises:
        Refused: saying why, and what would work.
    """
    if plan.impossible is not None or reopened is None:
        raise Refused(
            plan.sentence,
            code="already_complete" if plan.state in _OVER else "cannot_resume",
            exit_code=EXIT_FAILED,
            hint=plan.instead or "",
        )
    if plan.needs_force:
        raise Refused(
            f"this needs --force: {'; '.join(plan.needs_force)}",
            code="needs_force",
            exit_code=EXIT_FAILED,
            hint=f"{plan.command} --force",
        )


_OVER = frozenset({State.COMPLETED, State.MERGED, State.UNMERGED, State.CANCELLED})


def _restore_step_git(attempt: Attempt) -> None:
    steps = attempt.recorder.checkpoint.completed_steps
    if steps and steps[-1].git:
        git = steps[-1].git
        kinds = {name: "paths" for name, value in git.items() if isinstance(value, list)}
        attempt.ctx.variables.set(Layer.CONTEXT, restore_kinds(git, kinds))


def _active_seconds(document: Mapping[str, Any]) -> float:
    return duration_seconds(fields.table(document.get("timings")).get("total"))
