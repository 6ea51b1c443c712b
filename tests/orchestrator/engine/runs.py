"""Runs a workflow in this process, with real git and real processes, and reads what it left."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from orchestrator.config import Config
from orchestrator.preflight import prepare
from orchestrator.refusal import Refused
from orchestrator.reporting import MergeQuestion, Report, RunEvent, RunRequest, RunResult, Warned
from orchestrator.start import run
from store.home import Home
from tests.orchestrator.engine.state_rules import assert_sound

Document = dict[str, Any]
Event = TypeVar("Event")


def git(directory: Path, *words: str) -> str:
    """What git says, without its last newline."""
    done = subprocess.run(
        ["git", *words], cwd=directory, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


@dataclass(slots=True)
class Ran:
    """A run that has ended: its result, what it told while it ran, and its files."""

    result: RunResult
    told: list[RunEvent]
    home: Home
    repository: Path

    @property
    def id(self) -> str:
        return self.result.session_id

    @property
    def worktree(self) -> Path:
        return self.result.worktree

    def text(self, name: str) -> str:
        """A file of the worktree, without trailing newlines."""
        return (self.worktree / name).read_text("utf-8").rstrip("\n")

    def lines(self, name: str = "trace") -> list[str]:
        """The lines of a file that steps append to; none if it is not there."""
        path = self.worktree / name
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def of(self, kind: type[Event]) -> list[Event]:
        """What it told of one kind, in order."""
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.of(Warned)]

    @property
    def record(self) -> Document:
        return _read(self.home.session_file(self.id))

    @property
    def checkpoint(self) -> Document:
        (path,) = self.home.checkpoints_directory(self.id).glob("*.checkpoint.json")
        return _read(path)

    @property
    def history(self) -> list[Document]:
        """Every checkpoint that was saved, oldest first."""
        directory = self.home.checkpoints_directory(self.id) / "history"
        return [_read(path) for path in sorted(directory.glob("*.json"))]

    @property
    def metadata(self) -> Document:
        return _read(self.home.metadata_file(self.repository.name, self.id))

    @property
    def variables(self) -> Document:
        values: Document = self.checkpoint["variable_state"]
        return values

    def step(self, index: int) -> Document:
        """A finished step as the checkpoint has it."""
        step: Document = self.checkpoint["completed_steps"][index]
        return step

    def events(self, *types: str) -> list[Document]:
        """The timeline, or its events of some types."""
        directory = self.home.events_directory(self.repository.name, self.id)
        found = [
            json.loads(line)["event"]
            for path in sorted(directory.glob("*.jsonl"))
            for line in path.read_text("utf-8").splitlines()
            if line.strip()
        ]
        return [event for event in found if not types or event["event_type"] in types]

    def log(self, index: int, attempt: int = 1) -> str:
        path = self.home.logs_directory(self.id) / f"{index:03}-{attempt}.log"
        return path.read_text("utf-8", "replace")

    def completed(self) -> Ran:
        """Fail the test, saying why, unless every step succeeded."""
        assert self.result.exit_code == 0, f"{self.result.message}\n{self.warnings}"
        assert self.record["status"] == "Completed"
        return self

    def failed(self, *words: str) -> Ran:
        """Fail the test unless a step failed with a message that has these words."""
        assert self.result.exit_code == 1, self.result
        assert self.result.failed_step is not None, self.result
        assert self.record["status"] == "Failed"
        for word in words:
            assert word in self.result.message, self.result.message
        return self


def _read(path: Path) -> Document:
    document = json.loads(path.read_text("utf-8"))
    assert isinstance(document, dict)
    return document


class RunWorkflow(Protocol):
    """Runs the text of a workflow file; keyword arguments are those of ``RunRequest``."""

    def __call__(self, text: str, **request: Any) -> Ran: ...


@dataclass(slots=True)
class Runner:
    """Runs workflows one after the other and checks, each time, what is written of them."""

    home: Home
    repository: Path
    config: Config = field(default_factory=lambda: Config(kill_grace_seconds=0.3))
    listen: Report | None = None
    """Also told of every event, as it happens."""

    def workflow(self, text: str) -> Path:
        """Write a workflow file beside the repository, so that the checkout stays clean."""
        path = self.repository.parent / "work.yml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def __call__(
        self,
        text: str,
        *,
        ask_merge: MergeQuestion | None = None,
        ask_person: Callable[[str], bool | None] | None = None,
        env: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Ran:
        given = RunRequest(self.workflow(text), self.repository, merge=False)
        environment = {**os.environ, **(env or {})}
        try:
            prepared = prepare(replace(given, **request), self.home, environment, self.config)
        except Refused as refused:
            refused.add_note("\n".join(str(problem) for problem in refused.problems))
            raise
        told: list[RunEvent] = []

        def report(event: RunEvent) -> None:
            told.append(event)
            if self.listen is not None:
                self.listen(event)

        result = run(prepared, report, ask_merge, ask_person)
        ran = Ran(result, told, self.home, self.repository)
        assert_sound(ran)
        return ran
