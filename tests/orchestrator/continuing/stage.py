"""A repository, a state home, and runs that stop there: in this process, or killed in a child."""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.config import Config
from orchestrator.control import Asked, ask
from orchestrator.merging import merge_session
from orchestrator.preflight import prepare
from orchestrator.refusal import Refused
from orchestrator.reporting import MergeQuestion, RunEvent, RunRequest, RunResult, Warned
from orchestrator.resume import carry_out, make_plan
from orchestrator.resume_plan import ResumeOptions, ResumePlan
from orchestrator.start import run
from store import faults
from tests.program import wait_until
from tests.world import World

QUICK = Config(kill_grace_seconds=0.4)
Steps = str | list[dict[str, Any]]


@dataclass(slots=True)
class Child:
    """A forked process that runs something of ours; it can be killed, and its end awaited."""

    pid: int
    _code: int | None = None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    @property
    def has_ended(self) -> bool:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code is not None

    def finish(self, seconds: float = 20) -> int:
        """Its exit code, negative for death by a signal."""
        wait_until(lambda: self.has_ended, f"process {self.pid} ends", seconds=seconds)
        assert self._code is not None
        return self._code

    def kill(self) -> int:
        if not self.has_ended:
            os.kill(self.pid, signal.SIGKILL)
        return self.finish()


@dataclass(slots=True)
class Stage:
    """Runs workflows in this process and looks at what they left."""

    world: World
    told: list[RunEvent] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)

    # -- places

    @property
    def place(self) -> Path:
        """Where steps leave marks; outside the repository."""
        return self.world.repository.parent

    @property
    def notes(self) -> Path:
        return self.place / "notes.txt"

    @property
    def noted(self) -> list[str]:
        """What steps have noted, a word a line."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def note(self, word: str) -> str:
        """The shell text that notes a word."""
        return f"echo {word} >> '{self.notes}'"

    def mark(self, name: str) -> Path:
        return self.place / name

    def failing(self, word: str = "bad", mark: str = "repaired") -> dict[str, Any]:
        """A step that notes a word and fails until a file exists."""
        return {"shell": f"{self.note(word)}; test -e '{self.mark(mark)}'"}

    def waiting(self, word: str = "waiting") -> dict[str, Any]:
        """A step that notes a word, leaves the mark ``waiting`` and ends when ``gate`` exists."""
        touch, gate = self.mark("waiting"), self.mark("gate")
        loop = f"i=0; while [ ! -e '{gate}' ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done"
        return {"shell": f"{self.note(word)}; touch '{touch}'; {loop}"}

    def repair(self) -> None:
        self.mark("repaired").touch()

    def open_gate(self) -> None:
        self.mark("gate").touch()

    def workflow(self, steps: Steps, name: str = "work.yml", **keys: Any) -> Path:
        """Write a workflow: YAML text as it is, or steps as they would be read."""
        if isinstance(steps, str):
            return self.world.workflow(steps, name)
        return self.world.workflow(json.dumps({"name": "work", "commands": steps, **keys}), name)

    # -- in this process

    def run(
        self,
        steps: Steps | Path,
        *,
        env: Mapping[str, str] | None = None,
        ask: MergeQuestion | None = None,
        **request: Any,
    ) -> RunResult:
        """Run a workflow to where it stops; nothing is merged unless asked for."""
        path = steps if isinstance(steps, Path) else self.workflow(steps)
        given: dict[str, Any] = {"directory": self.world.repository, "merge": False}
        asked = RunRequest(workflow=path, **(given | request))
        prepared = prepare(asked, self.world.home, {**os.environ, **(env or {})}, QUICK)
        return run(prepared, self.told.append, ask)

    def plan(self, env: Mapping[str, str] | None = None, **options: Any) -> ResumePlan:
        environment = {**os.environ, **(env or {})}
        chosen = ResumeOptions(**options)
        return make_plan(self.world.home, self.id, chosen, environment, QUICK)

    def resume(
        self,
        *,
        env: Mapping[str, str] | None = None,
        ask: MergeQuestion | None = None,
        run_id: str | None = None,
        **options: Any,
    ) -> RunResult:
        """Resume the only run there is."""
        return carry_out(
            self.world.home,
            run_id or self.id,
            ResumeOptions(**{"merge": False, **options}),
            {**os.environ, **(env or {})},
            QUICK,
            self.told.append,
            ask,
        )

    def refusal(self, **options: Any) -> Refused:
        """Why a resume is refused."""
        try:
            result = self.resume(**options)
        except Refused as refused:
            return refused
        raise AssertionError(f"it was not refused: {result}")

    # -- in a child

    def child(self, action: Callable[[], object], *, fault: str = "") -> Child:
        """Do something in a forked process; a result with an exit code is that of the process."""
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                faults._faults.update(faults._parse(fault))
                result = action()
                code = result.exit_code if isinstance(result, RunResult) else 0
            except Refused as refused:
                code = refused.exit_code
            except BaseException:
                (self.place / "child-error.txt").write_text(traceback.format_exc())
            finally:
                os._exit(code)
        child = Child(pid)
        self.children.append(child)
        return child

    def killed(self, steps: Steps | Path, fault: str, **request: Any) -> None:
        """Run a workflow in a child that is killed at a named point."""
        child = self.child(lambda: self.run(steps, **request), fault=f"{fault}=kill")
        assert child.finish() == -signal.SIGKILL, f"{fault} was not reached: {self.child_error}"

    def killed_resume(self, fault: str, **options: Any) -> None:
        child = self.child(lambda: self.resume(**options), fault=f"{fault}=kill")
        assert child.finish() == -signal.SIGKILL, f"{fault} was not reached: {self.child_error}"

    def started(self, steps: Steps | Path, **request: Any) -> Child:
        """A run in a child, in the middle of its waiting step."""
        child = self.child(lambda: self.run(steps, **request))
        wait_until(self.mark("waiting").exists, f"the step waits; {self.child_error}")
        return child

    def ask(self, action: str) -> Asked:
        return ask(self.world.home, self.id, action)

    @property
    def child_error(self) -> str:
        file = self.place / "child-error.txt"
        return file.read_text() if file.exists() else "no error"

    # -- looking

    @property
    def id(self) -> str:
        """The one run there is, whether or not it has a record."""
        ids = [path.stem for path in self.world.records]
        if not ids:
            ids = [path.name for path in self.world.home.state.iterdir() if path.is_dir()]
        (found,) = ids
        return found

    @property
    def record(self) -> dict[str, Any]:
        return self.world.record(self.id)

    @property
    def checkpoint(self) -> dict[str, Any]:
        return self.world.checkpoint(self.id)

    @property
    def worktree(self) -> Path:
        return self.world.worktree(self.id)

    @property
    def main_checkpoint(self) -> Path:
        (path,) = self.world.home.checkpoints_directory(self.id).glob("*.checkpoint.json")
        return path

    @property
    def warnings(self) -> str:
        return "\n".join(event.message for event in self.told if isinstance(event, Warned))

    @property
    def event_types(self) -> list[str]:
        return [event["event_type"] for event in self.world.events(self.id)]

    def git(self, *words: str, cwd: Path | None = None) -> str:
        return self.world.git(*words, cwd=cwd)

    def assert_complete(self) -> None:
        """The run is over, its files agree, nothing of it is held or left running."""
        assert self.record["status"] == "Completed", self.record["error"]
        self.world.assert_agrees(self.id)
        self.world.assert_nothing_is_held(self.id)


def merge(stage: Stage, ask: MergeQuestion | None = None, **options: Any) -> Any:
    """Merge the only run there is."""
    return merge_session(
        stage.world.home, stage.id, report=stage.told.append, ask=ask, config=QUICK, **options
    )


def stopped(stage: Stage, *more: dict[str, Any], **request: Any) -> str:
    """A run that failed in its second of three steps; the first one committed."""
    first = {"shell": f"{stage.note('one')}; echo one > one.txt", "auto_commit": True}
    stage.run([first, stage.failing(), {"shell": stage.note("three")}, *more], **request)
    assert stage.record["status"] == "Failed"
    return stage.id


def finish(stage: Stage, **options: Any) -> None:
    """Resume to the end; no finished step ran twice."""
    stage.repair()
    result = stage.resume(**options)
    assert result.exit_code == 0, result
    assert stage.noted == ["one", "bad", "bad", "three"]
    stage.assert_complete()
