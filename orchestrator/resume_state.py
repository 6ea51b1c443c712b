"""The checkpoint a resume goes on with: as it was saved, cut back, or that of a run never begun."""

from __future__ import annotations

from orchestrator.config import Config
from orchestrator.git.repository import read_head
from orchestrator.opening import Opening
from orchestrator.preflight import PreparedRun
from orchestrator.reopening import Reopened
from orchestrator.reporting import Report, UnseenFiles
from orchestrator.resume_plan import ResumePlan
from orchestrator.resume_worktree import put_back
from orchestrator.stopped_run import StoppedRun
from orchestrator.workflow_copies import main_hash, save_copies
from store.checkpoint import CompletedStep, WorkflowCheckpoint
from store.states import CheckpointStatus
from store.times import to_text, utc_now


def state_to_go_on_with(
    run: StoppedRun,
    reopened: Reopened,
    base: str,
    plan: ResumePlan,
    *,
    restore: bool,
    started_at: str,
    config: Config,
    report: Report,
) -> WorkflowCheckpoint:
    """Make the state of a resume from what a stopped run left.

    Args:
        run: what is on disk of it.
        reopened: its workflow and environment.
        base: the commit it began at.
        plan: where it goes on.
        restore: whether the worktree is put back to before the first step that runs.
        started_at: when the session began.
        config: the settings.
        report: told of what was saved before the worktree was put back.

    Raises:
        GitError: the worktree cannot be read or put back.
        StoreError: the workflow that is used from now on cannot be saved.
    """
    checkpoint = run.checkpoint
    if checkpoint is None:
        return _opening(run, reopened, base, config).checkpoint(started_at)
    _bring_up_to_date(checkpoint, run, reopened, base)
    state = checkpoint.x
    begun = state.in_flight is not None or checkpoint.status is CheckpointStatus.FAILED
    died = checkpoint.status is CheckpointStatus.RUNNING
    target = state.head_last
    if plan.start != checkpoint.index:
        target = _head_before(checkpoint, plan.start)
        _cut_back(checkpoint, plan.start, [step.label for step in reopened.workflow.steps])
        state.head_last = read_head(run.worktree)
    elif not begun and (plan.rewinds or not died):
        # no step has begun since, so what is there now is what the next one begins with
        state.head_last = read_head(run.worktree)
    if restore and target is not None:
        put_back(run.worktree, run.session_id, run.branch, target, report)
        state.head_last = target
    state.in_flight = state.failure = state.stop = None
    state.head_last = state.head_last or read_head(run.worktree)
    state.head_start = state.head_start or base
    return checkpoint


def _bring_up_to_date(
    checkpoint: WorkflowCheckpoint, run: StoppedRun, reopened: Reopened, base: str
) -> None:
    """Say where everything is now; a checkpoint of the original says little of it."""
    labels = [step.label for step in reopened.workflow.steps]
    checkpoint.total_steps = len(labels)
    _complete_steps(checkpoint, min(checkpoint.index, len(labels)), labels, skipped=None)
    checkpoint.workflow_path = str(reopened.request.workflow)
    if reopened.from_disk:
        secrets = reopened.environment.secrets
        files = save_copies(run.home, run.session_id, reopened.workflow, secrets)
        checkpoint.x.workflow_files, checkpoint.workflow_hash = files, main_hash(files)
    checkpoint.workflow_name = checkpoint.workflow_name or reopened.workflow.name
    state = checkpoint.x
    state.session_id = run.session_id
    state.worktree = state.worktree | {
        "name": run.worktree.name,
        "path": str(run.worktree),
        "branch": run.branch,
        "base_branch": run.base_branch,
        "base_commit": base,
    }
    state.repo = {"name": reopened.repository.name, "path": str(reopened.repository.path)}


def _opening(run: StoppedRun, reopened: Reopened, base: str, config: Config) -> Opening:
    """The opening of a run that was killed before its first checkpoint."""
    record = run.record
    copy, files = run.saved_copy, run.workflow_files
    if copy is not None and not files:
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
        home=run.home,
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


def _cut_back(checkpoint: WorkflowCheckpoint, start: int, labels: list[str]) -> None:
    """Cut the finished steps to those before ``start``; a gap ahead is marked skipped."""
    _complete_steps(checkpoint, start, labels, skipped="left out by request")
    checkpoint.index = start


def _complete_steps(
    checkpoint: WorkflowCheckpoint, start: int, labels: list[str], *, skipped: str | None
) -> None:
    """See that exactly the steps before ``start`` are listed as done."""
    done = {step.index: step for step in checkpoint.completed_steps if step.index < start}
    for index in range(start):
        if index not in done:
            done[index] = CompletedStep(
                index=index,
                command=labels[index],
                label=labels[index],
                completed_at=to_text(utc_now()),
                skipped=skipped,
            )
    checkpoint.completed_steps = [done[index] for index in sorted(done)]
