"""Whatever is asked of sessions in whatever order, the store stays true: a model checks it."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from store.errors import AlreadyExists, InvalidTransition, NotFound, ReadOnly
from store.home import Home
from store.locks import Liveness, RunLock, probe
from store.manager import SessionManager, SessionUpdate
from store.session import may_become
from store.states import SessionStatus
from tests.store.building import config

S = SessionStatus


class Sessions(RuleBasedStateMachine):
    """A store beside a dict that says what its sessions' status and progress must be."""

    ids = Bundle("ids")

    @initialize()
    def open(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.home = Home(self.directory / "home")
        self.manager = SessionManager(self.home)
        self.status: dict[str, SessionStatus] = {}
        self.progress: dict[str, tuple[int, int]] = {}
        self.foreign: dict[str, Any] = {}
        self.locks: dict[str, RunLock] = {}
        self.stamps: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            for lock in self.locks.values():
                lock.release()
            shutil.rmtree(self.directory)

    @rule(target=ids, number=st.integers(0, 3))
    def create(self, number: int) -> str:
        session_id = f"session-{number}"
        known = self.status.get(session_id)
        same = known is S.INITIALIZING and session_id not in self.locks
        manager = self.manager
        if known is not None and not same:
            with contextlib.suppress(AlreadyExists):
                manager.create_session(config(id=session_id))
                raise AssertionError("an existing session was created again")
            return session_id
        if session_id in self.locks:
            manager = manager.holding(self.locks[session_id])
        assert manager.create_session(config(id=session_id)) == session_id
        if known is None:
            self.status[session_id] = S.INITIALIZING
            self.progress[session_id] = (0, 3)
            self.foreign.pop(session_id, None)
            self.stamps.pop(session_id, None)
        return session_id

    @rule(session_id=ids, to=st.sampled_from([s for s in S if s is not S.INITIALIZING]))
    def change_status(self, session_id: str, to: SessionStatus) -> None:
        before = self.status.get(session_id)
        manager = self.allowed(session_id)
        data = self.bytes_of(session_id)
        try:
            match to:
                case S.RUNNING:
                    manager.resume_session(session_id)
                case S.PAUSED:
                    manager.pause_session(session_id)
                case S.CANCELLED:
                    manager.cancel_session(session_id)
                case _:
                    manager.complete_session(session_id, to is S.COMPLETED, "boom")
        except NotFound:
            assert before is None
        except InvalidTransition:
            assert before is not None and not may_become(before, to)
            assert self.bytes_of(session_id) == data
        else:
            assert before is not None and may_become(before, to)
            self.status[session_id] = to
            if to is S.COMPLETED and before is not to:
                total = self.progress[session_id][1]
                self.progress[session_id] = (total, total)

    @rule(session_id=ids, current=st.integers(0, 5), total=st.integers(0, 5))
    def report_progress(self, session_id: str, current: int, total: int) -> None:
        manager = self.allowed(session_id)
        if session_id not in self.status or current > total:
            return
        manager.update_session(session_id, SessionUpdate(progress=(current, total)))
        self.progress[session_id] = (current, total)

    @rule(session_id=ids, value=st.text(max_size=5) | st.integers() | st.none())
    def others_add_a_field(self, session_id: str, value: object) -> None:
        if session_id not in self.status:
            return
        document = json.loads(self.bytes_of(session_id) or b"")
        document["foreign"] = document["metadata"]["foreign"] = value
        self.home.session_file(session_id).write_text(json.dumps(document))
        self.foreign[session_id] = value

    @rule(session_id=ids)
    def take_the_run(self, session_id: str) -> None:
        if session_id not in self.locks:
            self.locks[session_id] = RunLock.acquire(self.home, session_id, wait_seconds=0.0)

    @rule(session_id=ids)
    def leave_the_run(self, session_id: str) -> None:
        lock = self.locks.pop(session_id, None)
        if lock is not None:
            lock.release()

    @rule(session_id=consumes(ids), purge=st.booleans())
    def delete(self, session_id: str, purge: bool) -> None:
        if session_id in self.locks and session_id in self.status:
            assert probe(self.home, session_id, says_active=True).liveness is Liveness.LIVE
        self.leave_the_run(session_id)
        self.manager.delete_session(session_id, purge=purge)
        self.status.pop(session_id, None)
        self.progress.pop(session_id, None)

    @rule(session_id=ids, word=st.sampled_from(["Active", "running", ""]))
    def the_future_writes_a_word(self, session_id: str, word: str) -> None:
        data = self.bytes_of(session_id)
        if session_id not in self.status or data is None:
            return
        document = json.loads(data)
        document["status"] = word
        path = self.home.session_file(session_id)
        path.write_text(json.dumps(document))
        odd = path.read_bytes()
        assert self.manager.load_session(session_id).status_word == word
        with contextlib.suppress(ReadOnly):
            self.allowed(session_id).pause_session(session_id)
            raise AssertionError("a record of the future was written")
        assert path.read_bytes() == odd
        path.write_bytes(data)

    def allowed(self, session_id: str) -> SessionManager:
        lock = self.locks.get(session_id)
        return self.manager if lock is None else self.manager.holding(lock)

    def bytes_of(self, session_id: str) -> bytes | None:
        path = self.home.session_file(session_id)
        return path.read_bytes() if path.exists() else None

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        if not hasattr(self, "status"):
            return
        names = {path.name for path in self.home.sessions.iterdir()}
        assert names == {f"{session_id}.json" for session_id in self.status}
        for session_id, status in self.status.items():
            session = self.manager.load_session(session_id)
            assert session.status is status
            assert (session.current_step, session.total_steps) == self.progress[session_id]
            ended = status in (S.COMPLETED, S.FAILED, S.CANCELLED)
            assert (session.completed_at is not None) == ended
            if session_id in self.foreign:
                value = self.foreign[session_id]
                assert session.document["foreign"] == session.metadata["foreign"] == value
            stamp = session.document["updated_at"]
            assert stamp >= self.stamps.get(session_id, "")
            self.stamps[session_id] = stamp


TestSessions = Sessions.TestCase
TestSessions.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
