"""Putting the parts of an attempt together: for a new run, one that goes on, or a merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.config import Config
from orchestrator.context import RunContext
from orchestrator.endings import Endings
from orchestrator.engine import Attempt
from orchestrator.git.repository import Repository
from orchestrator.guard import Guard
from orchestrator.inbox import Inbox
from orchestrator.passes import PassPlan
from orchestrator.recorder import Recorder
from orchestrator.reporting import Report, Warned
from orchestrator.run_environment import RunEnvironment
from orchestrator.run_log import RunLog
from orchestrator.step_git import referred_git_names
from orchestrator.steps.process import Processes
from orchestrator.stops import Stops
from orchestrator.variables import Layer, Variables
from orchestrator.workflow.model import Workflow
from orchestrator.worktree_record import WorktreeRecord
from store.checkpoint import WorkflowCheckpoint
from store.errors import StoreError
from store.events import EventLog
from store.home import Home
from store.locks import RunLock
from store.owned_record import OwnedRecord
from store.owner import Owner

AskPerson = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What an attempt is made of: where it happens, what it runs, and what is known of it."""

    home: Home
    session_id: str
    lock: RunLock
    owner: Owner
    config: Config
    workflow: Workflow
    repository: Repository
    worktree: Path
    branch: str
    base_branch: str | None
    base_commit: str
    environment: RunEnvironment
    parameters: Mapping[str, object]
    plan: PassPlan
    checkpoint: WorkflowCheckpoint
    record: dict[str, Any]
    metadata: dict[str, Any]
    stops: Stops
    report: Report
    ask_person: AskPerson | None = None
    active_before: float = 0.0


def assemble(parts: Parts) -> Attempt:
    """Start the helpers of an attempt (guard, writer) and connect everything; writes no state."""
    home, session_id, report = parts.home, parts.session_id, parts.report
    secrets = parts.environment.secrets
    run_log = RunLog(home.run_log(session_id), session_id, secrets)
    events = EventLog(
        home,
        parts.repository.name,
        session_id,
        parts.owner.attempt,
        on_problem=lambda problem: run_log.write(str(problem)),
    )

    def record_problem(problem: StoreError) -> None:
        run_log.write(str(problem))
        events.append("session_update_failed", update="record", error=str(problem))
        report(Warned(f"the session record lags behind: {problem}"))

    grace = parts.config.kill_grace_seconds
    guard = Guard.start(session_id, grace)
    variables = Variables()
    variables.set(Layer.PARAMETERS, dict(parts.parameters))
    recorder = Recorder(
        home,
        parts.checkpoint,
        OwnedRecord(home, parts.record, on_problem=record_problem),
        events,
        variables,
        secrets,
        report,
        history_keep=parts.config.history_keep,
        active_before=parts.active_before,
    )
    ctx = RunContext(
        home=home,
        session_id=session_id,
        workflow=parts.workflow,
        repository=parts.repository,
        worktree=parts.worktree,
        branch=parts.branch,
        base_branch=parts.base_branch,
        base_commit=parts.base_commit,
        config=parts.config,
        environment=parts.environment,
        secrets=secrets,
        variables=variables,
        processes=Processes(session_id, grace_seconds=grace, guard=guard),
        stops=parts.stops,
        report=report,
        events=events,
        progress=recorder,
        ask_person=parts.ask_person or (lambda _question: None),
        git_names=referred_git_names(parts.workflow),
    )
    worktree_record = WorktreeRecord(
        home, parts.repository.name, session_id, parts.metadata, events
    )
    return Attempt(
        ctx=ctx,
        recorder=recorder,
        lock=parts.lock,
        owner=parts.owner,
        guard=guard,
        inbox=Inbox(home, session_id, parts.owner.token, parts.stops, events),
        stops=parts.stops,
        plan=parts.plan,
        endings=Endings(ctx, recorder, worktree_record),
        worktree_record=worktree_record,
        run_log=run_log,
    )
