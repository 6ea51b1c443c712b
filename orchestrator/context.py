"""What every part of a run shares: its identity, its services and its present variables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.outcomes import UsageTally
from orchestrator.reporting import Report
from orchestrator.stops import Stops
from orchestrator.variables import Variables
from orchestrator.workflow.model import Workflow
from store.home import Home

if TYPE_CHECKING:
    from orchestrator.config import Config
    from orchestrator.git.changes import Snapshot
    from orchestrator.git.repository import Repository
    from orchestrator.run_environment import RunEnvironment
    from orchestrator.scopes import StepScope
    from orchestrator.steps.masking import Secrets
    from orchestrator.steps.process import Processes
    from orchestrator.steps.step_log import StepLog
    from orchestrator.workflow.environment import StepEnvironment
    from store.events import EventLog


_FREE_TEXT = frozenset(
    {"command", "label", "error", "message", "reason", "last_line", "content", "parameters"}
)
"""Fields of events that are masked; ids, paths, branches and numbers never are."""


class StepProgress(Protocol):
    """Takes note of what the step under way is doing, for whoever looks at the record."""

    def attempt_started(self, index: int, label: str, attempt: int, log: str | None) -> None:
        """A run of the step's command begins."""

    def agent_started(self, conversation: str) -> None:
        """The command is an agent, whose conversation has this UUID."""

    def waits(self, reason: str | None, until: datetime | None = None) -> None:
        """Nothing runs until a clock says so; None when it goes on."""


@dataclass(slots=True)
class RunContext:
    """Handed to everything that runs steps."""

    home: Home
    session_id: str
    workflow: Workflow
    repository: Repository
    worktree: Path
    branch: str
    base_branch: str | None
    base_commit: str
    config: Config
    environment: RunEnvironment
    secrets: Secrets
    variables: Variables
    processes: Processes
    stops: Stops
    report: Report
    events: EventLog
    progress: StepProgress
    ask_person: Callable[[str], bool | None]
    git_names: frozenset[str] = frozenset()
    """The git variables the workflow refers to anywhere, such as ``step.files_added``."""
    warned: set[str] = field(default_factory=set)
    """What has been warned about already, so that it is said once."""
    base: Path | None = None
    """Where relative working directories begin, if that is not the worktree."""

    @property
    def scratch(self) -> Path:
        """A directory for short-lived files; emptied by every owner."""
        return self.home.run_directory(self.session_id) / "tmp"

    def event(self, event_type: str, **fields: object) -> None:
        """Append to the timeline; free text in it is masked."""
        masked = {
            name: self.secrets.mask_value(value) if name in _FREE_TEXT else value
            for name, value in fields.items()
        }
        self.events.append(event_type, **{"session_id": self.session_id, **masked})


@dataclass(slots=True)
class Frame:
    """Where a step runs: the numbered step it belongs to, and the limits around it.

    ``mark`` is its ``PRODIGY_STEP``; ``log`` a log to share, None when each run opens its own;
    ``deadline`` is monotonic, in seconds.
    """

    index: int
    mark: str
    variables: Variables
    head_before: str | None
    role: str = "step"
    deadline: float | None = None
    log: StepLog | None = None
    extra_env: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 0
    nested: int = 0
    conversation: str | None = None
    """UUID for the agent's conversation in this run of the command."""
    pass_number: int = 0
    continues: bool = False
    """Whether this takes up a run of the step that was interrupted."""
    snapshot: Snapshot | None = None
    """The worktree when the step began, where its changes will be asked for."""
    environments: dict[int, tuple[StepEnvironment, StepScope]] = field(default_factory=dict)
    """Environments made so far in this frame, by identity of their step."""
    used: UsageTally = field(default_factory=UsageTally)
    """What the agents of the numbered step use, those of handlers and loops included."""
    problem: str | None = None
    """Why the command cannot run, known before it is prepared: its ``when`` has no value."""
    begins: Callable[[str | None], None] | None = None
    """Hears the name of its log when the command of a step inside another one begins."""

    def inner(self, role: str, **changes: Any) -> Frame:
        """A frame for a process inside this one; its mark ends with a number of its own."""
        self.nested += 1
        mark = f"{self.mark}.{self.nested}"
        fresh: dict[str, Any] = {"nested": 0, "environments": {}, "problem": None, "begins": None}
        return replace(self, role=role, mark=mark, **{**fresh, **changes})

    @property
    def out_of_time(self) -> bool:
        """Whether a limit around this step is over, so that nothing more is begun in it."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def earliest(*deadlines: float | None) -> float | None:
    """The first of several deadlines; None when there is none."""
    known = [deadline for deadline in deadlines if deadline is not None]
    return min(known) if known else None


def deadline_after(seconds: float | None) -> float | None:
    """The deadline so many seconds from now; None and 0 mean no limit."""
    return time.monotonic() + seconds if seconds else None
