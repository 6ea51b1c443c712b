"""Continuing a run: the plan of what is left, and carrying it out under the run's lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator import passes
from orchestrator.assembly import AskPerson, Parts, assemble
from orchestrator.config import Config
from orchestrator.engine import Attempt
from orchestrator.git.command import GitError
from orchestrator.git.repository import read_head
from orchestrator.opening import Opening
from orchestrator.preflight import PreparedRun, every_step
from orchestrator.refusal import EXIT_BUSY, EXIT_FAILED, Refused
from orchestrator.reopening import (
    Reopened,
    StoppedRun,
    base_commit_of,
    metadata_of,
    read_run,
)
from orchestrator.reporting import (
    MergeQuestion,
    Report,
    RunResult,
    SessionResumed,
    UnseenFiles,
    Warned,
)
from orchestrator.resume_facts import gather
from orchestrator.resume_plan import ResumeOptions, ResumePlan, plan_resume
from orchestrator.resume_worktree import bring_back, put_back, settle_processes
from orchestrator.start import reported_stops
from orchestrator.stops import SignalWatch, Stops
from orchestrator.stored_variables import restored
from orchestrator.variables import Layer
from orchestrator.workflow.values import restore_kinds
from store import checkpoints, fields, repair
from store.checkpoint import CheckpointKind, CompletedStep, WorkflowCheckpoint
from store.errors import Busy, StoreError
from store.faults import point
from store.home import Home
from store.locks import Liveness, RunLock
from store.owner import Owner, new_owner, remove_owner, write_owner
from store.states import CheckpointStatus, SessionStatus, State, StopKind
from store.times import duration_seconds, to_text, utc_now
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
        lock, owner = take_run(self.home, self.run_id, "resume")
        try:
            run = read_run(
                self.home,
                self.run_id,
                seq=_chosen_seq(self.home, self.run_id, self.options),
            )
            run.verdict = replace(run.verdict, liveness=_as_ours(run))
            facts, reopened = gather(run, self.environment, self.config, self.options)
            plan = plan_resume(facts, self.options)
            refuse_what_cannot_be(plan, reopened)
            assert reopened is not None
            point("U2")
            attempt = self._carry(lock, owner, run, reopened, plan)
        except BaseException as error:
            remove_owner(self.home, self.run_id)
            lock.release()
            if isinstance(error, StoreError | GitError | OSError):
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
        first = run.checkpoint is None
        base = base_commit_of(run, reopened.repository)
        bring_back(run, reopened.repository, base, anew=first, report=self.report)
        point("U4")
        checkpoint = self._checkpoint(run, reopened, base, document, plan)
        attempt = assemble(
            Parts(
                home=self.home,
                session_id=self.run_id,
                lock=lock,
                owner=owner,
                config=self.config,
                workflow=reopened.workflow,
                repository=reopened.repository,
                worktree=run.worktree,
                branch=run.branch,
                base_branch=run.base_branch,
                base_commit=base,
                environment=reopened.environment,
                parameters=reopened.parameters,
                plan=reopened.plan,
                checkpoint=checkpoint,
                record=document,
                metadata=metadata_of(run, reopened.repository, base),
                stops=self.stops,
                report=self.report,
                ask_person=self.ask_person,
                active_before=_active_seconds(document),
            )
        )
        try:
            self._set_going(attempt, plan, first=first)
        except BaseException:
            attempt.recorder.close()
            attempt.guard.goodbye()
            attempt.run_log.close()
            raise
        return attempt

    def _record(self, run: StoppedRun) -> dict[str, Any]:
        """The record to go on with; a missing one is made, a bad one set aside first."""
        if run.record is not None:
            return run.record.document
        made = repair.make_record(self.home, self.run_id, started_by="resume")
        if made.set_aside is not None:
            name = made.set_aside.name
            self.report(Warned(f"the session record was unreadable; it is kept as {name}"))
        return made.document

    def _checkpoint(
        self,
        run: StoppedRun,
        reopened: Reopened,
        base: str,
        document: Mapping[str, Any],
        plan: ResumePlan,
    ) -> WorkflowCheckpoint:
        """The state to go on from."""
        if run.checkpoint is None:
            return _opening(self.home, run, reopened, base, self.config).checkpoint(
                str(document.get("started_at"))
            )
        checkpoint = run.checkpoint
        checkpoint.total_steps = len(reopened.workflow.steps)
        state = checkpoint.x
        state.session_id = self.run_id
        state.worktree = state.worktree | {
            "name": self.run_id,
            "path": str(run.worktree),
            "branch": run.branch,
            "base_branch": run.base_branch,
            "base_commit": base,
        }
        state.repo = {"name": reopened.repository.name, "path": str(reopened.repository.path)}
        begun = state.in_flight is not None or checkpoint.status is CheckpointStatus.FAILED
        died = checkpoint.status is CheckpointStatus.RUNNING
        if plan.start != checkpoint.index:
            target = _head_before(checkpoint, plan.start)
            _rewind(checkpoint, plan.start, [step.label for step in reopened.workflow.steps])
            state.head_last = read_head(run.worktree)
        else:
            target = state.head_last
            if not begun and not died:
                state.head_last = read_head(run.worktree)
        if self.options.restore and target is not None:
            put_back(run.worktree, self.run_id, target, self.report)
            state.head_last = target
        state.in_flight = state.failure = state.stop = None
        state.head_last = state.head_last or read_head(run.worktree)
        state.head_start = state.head_start or base
        return checkpoint

    def _set_going(self, attempt: Attempt, plan: ResumePlan, *, first: bool) -> None:
        ctx, recorder = attempt.ctx, attempt.recorder
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
        attempt.worktree_record.set_status(WorktreeStatus.IN_PROGRESS)
        point("U5")
        if first:
            passes.note_start(attempt.plan, checkpoint, ctx.worktree)
        kind = CheckpointKind.REWIND if plan.rewinds else CheckpointKind.RESUME
        recorder.save(CheckpointKind.START if first else kind, CheckpointStatus.RUNNING)
        point("U6")
        self._become_running(attempt, plan)
        point("U7")
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
            SessionResumed(
                self.run_id, ctx.workflow.name, plan.start, plan.total, ctx.worktree
            )
        )

    def _become_running(self, attempt: Attempt, plan: ResumePlan) -> None:
        document = attempt.recorder.record.document
        status = document.get("status")
        died = status in (SessionStatus.INITIALIZING, SessionStatus.RUNNING)

        def edit(record: dict[str, Any]) -> None:
            now = utc_now()
            if died:
                stop = {"kind": str(StopKind.CRASH), "at": to_text(now), "by": None}
                transition(record, SessionStatus.PAUSED, now=now, stop=stop)
            transition(
                record,
                SessionStatus.RUNNING,
                now=now,
                reopen=self.options.force,
                attempt={
                    "kind": "rewind" if plan.rewinds else "resume",
                    "pid": attempt.owner.pid,
                    "host": attempt.owner.host,
                    "from_step": plan.start,
                },
            )

        attempt.recorder.become_by(SessionStatus.RUNNING, edit, reason="resume")


def take_run(home: Home, run_id: str, command: str) -> tuple[RunLock, Owner]:
    """Become the owner of an existing run.

    Raises:
        Refused: somebody else is (exit 4), or the lock cannot be taken (exit 1).
    """
    try:
        lock = RunLock.acquire(home, run_id)
    except Busy as error:
        raise Refused(str(error), code="busy", exit_code=EXIT_BUSY, hint=error.hint) from error
    except (StoreError, OSError) as error:
        raise Refused(str(error), code="home_unusable", exit_code=EXIT_FAILED) from error
    try:
        attempt = _next_attempt(home, run_id)
        owner = new_owner(command, attempt)
        write_owner(home, run_id, owner)
    except BaseException as error:
        lock.release()
        if isinstance(error, StoreError | OSError):
            raise Refused(str(error), code="home_unusable", exit_code=EXIT_FAILED) from error
        raise
    point("U1")
    return lock, owner


def _next_attempt(home: Home, run_id: str) -> int:
    try:
        record = read_run(home, run_id).record
    except Refused:
        record = None
    attempts = record.attempts if record is not None else []
    return max((fields.whole(one.get("n")) for one in attempts), default=0) + 1


def _as_ours(run: StoppedRun) -> Liveness:
    """The verdict of a run whose lock we hold: dead, unless its other owner cannot be checked."""
    unknown = run.verdict.liveness is Liveness.UNKNOWN
    return Liveness.UNKNOWN if unknown else Liveness.DEAD


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


def _opening(
    home: Home, run: StoppedRun, reopened: Reopened, base: str, config: Config
) -> Opening:
    """The opening of a run that was killed before its first checkpoint."""
    record = run.record
    copy = run.saved_copy
    files = []
    if copy is not None:
        files = [
            {
                "role": "main",
                "path": run.workflow_path,
                "sha256": run.workflow_hash,
                "file": f"workflow/{copy.name}",
            }
        ]
    prepared = PreparedRun(
        request=reopened.request,
        home=home,
        config=config,
        session_id=run.session_id,
        workflow_id=record.workflow_id if record is not None else f"workflow-{run.session_id}",
        workflow=reopened.workflow,
        repository=reopened.repository,
        base_branch=run.base_branch,
        base_commit=base,
        unseen=UnseenFiles(),
        environment=reopened.environment,
        parameters=reopened.parameters,
        inputs=reopened.plan.inputs,
    )
    return Opening(prepared, run.branch, run.worktree, files)


def _head_before(checkpoint: WorkflowCheckpoint, start: int) -> str | None:
    step = checkpoint.step(start)
    return step.head_before if step is not None else checkpoint.x.head_last


def _rewind(checkpoint: WorkflowCheckpoint, start: int, labels: list[str]) -> None:
    """Cut the finished steps to those before ``start``; a gap ahead is marked skipped."""
    done = {step.index: step for step in checkpoint.completed_steps if step.index < start}
    for index in range(start):
        if index not in done:
            done[index] = CompletedStep(
                index=index,
                command=labels[index],
                label=labels[index],
                completed_at=to_text(utc_now()),
                skipped="left out by request",
            )
    checkpoint.completed_steps = [done[index] for index in sorted(done)]
    checkpoint.index = start


def _restore_step_git(attempt: Attempt) -> None:
    steps = attempt.recorder.checkpoint.completed_steps
    if steps and steps[-1].git:
        git = steps[-1].git
        kinds = {name: "paths" for name, value in git.items() if isinstance(value, list)}
        attempt.ctx.variables.set(Layer.CONTEXT, restore_kinds(git, kinds))


def _active_seconds(document: Mapping[str, Any]) -> float:
    return duration_seconds(fields.table(document.get("timings")).get("total"))

