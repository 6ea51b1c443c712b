"""One session as a row: everything lists and the dashboard show without opening more files."""

from __future__ import annotations

from typing import NamedTuple

from store.failures import how_it_failed
from store.states import State


class SessionRow(NamedTuple):
    """A session for lists. Times are microseconds since the epoch, UTC; indexes count from 0.

    An unreadable or missing record gives a row with ``id``, ``state`` and ``problem``, and whatever
    else its checkpoint or metadata say.
    """

    id: str
    state: State
    status: str = ""
    """The stored word, as found."""
    session_type: str = ""
    workflow: str = ""
    workflow_id: str = ""
    workflow_path: str = ""
    job_id: str | None = None
    repo: str = ""
    repo_path: str = ""
    branch: str = ""
    base_branch: str | None = None
    base_commit: str = ""
    worktree: str = ""
    step_index: int = 0
    """The step it is at: running, failed or next."""
    total_steps: int = 0
    step_label: str = ""
    step_attempt: int = 0
    step_started_us: int | None = None
    step_log: str | None = None
    """Relative to the run's state directory."""
    output_us: int | None = None
    """When the running step last printed something."""
    pass_number: int = 0
    """0-based over the run."""
    iteration: int = 1
    input: str | None = None
    started_us: int = 0
    updated_us: int = 0
    completed_us: int | None = None
    state_since_us: int = 0
    active_seconds: float = 0.0
    """Time in which an attempt ran; for an open attempt up to ``updated_us`` (a viewer adds)."""
    attempt_started_us: int | None = None
    """Start of the open attempt, None when none is open."""
    attempts: int = 0
    error: str | None = None
    failed_us: int | None = None
    """When an attempt failed last, also if the run went on since."""
    failure_exit_code: int | None = None
    failure_signal: int | None = None
    failure_timed_out: bool = False
    failure_reason: str = ""
    """Why a step failed whose command ended well: ``made no commit``."""
    failure_label: str = ""
    stop_kind: str | None = None
    stop_by: str | None = None
    """User who asked, when known."""
    waiting_kind: str | None = None
    """``person`` or ``clock`` while it waits for one."""
    waiting_reason: str | None = None
    waiting_until_us: int | None = None
    merge_state: str | None = None
    merge_target: str | None = None
    merge_commit: str | None = None
    merge_error: str | None = None
    files_changed: int = 0
    commits: int | None = None
    """Commits beyond the base, when the record knows."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    calls: int = 0
    owner_pid: int | None = None
    owner_host: str | None = None
    owner_command: str | None = None
    live_reason: str | None = None
    """Why the owner cannot be checked, for ``unknown``."""
    archived: bool = False
    checkpoint_seq: int = 0
    """Of the checkpoint the record mirrors."""
    tool: str = ""
    newer_format: bool = False
    """Written by a newer version: shown as far as known, no action writes."""
    problem: str | None = None
    """What is wrong with the record, for people."""

    @property
    def how_it_failed(self) -> str:
        """``exit 101``, ``timeout``; empty when no step failed, or nothing tells how."""
        return how_it_failed(
            {
                "reason": self.failure_reason,
                "timed_out": self.failure_timed_out,
                "signal": self.failure_signal,
                "exit_code": self.failure_exit_code,
            }
        )
