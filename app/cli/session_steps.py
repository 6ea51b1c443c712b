"""The steps of a run, done and to come, from its newest checkpoint and its record."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from app.status_style import StepSign
from store.atomic import read_json_object
from store.checkpoint import CompletedStep, WorkflowCheckpoint
from store.checkpoints import newest
from store.errors import StoreError
from store.home import Home
from store.row import SessionRow
from store.rows import microseconds
from store.session import UnifiedSession
from store.states import State
from store.step_logs import list_logs


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of the present pass. ``step`` counts from 1, ``step_index`` from 0."""

    step: int
    step_index: int
    name: str | None
    state: str
    """A word of ``StepSign``."""
    attempt: int | None = None
    """As its log is called: counted over all passes."""
    duration_seconds: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    tolerated: bool = False
    skipped: str | None = None
    commits: int | None = None
    started_at: str | None = None
    completed_at: str | None = None
    error: str | None = None
    log: str | None = None
    """Path of its output."""
    cost_usd: float | None = None
    tries: int | None = None
    """How often it was run in this pass."""

    def document(self) -> dict[str, object]:
        """The step as machines get it."""
        return asdict(self)


def checkpoint_of(home: Home, run_id: str) -> WorkflowCheckpoint | None:
    """The newest usable checkpoint, if there is one."""
    try:
        found = newest(home, run_id)
    except StoreError:
        return None
    return found.checkpoint if found is not None else None


def record_of(home: Home, run_id: str) -> UnifiedSession | None:
    """The session record, if it can be read."""
    try:
        return UnifiedSession.parse(read_json_object(home.session_file(run_id)), run_id)
    except StoreError:
        return None


def steps_of(home: Home, row: SessionRow, checkpoint: WorkflowCheckpoint | None) -> list[StepFacts]:
    """Every step of the present pass, those not reached included."""
    total = max(row.total_steps, checkpoint.total_steps if checkpoint is not None else 0)
    done = {step.index: step for step in checkpoint.completed_steps} if checkpoint else {}
    labels = _labels(home, row.id, checkpoint) if len(done) < total else {}
    steps = [
        _done(home, row.id, done[index])
        if index in done
        else _open(home, row, checkpoint, index, labels.get(index))
        for index in range(total)
    ]
    earlier = _earlier_attempts(home, row.id, checkpoint)
    return [replace(step, tries=_tries(step, earlier)) for step in steps]


def _tries(step: StepFacts, earlier: list[tuple[int, int]]) -> int | None:
    if step.attempt is None:
        return None
    before = (attempt for index, attempt in earlier if index == step.step_index)
    return step.attempt - max((one for one in before if one < step.attempt), default=0)


def _earlier_attempts(
    home: Home, run_id: str, checkpoint: WorkflowCheckpoint | None
) -> list[tuple[int, int]]:
    """Step and attempt of each log that was last written to before the present pass began."""
    passes = checkpoint.x.passes if checkpoint is not None else []
    began_us = microseconds(passes[-1].get("ended_at")) if passes else None
    if began_us is None:
        return []
    return [
        (log.step_index, log.attempt)
        for log in list_logs(home, run_id)
        if log.modified_ns <= began_us * 1000
    ]


def _done(home: Home, run_id: str, step: CompletedStep) -> StepFacts:
    sign = StepSign.SKIPPED if step.skipped is not None else StepSign.DONE
    usage = step.usage or {}
    return StepFacts(
        step=step.index + 1,
        step_index=step.index,
        name=step.label or step.command or None,
        state=str(sign),
        attempt=step.attempt,
        duration_seconds=step.duration_seconds,
        exit_code=step.exit_code,
        signal=step.signal,
        tolerated=step.tolerated,
        skipped=step.skipped,
        commits=step.commits,
        started_at=step.started_at,
        completed_at=step.completed_at or None,
        log=_log_path(home, run_id, step.log),
        cost_usd=usage.get("cost_usd"),
    )


def _open(
    home: Home,
    row: SessionRow,
    checkpoint: WorkflowCheckpoint | None,
    index: int,
    label: str | None,
) -> StepFacts:
    """A step that is not done: the one the run is at, or one to come."""
    at_it = index == row.step_index
    about: dict[str, Any] = {}
    if at_it and checkpoint is not None and index == checkpoint.index:
        about = checkpoint.x.failure or checkpoint.x.in_flight or {}
    sign = _sign(row.state, bool(about) or bool(row.step_label)) if at_it else StepSign.NOT_REACHED
    name = label or (row.step_label if at_it else "") or about.get("label")
    failed = sign is StepSign.FAILED
    return StepFacts(
        step=index + 1,
        step_index=index,
        name=name or None,
        state=str(sign),
        attempt=(row.step_attempt or about.get("attempt")) if at_it else None,
        exit_code=row.failure_exit_code if failed else None,
        signal=row.failure_signal if failed else None,
        started_at=about.get("started_at"),
        error=(row.error or about.get("message")) if failed else None,
        log=_log_path(home, row.id, (row.step_log or about.get("log")) if at_it else None),
    )


def _sign(state: State, begun: bool) -> StepSign:
    if state is State.FAILED:
        return StepSign.FAILED
    if state.is_live and begun:
        return StepSign.RUNNING
    if begun and state is State.UNKNOWN:
        return StepSign.UNKNOWN
    if begun and state in (State.INTERRUPTED, State.PAUSED):
        return StepSign.INTERRUPTED
    return StepSign.NOT_REACHED


def _labels(home: Home, run_id: str, checkpoint: WorkflowCheckpoint | None) -> dict[int, str]:
    """What the steps are called, from the copy of the workflow saved with the run."""
    files = checkpoint.x.workflow_files if checkpoint is not None else []
    main = next((file for file in files if file.get("role") == "main"), None)
    name = main.get("file") if main is not None else None
    if not isinstance(name, str) or ".." in name or name.startswith("/"):
        return {}
    from pathlib import Path

    from orchestrator.workflow.load import load_workflow

    copy = home.run_directory(run_id) / name
    try:
        shown = Path(str(main.get("path") or copy)) if main is not None else copy
        loaded = load_workflow(shown, text=copy.read_bytes())
    except OSError:
        return {}
    if loaded.workflow is None:
        return {}
    return {index: step.label for index, step in enumerate(loaded.workflow.steps)}


def _log_path(home: Home, run_id: str, name: object) -> str | None:
    if not isinstance(name, str) or not name or ".." in name:
        return None
    return str(home.run_directory(run_id) / name)
