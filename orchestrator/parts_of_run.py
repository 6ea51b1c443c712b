"""The parts of an attempt on a run that was there before: to resume it, or to merge it."""

from __future__ import annotations

from typing import Any

from orchestrator.assembly import AskPerson, Parts
from orchestrator.config import Config
from orchestrator.reopening import Reopened
from orchestrator.reporting import Report
from orchestrator.stopped_run import metadata_of
from orchestrator.stops import Stops
from store.checkpoint import WorkflowCheckpoint
from store.locks import RunLock
from store.owner import Owner


def parts_of(
    reopened: Reopened,
    lock: RunLock,
    owner: Owner,
    config: Config,
    report: Report,
    stops: Stops,
    *,
    base: str,
    checkpoint: WorkflowCheckpoint,
    record: dict[str, Any],
    ask_person: AskPerson | None = None,
    active_before: float = 0.0,
) -> Parts:
    """What is known of a reopened run, and who goes on with it.

    Args:
        reopened: the run with its workflow and its environment.
        lock: its lock, which is held.
        owner: who holds it.
        config: the settings.
        report: told what happens.
        stops: where requests to stop arrive.
        base: the commit it began at.
        checkpoint: where it goes on.
        record: its session record.
        ask_person: answers questions of the workflow.
        active_before: seconds it was active until now.
    """
    run = reopened.run
    return Parts(
        home=run.home,
        session_id=run.session_id,
        lock=lock,
        owner=owner,
        config=config,
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
        record=record,
        metadata=metadata_of(run, reopened.repository, base),
        stops=stops,
        report=report,
        ask_person=ask_person,
        active_before=active_before,
    )
