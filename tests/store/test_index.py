"""The index: commands answer the same with it, without it, and whatever is wrong with it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from store.catalog import Catalog, Order, SessionFilter
from store.checkpoint import CheckpointKind
from store.home import Home
from store.row import SessionRow
from store.states import CheckpointStatus, SessionStatus
from tests.store.runs import LONG_AGO, metadata, record, saved_checkpoint, session, write

S = SessionStatus
IDS = [f"session-{letter}{letter}{letter}{letter}" for letter in "abcd"]


def answers(home: Home, *, use_index: bool) -> list[list[SessionRow]]:
    """What several commands would show, each a program of its own."""
    wanted = [
        SessionFilter(),
        SessionFilter(archived=None, order=Order.STARTED),
        SessionFilter(text="boom"),
        SessionFilter(repo="api", order=Order.WORKFLOW),
        SessionFilter(limit=2),
    ]
    found = []
    for one in wanted:
        with Catalog(home, use_index=use_index) as catalog:
            catalog.refresh()
            found.append(catalog.rows(one))
    return found


class IndexAgainstFiles(RuleBasedStateMachine):
    """Whatever happens to the files or the index, both ways of listing say the same."""

    root: Path

    @initialize()
    def begin(self) -> None:
        base = Path(os.environ["PRODIGY_HOME"]).parent
        self.home = Home(base / f"machine-{os.urandom(4).hex()}")
        self.home.root.mkdir(parents=True)

    def teardown(self) -> None:
        shutil.rmtree(self.home.root, ignore_errors=True)

    @rule(
        run_id=st.sampled_from(IDS),
        status=st.sampled_from(S),
        error=st.sampled_from(["boom", "crash"]),
        repo=st.sampled_from(["api", "webapp"]),
        merge=st.sampled_from([None, "pending", "merged"]),
        old=st.booleans(),
    )
    def write_record(
        self,
        run_id: str,
        status: SessionStatus,
        error: str,
        repo: str,
        merge: str | None,
        old: bool,
    ) -> None:
        write(self.home, record(run_id, status, error=error, repo=repo, merge=merge), old=old)

    @rule(run_id=st.sampled_from(IDS), content=st.sampled_from([b"", b"{", b"{}", b"[]"]))
    def damage_record(self, run_id: str, content: bytes) -> None:
        path = self.home.session_file(run_id)
        if path.exists():
            path.write_bytes(content)

    @rule(run_id=st.sampled_from(IDS))
    def remove_record(self, run_id: str) -> None:
        self.home.session_file(run_id).unlink(missing_ok=True)

    @rule(run_id=st.sampled_from(IDS), index=st.integers(0, 3))
    def save_checkpoint(self, run_id: str, index: int) -> None:
        saved_checkpoint(self.home, run_id, index)

    @rule(run_id=st.sampled_from(IDS))
    def save_failure(self, run_id: str) -> None:
        failure = {"step_index": 1, "label": "shell: make", "message": "boom"}
        saved_checkpoint(
            self.home, run_id, 1, CheckpointStatus.FAILED, CheckpointKind.FAILURE, failure=failure
        )

    @rule(run_id=st.sampled_from(IDS), status=st.sampled_from(["in_progress", "cleaned_up"]))
    def write_metadata(self, run_id: str, status: str) -> None:
        metadata(self.home, run_id, status)

    @rule()
    def delete_index(self) -> None:
        for path in self.home.root.glob("index.db*"):
            path.unlink()

    @rule(garbage=st.binary(max_size=200))
    def damage_index(self, garbage: bytes) -> None:
        self.home.index.write_bytes(garbage)

    @invariant()
    def both_answer_the_same(self) -> None:
        assert answers(self.home, use_index=True) == answers(self.home, use_index=False)


IndexAgainstFiles.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestIndexAgainstFiles = IndexAgainstFiles.TestCase


def some_sessions(home: Home) -> None:
    session(home, "session-1", S.FAILED)
    session(home, "session-2", S.RUNNING)
    saved_checkpoint(home, "session-2", 2)
    session(home, "session-3", repo="api")


def test_the_index_is_written_private_and_used_by_the_next_command(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_sessions(home)
    checkpoints = home.checkpoints_directory("session-2")
    for path in (*checkpoints.rglob("*"), checkpoints):
        os.utime(path, (LONG_AGO, LONG_AGO))
    with Catalog(home) as catalog:
        catalog.refresh()
        before = catalog.rows()
    assert home.index.stat().st_mode & 0o777 == 0o600

    def read_again(*_: object) -> None:
        pytest.fail("a file was read again")

    monkeypatch.setattr("store.known_runs.read_record", read_again)
    monkeypatch.setattr("store.checkpoints.newest", read_again)
    with Catalog(home, use_index=True) as catalog:
        assert catalog.refresh().ids == {"session-2"}  # its liveness is asked every time
        assert {row.id for row in catalog.rows()} == {row.id for row in before}


def test_a_catalog_says_that_it_had_to_read_everything(home: Home) -> None:
    some_sessions(home)
    told = []
    for _ in range(2):
        with Catalog(home) as catalog:
            catalog.refresh()
            told.append(catalog.rebuilt_index)
    # The records are long unchanged, so the second one found them remembered.
    assert told == [True, False]


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"SQLite format 3\0" + b"x" * 5000], ids=["empty", "text", "torn"]
)
def test_a_damaged_index_is_replaced(home: Home, content: bytes) -> None:
    some_sessions(home)
    home.index.write_bytes(content)
    assert answers(home, use_index=True) == answers(home, use_index=False)
    with Catalog(home) as catalog:
        catalog.refresh()
    assert sqlite3.connect(home.index).execute("SELECT count(*) FROM runs").fetchone() == (3,)


def test_a_page_torn_in_the_middle_is_noticed(home: Home) -> None:
    some_sessions(home)
    answers(home, use_index=True)
    data = bytearray(home.index.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 200] = os.urandom(200)
    home.index.write_bytes(bytes(data))
    assert answers(home, use_index=True) == answers(home, use_index=False)


def test_an_index_of_another_version_is_replaced(home: Home) -> None:
    some_sessions(home)
    database = sqlite3.connect(home.index)
    database.executescript("CREATE TABLE runs(other TEXT); PRAGMA user_version = 7;")
    database.close()
    assert answers(home, use_index=True) == answers(home, use_index=False)
    with Catalog(home) as catalog:
        catalog.refresh()
    assert sqlite3.connect(home.index).execute("PRAGMA user_version").fetchone() == (1,)


def test_rows_that_make_no_sense_are_not_believed(home: Home) -> None:
    some_sessions(home)
    answers(home, use_index=True)
    with sqlite3.connect(home.index) as database:
        database.execute("UPDATE runs SET summary = '{\"odd\"' WHERE id = 'session-1'")
        database.execute("UPDATE checkpoints SET facts = '[1]'")
    assert answers(home, use_index=True) == answers(home, use_index=False)


def test_a_home_that_cannot_be_written_is_listed(home: Home) -> None:
    some_sessions(home)
    home.index.mkdir()  # works for root, too, unlike permissions
    assert answers(home, use_index=True) == answers(home, use_index=False)


def test_a_busy_index_is_not_waited_for(home: Home) -> None:
    some_sessions(home)
    answers(home, use_index=True)
    writer = sqlite3.connect(home.index, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    session(home, "session-4", S.PAUSED)
    try:
        begin = time.monotonic()
        with Catalog(home) as catalog:
            catalog.refresh()
            assert catalog.rows() == answers(home, use_index=False)[0]
        assert time.monotonic() - begin < 15  # its patience is one second
    finally:
        writer.execute("ROLLBACK")
        writer.close()


def test_an_index_deleted_under_a_catalog_is_no_loss(home: Home) -> None:
    some_sessions(home)
    with Catalog(home) as catalog:
        catalog.refresh()
        for path in home.root.glob("index.db*"):
            path.unlink()
        session(home, "session-4", S.PAUSED)
        assert catalog.refresh().ids == {"session-4"}
        assert len(catalog.rows()) == 4
    assert answers(home, use_index=True) == answers(home, use_index=False)


def test_many_commands_at_once_all_answer(home: Home) -> None:
    some_sessions(home)
    found: list[list[str]] = []

    def command() -> None:
        with Catalog(home) as catalog:
            catalog.refresh()
            found.append([row.id for row in catalog.rows()])

    threads = [threading.Thread(target=command) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["session-1", "session-2", "session-3"]] * 6
    assert answers(home, use_index=True) == answers(home, use_index=False)
