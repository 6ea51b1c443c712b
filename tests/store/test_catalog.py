"""Lists: every session a row, in the state it is really in; only what changed is read again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest

from store import atomic
from store.catalog import Catalog, Changed, Order, SessionFilter
from store.checkpoint import CheckpointKind
from store.errors import StoreError
from store.home import Home
from store.owner import Owner, write_owner
from store.requests import requester, write_request
from store.states import CheckpointStatus, SessionStatus, State
from tests.store.building import ROOT
from tests.store.runs import (
    LATER,
    Holder,
    only,
    record,
    saved_checkpoint,
    seen,
    session,
    write,
)

S, C = SessionStatus, CheckpointStatus
RUN = "session-a"


# -- states


def test_a_home_that_does_not_exist_is_empty_and_stays_so(catalog: Catalog) -> None:
    assert catalog.refresh() == Changed()
    assert catalog.select().total == 0
    assert not catalog.home.root.exists()


def test_sessions_at_rest_are_as_their_records_say_attention_first(
    home: Home, catalog: Catalog
) -> None:
    session(home, "session-1", S.COMPLETED)
    session(home, "session-2", S.COMPLETED, merge="pending")
    session(home, "session-3", S.FAILED)
    session(home, "session-4", S.PAUSED)
    session(home, "session-5", S.COMPLETED, merge="failed")
    session(home, "session-6", S.CANCELLED)
    session(home, "session-7", S.COMPLETED, merge="merged")
    assert seen(catalog) == [
        ("session-3", State.FAILED),
        ("session-5", State.MERGE_FAILED),
        ("session-4", State.PAUSED),
        ("session-2", State.UNMERGED),
        ("session-7", State.MERGED),
        ("session-1", State.COMPLETED),
        ("session-6", State.CANCELLED),
    ]


def test_a_crashed_run_is_interrupted_where_its_checkpoint_says(
    home: Home, catalog: Catalog
) -> None:
    session(home, RUN, S.RUNNING)
    saved_checkpoint(home, RUN, 2)
    row = only(catalog)
    assert (row.state, row.step_index, row.total_steps) == (State.INTERRUPTED, 2, 3)
    assert row.owner_pid is None


def test_a_crash_between_the_last_checkpoint_and_the_record_is_no_interruption(
    home: Home, catalog: Catalog
) -> None:
    session(home, RUN, S.RUNNING)
    saved_checkpoint(home, RUN, 3, C.COMPLETED, CheckpointKind.FINAL)
    assert only(catalog).state is State.COMPLETED


def test_a_run_that_failed_before_it_could_be_recorded_has_its_error(
    home: Home, catalog: Catalog
) -> None:
    session(home, RUN, S.RUNNING)
    failure = {"step_index": 1, "label": "shell: make", "message": "exit 2", "log": "logs/001.log"}
    saved_checkpoint(home, RUN, 1, C.FAILED, CheckpointKind.FAILURE, failure=failure)
    row = only(catalog)
    assert (row.state, row.error, row.step_label) == (State.FAILED, "exit 2", "shell: make")


def test_a_stop_that_could_not_be_recorded_is_a_pause_or_a_cancellation(
    home: Home, catalog: Catalog
) -> None:
    session(home, RUN, S.RUNNING)
    saved_checkpoint(home, RUN, 1, C.INTERRUPTED, CheckpointKind.STOP, stop={"kind": "sigint"})
    row = only(catalog)
    assert (row.state, row.stop_kind) == (State.PAUSED, "sigint")
    saved_checkpoint(home, RUN, 1, C.INTERRUPTED, CheckpointKind.STOP, stop={"kind": "cancel"})
    assert only(catalog).state is State.CANCELLED


def test_a_live_run_is_running_until_its_owner_is_killed(home: Home, catalog: Catalog) -> None:
    session(home, RUN, S.RUNNING)
    with Holder(home, RUN) as holder:
        row = only(catalog)
        assert (row.state, row.owner_pid, row.owner_command) == (
            State.RUNNING,
            holder.process.pid,
            "run",
        )
        assert catalog.refresh() == Changed()
    assert catalog.refresh({RUN}).ids == {RUN}
    assert only(catalog).state is State.INTERRUPTED


def test_a_request_to_the_owner_shows_at_once(home: Home, catalog: Catalog) -> None:
    session(home, RUN, S.RUNNING)
    with Holder(home, RUN) as holder:
        write_request(home, RUN, "pause", "another token", requester("prodigy"))
        assert only(catalog).state is State.RUNNING
        write_request(home, RUN, "pause", holder.token, requester("prodigy"))
        assert only(catalog).state is State.PAUSING
        write_request(home, RUN, "cancel", holder.token, requester("prodigy"))
        assert only(catalog).state is State.CANCELLING


def test_merging_and_resuming_show_although_the_record_does_not_say_so(
    home: Home, catalog: Catalog
) -> None:
    session(home, RUN, S.COMPLETED, merge="pending")
    session(home, "session-b", S.PAUSED)
    with Holder(home, RUN, "merge"), Holder(home, "session-b", "resume", attempt=2):
        assert seen(catalog) == [(RUN, State.MERGING), ("session-b", State.RESUMING)]


def test_a_step_that_prints_nothing_is_stalled_and_says_since_when(home: Home) -> None:
    step = {"index": 1, "label": "shell: make", "attempt": 1, "log": "logs/001-1.log"}
    session(home, RUN, S.RUNNING, x={"step": step})
    log = home.run_directory(RUN) / "logs" / "001-1.log"
    log.parent.mkdir(parents=True)
    log.touch()
    printed_ns = log.stat().st_mtime_ns
    now = [printed_ns + 10_000_000_000]
    catalog = Catalog(home, stall_after_seconds=60, clock_ns=lambda: now[0])
    with Holder(home, RUN):
        assert only(catalog).state is State.RUNNING
        now[0] += 60_000_000_000
        assert catalog.refresh({RUN}).ids == {RUN}
        row = only(catalog)
    assert row.state is State.STALLED
    assert row.output_us == printed_ns // 1000


def test_an_owner_on_another_machine_cannot_be_checked(home: Home, catalog: Catalog) -> None:
    session(home, RUN, S.RUNNING)
    write_owner(home, RUN, Owner(7, "elsewhere", "run", 1, "t", "2026-01-01T10:00:00Z", "1"))
    row = only(catalog)
    assert row.state is State.UNKNOWN
    assert row.owner_host == "elsewhere"
    assert row.live_reason is not None
    assert "elsewhere" in row.live_reason


# -- following changes


def test_a_refresh_names_what_changed_and_only_that(home: Home, catalog: Catalog) -> None:
    session(home, "session-1", S.PAUSED)
    session(home, "session-2", S.FAILED)
    assert catalog.refresh().ids == {"session-1", "session-2"}
    assert catalog.refresh() == Changed()
    before = {row.id: row for row in catalog.rows()}
    session(home, "session-1", S.CANCELLED)
    session(home, "session-3")
    home.session_file("session-2").unlink()
    changed = catalog.refresh()
    assert changed.ids == {"session-1", "session-3"}
    assert changed.removed == {"session-2"}
    session(home, "session-3", S.FAILED)
    assert catalog.refresh().ids == {"session-3"}
    after = catalog.row("session-1")
    assert after is not None
    assert after.state is State.CANCELLED
    assert before["session-1"].state is State.PAUSED


def test_a_row_that_did_not_change_is_the_same_object(home: Home, catalog: Catalog) -> None:
    session(home, "session-1", S.PAUSED)
    session(home, "session-2", S.RUNNING)
    catalog.refresh()
    before = catalog.rows()
    catalog.refresh()
    assert all(one is other for one, other in zip(before, catalog.rows(), strict=True))


def test_a_file_that_did_not_change_is_not_opened_again(
    home: Home, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        session(home, f"session-{number}")
    catalog.refresh()
    opened: list[str] = []
    real = os.open

    def noting(path: Any, *args: Any, **more: Any) -> int:
        opened.append(str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(os, "open", noting)
    monkeypatch.setattr("store.known_runs.read_record", pytest.fail)
    catalog.refresh()
    assert not [path for path in opened if path.endswith(".json")]


def test_two_rewrites_of_one_size_within_a_tick_are_both_seen(home: Home, catalog: Catalog) -> None:
    path = session(home, RUN, S.PAUSED)
    document = record(RUN, S.FAILED, error="first")
    write(home, document, old=False)
    catalog.refresh()
    status = path.stat()
    content = path.read_bytes().replace(b"first", b"again")
    path.write_bytes(content)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    row = only(catalog)
    assert row.error == "again"


def test_a_refresh_of_some_looks_only_at_those(home: Home, catalog: Catalog) -> None:
    session(home, "session-1", S.PAUSED)
    session(home, "session-2", S.PAUSED)
    catalog.refresh()
    for name in ("session-1", "session-2", "session-3"):
        session(home, name, S.FAILED)
    assert catalog.refresh({"session-1", "../odd", "session-missing"}).ids == {"session-1"}
    assert catalog.refresh({"session-3"}).ids == {"session-3"}
    home.session_file("session-2").unlink()
    assert catalog.refresh({"session-2"}).removed == {"session-2"}
    assert {row.id for row in catalog.rows()} == {"session-1", "session-3"}


def test_a_home_that_goes_away_leaves_the_rows(home: Home, catalog: Catalog) -> None:
    session(home, RUN)
    catalog.refresh()
    rows = catalog.rows()
    shutil.rmtree(home.root)
    with pytest.raises(StoreError, match="gone"):
        catalog.refresh()
    assert catalog.rows() == rows


# -- filters


def test_filters_hold_together(home: Home, catalog: Catalog) -> None:
    session(home, "session-1", S.FAILED, workflow="fix", repo="api", error="No SPACE left")
    session(home, "session-2", S.PAUSED, workflow="fix", repo="webapp")
    session(home, "session-3", S.COMPLETED, workflow="lint", repo="api")
    session(home, "session-4", S.FAILED, x={"archived_at": "2026-01-01T10:00:00Z"})
    catalog.refresh()

    def ids(**wanted: Any) -> list[str]:
        return sorted(row.id for row in catalog.rows(SessionFilter(**wanted)))

    assert ids() == ["session-1", "session-2", "session-3"]
    assert ids(archived=True) == ["session-4"]
    assert len(ids(archived=None)) == 4
    assert ids(states={State.PAUSED, State.COMPLETED}) == ["session-2", "session-3"]
    assert ids(statuses={"Failed"}) == ["session-1"]
    assert ids(repo="api") == ["session-1", "session-3"]
    assert ids(repo="/home/ana/src/webapp") == ["session-2"]
    assert ids(workflow="fix", repo="api") == ["session-1"]
    assert ids(text="no space") == ["session-1"]
    assert ids(text="PRODIGY-SESSION-3") == ["session-3"]
    assert ids(text="nowhere") == []
    assert ids(resumable=True) == ["session-1", "session-2"]
    assert ids(since=LATER + timedelta(seconds=1)) == []
    assert len(ids(since=LATER)) == 3
    assert catalog.counts() == {State.FAILED: 1, State.PAUSED: 1, State.COMPLETED: 1}


def test_pages_and_orders(home: Home, catalog: Catalog) -> None:
    for number, workflow in enumerate("cba"):
        session(home, f"session-{number}", workflow=workflow, repo=workflow)
    catalog.refresh()
    selection = catalog.select(SessionFilter(limit=1, offset=1, order=Order.WORKFLOW))
    assert (selection.total, [row.id for row in selection.rows]) == (3, ["session-1"])
    rows = catalog.rows(SessionFilter(order=Order.REPOSITORY))
    assert [row.repo for row in rows] == ["a", "b", "c"]
    assert [row.id for row in catalog.rows(SessionFilter(order=Order.STARTED))][0] == "session-0"


# -- cost


LISTING = """
import sys
from pathlib import Path
from store.catalog import Catalog, SessionFilter
from store.home import Home
with Catalog(Home(Path({root!r}))) as catalog:
    catalog.refresh()
    rows = catalog.rows(SessionFilter(limit=50))
    assert len(rows) == {count}, rows
heavy = {{"pydantic", "yaml", "asyncio", "rich", "textual", "watchfiles", "psutil", "msgspec"}}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""


def test_a_list_loads_nothing_heavy(home: Home) -> None:
    session(home, "session-1")
    session(home, "session-2", S.RUNNING)
    saved_checkpoint(home, "session-2", 1)
    saved_checkpoint(home, "session-3", 1)
    code = LISTING.format(root=str(home.root), count=3)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_ten_thousand_unchanged_sessions_are_looked_at_quickly(home: Home) -> None:
    document = atomic.dump_json(record("session-x", S.PAUSED))
    home.sessions.mkdir(parents=True)
    for number in range(10_000):
        path = home.sessions / f"session-{number}.json"
        path.write_bytes(document)
        os.utime(path, (1_767_225_600, 1_767_225_600))
    with Catalog(home) as catalog:
        catalog.refresh()
    with Catalog(home) as catalog:
        begin = time.process_time()
        assert catalog.refresh() == Changed()
        assert len(catalog.rows(SessionFilter(limit=50))) == 50
        spent = time.process_time() - begin
    # About 0.09 s on a quiet machine; this only catches work that grew by a factor.
    assert spent < 0.6
