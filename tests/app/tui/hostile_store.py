"""A state home in which everything that can be wrong with content and files is wrong once."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from store.home import Home, is_name
from store.locks import RunLock
from store.owner import Owner, this_host, write_owner
from store.times import to_text
from tests.app.tui.prepared_store import NOW

Document = dict[str, Any]

MARKED = "marked"
"""A word that is in every hostile text, so that tests can see that it is readable."""
TEXTS: Mapping[str, str] = {
    "escapes": "marked \x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[?1049l\x9b31m",
    "markup": "marked [red]x[/] [/] [@click=app.quit]y[/] [b",
    "right-to-left": "marked שלום עולם مرحبا بالعالم 123",
    "bidi": "marked \u202eevil\u202c \u2066x\u2069 \u200f\u061c\u200b\ufeff",
    "wide": "marked 👩‍👩‍👧‍👦 🏳️‍🌈 ⚠️ 漢字かな 🇩🇪 👍🏽",
    "combining": "marked " + "a\u0301\u0327\u20dd" * 40,
    "controls": "marked a\0b\x07c\x7f\x85d\x08\x08\x08",
    "surrogates": "marked \ud800 \udfff",
    "lines": "marked one\ntwo\r\nthree\ttab\u2028four\x0bfive\x0csix",
    "long": "marked" + "n" * 294,
    "long wide": "marked" + "漢" * 294,
    "blanks": "marked   with  blanks/and slashes/../..",
}
WRONG: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "minus": -1,
    "huge": 10**400,
    "infinite": float("inf"),
    "nan": float("nan"),
    "fraction": 0.5,
    "text": "wrong",
    "number text": "12",
    "list": [1, [2], {"a": None}],
    "object": {"a": {"b": []}},
    "deep": [[[[[[[[[[]]]]]]]]]],
    "far": "9999-12-31T23:59:59.999999Z",
    "first": "0001-01-01T00:00:00+14:00",
}


def git(directory: Path, *words: str) -> str:
    """What git says in a directory."""
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@localhost")
    done = subprocess.run(
        ["git", *who, *words], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def run_id(number: int) -> str:
    return f"session-{number:08x}-7d0e-4b57-9e0a-5c1f2b8d6e40"


def record_of(session: str, status: str, text: str = "marked", *, steps: int = 3) -> Document:
    """A record in which every text of outside is this one."""
    at = to_text(NOW - timedelta(minutes=5))
    failure = {
        "step_index": 1, "label": f"shell: {text}", "exit_code": 3, "signal": None,
        "timed_out": False, "message": text, "log": "logs/001-1.log", "at": at, "attempt": 2,
    }  # fmt: skip
    extension: Document = {
        "format": 1,
        "repo": {"name": text, "path": f"/src/{text}"},
        "workflow": {"id": "workflow-1", "name": text, "path": f"/src/{text}.yml", "sha256": "0"},
        "base": {"branch": text, "commit": "0" * 40},
        "branch": text,
        "step": {"index": 1, "label": f"claude: {text}", "attempt": 2, "started_at": at,
                 "log": "logs/001-1.log"},
        "pass": {"number": 1, "iteration": 2, "input": text},
        "waiting": {"kind": "person", "reason": text, "since": at, "until": at},
        "stop": {"kind": "pause_now", "at": at, "step_index": 1,
                 "by": {"tool": text, "pid": 1, "host": text, "user": text}},
        "failure": failure,
        "attempts": [{"n": 1, "kind": "run", "started_at": at, "ended_at": None, "from_step": 0,
                      "outcome": None, "exit_code": None, "pid": 1, "host": text, "error": text}],
        "usage": {"input_tokens": 10, "output_tokens": 10, "cost_usd": 0.5, "calls": 1},
        "merge": {"target": text, "at": at, "commit": text, "error": text},
        "checkpoint_seq": 2,
        "commits": 2,
        "tool": text,
    }  # fmt: skip
    if status != "Failed":
        del extension["failure"]
    if status != "Running":
        del extension["waiting"], extension["step"]
    return {
        "id": session, "session_type": "Workflow", "status": status, "started_at": at,
        "updated_at": at, "completed_at": at if status in ("Failed", "Completed") else None,
        "metadata": {"project_name": text, "worktree_name": text, "total_steps": steps,
                     "merge": "failed" if status == "Completed" else None,
                     "x_prodigy": extension},
        "checkpoints": [], "timings": {}, "error": text if status == "Failed" else None,
        "workflow_data": {
            "workflow_id": "workflow-1", "workflow_name": text, "current_step": 1,
            "total_steps": steps, "completed_steps": [0], "variables": {text: text},
            "iterations_completed": 0, "files_changed": 3, "worktree_name": None,
        },
        "mapreduce_data": None,
    }  # fmt: skip


def checkpoint_of(session: str, status: str, text: str = "marked", *, steps: int = 3) -> Document:
    """A checkpoint in which every text of outside is this one."""
    at = to_text(NOW - timedelta(minutes=5))
    done = {
        "step_index": 0, "command": f"shell: {text}", "success": True, "output": text,
        "captured_variables": {}, "duration": {"secs": 1, "nanos": 0}, "completed_at": at,
        "x_prodigy": {"format": 1, "kind": "shell", "label": f"shell: {text}", "attempt": 1,
                      "started_at": at, "exit_code": 0, "skipped": None, "tolerated": True,
                      "head_before": text, "head_after": text, "commits": 1, "files_changed": 1,
                      "log": text, "log_bytes": 5, "usage": {"cost_usd": 0.1}},
    }  # fmt: skip
    return {
        "workflow_id": "workflow-1",
        "execution_state": {"current_step_index": 1, "total_steps": steps, "status": status,
                            "start_time": at, "last_checkpoint": at, "current_iteration": 1,
                            "total_iterations": 2},
        "completed_steps": [done],
        "variable_state": {text: text, "map": {text: [text]}, "big": text * 2_000},
        "timestamp": at, "version": 1, "workflow_hash": text, "total_steps": steps,
        "workflow_name": text, "workflow_path": f"/src/{text}.yml",
        "x_prodigy": {
            "format": 1, "session_id": session, "seq": 2, "kind": "step", "attempt": 1,
            "workflow": {"format": "yaml", "files": [
                {"role": "main", "path": text, "sha256": "0", "file": "workflow/copy.yml"}]},
            "invocation": {"command": "run", "cwd": text, "args": [text], "params": {text: text}},
            "repo": {"name": text, "path": text},
            "worktree": {"name": text, "path": text, "branch": text, "base_branch": text,
                         "base_commit": text},
            "head": {"start": text, "last": text},
            "env": {"declared": [text], "files": [], "secrets": [text], "profile": text},
            "in_flight": {"step_index": 1, "label": text, "attempt": 1, "started_at": at,
                          "log": "logs/001-1.log", "claude_session": text},
            "failure": {"step_index": 1, "label": text, "message": text, "exit_code": 3},
            "stop": {"kind": "pause", "at": at, "by": {"user": text}},
            "spilled": {"big": {"file": text, "bytes": 10, "sha256": text}},
            "masked": {"map": [text]},
            "usage": {"input_tokens": 1, "output_tokens": 1, "cost_usd": 1.0, "calls": 2},
            "same_as": {"other": text},
        },
    }  # fmt: skip


def events_of(session: str, text: str = "marked", *, count: int = 1) -> list[Document]:
    """Events of one step, so many times."""
    kinds: tuple[Document, ...] = (
        {"event_type": "step_started", "label": text, "command": text, "claude_session": text},
        {"event_type": "step_retrying", "reason": text, "delay_ms": 5_000},
        {"event_type": "handler_started", "role": text, "label": text},
        {"event_type": "handler_completed", "role": text, "exit_code": 1},
        {"event_type": "step_failed", "error": text, "exit_code": None, "signal": None},
        {"event_type": "store_warning", "path": text, "problem": text, "moved_to": text},
        {"event_type": text, "step_index": 1},
    )
    at = NOW - timedelta(minutes=10)
    return [
        {
            "id": str(place), "timestamp": to_text(at + timedelta(milliseconds=place)),
            "correlation_id": session, "metadata": {},
            "event": {"step_index": 1, "attempt": 1, **kinds[place % len(kinds)]},
        }
        for place in range(count * len(kinds))
    ]  # fmt: skip


def everywhere(document: Any, value: Any, *, keep: frozenset[str] = frozenset()) -> Any:
    """The document with a value in the place of every leaf; fields of ``keep`` stay."""
    if isinstance(document, dict):
        return {
            name: one if name in keep else everywhere(one, value, keep=keep)
            for name, one in document.items()
        }
    if isinstance(document, list) and document:
        return [everywhere(one, value, keep=keep) for one in document]
    return value


def top(document: Document, value: Any, *, keep: frozenset[str] = frozenset()) -> Document:
    """The document with a value in the place of every field of its first level."""
    return {name: one if name in keep else value for name, one in document.items()}


FILES = (
    "checkpoints/workflow-1.checkpoint.json", "checkpoints/history/000002.json",
    "logs/001-1.log", "workflow/copy.yml", "owner.json", "control/pause.json",
)  # fmt: skip
"""What a run has besides its record."""
RECORD_NEEDS = frozenset({"status", "session_type", "started_at"})
CHECKPOINT_NEEDS = frozenset({"status", "current_step_index", "session_id", "seq"})


class HostileStore:
    """Writes the home. ``runs`` has the id of every session by what is wrong with it."""

    def __init__(self, home: Home, projects: Path) -> None:
        self.home, self.projects = home, projects
        self.runs: dict[str, str] = {}
        self._held = ExitStack()
        home.sessions.mkdir(parents=True)

    def close(self) -> None:
        self._held.close()

    def new(self, what: str) -> str:
        """The id for another session; its directory is there."""
        session = self.runs[what] = run_id(len(self.runs) + 1)
        for directory in (self.home.history_directory(session), self.home.logs_directory(session),
                          self.home.workflow_copies(session)):  # fmt: skip
            directory.mkdir(parents=True)
        self.home.run_lock(session).touch()
        return session

    def write(self, path: Path, document: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(json.dumps(document).encode())

    def write_run(
        self,
        session: str,
        record: object,
        checkpoint: object,
        events: list[Any],
        repo: object = MARKED,
    ) -> None:
        """Everything of a run, with a log of hostile lines."""
        self.write(self.home.session_file(session), record)
        main = self.home.checkpoint_file(session, "workflow-1")
        self.write(main, checkpoint)
        os.link(main, self.home.history_file(session, 2))
        known = isinstance(repo, str) and is_name(repo)
        directory = self.home.root / "events" / (str(repo) if known else "anywhere") / session
        directory.mkdir(parents=True)
        lines = b"\n".join(json.dumps(one).encode() for one in events)
        (directory / "events-20260115_090000.jsonl").write_bytes(lines + b"\nnot an event\n{\n\0")
        (self.home.logs_directory(session) / "001-1.log").write_bytes(
            b"\n".join(text.encode("utf-8", "surrogatepass") for text in TEXTS.values())
            + b"\nError: \xff\xfe\x00 marked\n" + b"E" * 100_000
        )  # fmt: skip

    def add_texts(self) -> None:
        """For every hostile text a session that is made of it, in turn in four statuses."""
        statuses = ("Failed", "Paused", "Completed", "Running")
        for place, (what, text) in enumerate(TEXTS.items()):
            status = statuses[place % 4] if what not in ("escapes", "wide") else "Failed"
            session = self.new(what)
            resting = "Interrupted" if status == "Paused" else status
            checkpoint = checkpoint_of(session, resting, text)
            events = events_of(session, text)
            self.write_run(session, record_of(session, status, text), checkpoint, events, text)
            (self.home.workflow_copies(session) / "copy.yml").write_bytes(
                f"name: {json.dumps(text)}\ncommands:\n  - shell: {json.dumps(text)}\n".encode()
            )
            if status == "Running":
                owner = Owner(1, this_host(), "run", 1, "token", to_text(NOW), "1.0.0")
                self._held.enter_context(RunLock.acquire(self.home, session))
                write_owner(self.home, session, owner)

    def add_wrong_types(self) -> None:
        """For every kind of wrong value sessions with it in all their fields."""
        for what, value in WRONG.items():
            session = self.new(f"{what} in all fields")
            self.write_run(
                session,
                everywhere(record_of(session, "Failed"), value, keep=RECORD_NEEDS),
                everywhere(checkpoint_of(session, "Failed"), value, keep=CHECKPOINT_NEEDS),
                everywhere(events_of(session), value, keep=frozenset({"event_type", "timestamp"})),
                value,
            )
            session = self.new(f"{what} for all fields")
            self.write_run(
                session,
                top(record_of(session, "Paused"), value, keep=RECORD_NEEDS),
                top(checkpoint_of(session, "Paused"), value, keep=frozenset({"execution_state"})),
                [top(one, value, keep=frozenset({"event"})) for one in events_of(session)],
            )

    def add_odd_files(self) -> None:
        """Records and other files that are no files, or end too early."""
        whole = json.dumps(record_of(run_id(0), "Failed")).encode()
        for what, data in {
            "empty": b"", "cut": whole[: len(whole) // 2], "binary": bytes(range(256)) * 8,
            "utf-16": whole.decode().encode("utf-16"), "nuls": b"\0" * 4096, "list": b"[]",
            "deep": b'{"a":' * 60_000, "number": b"1" * 5_000,
        }.items():  # fmt: skip
            session = self.new(f"{what} record")
            self.home.session_file(session).write_bytes(data)
        session = self.new("directory for a record")
        self.home.session_file(session).mkdir()
        session = self.new("pipe for a record")
        os.mkfifo(self.home.session_file(session))
        session = self.new("link to itself")
        self.home.session_file(session).symlink_to(self.home.session_file(session).name)
        session = self.new("link to nothing")
        self.home.session_file(session).symlink_to("nowhere")
        for name in ("-rf", "bad name", "n" * 240, "\udcff\udcfe", "a\nb", "..x"):
            path = self.home.sessions / f"{name}.json"
            path.write_bytes(whole)
            self.runs[f"named {name[:10]}"] = name
        session = self.new("pipes for everything")
        self.write(self.home.session_file(session), record_of(session, "Failed"))
        state = self.home.run_directory(session)
        for name in FILES:
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(state / name)
        events = self.home.events_directory("marked", session)
        events.mkdir(parents=True)
        os.mkfifo(events / "events-20260115_090000.jsonl")
        session = self.new("directories for everything")
        self.write(self.home.session_file(session), record_of(session, "Running"))
        state = self.home.run_directory(session)
        for name in FILES:
            (state / name).mkdir(parents=True)
        (self.home.events_directory("marked", session) / "events-20260115_0.jsonl").mkdir(
            parents=True
        )

    def add_other_times(self) -> None:
        """Records from the future, in time and in format, and one without a record."""
        session = self.new("from the future")
        later = to_text(NOW + timedelta(days=400))
        record = record_of(session, "Paused")
        for name in ("started_at", "updated_at"):
            record[name] = later
        record["metadata"]["x_prodigy"]["stop"]["at"] = later
        self.write_run(session, record, checkpoint_of(session, "Paused"), events_of(session))
        session = self.new("newer format")
        record = record_of(session, "Failed")
        record["metadata"]["x_prodigy"]["format"] = 3
        record["metadata"]["x_prodigy"]["tool"] = "prodigy 3.1"
        self.write_run(session, record, checkpoint_of(session, "Failed"), events_of(session))
        session = self.new("unknown status")
        self.write_run(session, record_of(session, "Sleeping"),
                       checkpoint_of(session, "Dozing"), events_of(session))  # fmt: skip
        session = self.new("no record")
        self.write_run(session, {}, checkpoint_of(session, "Running"), events_of(session))
        self.home.session_file(session).unlink()

    def add_many(self) -> None:
        """Thousands of steps, events, checkpoints and changed files, and a variable of 1 MB."""
        session = self.new("very many")
        record = record_of(session, "Failed", steps=5_000)
        worktree = self.projects / "many files"
        worktree.mkdir(parents=True)
        git(worktree, "init", "-q", "-b", "main")
        git(worktree, "commit", "-q", "--allow-empty", "-m", "begin \x1b[31m marked")
        for number in range(2_000):
            (worktree / f"file {number} \x1b[1m漢.txt").write_text("marked\n")
        record["metadata"]["worktree_name"] = str(worktree)
        extension = record["metadata"]["x_prodigy"]
        extension["base"] = {"branch": "main", "commit": git(worktree, "rev-parse", "HEAD")}
        extension["repo"] = {"name": "many", "path": str(worktree)}
        checkpoint = checkpoint_of(session, "Failed", steps=5_000)
        checkpoint["variable_state"]["megabyte"] = "marked " + "x\u202e" * 500_000
        self.write_run(session, record, checkpoint, [])
        events = self.home.events_directory("many", session)
        events.mkdir(parents=True)
        lines = (json.dumps(one) for one in events_of(session, count=720))
        (events / "events-20260115_090000.jsonl").write_text("\n".join(lines))
        small = json.dumps(top(checkpoint, None, keep=frozenset({"execution_state", "x_prodigy"})))
        for seq in range(3, 2_000):
            self.home.history_file(session, seq).write_text(
                small.replace('"seq": 2', f'"seq": {seq}')
            )
        (self.home.logs_directory(session) / "001-1.log").write_bytes(b"marked " + b"x" * 10**6)


def hostile(home: Home, projects: Path) -> Iterator[HostileStore]:
    """The whole home; locks are held until it is closed."""
    store = HostileStore(home, projects)
    try:
        store.add_texts()
        store.add_wrong_types()
        store.add_odd_files()
        store.add_other_times()
        store.add_many()
        yield store
    finally:
        store.close()
