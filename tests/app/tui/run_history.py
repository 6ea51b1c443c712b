"""Writes the files of one run in the order a run writes them, through the store's own functions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from store import atomic, checkpoints
from store.checkpoint import CheckpointKind, CompletedStep, WorkflowCheckpoint
from store.errors import StoreError
from store.events import EventLog
from store.home import Home
from store.owner import this_host
from store.session import SessionConfig, new_document, transition
from store.states import CheckpointStatus, SessionStatus, StopKind
from store.step_logs import next_handler_log, next_log
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
    handler_commits: int = 0
    handler_output: str = ""
    output: str = ""
    outputs: tuple[str, ...] = ()
    """What the attempts before the last printed."""
    skipped: str = ""
    """Why it was skipped."""
    tolerated: int = 0
    """The exit code it went on after."""
    conversation: str = ""
    """Of an agent."""
    night: float = 0.0
    """How long the run had failed before it was resumed with the last attempt."""
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
    inputs: tuple[str, ...] = ()
    """One pass over the steps for each."""
    pass_number: int = 0
    """The pass it is at, from 0; those before are done."""

    @property
    def id(self) -> str:
        return f"session-{self.number:08x}-7d0e-4b57-9e0a-5c1f2b8d6e40"


class History:
    """The files of one run, written in the order a run writes them."""

    def __init__(
        self, home: Home, projects: Path, now: datetime, run: Run, began: datetime
    ) -> None:
        self.home, self.now, self.run, self.clock = home, now, run, began
        atomic.make_directory(home.sessions)
        self.project = projects / run.repo
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
        self._begin_pass(0)
        self._save(CheckpointKind.START)

    def _begin_pass(self, number: int) -> None:
        inputs = self.run.inputs
        if not inputs:
            return
        self.checkpoint.x.pass_ = {
            "number": number, "iteration": 1, "iterations_total": 1, "input_index": number,
            "inputs_total": len(inputs), "input": inputs[number], "head": None, "dirty": None,
        }  # fmt: skip
        self.document["metadata"]["x_prodigy"]["pass"] = dict(self.checkpoint.x.pass_)
        self.events.append("pass_started", **{"pass": number})

    def complete_pass(self, number: int) -> None:
        """A pass over all steps, and the step to the next one."""
        for index, step in enumerate(self.run.steps):
            self.finish(index, step)
        done = {key: self.checkpoint.x.pass_[key] for key in ("number", "iteration", "input")}
        self.checkpoint.x.passes.append({"pass": done})
        self.checkpoint.index, self.checkpoint.completed_steps = 0, []
        self._begin_pass(number + 1)
        self._save(CheckpointKind.PASS)

    def _save_workflow(self) -> None:
        run = self.run
        text = "commands:\n" + "".join(
            f"  - {step.label.partition(': ')[0]}: {_quoted(step.label.partition(': ')[2])}\n"
            + _handled(step)
            for step in run.steps
        )
        directory = self.home.workflow_copies(run.id)
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
            checkpoints.save(self.home, self.checkpoint)

    def finish(self, index: int, step: Step) -> None:
        """A step from its start to its checkpoint."""
        started, log, attempt = self.clock, None, 0
        if step.skipped:
            self.events.append("step_skipped", step_index=index, reason=step.skipped)
        else:
            log, attempt = self._attempts(index, step, ends_well=True)
        usage = {"cost_usd": step.cost} if step.cost is not None else None
        self.checkpoint.completed_steps.append(
            CompletedStep(
                index,
                command=step.label,
                label=step.label,
                duration_seconds=0.0 if step.skipped else sum(step.attempts),
                completed_at=to_text(self.clock),
                started_at=to_text(started),
                attempt=attempt,
                exit_code=step.tolerated,
                tolerated=bool(step.tolerated),
                skipped=step.skipped or None,
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
        if run.status is SessionStatus.FAILED and run.failure is None:
            return  # it failed before the step
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
        home, run = self.home, self.run
        name, number = "", 0
        for place, seconds in enumerate(step.attempts):
            last = place == len(step.attempts) - 1
            log = next_log(home, run.id, index)
            number, name = log.attempt, f"logs/{log.path.name}"
            self.events.append(
                "step_started", step_index=index, attempt=number, label=step.label,
                command=step.label, log=name, claude_session=step.conversation or None,
            )  # fmt: skip
            printed = step.output if last else "".join(step.outputs[place : place + 1])
            log.path.write_text(printed, encoding="utf-8")
            self.clock += timedelta(seconds=seconds)
            stamp = (self.now - timedelta(seconds=run.silent or 0)).timestamp()
            moment = stamp if last and still_runs else self.clock.timestamp()
            os.utime(log.path, (moment, moment))
            if last and still_runs:
                break
            if last and ends_well:
                if step.tolerated:
                    self.events.append(
                        "attempt_failed", step_index=index, attempt=number,
                        exit_code=step.tolerated, log=name,
                    )  # fmt: skip
                self.events.append(
                    "step_completed", step_index=index, attempt=number,
                    exit_code=step.tolerated, tolerated=bool(step.tolerated),
                    commits=step.commits, duration={"secs": int(seconds), "nanos": 0},
                )  # fmt: skip
                break
            failure = dict(run.failure or {})
            if last and run.failure is None:
                break
            how = {
                "step_index": index, "attempt": number, "exit_code": failure.get("exit_code", 1),
                "signal": failure.get("signal"), "timed_out": failure.get("timed_out", False),
            }  # fmt: skip
            self.events.append("attempt_failed", **how, log=name)
            if last or (step.night and place == len(step.attempts) - 2):
                self.events.append("step_failed", **how, error="failed", log=name)
            if not last and step.handler:
                about: dict[str, Any] = {
                    "step_index": index, "role": "on_failure", "n": 1, "label": step.handler,
                }  # fmt: skip
                if step.handler_output:
                    path = next_handler_log(home, run.id, index, number)
                    path.write_text(step.handler_output, encoding="utf-8")
                    about["log"] = f"logs/handlers/{path.name}"
                self.events.append("handler_started", **about)
                self.clock += timedelta(seconds=step.handler_seconds)
                self.events.append(
                    "handler_completed", **about, exit_code=0, commits=step.handler_commits
                )
            if step.night and place == len(step.attempts) - 2:
                self.events.append("run_ended", outcome="failed", exit_code=1)
                self.clock += timedelta(seconds=step.night)
                self.events.append("run_started", kind="resume", attempt=2)
        return name, number

    def end(self) -> None:
        """The last checkpoint, and the record."""
        run, document = self.run, self.document
        extension = document["metadata"]["x_prodigy"]
        self.clock = self.now - timedelta(seconds=run.ended)
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
        path = self.home.session_file(run.id)
        atomic.create_file(path, atomic.dump_json(document))


def _fail(problem: StoreError) -> None:
    raise AssertionError(f"a prepared event was not written: {problem}")


def seconds_of(step: Step) -> float:
    handlers = (len(step.attempts) - 1) * step.handler_seconds if step.handler else 0.0
    return sum(step.attempts) + handlers + step.night


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
