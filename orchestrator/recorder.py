"""Writes down what a run does: checkpoint first, the session record as its projection, then events.

One recorder per owner. Only a change of status is waited for; everything else marks the record
dirty and goes on. A checkpoint that cannot be written ends the run, a record never does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.reporting import Report, Warned
from orchestrator.steps.masking import Secrets
from orchestrator.stored_variables import VariableStore
from orchestrator.variables import Variables
from store import checkpoints
from store.checkpoint import CheckpointKind, CompletedStep, WorkflowCheckpoint
from store.errors import StoreError
from store.events import EventLog
from store.faults import point
from store.home import Home
from store.owned_record import OwnedRecord
from store.projection import project
from store.states import CheckpointStatus, SessionStatus
from store.times import to_text, utc_now
from store.transitions import transition

_RECORD_WAIT_SECONDS = 1.0


class CheckpointFailed(Exception):
    """A checkpoint could not be written twice, so nothing more may be begun."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))
        self.error = error


class Recorder:
    """The one writer of a run's checkpoint and record.

    Args:
        home: the state home.
        checkpoint: the state of the run, changed in place and saved from time to time.
        record: the owner's session record.
        events: the timeline.
        variables: the run's variables, snapshotted with each checkpoint.
        secrets: hides their values in everything that is written.
        report: told of writes that failed.
        history_keep: checkpoints to keep.
        active_before: seconds earlier attempts of the run were active.
    """

    def __init__(
        self,
        home: Home,
        checkpoint: WorkflowCheckpoint,
        record: OwnedRecord,
        events: EventLog,
        variables: Variables,
        secrets: Secrets,
        report: Report,
        *,
        history_keep: int,
        active_before: float = 0.0,
    ) -> None:
        self.checkpoint = checkpoint
        self.record = record
        self._home = home
        self._events = events
        self._variables = variables
        self._stored = VariableStore(secrets)
        self._report = report
        self._history_keep = history_keep
        self._active_before = active_before
        self._started = time.monotonic()
        self.files_changed: int | None = None
        """Distinct paths the branch changes since its base, when they have been counted."""
        self.commits: int | None = None
        """Commits of the branch since its base, likewise."""

    @property
    def active_seconds(self) -> float:
        """How long the run has been active, pauses left out."""
        return self._active_before + time.monotonic() - self._started

    # -- checkpoints

    def save(self, kind: CheckpointKind, status: CheckpointStatus) -> None:
        """Save the present state.

        Raises:
            CheckpointFailed: not even a second try succeeded.
        """
        self.record.settle(_RECORD_WAIT_SECONDS)
        self.checkpoint.kind = kind
        self.checkpoint.status = status
        self._stored.put(self._variables, self.checkpoint)
        try:
            checkpoints.save(self._home, self.checkpoint, history_keep=self._history_keep)
        except StoreError as error:
            self._events.append("checkpoint_failed", job_id=self._job_id, error=str(error))
            raise CheckpointFailed(error) from error
        self._events.append(
            "checkpoint_created",
            job_id=self._job_id,
            version=self.checkpoint.seq,
            agents_completed=len(self.checkpoint.completed_steps),
            kind=str(kind),
            step_index=self.checkpoint.index,
        )

    @property
    def _job_id(self) -> str:
        return self.checkpoint.x.session_id

    # -- the record

    def change(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Change the record some time soon."""
        self.record.change(edit)

    def progress(self) -> None:
        """Bring the record in step with the checkpoint, some time soon."""
        self.record.change(self._project)

    def _project(self, document: dict[str, Any]) -> None:
        project(
            self.checkpoint,
            document,
            now=utc_now(),
            total_seconds=self.active_seconds,
            files_changed=self.files_changed,
        )
        if self.commits is not None:
            _x(document)["commits"] = self.commits

    def become(
        self, status: SessionStatus, *, reason: str = "", final: bool = False, **details: Any
    ) -> None:
        """Change the session's status by ``store.transitions`` and wait until that is on disk."""

        def edit(document: dict[str, Any]) -> None:
            transition(document, status, now=utc_now(), **details)

        self.become_by(status, edit, reason=reason, final=final, error=details.get("error"))

    def become_by(
        self,
        status: SessionStatus,
        edit: Callable[[dict[str, Any]], None],
        *,
        reason: str = "",
        final: bool = False,
        error: object = None,
    ) -> None:
        """Change the session's status by an edit of its own; the record is projected first.

        A failure is reported, never raised: the run goes on, or has ended, all the same.
        """
        before = self.record.document.get("status")

        def project_and_edit(document: dict[str, Any]) -> None:
            self._project(document)
            edit(document)

        if not self.record.write_now(project_and_edit, final=final):
            words = f"the session record could not be written; it still says {before}"
            self._report(Warned(words))
        self._events.append(
            "session_status_changed",
            **{"from": before, "to": str(status), "reason": reason, "error": error},
        )

    # -- the step under way (orchestrator.context.StepProgress)

    def attempt_started(self, index: int, label: str, attempt: int, log: str | None) -> None:
        step = {
            "index": index,
            "label": label,
            "attempt": attempt,
            "started_at": to_text(utc_now()),
            "log": log,
        }
        flight = self.checkpoint.x.in_flight
        self.checkpoint.x.in_flight = {
            "step_index": index,
            "label": label,
            "attempt": attempt,
            "started_at": step["started_at"],
            "head_before": flight.get("head_before") if flight else None,
            "head_now": None,
            "dirty": None,
            "log": log,
            "claude_session": None,
        }
        self.record.change(lambda document: _x(document).update(step=step))

    def agent_started(self, conversation: str) -> None:
        flight = self.checkpoint.x.in_flight
        if flight is not None:
            flight["claude_session"] = conversation

        def edit(document: dict[str, Any]) -> None:
            _x(document).setdefault("step", {})["claude_session"] = conversation

        self.record.change(edit)

    def waits(self, reason: str | None, until: datetime | None = None) -> None:
        waiting = None
        if reason is not None:
            waiting = {
                "kind": "clock" if until is not None else "person",
                "reason": reason,
                "since": to_text(utc_now()),
                "until": to_text(until) if until is not None else None,
            }

        def edit(document: dict[str, Any]) -> None:
            if waiting is None:
                _x(document).pop("waiting", None)
            else:
                _x(document)["waiting"] = waiting

        self.record.change(edit)

    # -- the ends of a step

    def step_done(self, completed: CompletedStep, captured: Sequence[str] = ()) -> None:
        """A step is over and the next one may begin: checkpoint, record, event.

        Args:
            completed: what is remembered of it.
            captured: the variables its output went to.

        Raises:
            CheckpointFailed: it could not be saved.
        """
        state = self.checkpoint
        state.completed_steps.append(completed)
        state.index = completed.index + 1
        state.x.in_flight = None
        state.x.head_last = completed.head_after or state.x.head_last
        self.save(CheckpointKind.STEP, CheckpointStatus.RUNNING)
        point("S3")
        self.record.change(self._after_step)
        point("S4")
        if completed.skipped is not None:
            self._events.append(
                "step_skipped", step_index=completed.index, reason=completed.skipped
            )
        else:
            self._events.append(
                "step_completed",
                step_index=completed.index,
                attempt=completed.attempt,
                duration=completed.duration_seconds,
                exit_code=completed.exit_code,
                head=completed.head_after,
                commits=completed.commits,
                files_changed=completed.files_changed,
                tolerated=completed.tolerated,
                captured=list(captured),
                log=completed.log,
                log_bytes=completed.log_bytes,
                usage=completed.usage,
            )
        point("S5")

    def _after_step(self, document: dict[str, Any]) -> None:
        extension = _x(document)
        extension.pop("step", None)
        extension.pop("waiting", None)
        self._project(document)

    def close(self) -> None:
        """Write what is left to write and stop the writer."""
        self.record.close()


def _x(document: Mapping[str, Any]) -> dict[str, Any]:
    extension: dict[str, Any] = document["metadata"]["x_prodigy"]
    return extension
