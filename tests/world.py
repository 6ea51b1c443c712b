"""One repository, one state home and the program: what the end-to-end and crash tests act on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.home import Home
from tests.program import Finished, Program, Started, wait_until

Document = dict[str, Any]


@dataclass(slots=True)
class World:
    """Runs workflows for real and reads what they left, straight from the files."""

    home: Home
    repository: Path
    prodigy: Program

    # -- doing
    def workflow(self, text: str, name: str = "work.yml") -> Path:
        """Write a workflow file beside the repository, so that the checkout stays clean."""
        path = self.repository.parent / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def run(self, text: str, *arguments: str, env: Mapping[str, str] | None = None) -> Finished:
        """Run a workflow to its end."""
        return self.prodigy("run", self.workflow(text), *arguments, env=env)

    def start(self, text: str, *arguments: str, env: Mapping[str, str] | None = None) -> Started:
        """Start a workflow and leave it running."""
        return self.prodigy.start("run", self.workflow(text), *arguments, env=env)

    def git(self, *words: str, cwd: Path | None = None) -> str:
        """What git says, without its last newline."""
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.repository, capture_output=True, text=True, check=True
        )
        return done.stdout.rstrip("\n")

    # -- reading
    @property
    def records(self) -> list[Path]:
        """The session records, oldest first."""
        if not self.home.sessions.is_dir():
            return []
        return sorted(self.home.sessions.glob("*.json"), key=lambda path: path.stat().st_ctime_ns)

    @property
    def only_id(self) -> str:
        """The id of the one run there is."""
        (record,) = self.records
        return record.stem

    def record(self, run_id: str | None = None) -> Document:
        return read(self.home.session_file(run_id or self.only_id))

    def checkpoint(self, run_id: str | None = None) -> Document:
        directory = self.home.checkpoints_directory(run_id or self.only_id)
        (path,) = directory.glob("*.checkpoint.json")
        return read(path)

    def metadata(self, run_id: str | None = None) -> Document:
        return read(self.home.metadata_file(self.repository.name, run_id or self.only_id))

    def worktree(self, run_id: str | None = None) -> Path:
        return self.home.worktree(self.repository.name, run_id or self.only_id)

    def events(self, run_id: str | None = None) -> list[Document]:
        directory = self.home.events_directory(self.repository.name, run_id or self.only_id)
        lines = [line for path in sorted(directory.glob("*.jsonl")) for line in _lines(path)]
        return [json.loads(line)["event"] for line in lines]

    def log(self, step_index: int, attempt: int = 1, run_id: str | None = None) -> str:
        directory = self.home.logs_directory(run_id or self.only_id)
        return (directory / f"{step_index:03}-{attempt}.log").read_text("utf-8", "replace")

    def listed(self, *arguments: str) -> list[Document]:
        """What ``sessions list --json`` says."""
        done = self.prodigy("sessions", "list", "--json", "--limit", "0", *arguments).expect(0)
        sessions: list[Document] = json.loads(done.stdout)["sessions"]
        return sessions

    def state(self, run_id: str | None = None) -> str:
        """The real state, as the list has it."""
        wanted = run_id or self.only_id
        (row,) = (row for row in self.listed() if row["id"] == wanted)
        return str(row["state"])

    # -- waiting
    def wait_for_step(self, index: int, *, seconds: float = 20) -> str:
        """Wait until that step (from 0) of the only run has begun, and return the run's id."""

        def begun() -> str | None:
            for record in self.records:
                if list(self.home.logs_directory(record.stem).glob(f"{index:03}-*.log")):
                    return record.stem
            return None

        return wait_until(begun, f"step {index} has a log", seconds=seconds) or ""

    def wait_for_file(self, path: Path, *, seconds: float = 20) -> None:
        wait_until(path.exists, f"{path} exists", seconds=seconds)

    # -- what must hold of every run at rest
    def assert_nothing_is_held(self, run_id: str) -> None:
        """No lock held, no owner named, no request open, no temporary file, no process."""
        import fcntl

        directory = self.home.run_directory(run_id)
        with self.home.run_lock(run_id).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert not self.home.owner_file(run_id).exists(), "owner.json is left"
        requests = list(self.home.control_directory(run_id).glob("*"))
        assert not requests, f"requests are left: {requests}"
        temps = [path for path in directory.rglob("*") if path.name.endswith(".tmp")]
        temps += list(self.home.sessions.glob(f".{run_id}*.tmp"))
        assert not temps, f"temporary files are left: {temps}"
        assert not marked(run_id), f"processes are left: {marked(run_id)}"

    def assert_agrees(self, run_id: str | None = None) -> None:
        """Record and checkpoint say the same, in the written forms."""
        wanted = run_id or self.only_id
        record, checkpoint = self.record(wanted), self.checkpoint(wanted)
        data, execution = record["workflow_data"], checkpoint["execution_state"]
        assert record["id"] == wanted
        assert data["workflow_id"] == checkpoint["workflow_id"]
        assert data["current_step"] == execution["current_step_index"]
        assert data["total_steps"] == execution["total_steps"] == checkpoint["total_steps"]
        done = [step["step_index"] for step in checkpoint["completed_steps"]]
        assert data["completed_steps"] == done == list(range(execution["current_step_index"]))
        pairs = {
            "Completed": {"Completed"},
            "Failed": {"Failed"},
            "Paused": {"Paused", "Interrupted"},
            "Cancelled": {"Interrupted"},
        }
        assert execution["status"] in pairs[record["status"]]
        has_end = record["status"] in ("Completed", "Failed", "Cancelled")
        assert (record["completed_at"] is not None) == has_end


def read(path: Path) -> Document:
    """A JSON object from a file."""
    document = json.loads(path.read_text("utf-8"))
    assert isinstance(document, dict)
    return document


def _lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text("utf-8").splitlines() if line.strip())


def marked(run_id: str) -> dict[int, str]:
    """The processes that carry the mark of a run, by pid, with their command line."""
    mark = f"PRODIGY_SESSION_ID={run_id}".encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z":
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(entry.name)] = words.decode("utf-8", "replace").strip()
    return found


def end_marked(run_id: str) -> None:
    """Kill what a failed test would leave behind."""
    for pid in marked(run_id):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
