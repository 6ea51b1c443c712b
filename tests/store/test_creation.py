"""A session is created once, whole and private, or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from store.errors import (
    AlreadyExists,
    InvalidId,
    StoreError,
)
from store.home import Home
from store.locks import RunLock
from store.manager import SessionManager
from store.session import SessionConfig
from store.states import SessionStatus, SessionType
from tests.store.building import config, created, finished, python

RUN = "session-a"


@pytest.fixture
def manager(home: Home) -> SessionManager:
    return SessionManager(home)


# -- opening


def test_a_store_opens_from_a_home_a_path_or_a_text(home: Home) -> None:
    for storage in (home, home.root, str(home.root)):
        assert SessionManager(storage).home.root == home.root
    assert home.sessions.stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_a_directory_is_an_error_that_names_it(home: Home) -> None:
    home.root.mkdir()
    home.sessions.write_text("")
    with pytest.raises(StoreError) as caught:
        SessionManager(home)
    assert caught.value.path == home.sessions


READ_ONLY = """
import os
from store.errors import StoreError
from store.manager import SessionManager
if os.getuid() == 0:
    os.setuid(65534)
try:
    SessionManager({root!r})
except StoreError as error:
    print(error)
"""


def test_a_read_only_home_is_an_error() -> None:
    with tempfile.TemporaryDirectory() as directory:  # one that another user may enter
        root = Path(directory)
        for path in (root / "sessions", root / "state"):
            path.mkdir()
        for path in (root / "sessions", root / "state", root):
            path.chmod(0o555)
        status, output, errors = finished(python(READ_ONLY.format(root=directory)))
        root.chmod(0o755)
    assert status == 0, errors
    assert output == f"{directory}: cannot be written to\n"


# -- creating


def test_a_created_session_is_on_disk_private_and_initializing(manager: SessionManager) -> None:
    session_id = manager.create_session(config())
    assert session_id.startswith("session-")
    path = manager.home.session_file(session_id)
    assert path.stat().st_mode & 0o777 == 0o600
    session = manager.load_session(session_id)
    assert session.status is SessionStatus.INITIALIZING
    assert session.total_steps == 3
    assert [p.name for p in manager.home.sessions.iterdir()] == [path.name]


def test_creating_the_same_session_again_changes_nothing(manager: SessionManager) -> None:
    created(manager.home)
    before = manager.home.session_file(RUN).read_bytes()
    assert manager.create_session(config(id=RUN, total_steps=9)) == RUN
    assert manager.home.session_file(RUN).read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        config(id=RUN, workflow_id="workflow-2"),
        SessionConfig(SessionType.MAPREDUCE, job_id="mapreduce-1", id=RUN),
    ],
)
def test_another_session_of_that_id_is_refused(
    manager: SessionManager, other: SessionConfig
) -> None:
    created(manager.home)
    before = manager.home.session_file(RUN).read_bytes()
    with pytest.raises(AlreadyExists):
        manager.create_session(other)
    assert manager.home.session_file(RUN).read_bytes() == before


def test_a_session_that_has_begun_is_not_created_again(manager: SessionManager) -> None:
    created(manager.home)
    manager.start_session(RUN)
    with pytest.raises(AlreadyExists):
        manager.create_session(config(id=RUN))


def test_a_session_that_belongs_to_somebody_is_not_created_again(manager: SessionManager) -> None:
    created(manager.home)
    with RunLock.acquire(manager.home, RUN) as lock:
        with pytest.raises(AlreadyExists):
            manager.create_session(config(id=RUN))
        assert manager.holding(lock).create_session(config(id=RUN)) == RUN


def test_an_unreadable_record_is_not_overwritten_by_creating(manager: SessionManager) -> None:
    manager.home.session_file(RUN).write_bytes(b"\0")
    with pytest.raises(AlreadyExists):
        manager.create_session(config(id=RUN))
    assert manager.home.session_file(RUN).read_bytes() == b"\0"


@pytest.mark.parametrize("bad", ["", "../x", "a\nb", "x" * 300, "-rf"])
def test_an_id_that_could_be_a_path_is_refused(manager: SessionManager, bad: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: manager.create_session(config(id=bad)),
        lambda: manager.load_session(bad),
        lambda: manager.pause_session(bad),
        lambda: manager.delete_session(bad, purge=True),
    ]
    for call in calls:
        with pytest.raises(InvalidId):
            call()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_session_that_cannot_be_written_leaves_nothing(
    manager: SessionManager, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match=os.strerror(number)):
        manager.create_session(config(id=RUN))
    monkeypatch.undo()
    assert list(manager.home.sessions.iterdir()) == []
    assert not (manager.home.run_lock(RUN)).exists()
    assert manager.create_session(config(id=RUN)) == RUN


def test_creating_is_quick(manager: SessionManager) -> None:
    times = []
    for _ in range(40):
        started = time.perf_counter()
        manager.create_session(config())
        times.append(time.perf_counter() - started)
    assert sorted(times)[20] < 0.025, "the median; the benchmark measures what is promised"


RACE = """
import sys
from store.errors import AlreadyExists
from store.manager import SessionManager
from tests.store.building import config
manager = SessionManager({root!r})
print("ready", flush=True)
sys.stdin.readline()
try:
    print(manager.create_session(config(id="session-a", workflow_id={workflow!r})))
except AlreadyExists:
    print("taken")
"""


@pytest.mark.parametrize("same", [True, False], ids=["same session", "another each"])
def test_of_many_creators_of_one_id_there_is_one_record(home: Home, same: bool) -> None:
    processes = [
        python(RACE.format(root=str(home.root), workflow=f"workflow-{0 if same else n}"))
        for n in range(4)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = sorted(finished(process)[1].strip() for process in processes)
    assert answers == ([RUN] * 4 if same else [RUN, "taken", "taken", "taken"])
    assert SessionManager(home).load_session(RUN).status is SessionStatus.INITIALIZING


CREATE = """
from store.manager import SessionManager
from tests.store.building import config
SessionManager({root!r}).create_session(config(id="session-a"))
"""


@pytest.mark.parametrize(("point", "exists"), [("record.temp", False), ("record.created", True)])
def test_killed_while_creating_there_is_a_whole_record_or_none(
    home: Home, point: str, exists: bool
) -> None:
    code, _, errors = finished(
        python(CREATE.format(root=str(home.root)), PRODIGY_FAULT=f"{point}=kill")
    )
    assert code == -9, errors
    assert home.session_file(RUN).exists() == exists
    assert SessionManager(home).create_session(config(id=RUN)) == RUN
    assert [path.name for path in home.sessions.iterdir()] == [f"{RUN}.json"]
