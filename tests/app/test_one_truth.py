"""Whatever the files of a run say and whoever holds it: everything that shows it says the same."""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli.main import main
from app.tui.backend import Backend
from app.tui.notes import note
from app.tui.widgets.detail import state_words
from app.tui.widgets.session_list import step_words
from store.catalog import Catalog
from store.home import Home
from store.locks import RunLock
from store.owner import Owner, this_host, write_owner
from store.requests import write_request
from store.row import SessionRow
from tests.app.tui.hostile_store import checkpoint_of, record_of, run_id

SESSION = run_id(1)
TOKEN = "token"
STATUSES = ("Initializing", "Running", "Paused", "Completed", "Failed", "Cancelled", "Sleeping")
Drawn = dict[str, Any]

runs = st.fixed_dictionaries(
    {
        "record": st.sampled_from([*STATUSES, "missing", "cut", "list"]),
        "merge": st.sampled_from([None, "pending", "declined", "failed", "merged", "odd", 5]),
        "waiting": st.sampled_from([None, "person", "clock", "odd"]),
        "record_seq": st.sampled_from([0, 2, 9]),
        "checkpoint": st.sampled_from(
            [None, "Running", "Paused", "Interrupted", "Completed", "Failed", "Dozing", "cut"]
        ),
        "stop": st.sampled_from([None, "pause", "cancel", "sigterm"]),
        "metadata": st.sampled_from(
            [None, "in_progress", "interrupted", "failed", "completed", "merged", "cleaned_up"]
            + ["abandoned", "odd", "cut"]
        ),
        "lock": st.sampled_from(["held", "free", "none", "directory"]),
        "owner": st.sampled_from(
            [None, "run", "resume", "merge", "cancel", "repair", "elsewhere", "cut"]
        ),
        "owner_attempt": st.integers(0, 2),
        "original": st.booleans(),
        "requests": st.sets(st.sampled_from(["pause", "pause_now", "cancel", "cut", "stale"])),
        "silent": st.sampled_from([None, 5, 2_000]),
        "format": st.sampled_from([1, 3]),
    }
)


def build(home: Home, drawn: Drawn, held: ExitStack) -> None:
    """Write the files of the run as they were drawn, and hold its lock if it is held."""
    session = home.session_file(SESSION)
    for path in (home.sessions, home.history_directory(SESSION), home.logs_directory(SESSION),
                 home.control_directory(SESSION)):  # fmt: skip
        path.mkdir(parents=True)
    log = home.logs_directory(SESSION) / "001-1.log"
    if drawn["silent"] is not None:
        log.write_text("said\n")
        os.utime(log, (time.time() - drawn["silent"],) * 2)
    record = record_of(SESSION, drawn["record"])
    extension = record["metadata"]["x_prodigy"]
    record["metadata"]["merge"] = drawn["merge"]
    extension["checkpoint_seq"], extension["format"] = drawn["record_seq"], drawn["format"]
    extension["waiting"] = {"kind": drawn["waiting"], "reason": "asks"}
    texts = {"cut": '{"id": "ses', "list": "[]"}
    if drawn["record"] != "missing":
        session.write_text(texts.get(drawn["record"]) or json.dumps(record))
    if drawn["checkpoint"] is not None:
        checkpoint = checkpoint_of(SESSION, drawn["checkpoint"])
        checkpoint["x_prodigy"]["stop"] = {"kind": drawn["stop"]} if drawn["stop"] else None
        text = "{" if drawn["checkpoint"] == "cut" else json.dumps(checkpoint)
        home.checkpoint_file(SESSION, "workflow-1").write_text(text)
    if drawn["metadata"] is not None:
        path = home.metadata_file("marked", SESSION)
        path.parent.mkdir(parents=True)
        at = record["started_at"]
        document = {
            "session_id": SESSION, "worktree_name": SESSION, "branch": "b", "created_at": at,
            "updated_at": at, "status": drawn["metadata"],
            "merged": drawn["metadata"] == "merged",
        }  # fmt: skip
        path.write_text("{" if drawn["metadata"] == "cut" else json.dumps(document))
    lock = home.run_lock(SESSION)
    if drawn["lock"] == "held":
        held.enter_context(RunLock.acquire(home, SESSION))
    elif drawn["lock"] == "free":
        lock.touch()
    elif drawn["lock"] == "directory":
        lock.mkdir()
    if drawn["owner"] == "cut":
        home.owner_file(SESSION).write_text("{")
    elif drawn["owner"] is not None:
        elsewhere = drawn["owner"] == "elsewhere"
        host, command = ("orion", "run") if elsewhere else (this_host(), drawn["owner"])
        began = "2026-01-15T09:00:00.000000Z"
        owner = Owner(os.getpid(), host, command, drawn["owner_attempt"], TOKEN, began, "1.0.0")
        write_owner(home, SESSION, owner)
    for action in drawn["requests"]:
        if action == "cut":
            home.request_file(SESSION, "set_parallel").write_text("{")
        else:
            to, action = ("other", "cancel") if action == "stale" else (TOKEN, action)
            write_request(home, SESSION, action, to, {"tool": "prodigy"})
    if drawn["original"]:
        path = home.resume_lock(SESSION)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"job_id": SESSION, "process_id": os.getpid(),
                                    "hostname": this_host(),
                                    "acquired_at": "2099-01-01T00:00:00Z"}))  # fmt: skip


def rows_by_every_way(home: Home) -> dict[str, SessionRow | None]:
    """The row of the run by every way to learn it; None where it is not known."""
    found: dict[str, SessionRow | None] = {}

    def take(name: str, catalog: Catalog, *, only: bool = False) -> None:
        with catalog:
            catalog.refresh((SESSION,) if only else None)
            row = found[name] = catalog.row(SESSION)
            assert catalog.rows() == ([row] if row else [])
            assert catalog.counts() == ({row.state: 1} if row else {})
            catalog.refresh()
            assert catalog.row(SESSION) == row, f"{name} read again"

    take("catalog", Catalog(home, use_index=False))
    take("one run looked at", Catalog(home, use_index=False), only=True)
    take("index made", Catalog(home))
    take("index recalled", Catalog(home))
    backend = Backend(home, home.root)
    first = backend.first()
    found["first"] = first.rows[0] if first.rows else None
    loaded = found["list"] = next(iter(backend.load()), None)
    if loaded is not None:
        found["detail"] = backend.detail(loaded).row
        found["pulse"] = next(iter(backend.pulse((SESSION,)).rows), None)
    found["row"] = backend.row(SESSION)
    backend.close()
    return found


def told(*arguments: str) -> Any:
    """What the command line says as JSON; None when it knows no such run."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = main(arguments)
    assert "Traceback" not in errors.getvalue(), errors.getvalue()
    assert code in (0, 3), errors.getvalue()
    return json.loads(out.getvalue()) if code == 0 else None


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(runs)
def test_every_list_detail_and_command_says_the_same_state(drawn: Drawn) -> None:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as held:
        home = Home(Path(directory) / "home")
        build(home, drawn, held)
        with mock.patch.dict(os.environ, {"PRODIGY_HOME": str(home.root)}):
            rows = rows_by_every_way(home)
            row = rows["catalog"]
            assert all(one == row for one in rows.values()), rows
            listed = told("sessions", "list", "--json", "--limit", "0")["sessions"]
            shown = told("sessions", "show", "--json", SESSION)
        said = [one["state"] for one in (*listed, shown) if one]
        assert said == ([row.state, row.state] if row else [])
        if row is not None:
            state_words(row, 0), note(row, 0), step_words(row)


def test_what_counts_as_stalled_is_configured_for_all(home: Home) -> None:
    drawn: Drawn = {
        "record": "Running", "merge": None, "waiting": None, "record_seq": 2, "checkpoint": None,
        "stop": None, "metadata": None, "lock": "held", "owner": "run", "owner_attempt": 1,
        "original": False, "requests": set(), "silent": 60, "format": 1,
    }  # fmt: skip
    with ExitStack() as held:
        build(home, drawn, held)
        for configured, state in (("", "running"), ("stall_after: 30s\n", "stalled")):
            home.config.write_text(configured)
            backend = Backend(home, home.root)
            (row,) = backend.first().rows
            (listed,) = told("sessions", "list", "--json")["sessions"]
            shown = told("sessions", "show", "--json", SESSION)
            assert row.state == listed["state"] == shown["state"] == state
