"""A state home with a session in every state, written through the store's own functions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from store import atomic, checkpoints, requests
from store.checkpoint import CheckpointKind, CompletedStep, WorkflowCheckpoint
from store.errors import StoreError
from store.events import EventLog
from store.home import Home
from store.locks import RunLock
from store.owner import Owner, this_host, write_owner
from store.session import SessionConfig, new_document, transition
from store.states import CheckpointStatus, SessionStatus, StopKind
from store.step_logs import next_log
from store.times import to_text

NOW = datetime(2026, 1, 15, 9, 20, 0, tzinfo=UTC)
ANA = {"tool": "prodigy", "pid": 41822, "host": "orion", "user": "ana"}


@dataclass(slots=True)
class Step:
    """A step of a prepared run: its label, how long each attempt took, and what it cost."""

    label: str
    attempts: tuple[float, ...] = (10.0,)
    cost: float | None = None
    commits: int = 0
    handler: str = ""
    handler_seconds: float = 40.0
    output: str = ""
    heads: tuple[str, str] = ("", "")
    """The commit before it, and after it."""


@dataclass(slots=True)
class Run:
    """What a prepared session went through. Ages are seconds before ``NOW``."""

    number: int
    workflow: str
    repo: str
    steps: tuple[Step, ...]
    at: int
    """Index of the step it is at; the number of steps when all are done."""
    ended: float
    """Age of its last change."""
    status: SessionStatus
    failure: Mapping[str, Any] | None = None
    stop: Mapping[str, Any] | None = None
    error: str | None = None
    merge: str | None = None
    merge_about: Mapping[str, Any] = field(default_factory=dict)
    waiting: Mapping[str, Any] | None = None
    owner: str | None = None
    """``live`` holds its lock, ``elsewhere`` is on another machine."""
    command: str = "run"
    asked: tuple[str, ...] = ()
    silent: float | None = None
    """How long the log of the running step has been silent."""
    files_changed: int = 0
    commits: int | None = None
    base: str = "ddc5744799ddc5744799ddc5744799ddc5744799"
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"session-{self.number:08x}-7d0e-4b57-9e0a-5c1f2b8d6e40"


class PreparedStore:
    """Writes runs into a home, and holds the locks of the live ones until closed."""

    def __init__(self, home: Home, projects: Path, now: datetime = NOW) -> None:
        self.home = home
        self.now = now
        self._projects = projects
        self._held = ExitStack()

    def close(self) -> None:
        self._held.close()

    def add(self, run: Run) -> str:
        """Write everything of a run: record, checkpoints, events, logs, owner, requests."""
        done = list(run.steps[: run.at])
        current = run.steps[run.at] if run.at < len(run.steps) else None
        active = sum(_seconds(step) for step in done)
        if current is not None and run.status is not SessionStatus.COMPLETED:
            active += _seconds(current)
        began = self.now - timedelta(seconds=run.ended + active)
        history = _History(self, run, began)
        for index, step in enumerate(done):
            history.finish(index, step)
        if current is not None:
            history.reach(run.at, current)
        history.end()
        self._own(run)
        return run.id

    def _own(self, run: Run) -> None:
        if run.owner is None:
            with RunLock.acquire(self.home, run.id):
                return
        host = this_host() if run.owner == "live" else "orion"
        owner = Owner(41822, host, run.command, 1, f"token{run.number}", to_text(self.now), "1.0.0")
        if run.owner == "live":
            self._held.enter_context(RunLock.acquire(self.home, run.id))
        else:
            with RunLock.acquire(self.home, run.id):
                pass
        write_owner(self.home, run.id, owner)
        for action in run.asked:
            with mock.patch.object(requests, "utc_now", lambda: self.now - timedelta(seconds=2)):
                requests.write_request(self.home, run.id, action, owner.token, ANA)

    def spoil(self, number: int) -> str:
        """A record that ends in its middle."""
        run_id = f"session-{number:08x}-7d0e-4b57-9e0a-5c1f2b8d6e40"
        atomic.make_directory(self.home.sessions)
        path = self.home.session_file(run_id)
        path.write_text('{"id": "session-', encoding="utf-8")
        stamp = (self.now - timedelta(hours=2)).timestamp()
        os.utime(path, (stamp, stamp))
        return run_id


class _History:
    """The files of one run, written in the order a run writes them."""

    def __init__(self, store: PreparedStore, run: Run, began: datetime) -> None:
        self.store, self.run, self.clock = store, run, began
        home = store.home
        atomic.make_directory(home.sessions)
        self.project = store._projects / run.repo
        branch = f"prodigy-{run.id}"
        extension = {
            "repo": {"name": run.repo, "path": str(self.project)},
            "workflow": {"id": f"workflow-{run.number}", "name": run.workflow,
                         "path": str(self.project / f"{run.workflow}.yml"), "sha256": "0" * 64},
            "base": {"branch": "main", "commit": run.base},
            "branch": branch,
        }  # fmt: skip
        config = SessionConfig(
            workflow_id=f"workflow-{run.number}",
            workflow_name=run.workflow,
            total_steps=len(run.steps),
            metadata={"project_name": run.repo, "worktree_name": run.id, "x_prodigy": extension},
        )
        self.document = new_document(config, run.id, began)
        if run.status is not SessionStatus.INITIALIZING:
            transition(
                self.document, SessionStatus.RUNNING, now=began,
                attempt={"kind": "run", "pid": 41822, "host": this_host(), "from_step": 0},
            )  # fmt: skip
        self.events = EventLog(
            home, run.repo, run.id, 1, clock=lambda: self.clock, on_problem=_fail
        )
        self.events.append("session_created", workflow_name=run.workflow, repo=run.repo)
        self.checkpoint = WorkflowCheckpoint(
            f"workflow-{run.number}",
            workflow_name=run.workflow,
            workflow_path=str(self.project / f"{run.workflow}.yml"),
            workflow_hash="0" * 64,
            total_steps=len(run.steps),
            start_time=to_text(began),
        )
        self.checkpoint.x.session_id = run.id
        self.checkpoint.variables = dict(run.variables)
        self.checkpoint.x.env = {"declared": [], "files": [], "secrets": list(run.secrets)}
        self.checkpoint.x.masked = {
            name: list(run.secrets) for name, value in run.variables.items() if "***" in str(value)
        }
        self._save_workflow()
        self._save(CheckpointKind.START)

    def _save_workflow(self) -> None:
        run = self.run
        text = "commands:\n" + "".join(
            f"  - {step.label.partition(': ')[0]}: {_quoted(step.label.partition(': ')[2])}\n"
            + _handled(step)
            for step in run.steps
        )
        directory = self.store.home.workflow_copies(run.id)
        atomic.make_directory(directory)
        name = f"{'0' * 64}-{run.workflow.replace('/', '_')}.yml"
        (directory / name).write_text(text, encoding="utf-8")
        self.checkpoint.x.workflow_files = [
            {"role": "main", "path": f"{run.workflow}.yml", "sha256": "0" * 64,
             "file": f"workflow/{name}"}
        ]  # fmt: skip

    def _save(self, kind: CheckpointKind, status: CheckpointStatus | None = None) -> None:
        self.checkpoint.kind = kind
        self.checkpoint.status = status or CheckpointStatus.RUNNING
        with mock.patch.object(checkpoints, "utc_now", lambda: self.clock):
            checkpoints.save(self.store.home, self.checkpoint)

    def finish(self, index: int, step: Step) -> None:
        """A step from its start to its checkpoint."""
        started = self.clock
        log, attempt = self._attempts(index, step, ends_well=True)
        usage = {"cost_usd": step.cost} if step.cost is not None else None
        self.checkpoint.completed_steps.append(
            CompletedStep(
                index,
                command=step.label,
                label=step.label,
                duration_seconds=sum(step.attempts),
                completed_at=to_text(self.clock),
                started_at=to_text(started),
                attempt=attempt,
                exit_code=0,
                commits=step.commits,
                head_before=step.heads[0] or None,
                head_after=step.heads[1] or None,
                log=log,
                usage=usage,
            )
        )
        self.checkpoint.index = index + 1
        self.checkpoint.x.head_last = step.heads[1] or self.checkpoint.x.head_last
        self._save(CheckpointKind.STEP)

    def reach(self, index: int, step: Step) -> None:
        """The step the run is at: running, failed, stopped, or not begun."""
        run = self.run
        if run.stop is not None and run.stop.get("kind") == StopKind.PAUSE:
            return
        live = run.status is SessionStatus.RUNNING
        started = self.clock
        log, attempt = self._attempts(index, step, ends_well=False, still_runs=live)
        if live:
            self.document["metadata"]["x_prodigy"]["step"] = {
                "index": index, "label": step.label, "attempt": attempt,
                "started_at": to_text(started), "log": log,
            }  # fmt: skip
        elif run.failure is None:
            self.checkpoint.x.in_flight = {
                "step_index": index, "label": step.label, "attempt": attempt,
                "started_at": to_text(started), "log": log,
            }  # fmt: skip

    def _attempts(
        self, index: int, step: Step, *, ends_well: bool, still_runs: bool = False
    ) -> tuple[str, int]:
        home, run = self.store.home, self.run
        name, number = "", 0
        for place, seconds in enumerate(step.attempts):
            last = place == len(step.attempts) - 1
            log = next_log(home, run.id, index)
            number, name = log.attempt, f"logs/{log.path.name}"
            self.events.append(
                "step_started", step_index=index, attempt=number, label=step.label,
                command=step.label, log=name,
            )  # fmt: skip
            if last and step.output:
                log.path.write_text(step.output, encoding="utf-8")
            self.clock += timedelta(seconds=seconds)
            stamp = (self.store.now - timedelta(seconds=run.silent or 0)).timestamp()
            moment = stamp if last and still_runs else self.clock.timestamp()
            os.utime(log.path, (moment, moment))
            if last and still_runs:
                break
            if last and ends_well:
                self.events.append(
                    "step_completed", step_index=index, attempt=number, exit_code=0,
                    commits=step.commits, duration={"secs": int(seconds), "nanos": 0},
                )  # fmt: skip
                break
            failure = dict(run.failure or {})
            if last and run.failure is None:
                break
            self.events.append(
                "step_failed", step_index=index, attempt=number,
                exit_code=failure.get("exit_code", 1), signal=failure.get("signal"),
                timed_out=failure.get("timed_out", False), error="failed",
            )  # fmt: skip
            if not last and step.handler:
                self.events.append(
                    "handler_started", step_index=index, role="on_failure", n=1, label=step.handler
                )
                self.clock += timedelta(seconds=step.handler_seconds)
                self.events.append(
                    "handler_completed", step_index=index, role="on_failure", n=1, exit_code=0
                )
        return name, number

    def end(self) -> None:
        """The last checkpoint, and the record."""
        run, document = self.run, self.document
        extension = document["metadata"]["x_prodigy"]
        self.clock = self.store.now - timedelta(seconds=run.ended)
        kinds = {
            SessionStatus.PAUSED: (CheckpointKind.STOP, CheckpointStatus.PAUSED),
            SessionStatus.CANCELLED: (CheckpointKind.STOP, CheckpointStatus.INTERRUPTED),
            SessionStatus.FAILED: (CheckpointKind.FAILURE, CheckpointStatus.FAILED),
            SessionStatus.COMPLETED: (CheckpointKind.FINAL, CheckpointStatus.COMPLETED),
        }
        if run.status in kinds:
            self.checkpoint.x.stop = dict(run.stop) if run.stop else None
            self.checkpoint.x.failure = dict(run.failure) if run.failure else None
            self._save(*kinds[run.status])
        document["workflow_data"]["completed_steps"] = list(range(run.at))
        document["workflow_data"]["current_step"] = run.at
        document["workflow_data"]["files_changed"] = run.files_changed
        extension["checkpoint_seq"] = self.checkpoint.seq
        if run.commits is not None:
            extension["commits"] = run.commits
        costs = [step.cost for step in run.steps if step.cost is not None]
        if costs:
            extension["usage"] = {
                "input_tokens": 18_211, "output_tokens": 2_304, "cost_usd": sum(costs),
                "calls": len(costs), "cache_read_tokens": 0, "cache_creation_tokens": 0,
            }  # fmt: skip
        if run.waiting is not None:
            extension["waiting"] = dict(run.waiting)
        if run.status in (SessionStatus.RUNNING, SessionStatus.INITIALIZING):
            document["updated_at"] = to_text(self.clock)
        else:
            failure = None
            if run.failure is not None:
                failure = {
                    "step_index": run.at, "label": run.steps[run.at].label, "signal": None,
                    "exit_code": None, "timed_out": False, "at": to_text(self.clock),
                    "attempt": len(run.steps[run.at].attempts), **run.failure,
                }  # fmt: skip
            transition(
                document, run.status, now=self.clock, error=run.error, failure=failure,
                stop={"by": ANA, **run.stop} if run.stop else None,
                merge_pending=run.merge is not None,
            )  # fmt: skip
        if run.merge is not None:
            document["metadata"]["merge"] = run.merge
            extension["merge"] = {"target": "main", **run.merge_about}
        if run.merge == "pending":
            extension.pop("merge", None)
        path = self.store.home.session_file(run.id)
        atomic.create_file(path, atomic.dump_json(document))


def _fail(problem: StoreError) -> None:
    raise AssertionError(f"a prepared event was not written: {problem}")


def _seconds(step: Step) -> float:
    handlers = (len(step.attempts) - 1) * step.handler_seconds if step.handler else 0.0
    return sum(step.attempts) + handlers


def _handled(step: Step) -> str:
    """What the workflow says of a step that is tried again after a handler."""
    if not step.handler:
        return ""
    kind, _, command = step.handler.partition(": ")
    tries = len(step.attempts)
    return (
        f"    timeout: 600\n    on_failure:\n      {kind}: {_quoted(command)}\n"
        f"      max_attempts: {tries}\n"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
