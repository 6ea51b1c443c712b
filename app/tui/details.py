"""What screens show of one session beyond its row, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.status_style import StepSign
from store.row import SessionRow


class SpanKind(StrEnum):
    ATTEMPT = "attempt"
    HANDLER = "handler"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time a step took: one attempt, one handler, one wait for a retry."""

    kind: SpanKind
    label: str
    """What it was, and how it ended: ``attempt 1  exit 101``."""
    started_us: int
    seconds: float
    failed: bool = False
    running: bool = False
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the run. ``number`` counts from 1."""

    number: int
    label: str
    sign: StepSign
    attempts: int = 0
    seconds: float | None = None
    cost: float | None = None
    spans: tuple[Span, ...] = ()
    command: str = ""
    """As the workflow has it, kind included."""
    log: Path | None = None
    log_name: str = ""
    log_bytes: int | None = None
    started_us: int | None = None
    ended_us: int | None = None
    outcome: str = ""
    """How its last attempt ended: ``exit 101``, ``timeout``, ``skipped: …``."""
    commits: int | None = None
    handlers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointView:
    seq: int
    kind: str
    status: str
    index: int
    total: int
    written_us: int
    size: int
    is_newest: bool


@dataclass(frozen=True, slots=True)
class EventView:
    at_us: int
    kind: str
    words: str
    raw: str


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """One session: its steps, facts, and the log that matters now."""

    row: SessionRow
    steps: tuple[StepView, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value, in the order they are shown."""
    log: Path | None = None
    """Output of the running or failed step, else of the last one."""
    log_step: int | None = None
    """The step that wrote it, from 1."""
    commits: int = 0
    pass_words: str = ""
    """Of an iterative run: ``pass 2 of 3  v2.5``."""
    checkpoint_words: str = ""
    """Which checkpoint a resume would use."""
    worktree_words: str = ""
    claude_session: str | None = None
    problem: str | None = None
    """What could not be read of it."""

    @property
    def focus_step(self) -> StepView | None:
        """The step that matters now: running or failed, else the last one reached."""
        wanted = (StepSign.RUNNING, StepSign.FAILED, StepSign.INTERRUPTED)
        for step in self.steps:
            if step.sign in wanted:
                return step
        reached = [step for step in self.steps if step.sign is not StepSign.NOT_REACHED]
        return reached[-1] if reached else (self.steps[0] if self.steps else None)


@dataclass(frozen=True, slots=True)
class WorkflowChoice:
    """A workflow file somebody may run."""

    path: Path
    name: str
    origin: str
    """The heading it stands under: a directory, or ``recent elsewhere``."""
    directory: Path
    """Where its run starts."""


@dataclass(frozen=True, slots=True)
class ParameterView:
    name: str
    required: bool
    default: str | None
    help: str


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing wrong with a workflow file; ``where`` is ``line:column``."""

    where: str
    words: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow file, read: its steps, parameters and problems."""

    path: Path
    name: str = ""
    kind: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    """Each step's label, and what happens besides running it (``on_failure: …``)."""
    parameters: tuple[ParameterView, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    """By position."""
    error_count: int = 0
    uses_args: bool = False
    not_run: str | None = None
    """Why this version cannot run it, when its file is right."""


@dataclass(frozen=True, slots=True)
class BeginsAt:
    """What a run started here begins with, and does not see."""

    branch: str | None
    commit: str
    uncommitted: int = 0
    untracked: int = 0
    named: tuple[str, ...] = ()
    problem: str | None = None


class StepFate(StrEnum):
    """What a resume does with a step."""

    KEEP = "keep"
    AGAIN = "run again"
    RUN = "run"
    SKIP = "skip"


class Finding(StrEnum):
    """How a check of a plan came out."""

    GOOD = "ok"
    WARN = "warn"
    BAD = "bad"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class PlannedStepView:
    number: int
    label: str
    fate: StepFate
    why: str


@dataclass(frozen=True, slots=True)
class CheckView:
    name: str
    finding: Finding
    words: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a resume would do, and what speaks for and against it."""

    sentence: str
    steps: tuple[PlannedStepView, ...]
    checks: tuple[CheckView, ...]
    command: str
    impossible: str | None = None
    instead: str | None = None
    """The command that would work where this is impossible."""
    needs_force: tuple[str, ...] = ()
    """Refusals that only ``--force`` passes, each in words."""
    workflow_changed: bool = False
