"""What screens show of one session beyond its row, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app import format as form
from app.status_style import StepSign
from store.row import SessionRow

_A_MOMENT = 0.05
"""Seconds that are written as none."""


class SpanKind(StrEnum):
    ATTEMPT = "attempt"
    HANDLER = "handler"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time a step took: one attempt, one handler, one wait for a retry."""

    kind: SpanKind
    label: str
    """What it was: ``attempt 1``, ``on_failure claude: /debug``."""
    started_us: int
    seconds: float
    """How long it took; of a wait that goes on, how long it is to last."""
    failed: bool = False
    running: bool = False
    cost: float | None = None
    outcome: str = ""
    """How it ended, where that is not simply well: ``exit 101``."""
    commits: int = 0
    log_name: str = ""
    """Its output, as events call it."""
    log: Path | None = None
    """The same as a file, None when that is not there."""
    is_cut_off: bool = False
    """Nobody wrote when it ended: ``seconds`` are those to its last output or event."""

    @property
    def took(self) -> float | None:
        """Seconds it took, as far as they are known; None when nothing of its end is."""
        if self.running:
            return 0.0
        return None if self.is_cut_off and self.seconds < _A_MOMENT else self.seconds

    def seconds_until(self, moment_us: int) -> float:
        """How long it has gone on at a moment; a wait no longer than it is to last."""
        seconds = max(0.0, (moment_us - self.started_us) / 1e6)
        return min(seconds, self.seconds) if self.kind is SpanKind.WAIT else seconds

    @property
    def words(self) -> str:
        """What it was and what came of it: ``attempt 1  exit 101``."""
        made = f", {form.count(self.commits, 'commit')}" if self.commits else ""
        return f"{self.label}{made}  {self.outcome}".rstrip()


def total_seconds(spans: Iterable[Span]) -> float | None:
    """What is known of the time that all of these took; None when nothing is."""
    known = [span.took for span in spans if span.took is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class StepPlan:
    """A step as the saved copy of the workflow has it.

    ``tries`` is how often it is run at most, 0 when that is not known; ``line`` where it stands.
    """

    label: str
    tries: int = 0
    timeout: float | None = None
    line: int = 0


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
    plan: StepPlan | None = None
    head_before: str | None = None
    head_after: str | None = None
    running_since_us: int | None = None
    """When the attempt under way began; ``seconds`` has only those before it."""

    def seconds_at(self, now_us: int) -> float | None:
        """How long it has run, its attempts together."""
        if self.running_since_us is None:
            return self.seconds
        return (self.seconds or 0.0) + max(0.0, (now_us - self.running_since_us) / 1e6)

    @property
    def tries_words(self) -> str:
        """``attempt 2 of 3``, or nothing when there was but one."""
        of = self.plan.tries if self.plan is not None else 0
        if self.attempts <= 1 and of <= 1:
            return ""
        return f"attempt {self.attempts}" + (f" of {of}" if of >= self.attempts else "")


@dataclass(frozen=True, slots=True)
class PassView:
    """One run over all steps, of a run that has several. ``number`` counts from 1."""

    number: int
    words: str
    """``pass 2 of 3  v2.5``."""
    steps: tuple[StepView, ...]
    total: int = 0
    """How many there will be at most."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """All that ran in it."""
        return tuple(span for step in self.steps for span in step.spans)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The output of one attempt of a step, or of a handler after it (0: none); all from 1."""

    step: int
    attempt: int
    path: Path
    handler: int = 0


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
    problem: str = ""
    why: str = ""
    """What had happened when it was written."""


@dataclass(frozen=True, slots=True)
class VariableView:
    """A variable; ``value`` has ``••••••`` where a secret stood."""

    name: str
    value: str
    note: str = ""
    """What to know about the value: ``38 KB, kept in a file``."""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointContents:
    """What a checkpoint holds: facts as label and value, finished steps, variables."""

    seq: int
    facts: tuple[tuple[str, str], ...] = ()
    steps: tuple[tuple[int, str, str], ...] = ()
    """Number, label, how it ended."""
    variables: tuple[VariableView, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """``added`` and ``removed`` lines; None for a file that is not text."""

    path: str
    added: int | None
    removed: int | None
    is_untracked: bool = False
    was: str = ""
    """Its path before, when it was renamed."""


@dataclass(frozen=True, slots=True)
class CommitView:
    id: str
    subject: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Two moments that are compared: ``until`` None is the worktree as it is."""

    title: str
    since: str
    until: str | None
    files: tuple[ChangedFile, ...] = ()
    commits: tuple[CommitView, ...] = ()
    words: str = ""
    """What to say when there is nothing."""


@dataclass(frozen=True, slots=True)
class ChangesView:
    """What a session changed: all of it, what is uncommitted, and by step."""

    directory: Path | None = None
    scopes: tuple[Scope, ...] = ()
    words: str = ""
    """Why there is nothing to compare."""
    note: str = ""
    """What is compared where the worktree is gone."""


@dataclass(frozen=True, slots=True)
class WorktreeView:
    """A worktree now; ``files`` are uncommitted."""

    files: tuple[ChangedFile, ...] = ()
    ahead: int | None = None
    """Commits it has beyond the base; None when not known."""
    commits_there: bool | None = None
    """Whether the commit the checkpoint recorded is still in it; None when not known."""
    problem: str = ""


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
    """Of the pass it is at."""
    passes: tuple[PassView, ...] = ()
    """Of a run over the steps several times: those that began, the one it is at last."""
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
    checkpoint_place: tuple[int, int] | None = None
    """Its number, and the step it was written before, from 1."""
    worktree_words: str = ""
    worktree_is_present: bool = False
    claude_session: str | None = None
    head_last: str | None = None
    """The commit the last finished step left."""
    problem: str | None = None
    """What could not be read of it."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How much there is of what the tabs show, by their names."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """All that ran, of every pass."""
        if self.passes:
            return tuple(span for one in self.passes for span in one.spans)
        return tuple(span for step in self.steps for span in step.spans)

    @property
    def focus_step(self) -> StepView | None:
        """The step that matters now: running or failed, else the last one reached."""
        wanted = (StepSign.RUNNING, StepSign.UNKNOWN, StepSign.FAILED, StepSign.INTERRUPTED)
        for step in self.steps:
            if step.sign in wanted:
                return step
        reached = [step for step in self.steps if step.sign is not StepSign.NOT_REACHED]
        return reached[-1] if reached else (self.steps[0] if self.steps else None)


class StepFate(StrEnum):
    """What a resume does with a step."""

    KEEP = "keep"
    AGAIN = "run again"
    RUN = "run"
    SKIP = "skip"
    PENDING = "checking…"


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
    commits: int = 0


@dataclass(frozen=True, slots=True)
class CheckView:
    name: str
    finding: Finding
    words: str


@dataclass(frozen=True, slots=True)
class ResumeChoice:
    """How somebody wants a session resumed. Steps count from 1."""

    from_step: int | None = None
    from_checkpoint: str | None = None
    skip_step: int | None = None
    use_file: bool = False
    restore: bool = False
    force: bool = False

    def arguments(self) -> tuple[str, ...]:
        """The options of ``prodigy resume`` that say the same."""
        valued = (
            ("--from-step", self.from_step),
            ("--from-checkpoint", self.from_checkpoint),
            ("--skip-step", self.skip_step),
        )
        given = [word for name, value in valued if value is not None for word in (name, str(value))]
        flags = (("--use-file", self.use_file), ("--restore", self.restore),
                 ("--force", self.force))  # fmt: skip
        return (*given, *(name for name, wanted in flags if wanted))


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
    is_live: bool = False
    """Whether that is only because somebody has it at the moment."""
    needs_force: tuple[str, ...] = ()
    """Refusals that only ``--force`` passes, each in words."""
    workflow_changed: bool = False
    can_restore: bool = False
    """Whether the worktree holds what ``--restore`` would put away."""
    passes_left: int = 0
    """Runs over all steps that follow this one."""


@dataclass(frozen=True, slots=True)
class MergeView:
    """What a merge would bring into its target."""

    target: str
    commits: int
    files: int
    insertions: int
    deletions: int
    behind: int
    conflicts: tuple[str, ...]
    uncommitted: int = 0
    """Files in the worktree that it would not bring."""
