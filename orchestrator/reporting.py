"""What a run tells whoever shows it, as it happens, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class UnseenFiles:
    """Files of the user's checkout that the run will not see, because they are not committed."""

    uncommitted: int = 0
    untracked: int = 0
    named: tuple[str, ...] = ()
    """Those that matter for the run itself: the workflow file, anything under ``.claude/``."""


@dataclass(frozen=True, slots=True)
class SessionCreated:
    session_id: str
    workflow_name: str
    branch: str
    base_branch: str | None
    base_commit: str
    worktree: Path
    total_steps: int
    unseen: UnseenFiles = UnseenFiles()


@dataclass(frozen=True, slots=True)
class SessionResumed:
    session_id: str
    workflow_name: str
    from_index: int
    total_steps: int
    worktree: Path


@dataclass(frozen=True, slots=True)
class PassStarted:
    """Another execution of the step list begins; ``number`` counts from 1."""

    number: int
    total: int | None
    input: str | None


@dataclass(frozen=True, slots=True)
class StepStarted:
    """``index`` counts from 0; ``log`` is the file that receives the output, if there is one."""

    index: int
    total: int
    label: str
    attempt: int
    log: Path | None


@dataclass(frozen=True, slots=True)
class StepRetrying:
    index: int
    attempt: int
    reason: str
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class HandlerStarted:
    """A step run on behalf of another one; ``role`` is on_failure, on_success, validate, …"""

    index: int
    role: str
    label: str
    log: Path | None


@dataclass(frozen=True, slots=True)
class HandlerCompleted:
    index: int
    role: str
    exit_code: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class StepSkipped:
    index: int
    total: int
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepCompleted:
    """``tolerated`` when the command failed and the workflow goes on all the same."""

    index: int
    total: int
    label: str
    duration_seconds: float
    exit_code: int
    commits: int
    tolerated: bool


@dataclass(frozen=True, slots=True)
class StepFailed:
    index: int
    total: int
    label: str
    duration_seconds: float
    exit_code: int | None
    message: str
    log: Path | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The run waits for a clock: a usage limit, a retry delay. None when it goes on."""

    reason: str | None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class StopAsked:
    """A signal or request was noticed; ``action`` says what will be done about it."""

    action: str
    by: str


@dataclass(frozen=True, slots=True)
class MergeStarted:
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class MergeFinished:
    state: str
    target: str
    commit: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Warned:
    message: str


RunEvent = (
    SessionCreated
    | SessionResumed
    | PassStarted
    | StepStarted
    | StepRetrying
    | HandlerStarted
    | HandlerCompleted
    | StepSkipped
    | StepCompleted
    | StepFailed
    | Waiting
    | StopAsked
    | MergeStarted
    | MergeFinished
    | Warned
)

Report = Callable[[RunEvent], None]
"""Receives every event, in order, from any thread of the run. It must be quick and never raise."""

MergeQuestion = Callable[[str, str], bool | None]
"""Asks whether to merge (worktree, target branch): yes, no, or None when nobody could be asked."""


def silent(_event: RunEvent) -> None:
    """A report that shows nothing."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody asked to run: the arguments of ``prodigy run``, paths absolute."""

    workflow: Path
    directory: Path
    """Inside the repository whose worktree is used; also the base of relative paths."""
    session_id: str | None = None
    args: tuple[str, ...] = ()
    map_patterns: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    parameter_file: Path | None = None
    file_parameters: Mapping[str, object] | None = None
    """What that file held when the run began; a resume does not read it again."""
    max_iterations: int | None = None
    profile: str | None = None
    strict: bool = False
    fail_fast: bool = False
    merge: bool | None = None
    """True merges without asking, False never asks, None asks."""
    command: str = "run"


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run or a resume ended."""

    session_id: str
    state: str
    """A word of ``store.states.State``."""
    exit_code: int
    message: str
    """One line for people: what is so."""
    workflow_name: str
    branch: str
    worktree: Path
    step_index: int
    total_steps: int
    commits: int
    duration_seconds: float
    cost_usd: float | None
    next_command: str | None
    failed_step: StepFailed | None = None
    kept: str = ""
