"""Sessions are changed by one at a time, loaded as they are on disk, deleted whole."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from store import atomic, checkpoints
from store.async_manager import AsyncSessionManager
from store.errors import (
    Busy,
    InvalidTransition,
    NotFound,
    ReadOnly,
    StoreError,
    Unreadable,
)
from store.home import Home
from store.locks import RunLock
from store.manager import SessionManager, SessionUpdate
from store.owner import Owner, write_owner
from store.states import MergeState, SessionStatus
from tests.store.building import checkpoint, config, created, finished, python

RUN = "session-a"


@pytest.fixture
def manager(home: Home) -> SessionManager:
    return SessionManager(home)


def document_of(home: Home, session_id: str = RUN) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(home.session_file(session_id).read_bytes())
    return document


# -- a life


def test_a_session_lives_from_start_to_completion(manager: SessionManager) -> None:
    created(manager.home)
    started = manager.start_session(RUN)
    assert started.status is SessionStatus.RUNNING
    assert started.attempts[0]["pid"] == os.getpid()
    paused = manager.pause_session(RUN)
    assert (paused.status, paused.x["stop"]["kind"]) == (SessionStatus.PAUSED, "pause")
    assert manager.resume_session(RUN).attempts[-1]["kind"] == "resume"
    completed = manager.complete_session(RUN, True)
    assert completed.status is SessionStatus.COMPLETED
    assert completed.current_step == 3
    assert manager.load_session(RUN).document == completed.document


def test_a_failed_session_says_why_and_runs_again(manager: SessionManager) -> None:
    created(manager.home)
    manager.start_session(RUN)
    failed = manager.complete_session(RUN, False, "step 2: exit 2")
    assert (failed.status, failed.error) == (SessionStatus.FAILED, "step 2: exit 2")
    resumed = manager.resume_session(RUN)
    assert (resumed.error, resumed.completed_at) == (None, None)


def test_resuming_a_session_that_says_running_records_the_crash(manager: SessionManager) -> None:
    created(manager.home)
    manager.start_session(RUN)
    resumed = manager.resume_session(RUN)
    assert [attempt["outcome"] for attempt in resumed.attempts] == ["crashed", None]


def test_a_cancelled_session_stays_cancelled(manager: SessionManager) -> None:
    created(manager.home)
    cancelled = manager.cancel_session(RUN, {"user": "ana"})
    assert cancelled.x["stop"]["by"] == {"user": "ana"}
    before = manager.home.session_file(RUN).read_bytes()
    with pytest.raises(InvalidTransition):
        manager.resume_session(RUN)
    assert manager.home.session_file(RUN).read_bytes() == before


def test_a_live_run_can_only_be_changed_by_its_owner(manager: SessionManager) -> None:
    created(manager.home)
    calls: list[Callable[[SessionManager], object]] = [
        lambda m: m.start_session(RUN),
        lambda m: m.pause_session(RUN),
        lambda m: m.resume_session(RUN),
        lambda m: m.update_session(RUN, SessionUpdate(progress=(1, 3))),
        lambda m: m.complete_session(RUN, True),
    ]
    with RunLock.acquire(manager.home, RUN) as lock:
        owner = manager.holding(lock)
        before = manager.home.session_file(RUN).read_bytes()
        for call in calls[:1]:
            with pytest.raises(Busy):
                call(manager)
        assert manager.home.session_file(RUN).read_bytes() == before
        for call in calls:
            call(owner)
    assert manager.load_session(RUN).status is SessionStatus.COMPLETED


def test_a_missing_session_is_not_found_and_leaves_no_trace(manager: SessionManager) -> None:
    for call in (manager.load_session, manager.start_session, manager.pause_session):
        with pytest.raises(NotFound, match=RUN):
            call(RUN)
    assert not manager.home.run_directory(RUN).exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"\0\0", b"[]", b'{"status": "Running"}'])
def test_an_unreadable_session_says_so_and_is_not_touched(
    manager: SessionManager, content: bytes
) -> None:
    path = manager.home.session_file(RUN)
    path.write_bytes(content)
    for call in (manager.load_session, manager.pause_session):
        with pytest.raises(Unreadable):
            call(RUN)
    assert path.read_bytes() == content


def test_a_session_from_the_future_is_shown_and_not_written(manager: SessionManager) -> None:
    created(manager.home)
    path = manager.home.session_file(RUN)
    document = document_of(manager.home)
    document["metadata"]["x_prodigy"]["format"] = 2
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    assert manager.load_session(RUN).total_steps == 3
    with pytest.raises(ReadOnly):
        manager.update_session(RUN, SessionUpdate(progress=(1, 3)))
    assert path.read_bytes() == before


# -- updates


def test_untouched_times_and_unknown_fields_at_every_level_survive_ten_updates(
    manager: SessionManager,
) -> None:
    created(manager.home)
    path = manager.home.session_file(RUN)
    document = document_of(manager.home)
    document |= {"future": {"a": [1.0, None]}, "started_at": "2026-01-01T00:00:00.123456789Z"}
    document["metadata"] |= {"increment_iteration": "odd", "tags": ["x"]}
    document["metadata"]["x_prodigy"]["weather"] = {"wind": "north"}
    document["workflow_data"]["future"] = 7
    document["checkpoints"] = [{"id": "checkpoint-1", "state": 1, "extra": True}]
    path.write_text(json.dumps(document))
    manager.start_session(RUN)
    for number in range(1, 4):
        manager.update_session(RUN, SessionUpdate(progress=(number, 3)))
        manager.update_session(RUN, SessionUpdate(timing=(f"part {number}", 1.5)))
        manager.update_session(RUN, SessionUpdate(metadata={"description": str(number)}))
    now = document_of(manager.home)
    assert now["future"] == {"a": [1.0, None]}
    assert now["started_at"] == "2026-01-01T00:00:00.123456789Z"
    assert now["metadata"]["increment_iteration"] == "odd"
    assert now["metadata"]["x_prodigy"]["weather"] == {"wind": "north"}
    assert now["workflow_data"]["future"] == 7
    assert now["checkpoints"] == document["checkpoints"]
    assert list(now)[: len(document)] == list(document), "the order is that of the file"


def test_progress_is_mirrored(manager: SessionManager) -> None:
    created(manager.home)
    session = manager.update_session(RUN, SessionUpdate(progress=(2, 5)))
    assert (session.current_step, session.total_steps) == (2, 5)
    assert (session.metadata["current_step"], session.metadata["total_steps"]) == (2, 5)
    assert session.completed_steps == [0, 1]


@pytest.mark.parametrize("progress", [(4, 3), (-1, 3)])
def test_progress_that_makes_no_sense_changes_nothing(
    manager: SessionManager, progress: tuple[int, int]
) -> None:
    created(manager.home)
    before = manager.home.session_file(RUN).read_bytes()
    with pytest.raises(StoreError, match="progress"):
        manager.update_session(RUN, SessionUpdate(progress=progress))
    assert manager.home.session_file(RUN).read_bytes() == before


def test_metadata_is_merged_and_commands_are_obeyed_and_not_stored(
    manager: SessionManager,
) -> None:
    created(manager.home)
    patch = {"branch": "b", "repo": {"name": "web"}}
    manager.update_session(RUN, SessionUpdate(metadata={"x_prodigy": patch, "tags": ["a"]}))
    session = manager.update_session(
        RUN,
        SessionUpdate(
            metadata={
                "increment_iteration": True,
                "files_changed_delta": 3,
                "x_prodigy": {"branch": None, "repo": {"path": "/web"}},
            }
        ),
    )
    assert session.document["workflow_data"]["iterations_completed"] == 1
    assert session.files_changed == 3
    assert "increment_iteration" not in session.metadata
    assert "files_changed_delta" not in session.metadata
    assert session.metadata["tags"] == ["a"]
    assert "branch" not in session.x
    assert (session.repo_name, session.repo_path) == ("web", "/web")


def test_an_error_fails_the_session_and_a_merge_is_recorded(manager: SessionManager) -> None:
    created(manager.home)
    failed = manager.update_session(RUN, SessionUpdate(error="no space"))
    assert (failed.status, failed.error) == (SessionStatus.FAILED, "no space")
    other = created(manager.home, "session-b")
    manager.start_session(other)
    manager.complete_session(other, True)
    merge = {"state": MergeState.MERGED, "target": "main", "commit": "a" * 40}
    merged = manager.update_session(other, SessionUpdate(merge=merge))
    assert merged.merge_state is MergeState.MERGED
    assert merged.status is SessionStatus.COMPLETED
    assert merged.x["merge"]["target"] == "main"
    assert merged.x["merge"]["error"] is None


def test_an_update_with_an_impossible_status_changes_nothing(manager: SessionManager) -> None:
    created(manager.home)
    manager.start_session(RUN)
    before = manager.home.session_file(RUN).read_bytes()
    update = SessionUpdate(status=SessionStatus.INITIALIZING, progress=(1, 3))
    with pytest.raises(InvalidTransition):
        manager.update_session(RUN, update)
    assert manager.home.session_file(RUN).read_bytes() == before


KILLED = """
from store.manager import SessionManager
SessionManager({root!r}).complete_session("session-a", False, "boom")
"""


@pytest.mark.parametrize(
    ("point", "status"),
    [("record.temp", "Running"), ("atomic.rename", "Running"), ("record.renamed", "Failed")],
)
def test_killed_while_changing_a_session_the_record_is_whole(
    manager: SessionManager, point: str, status: str
) -> None:
    created(manager.home)
    manager.start_session(RUN)
    code, _, errors = finished(
        python(KILLED.format(root=str(manager.home.root)), PRODIGY_FAULT=f"{point}=kill")
    )
    assert code == -9, errors
    assert manager.load_session(RUN).status_word == status
    manager.resume_session(RUN)
    assert [path.name for path in manager.home.sessions.iterdir()] == [f"{RUN}.json"]


# -- deleting


def test_deleting_takes_the_record_and_leaves_the_rest(manager: SessionManager) -> None:
    created(manager.home)
    checkpoints.save(manager.home, checkpoint())
    manager.delete_session(RUN)
    assert not manager.home.session_file(RUN).exists()
    assert len(manager.list_checkpoints(RUN)) == 1
    manager.delete_session(RUN)
    manager.delete_session("session-nobody", purge=True)
    assert not manager.home.run_directory("session-nobody").exists()


def test_purging_takes_every_trace_but_worktree_and_branch(manager: SessionManager) -> None:
    home = manager.home
    for session_id in (RUN, "session-b"):
        created(home, session_id)
        checkpoints.save(home, checkpoint(session_id))
        for directory in (
            home.events_directory("web", session_id),
            home.worktree("web", session_id),
        ):
            directory.mkdir(parents=True)
            (directory / "file").write_text("")
        metadata = home.metadata_file("web", session_id)
        metadata.parent.mkdir(parents=True, exist_ok=True)
        metadata.write_text("{}")
        mappings = home.state / "web" / "mappings"
        mappings.mkdir(parents=True, exist_ok=True)
        for name in (session_id, f"mapreduce-{session_id}"):
            text = json.dumps({"session_id": session_id, "job_id": f"mapreduce-{session_id}"})
            (mappings / f"{name}.json").write_text(text)
    manager.delete_session(RUN, purge=True)
    left = [path for path in home.root.rglob("*") if RUN in str(path.relative_to(home.root))]
    assert left == [home.worktree("web", RUN), home.worktree("web", RUN) / "file"]
    assert manager.load_session("session-b").status is SessionStatus.INITIALIZING
    assert len(manager.list_checkpoints("session-b")) == 1
    assert home.metadata_file("web", "session-b").exists()


def test_a_live_run_is_not_deleted(manager: SessionManager) -> None:
    created(manager.home)
    with RunLock.acquire(manager.home, RUN), pytest.raises(Busy):
        manager.delete_session(RUN, purge=True)
    assert manager.load_session(RUN).id == RUN


def test_a_run_that_may_be_live_is_deleted_only_by_force(manager: SessionManager) -> None:
    created(manager.home)
    write_owner(manager.home, RUN, Owner(7, "another-host", "run", 1, "t", "", ""))
    with pytest.raises(Busy, match="another-host"):
        manager.delete_session(RUN)
    manager.delete_session(RUN, force=True)
    assert not manager.home.session_file(RUN).exists()


# -- lists and the event loop


def test_sessions_are_listed_and_one_bad_file_hides_none(manager: SessionManager) -> None:
    created(manager.home)
    manager.home.session_file("session-bad").write_bytes(b"\0")
    rows = {row.id: row for row in manager.list_sessions()}
    assert set(rows) == {RUN, "session-bad"}
    assert rows["session-bad"].problem
    assert manager.live_sessions() == []
    with RunLock.acquire(manager.home, RUN):
        assert [row.id for row in manager.live_sessions()] == [RUN]


def test_every_call_can_be_awaited(home: Home) -> None:
    async def live() -> list[str]:
        manager = AsyncSessionManager(home)
        seen = [await manager.create_session(config(id=RUN))]
        for call in (manager.start_session, manager.pause_session, manager.resume_session):
            seen.append((await call(RUN)).status_word)
        await manager.update_session(RUN, SessionUpdate(progress=(1, 3)))
        seen.append((await manager.load_session(RUN)).status_word)
        seen.append((await manager.complete_session(RUN, success=True)).status_word)
        seen += [row.id for row in await manager.list_sessions()]
        assert await manager.live_sessions() == []
        assert await manager.list_checkpoints(RUN) == []
        await manager.delete_session(RUN, purge=True)
        other = await manager.create_session(config(id="session-b"))
        seen.append((await manager.cancel_session(other)).status_word)
        return seen

    assert asyncio.run(live()) == [
        *(RUN, "Running", "Paused", "Running", "Running", "Completed", RUN, "Cancelled"),
    ]


def test_the_synchronous_core_loads_no_event_loop() -> None:
    code = "import sys, store.manager; print('asyncio' in sys.modules)"
    assert finished(python(code))[1] == "False\n"


def test_an_update_made_elsewhere_is_seen_by_the_next_load(manager: SessionManager) -> None:
    created(manager.home)
    document = document_of(manager.home)
    document["error"] = "set by hand"
    atomic.replace_file(manager.home.session_file(RUN), atomic.dump_json(document))
    assert manager.load_session(RUN).error == "set by hand"
