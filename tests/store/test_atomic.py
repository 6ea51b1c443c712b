"""Files of the state home are whole and private, written strictly and read liberally."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import atomic
from store.errors import AlreadyExists, NotFound, StoreError, Unreadable
from tests.store.building import finished, python

PATH = Path("record.json")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_json_is_written_with_two_spaces_raw_text_and_no_final_newline() -> None:
    assert atomic.dump_json({"a": [1, "Zoë"], "b": {}}) == (
        '{\n  "a": [\n    1,\n    "Zoë"\n  ],\n  "b": {}\n}'.encode()
    )


def test_what_json_cannot_say_is_written_as_null_or_as_a_replacement_character() -> None:
    text = atomic.dump_json({"n": [math.nan, math.inf, 1.5], "s": "a\ud800b"}, indent=None)
    assert json.loads(text) == {"n": [None, None, 1.5], "s": "a\ufffdb"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_whatever_is_written_can_be_read_back(document: object) -> None:
    data = atomic.dump_json(document)
    again = atomic.dump_json(atomic.parse_json(data, PATH))
    assert again == data


@pytest.mark.parametrize(
    "data",
    [b'\xef\xbb\xbf{"status": "Running"}', b'{"status": "Paused", "status": "Running"}'],
    ids=["byte order mark", "duplicate key"],
)
def test_liberal_forms_are_read(data: bytes) -> None:
    assert atomic.parse_json(data, PATH) == {"status": "Running"}


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"", 0),
        (b"\0\0\0\0", 0),
        ('{"é": x}'.encode(), 7),
        ('\ufeff{"é": x}'.encode(), 10),
        ('{"a": 1}'.encode("utf-16"), 0),
        (b"[" * 100_000, None),
        (b"1" * 10_000, None),
    ],
)
def test_what_is_no_json_is_unreadable_and_says_where(data: bytes, offset: int | None) -> None:
    with pytest.raises(Unreadable) as caught:
        atomic.parse_json(data, PATH)
    assert caught.value.offset == offset


def test_a_document_cut_at_any_byte_is_unreadable_and_never_a_crash() -> None:
    data = atomic.dump_json({"id": "session-ä", "n": [1, {"x": None}], "s": '\u2028 \\ "'})
    for end in range(len(data)):
        with pytest.raises(Unreadable):
            atomic.parse_json(data[:end], PATH)


def test_things_that_are_no_files_are_unreadable_at_once(tmp_path: Path) -> None:
    fifo, directory, dangling = (tmp_path / name for name in ("fifo", "directory", "dangling"))
    os.mkfifo(fifo)
    directory.mkdir()
    dangling.symlink_to(tmp_path / "nothing")
    for path in (fifo, directory, dangling):
        with pytest.raises(Unreadable):
            atomic.read_json_object(path)
    with pytest.raises(NotFound):
        atomic.read_json_object(tmp_path / "nothing")


def test_a_list_is_not_an_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1]")
    with pytest.raises(Unreadable, match="not a JSON object"):
        atomic.read_json_object(path)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_files_are_0600_and_directories_0700_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        directory = tmp_path / "a" / "b"
        atomic.make_directory(directory)
        atomic.replace_file(directory / "replaced", b"1")
        atomic.create_file(directory / "created", b"1")
    finally:
        os.umask(old)
    assert [mode(path) for path in (directory.parent, directory)] == [0o700, 0o700]
    assert [mode(directory / name) for name in ("replaced", "created")] == [0o600, 0o600]


def test_a_looser_directory_that_exists_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    atomic.make_directory(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_where_a_directory_is_needed_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("")
    with pytest.raises(StoreError) as caught:
        atomic.make_directory(tmp_path / "sessions")
    assert caught.value.path == tmp_path / "sessions"


def test_a_reader_never_sees_a_partial_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    atomic.replace_file(path, b"0" * 50_000)
    seen: set[bytes] = set()
    sizes: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            data = atomic.read_file(path)
            sizes.add(len(data))
            seen.add(data[:1] + data[-1:])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1_000):
        atomic.replace_file(path, str(number % 10).encode() * 50_000)
    stop.set()
    reader.join()
    assert sizes == {50_000}
    assert all(pair[0] == pair[1] for pair in seen), seen


def test_replacing_refuses_a_symbolic_link_and_leaves_what_it_points_to(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"mine")
    link.symlink_to(real)
    with pytest.raises(StoreError, match="not a regular file"):
        atomic.replace_file(link, b"theirs")
    assert real.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "user") == [
        "link",
        "real",
    ]


def test_a_left_over_temporary_that_shares_a_file_is_never_truncated(tmp_path: Path) -> None:
    """A writer killed between link and rename leaves one; its other name is a whole checkpoint."""
    kept, target = tmp_path / "000001.json", tmp_path / "main.json"
    kept.write_bytes(b"whole")
    os.link(kept, tmp_path / ".main.json.tmp")
    atomic.replace_file(target, b"next")
    assert kept.read_bytes() == b"whole"
    assert target.read_bytes() == b"next"


def test_creating_over_something_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    atomic.create_file(path, b"first")
    with pytest.raises(AlreadyExists):
        atomic.create_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert not (tmp_path / ".record.json.tmp").exists()


def test_where_there_are_no_hard_links_everything_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_names: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "record.json"
    atomic.create_file(path, b"first")
    with pytest.raises(AlreadyExists):
        atomic.create_file(path, b"second")
    atomic.replace_file(path, b"third", link_to=tmp_path / "history.json")
    assert path.read_bytes() == (tmp_path / "history.json").read_bytes() == b"third"
    assert not list(tmp_path.glob(".*.tmp"))


def test_an_appended_line_never_joins_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    atomic.append_line(path, b"one")
    with path.open("ab") as file:
        file.write(b'{"torn')
    atomic.append_line(path, b"two")
    assert path.read_bytes() == b'one\n{"torn\ntwo\n'
    assert mode(path) == 0o600


def test_setting_aside_keeps_the_content_and_frees_the_name(tmp_path: Path) -> None:
    path = tmp_path / "session-a.json"
    path.write_bytes(b"\0")
    aside = atomic.set_aside(path)
    assert aside.read_bytes() == b"\0"
    assert aside.name.startswith("session-a.json.corrupt-")
    assert not aside.name.endswith(".json")
    assert not path.exists()


REPLACE = """
from pathlib import Path
from store import atomic
atomic.replace_file(Path({path!r}), b"new" * 1000, sync=True, sync_directory=True)
"""


@pytest.mark.parametrize(
    ("point", "content"),
    [("atomic.temp", b"old"), ("atomic.rename", b"old")],
)
def test_a_writer_killed_anywhere_leaves_the_old_file_or_the_new(
    tmp_path: Path, point: str, content: bytes
) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"old")
    code, _, _ = finished(python(REPLACE.format(path=str(path)), PRODIGY_FAULT=f"{point}=kill"))
    assert code == -9
    assert path.read_bytes() == content
    atomic.replace_file(path, b"next")
    assert path.read_bytes() == b"next"
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("word", ["ENOSPC", "EROFS", "EIO"])
@pytest.mark.parametrize("point", ["atomic.temp", "atomic.rename"])
def test_a_write_the_system_refuses_changes_nothing_and_says_why(
    tmp_path: Path, point: str, word: str
) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"old")
    code, _, errors = finished(
        python(REPLACE.format(path=str(path)), PRODIGY_FAULT=f"{point}={word}")
    )
    assert code == 1
    assert os.strerror(getattr(errno, word)) in errors
    assert "StoreError" in errors
    assert path.read_bytes() == b"old"
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_directory_that_is_removed_as_it_is_made_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Path.mkdir

    def removed_at_once(path: Path, mode: int) -> None:
        made(path, mode)
        path.rmdir()

    monkeypatch.setattr(Path, "mkdir", removed_at_once)
    atomic.make_directory(tmp_path / "state")
    assert not (tmp_path / "state").exists()
