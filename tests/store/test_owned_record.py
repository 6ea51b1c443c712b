"""The owner's record: never in a step's way, never lost while a write can succeed."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import atomic, owned_record
from store.errors import InvalidTransition, StoreError
from store.home import Home
from store.owned_record import OwnedRecord
from store.session import transition
from store.states import SessionStatus
from store.times import utc_now
from tests.store.building import created, eventually, finished, python


class World:
    """One record under its owner's hands, and a disk that can be told to fail or to wait."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = home.session_file(created(home))
        self.problems: list[StoreError] = []
        self.writes = 0
        self.failing = False
        self.may_write = threading.Event()
        self.may_write.set()
        self.waiting = threading.Event()
        self._real = atomic.replace_file
        monkeypatch.setattr(atomic, "replace_file", self._replace)
        document = atomic.read_json_object(self.path)
        self.record = OwnedRecord(home, document, on_problem=self.problems.append)

    def _replace(self, path: Path, data: bytes, **options: Any) -> None:
        self.waiting.set()
        assert self.may_write.wait(20)
        self.writes += 1
        if self.failing:
            raise StoreError("No space left on device", path=path, operation="write")
        self._real(path, data, **options)

    def on_disk(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.path.read_bytes())
        return document

    def count_to(self, number: int) -> None:
        self.record.change(lambda document: document["metadata"].update(count=number))

    @property
    def counted(self) -> object:
        return self.on_disk()["metadata"].get("count")


@pytest.fixture
def world(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(home, monkeypatch)
    yield made
    made.may_write.set()
    made.failing = False
    made.record.close()


def to_running(document: dict[str, Any]) -> None:
    transition(document, SessionStatus.RUNNING, now=utc_now())


def to_failed(document: dict[str, Any]) -> None:
    transition(document, SessionStatus.FAILED, now=utc_now(), error="exit 2")


def test_a_change_reaches_the_disk_by_itself(world: World) -> None:
    before = world.on_disk()["updated_at"]
    world.count_to(1)
    eventually(lambda: world.counted == 1, "the change is on disk")
    assert world.on_disk()["updated_at"] > before


def test_a_change_of_status_is_on_disk_when_the_call_returns(world: World) -> None:
    assert world.record.write_now(to_running)
    assert world.on_disk()["status"] == "Running"


def test_a_change_never_waits_for_a_slow_disk_and_overtaken_states_are_not_written(
    world: World,
) -> None:
    world.may_write.clear()
    world.count_to(0)
    assert world.waiting.wait(20)
    started = time.monotonic()
    for number in range(1, 500):
        world.count_to(number)
    assert time.monotonic() - started < 1.0
    assert not world.record.settle(0.05), "it says that the write has not ended"
    world.may_write.set()
    assert world.record.settle(20)
    assert world.counted == 499
    assert world.writes == 2


def test_the_end_of_a_step_and_the_start_of_the_next_are_one_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_record, "_GATHER_SECONDS", 0.5)
    world.count_to(1)
    world.count_to(2)
    assert world.record.settle(20)
    assert (world.writes, world.counted) == (1, 2)


def test_a_refused_status_changes_nothing(world: World) -> None:
    before = world.path.read_bytes()

    def to_initializing(document: dict[str, Any]) -> None:
        transition(document, SessionStatus.RUNNING, now=utc_now())
        transition(document, SessionStatus.INITIALIZING, now=utc_now())

    world.record.write_now(to_running)
    before = world.path.read_bytes()
    with pytest.raises(InvalidTransition):
        world.record.write_now(to_initializing)
    assert world.record.settle(20)
    assert world.path.read_bytes() == before


def test_a_failed_write_is_told_once_and_carried_by_the_next_change(world: World) -> None:
    world.failing = True
    for number in (1, 2):
        world.count_to(number)
        assert not world.record.settle(20)
    assert [problem.reason for problem in world.problems] == ["No space left on device"]
    world.failing = False
    world.record.change(lambda document: document["metadata"].update(other=True))
    assert world.record.settle(20)
    assert world.counted == 2
    assert world.on_disk()["metadata"]["other"] is True


def test_a_status_that_cannot_be_written_is_not_waited_for_for_ever(world: World) -> None:
    world.failing = True
    assert not world.record.write_now(to_running)
    world.failing = False
    assert world.record.close()
    assert world.on_disk()["status"] == "Running"


def test_the_last_word_is_tried_until_there_is_space(world: World) -> None:
    world.record.write_now(to_running)
    world.failing = True
    results: list[bool] = []

    def end() -> None:
        results.append(world.record.write_now(to_failed, final=True))

    ending = threading.Thread(target=end)
    ending.start()
    before = world.writes
    eventually(lambda: world.writes >= before + 2, "it is tried again")
    world.failing = False
    ending.join(20)
    assert results == [True]
    assert world.on_disk()["status"] == "Failed"
    assert len(world.problems) == 1


def test_the_last_word_is_given_up_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_record, "_FINAL_RETRY_SECONDS", 0.3)
    world.failing = True
    assert not world.record.write_now(to_failed, final=True)
    assert world.on_disk()["status"] == "Initializing"


def vanish(path: Path) -> None:
    path.unlink()


def become_garbage(path: Path) -> None:
    path.write_bytes(b"\0" * 50)


def become_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nothing")


@pytest.mark.parametrize(
    "happen", [vanish, become_garbage, become_a_directory, become_a_dangling_link]
)
def test_a_record_that_is_lost_under_its_owner_is_made_again(world: World, happen: Any) -> None:
    world.record.write_now(to_running)
    happen(world.path)
    world.count_to(7)
    assert world.record.settle(20)
    assert world.on_disk()["status"] == "Running"
    assert world.counted == 7
    aside = [path for path in world.path.parent.iterdir() if ".corrupt-" in path.name]
    assert len(aside) == (0 if happen is vanish else 1)
    assert len(world.problems) == 1


def test_what_cannot_be_written_as_json_is_a_problem_and_not_the_end(world: World) -> None:
    world.record.change(lambda document: document.update(bad={1, 2}))
    assert not world.record.settle(20)
    assert "JSON" in world.problems[0].reason
    world.record.change(lambda document: document.pop("bad"))
    assert world.record.settle(20)


def test_a_listener_that_fails_does_not_stop_the_record(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(home)
    path = home.session_file("session-a")

    def fail(_problem: StoreError) -> None:
        raise RuntimeError("a bug")

    record = OwnedRecord(home, atomic.read_json_object(path), on_problem=fail)
    path.unlink()
    assert record.write_now(to_running)
    assert record.close()
    assert path.exists()


def test_closing_writes_what_is_dirty_and_ends_the_thread(world: World) -> None:
    world.count_to(3)
    assert world.record.close()
    assert world.counted == 3
    assert not [t for t in threading.enumerate() if t.name == "record" and t.is_alive()]
    assert not world.record.write_now(to_running), "nobody is left to write"


def test_times_never_go_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = []
    for number in range(50):
        world.count_to(number)
        stamps.append(world.record.document["updated_at"])
    assert stamps == sorted(set(stamps))


def test_a_step_costs_one_sync_of_the_record(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    created(home)
    path = home.session_file("session-a")
    record = OwnedRecord(home, atomic.read_json_object(path), on_problem=lambda _: None)
    synced: list[int] = []
    real = os.fsync

    def count(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    record.change(lambda document: document["metadata"].update(count=1))
    assert record.settle(20)
    assert len(synced) == 1
    record.close()


KILLED = """
from pathlib import Path
from store import atomic
from store.home import Home
from store.owned_record import OwnedRecord
home = Home(Path({root!r}))
document = atomic.read_json_object(home.session_file("session-a"))
record = OwnedRecord(home, document, on_problem=print)
for number in range(10):
    record.change(lambda document: document["metadata"].update(count=number))
    record.settle(20)
"""


@pytest.mark.parametrize(
    ("point", "counted"), [("record.temp", 3), ("atomic.rename", 3), ("record.renamed", 4)]
)
def test_killed_in_any_write_the_record_is_whole(home: Home, point: str, counted: int) -> None:
    created(home)
    code, _, errors = finished(
        python(KILLED.format(root=str(home.root)), PRODIGY_FAULT=f"{point}@5=kill")
    )
    assert code == -9, errors
    assert json.loads(home.session_file("session-a").read_bytes())["metadata"]["count"] == counted
