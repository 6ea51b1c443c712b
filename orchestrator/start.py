"""``setup_environment`` of a new run: from the run lock to the session that says Running."""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from orchestrator import passes
from orchestrator.assembly import AskPerson, Parts, assemble
from orchestrator.endings import Ending
from orchestrator.engine import Attempt
from orchestrator.git.command import GitError
from orchestrator.git.worktrees import make
from orchestrator.opening import Opening
from orchestrator.preflight import PreparedRun, start_warnings
from orchestrator.recorder import CheckpointFailed
from orchestrator.refusal import EXIT_BUSY, EXIT_FAILED, Refused
from orchestrator.reporting import (
    MergeQuestion,
    Report,
    RunResult,
    SessionCreated,
    StopAsked,
    Warned,
)
from orchestrator.stops import RunStopped, SignalWatch, Stop, Stops
from orchestrator.workflow_copies import save_copies
from store.checkpoint import CheckpointKind
from store.errors import AlreadyExists, Busy, StoreError
from store.faults import point
from store.home import Home
from store.locks import RunLock
from store.manager import SessionManager
from store.owner import new_owner, remove_owner, write_owner
from store.states import CheckpointStatus, SessionStatus, State
from store.times import utc_now
from store.worktree_metadata import WorktreeStatus, new_document


def run(
    prepared: PreparedRun,
    report: Report,
    ask_merge: MergeQuestion | None = None,
    ask_person: AskPerson | None = None,
) -> RunResult:
    """Carry out a prepared run in a new session.

    Raises:
        Refused: the session cannot be created; then nothing of the run exists.
    """
    stops = reported_stops(report)
    starter = _Starter(prepared, report, stops, ask_person)
    with SignalWatch(stops, starter.abandon):
        attempt = starter.setup_environment()
        if isinstance(attempt, RunResult):
            return attempt
        with attempt.inbox:
            return attempt.go(ask_merge, prepared.request.merge)


def reported_stops(report: Report) -> Stops:
    """Wishes to stop, each reported when it is noticed."""

    def notice(stop: Stop) -> None:
        by = stop.by.get("user") or stop.by.get("tool") or "somebody"
        report(StopAsked(str(stop.kind), str(by)))

    return Stops(notice)


class _Starter:
    """The writes of a start, in their order; each is a point at which a crash can be continued."""

    def __init__(
        self, prepared: PreparedRun, report: Report, stops: Stops, ask: AskPerson | None
    ) -> None:
        self._prepared = prepared
        self._report = report
        self._stops = stops
        self._ask = ask
        self._attempt: Attempt | None = None
        self._home = prepared.home
        self._id = prepared.session_id
        self._secrets = prepared.environment.secrets
        self._branch = f"prodigy-{self._id}"
        self._worktree = self._home.worktree(prepared.repository.name, self._id)

    def abandon(self) -> None:
        """Leave at once: kill what runs."""
        if self._attempt is not None:
            self._attempt.ctx.processes.kill_all()

    def setup_environment(self) -> Attempt | RunResult:
        """Create everything a run needs, the session first; a failed start is a failed session.

        Raises:
            Refused: not even the session could be created.
        """
        prepared = self._prepared
        lock = self._take_lock()
        try:
            files = save_copies(self._home, self._id, prepared.workflow, self._secrets)
            opening = Opening(prepared, self._branch, self._worktree, files)
            point("R2")
            document = self._create_session(lock, opening)
        except (StoreError, OSError) as error:
            self._forget(lock)
            raise _no_record(self._home, self._id, error) from error
        point("R3")
        attempt = self._attempt = self._assemble(lock, document, opening)
        ctx = attempt.ctx
        ctx.event(
            "session_created",
            workflow_id=prepared.workflow_id,
            job_id=None,
            session_type="Workflow",
            workflow_name=prepared.workflow.name,
            repo=prepared.repository.name,
            status=str(SessionStatus.INITIALIZING),
        )
        ctx.event(
            "run_started",
            kind="run",
            attempt=1,
            command=prepared.request.command,
            cwd=str(prepared.request.directory),
            workflow_path=str(prepared.request.workflow),
            workflow_sha256=opening.workflow_hash,
            from_step=0,
            total_steps=len(prepared.workflow.steps),
        )
        point("R4")
        try:
            self._make_worktree(attempt)
        except (GitError, OSError, StoreError, CheckpointFailed) as error:
            return self._start_failed(attempt, str(error))
        except RunStopped as stopped:
            return attempt.cleanup(attempt.endings.stopped(stopped.stop, "before step 1"))
        return attempt

    # -- R1 to R3

    def _take_lock(self) -> RunLock:
        try:
            lock = RunLock.acquire(self._home, self._id)
        except Busy as error:
            raise Refused(str(error), code="busy", exit_code=EXIT_BUSY, hint=error.hint) from error
        except (StoreError, OSError) as error:
            with contextlib.suppress(OSError):
                self._home.run_directory(self._id).rmdir()
            raise _no_record(self._home, self._id, error) from error
        try:
            self._owner = new_owner(self._prepared.request.command, 1)
            write_owner(self._home, self._id, self._owner)
        except (StoreError, OSError) as error:
            self._forget(lock)
            raise _no_record(self._home, self._id, error) from error
        point("R1")
        return lock

    def _forget(self, lock: RunLock) -> None:
        """Take back a start of which nobody was told: nothing of the run is left."""
        for name in ("workflow", "tmp", "control"):
            shutil.rmtree(self._home.run_directory(self._id) / name, ignore_errors=True)
        if self._home.session_file(self._id).exists():
            remove_owner(self._home, self._id)
            lock.release()
            return
        remove_owner(self._home, self._id)
        with contextlib.suppress(OSError):
            shutil.rmtree(self._home.logs_directory(self._id), ignore_errors=True)
        lock.delete()

    def _create_session(self, lock: RunLock, opening: Opening) -> dict[str, Any]:
        path = self._home.session_file(self._id)
        if path.exists():
            raise AlreadyExists("a session of that id exists already", path=path)
        manager = SessionManager(self._home, lock=lock)
        manager.create_session(opening.session())
        return manager.load_session(self._id).document

    # -- R4 to R8

    def _assemble(self, lock: RunLock, document: dict[str, Any], opening: Opening) -> Attempt:
        prepared = self._prepared
        metadata = new_document(
            session_id=self._id,
            branch=self._branch,
            original_branch=prepared.base_branch,
            path=self._worktree,
            repo_path=prepared.repository.path,
            base_commit=prepared.base_commit,
            now=utc_now(),
        )
        return assemble(
            Parts(
                home=self._home,
                session_id=self._id,
                lock=lock,
                owner=self._owner,
                config=prepared.config,
                workflow=prepared.workflow,
                repository=prepared.repository,
                worktree=self._worktree,
                branch=self._branch,
                base_branch=prepared.base_branch,
                base_commit=prepared.base_commit,
                environment=prepared.environment,
                parameters=prepared.parameters,
                plan=opening.plan,
                checkpoint=opening.checkpoint(str(document["started_at"])),
                record=document,
                metadata=metadata,
                stops=self._stops,
                report=self._report,
                ask_person=self._ask,
            )
        )

    def _make_worktree(self, attempt: Attempt) -> None:
        """R5 to R8.

        Raises:
            RunStopped: a signal came meanwhile.
        """
        prepared = self._prepared
        make(
            prepared.repository,
            self._worktree,
            self._branch,
            prepared.base_commit,
            on_wait=lambda: self._report(Warned("waiting for the repository's lock")),
        )
        point("R5")
        attempt.ctx.event(
            "worktree_created",
            job_id=self._id,
            agent_id="main",
            worktree_name=self._id,
            branch=self._branch,
        )
        attempt.worktree_record.write()
        point("R6")
        checkpoint = attempt.recorder.checkpoint
        passes.note_start(attempt.plan, checkpoint, self._worktree)
        attempt.recorder.save(CheckpointKind.START, CheckpointStatus.RUNNING)
        point("R7")
        self._stops.check_boundary()
        attempt.recorder.become(
            SessionStatus.RUNNING,
            attempt={"kind": "run", "pid": self._owner.pid, "host": self._owner.host},
        )
        point("R8")
        self._report(
            SessionCreated(
                self._id,
                prepared.workflow.name,
                self._branch,
                prepared.base_branch,
                prepared.base_commit,
                self._worktree,
                len(prepared.workflow.steps),
                prepared.unseen,
            )
        )
        for warning in start_warnings(prepared):
            self._report(Warned(warning))
        for name in self._secrets.too_short:
            self._report(Warned(f"secret {name} is shorter than 4 characters: it is not masked"))
        if prepared.environment.git_identity:
            self._report(
                Warned("git has no identity here: commits are by Prodigy <prodigy@localhost>")
            )

    def _start_failed(self, attempt: Attempt, reason: str) -> RunResult:
        """The session exists, so it says that and why its start failed."""
        message = f"the run could not be set up: {reason}"
        attempt.recorder.become(SessionStatus.FAILED, final=True, error=message, exit_code=1)
        if self._worktree.exists():
            attempt.worktree_record.set_status(WorktreeStatus.FAILED, error=message)
        attempt.ctx.event("job_failed", job_id=self._id, error=message)
        return attempt.cleanup(Ending(State.FAILED, "failed", EXIT_FAILED, message))


def _no_record(home: Home, session_id: str, error: Exception) -> Refused:
    path = getattr(error, "path", None) or home.session_file(session_id)
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return Refused(
        f"cannot create session record: {path}: {reason}",
        code="session_not_created",
        exit_code=EXIT_FAILED,
        hint="nothing was started; see that the state home can be written",
    )
