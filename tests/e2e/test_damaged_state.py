"""A damaged file is a row that says so; it breaks nothing else and is never lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world import World

FAILS = "- shell: 'true'\n- shell: test -e fixed\n"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(content)

    return damage


def edited(**changes: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        document = json.loads(path.read_text("utf-8"))
        document.update(changes)
        path.write_text(json.dumps(document), encoding="utf-8")

    return damage


def without(key: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        document = json.loads(path.read_text("utf-8"))
        del document[key]
        path.write_text(json.dumps(document), encoding="utf-8")

    return damage


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nowhere.json")


def byte_order_mark(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def utf16(path: Path) -> None:
    path.write_bytes(path.read_text("utf-8").encode("utf-16"))


UNREADABLE: dict[str, Callable[[Path], None]] = {
    "empty": replace(b""),
    "NULs": replace(b"\0" * 512),
    "cut": cut,
    "an empty object": replace(b"{}"),
    "a list": replace(b"[1, 2]"),
    "a text": replace(b'"words"'),
    "binary": replace(bytes(range(256))),
    "200 deep": replace(b'{"a":' * 2000 + b"1" + b"}" * 2000),
    "UTF-16": utf16,
    "without status": without("status"),
    "without a start": without("started_at"),
    "without a type": without("session_type"),
    "a status that is a number": edited(status=7),
    "a start that is no time": edited(started_at="yesterday"),
    "a directory": directory,
    "a FIFO": fifo,
    "a dangling link": dangling,
}
READABLE: dict[str, Callable[[Path], None]] = {
    "a byte order mark": byte_order_mark,
    "unknown keys": edited(future={"a": [1, None]}),
    "a naive time": edited(updated_at="2026-01-01T00:00:00"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_damaged_record_is_a_row_and_the_run_goes_on(world: World, name: str) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    world.run("- shell: 'true'").expect(0)
    record = world.home.session_file(run_id)
    UNREADABLE[name](record)
    rows = {row["id"]: row["state"] for row in world.listed()}
    assert rows[run_id] == "unreadable"
    assert len(rows) == 2
    assert sorted(rows.values()) == ["completed", "unreadable"]
    shown = world.prodigy("sessions", "show", run_id)
    assert "Traceback" not in shown.stderr
    assert os.path.lexists(record), "a reader moved it"

    (world.worktree(run_id) / "fixed").touch()
    world.prodigy("resume", run_id).expect(0)
    assert world.record(run_id)["status"] == "Completed"
    aside = list(world.home.sessions.glob(f"{run_id}.json.corrupt-*"))
    assert len(aside) == 1 or name == "a dangling link", aside
    assert {row["id"]: row["state"] for row in world.listed()}[run_id] == "completed"


@pytest.mark.parametrize("name", READABLE)
def test_an_unusual_record_is_read(world: World, name: str) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    READABLE[name](world.home.session_file(run_id))
    assert world.state(run_id) == "failed"
    (world.worktree(run_id) / "fixed").touch()
    world.prodigy("resume", run_id).expect(0)
    assert world.record(run_id)["status"] == "Completed"


def test_unknown_fields_survive(world: World) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    path = world.home.session_file(run_id)
    document = json.loads(path.read_text("utf-8"))
    document["from_the_future"] = {"kept": [1, None, "ü"]}
    document["workflow_data"]["also"] = True
    document["metadata"]["mine"] = "yes"
    path.write_text(json.dumps(document), encoding="utf-8")
    (world.worktree(run_id) / "fixed").touch()
    world.prodigy("resume", run_id).expect(0)
    after = world.record(run_id)
    assert after["from_the_future"] == {"kept": [1, None, "ü"]}
    assert after["workflow_data"]["also"] is True
    assert after["metadata"]["mine"] == "yes"


def test_an_unknown_status_is_shown_and_not_touched(world: World) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    path = world.home.session_file(run_id)
    edited(status="Active")(path)
    before = path.read_bytes()
    assert any(row["status"] == "Active" for row in world.listed())
    assert world.prodigy("resume", run_id).exit_code != 0
    assert path.read_bytes() == before


def test_a_record_that_cannot_be_edited_is_shown_and_not_touched(world: World) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    path = world.home.session_file(run_id)
    edited(metadata=None)(path)
    before = path.read_bytes()
    assert [row["id"] for row in world.listed()] == [run_id]
    done = world.prodigy("resume", run_id).expect(1)
    assert "metadata is not an object" in done.stderr
    assert path.read_bytes() == before


def test_a_newer_format_is_shown_and_not_touched(world: World) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    path = world.home.session_file(run_id)
    document = json.loads(path.read_text("utf-8"))
    document["metadata"]["x_prodigy"]["format"] = 2
    path.write_text(json.dumps(document), encoding="utf-8")
    before = path.read_bytes()
    assert len(world.listed()) == 1
    done = world.prodigy("resume", run_id)
    assert done.exit_code != 0
    assert "newer" in done.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", [replace(b""), cut, replace(b"[]"), Path.unlink])
def test_damaged_worktree_metadata_is_rebuilt(
    world: World, damage: Callable[[Path], object]
) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    damage(world.home.metadata_file(world.repository.name, run_id))
    assert world.state(run_id) == "failed"
    (world.worktree(run_id) / "fixed").touch()
    world.prodigy("resume", run_id).expect(0)
    assert world.metadata(run_id)["status"] == "completed"


def test_damaged_events_are_skipped_and_counted(world: World) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    directory_of_events = world.home.events_directory(world.repository.name, run_id)
    (path,) = directory_of_events.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"torn": ')
    before = path.read_bytes()
    done = world.prodigy("events", "ls", "--job-id", run_id).expect(0)
    assert "1 damaged line" in done.stdout + done.stderr
    assert path.read_bytes() == before
    (world.worktree(run_id) / "fixed").touch()
    world.prodigy("resume", run_id).expect(0)


@pytest.mark.parametrize("content", [b"", b"garbage", b'{"pid": 1, "host": "elsewhere"}'])
def test_a_damaged_owner_file_decides_nothing(world: World, content: bytes) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    world.home.owner_file(run_id).write_bytes(content)
    assert world.state(run_id) == "failed"
    (world.worktree(run_id) / "fixed").touch()
    world.prodigy("resume", run_id, "--force").expect(0)


@pytest.mark.parametrize("content", [b"", b"not a database", b"\0" * 5000])
def test_the_index_is_rebuilt_by_itself(world: World, content: bytes) -> None:
    world.run(FAILS).expect(1)
    before = world.listed()
    world.home.index.write_bytes(content)
    after = world.listed()
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert world.listed()[0]["state"] == "failed"


def test_no_usable_checkpoint_is_said(world: World) -> None:
    world.run(FAILS).expect(1)
    run_id = world.only_id
    directory_of_checkpoints = world.home.checkpoints_directory(run_id)
    for path in [*directory_of_checkpoints.glob("*.json"), *directory_of_checkpoints.rglob("0*")]:
        path.write_bytes(b"")
    assert world.state(run_id) == "failed"
    done = world.prodigy("resume", run_id, "--plan")
    assert "checkpoint" in done.stdout + done.stderr
