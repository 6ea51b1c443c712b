"""Checkpoints are saved durably, kept as a history, and the newest usable one is found."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from store import atomic, checkpoints, spill
from store.checkpoint import CheckpointKind
from store.errors import NotFound, ReadOnly, StoreError, Unreadable
from store.home import Home
from store.locks import RunLock
from store.states import CheckpointStatus
from tests.store.building import WORKFLOW_ID, checkpoint, done, finished, python

RUN = "session-a"


def save_steps(home: Home, number: int) -> None:
    """Save a run's start and its first steps, sequence 1 to ``number``."""
    made = checkpoint(total=100)
    for index in range(number):
        if index:
            made.completed_steps.append(done(index - 1))
            made.index, made.kind = index, CheckpointKind.STEP
        checkpoints.save(home, made)


def main_file(home: Home) -> Path:
    return home.checkpoint_file(RUN, WORKFLOW_ID)


def history_names(home: Home) -> list[str]:
    return sorted(path.name for path in home.history_directory(RUN).iterdir())


def test_each_save_has_the_next_number_a_later_time_and_a_place_in_history(home: Home) -> None:
    made = checkpoint()
    stamps = []
    for seq in (1, 2, 3):
        checkpoints.save(home, made)
        assert made.seq == seq
        stamps.append(made.timestamp)
    assert stamps == sorted(set(stamps))
    assert history_names(home) == ["000001.json", "000002.json", "000003.json"]
    assert os.path.samefile(main_file(home), home.history_file(RUN, 3))
    assert main_file(home).stat().st_mode & 0o777 == 0o600
    document = json.loads(main_file(home).read_bytes())
    assert document["execution_state"]["last_checkpoint"] == document["timestamp"] == stamps[-1]


def test_a_step_costs_two_syncs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    made = checkpoint()
    checkpoints.save(home, made)
    synced: list[int] = []
    real = os.fsync

    def count(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    checkpoints.save(home, made)
    assert len(synced) == 2, "the checkpoint and its directory"


def test_only_the_newest_are_kept(home: Home) -> None:
    made = checkpoint()
    for _ in range(6):
        checkpoints.save(home, made, history_keep=3)
    assert history_names(home) == ["000004.json", "000005.json", "000006.json"]


def test_the_newest_is_found_with_everything_in_it(home: Home) -> None:
    save_steps(home, 4)
    found = checkpoints.newest(home, RUN)
    assert found is not None
    assert (found.checkpoint.seq, found.checkpoint.index) == (4, 3)
    assert (found.path, found.skipped) == (main_file(home), ())
    assert [step.index for step in found.checkpoint.completed_steps] == [0, 1, 2]


def test_a_run_without_checkpoints_has_none(home: Home) -> None:
    assert checkpoints.newest(home, RUN) is None
    assert checkpoints.history(home, RUN) == []
    assert checkpoints.unusable(home, RUN) == []


def test_an_unreadable_newest_one_is_passed_over_and_named(home: Home) -> None:
    save_steps(home, 3)
    home.history_file(RUN, 3).unlink()
    main_file(home).write_bytes(b"\0" * 100)
    found = checkpoints.newest(home, RUN)
    assert found is not None
    assert found.checkpoint.seq == 2
    assert found.path == home.history_file(RUN, 2)
    (told,) = found.skipped
    assert str(main_file(home)) in told
    made = found.checkpoint
    checkpoints.save(home, made)
    assert made.seq == 3
    (aside,) = home.checkpoints_directory(RUN).glob("*.corrupt-*")
    assert aside.read_bytes() == b"\0" * 100, "what is bad is set aside, never overwritten"


def test_a_checkpoint_cut_at_any_byte_leaves_the_one_before(home: Home) -> None:
    save_steps(home, 2)
    data = main_file(home).read_bytes()
    home.history_file(RUN, 2).unlink()
    for end in range(0, len(data), 7):
        main_file(home).write_bytes(data[:end])
        found = checkpoints.newest(home, RUN)
        assert found is not None and found.checkpoint.seq == 1, end


def test_nothing_usable_is_none_and_every_file_is_named(home: Home) -> None:
    save_steps(home, 2)
    for path in [main_file(home), *home.history_directory(RUN).iterdir()]:
        path.unlink()
        path.write_bytes(b"{}")
    assert checkpoints.newest(home, RUN) is None
    assert len(checkpoints.unusable(home, RUN)) == 3
    assert [entry.problem is None for entry in checkpoints.history(home, RUN)] == [False] * 3


def test_a_checkpoint_of_another_session_is_refused(home: Home) -> None:
    save_steps(home, 1)
    other = home.checkpoints_directory("session-b")
    other.mkdir(parents=True)
    os.link(main_file(home), other / main_file(home).name)
    assert checkpoints.newest(home, "session-b") is None
    assert "session-a" in checkpoints.unusable(home, "session-b")[0]
    with pytest.raises(NotFound):
        checkpoints.load_seq(home, "session-b", 2)
    with pytest.raises(Unreadable):
        checkpoints.load_seq(home, "session-b", 1)


def test_going_back_continues_the_numbers_and_keeps_the_later_ones(home: Home) -> None:
    save_steps(home, 4)
    back = checkpoints.load_seq(home, RUN, 2)
    assert back.index == 1
    back.kind = CheckpointKind.REWIND
    checkpoints.save(home, back)
    assert back.seq == 5
    found = checkpoints.newest(home, RUN)
    assert found is not None and (found.checkpoint.seq, found.checkpoint.index) == (5, 1)
    entries = checkpoints.history(home, RUN)
    assert [(entry.seq, entry.index) for entry in entries] == [
        *((1, 0), (2, 1), (3, 2), (4, 3), (5, 1)),
    ]
    assert [entry.is_newest for entry in entries] == [False, False, False, False, True]
    assert entries[-1].kind is CheckpointKind.REWIND
    assert entries[-1].status is CheckpointStatus.RUNNING
    assert entries[-1].size == main_file(home).stat().st_size


def test_a_number_that_was_never_saved_is_not_found(home: Home) -> None:
    save_steps(home, 2)
    with pytest.raises(NotFound, match="no checkpoint 9"):
        checkpoints.load_seq(home, RUN, 9)


# -- of the original tool


def write_original(home: Home, stem: str, index: int, timestamp: str) -> Path:
    path = home.checkpoint_file(RUN, stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "workflow_id": stem,
        "execution_state": {"current_step_index": index, "status": "Running", "total_steps": 3},
        "timestamp": timestamp,
        "variable_state": {"HOME": "/root", "SECRET": "x"},
        "total_steps": 3,
    }
    path.write_text(json.dumps(document))
    path.chmod(0o644)
    return path


def test_among_checkpoints_of_the_original_the_latest_time_inside_counts(home: Home) -> None:
    newer = write_original(home, "workflow-1", 2, "2026-01-01T00:00:09Z")
    older = write_original(home, "workflow-2", 1, "2026-01-01T00:00:08.999999999Z")
    os.utime(older, (2e9, 2e9))
    found = checkpoints.newest(home, RUN)
    assert found is not None and found.path == newer
    assert found.checkpoint.x.session_id == RUN


def test_going_on_from_the_originals_checkpoint_keeps_its_name_and_its_content(home: Home) -> None:
    path = write_original(home, "workflow-1", 1, "2026-01-01T00:00:00Z")
    content = path.read_bytes()
    found = checkpoints.newest(home, RUN)
    assert found is not None
    found.checkpoint.kind = CheckpointKind.RESUME
    checkpoints.save(home, found.checkpoint)
    assert found.checkpoint.seq == 1
    assert json.loads(path.read_bytes())["x_prodigy"]["seq"] == 1
    kept = home.history_file(RUN, 0)
    assert kept.read_bytes() == content
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [entry.seq for entry in checkpoints.history(home, RUN)] == [0, 1]


@pytest.mark.parametrize("field", ["format", "status"])
def test_a_checkpoint_from_the_future_is_shown_and_never_written_over(
    home: Home, field: str
) -> None:
    save_steps(home, 2)
    document = json.loads(main_file(home).read_bytes())
    if field == "format":
        document["x_prodigy"]["format"] = 2
    else:
        document["execution_state"]["status"] = "Hibernating"
    main_file(home).unlink()
    main_file(home).write_text(json.dumps(document))
    before = main_file(home).read_bytes()
    found = checkpoints.newest(home, RUN)
    assert found is not None
    with pytest.raises(ReadOnly):
        checkpoints.save(home, found.checkpoint)
    with pytest.raises(ReadOnly):
        checkpoints.save(home, checkpoint())
    assert main_file(home).read_bytes() == before


def test_without_hard_links_the_history_is_made_of_copies(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_names: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    save_steps(home, 3)
    assert history_names(home) == ["000001.json", "000002.json", "000003.json"]
    assert [entry.seq for entry in checkpoints.history(home, RUN)] == [1, 2, 3]
    found = checkpoints.newest(home, RUN)
    assert found is not None and found.checkpoint.seq == 3


# -- crashes and full disks

SAVE = """
from pathlib import Path
from store import checkpoints
from store.home import Home
from tests.store.test_checkpoints import save_steps
save_steps(Home(Path({root!r})), 3)
"""


@pytest.mark.parametrize(
    ("point", "reached"),
    [
        ("checkpoint.temp", 2),
        ("checkpoint.linked", 3),
        ("atomic.rename", 3),
        ("checkpoint.renamed", 3),
    ],
)
def test_killed_while_saving_the_run_goes_on_from_the_last_whole_checkpoint(
    home: Home, point: str, reached: int
) -> None:
    code, _, errors = finished(
        python(SAVE.format(root=str(home.root)), PRODIGY_FAULT=f"{point}@3=kill")
    )
    assert code == -9, errors
    found = checkpoints.newest(home, RUN)
    assert found is not None
    assert (found.checkpoint.seq, found.checkpoint.index) == (reached, reached - 1)
    assert found.skipped == ()
    with RunLock.acquire(home, RUN):
        assert not list(home.checkpoints_directory(RUN).rglob(".*.tmp"))
        history_before = {path: path.read_bytes() for path in home.history_directory(RUN).iterdir()}
        checkpoints.save(home, found.checkpoint)
    assert found.checkpoint.seq == reached + 1
    for path, content in history_before.items():
        assert path.read_bytes() == content, "history is never changed"


def test_a_save_that_fails_once_is_made_again(home: Home) -> None:
    code, _, errors = finished(
        python(SAVE.format(root=str(home.root)), PRODIGY_FAULT="checkpoint.temp@2=ENOSPC")
    )
    assert code == 0, errors
    found = checkpoints.newest(home, RUN)
    assert found is not None and found.checkpoint.seq == 3


@pytest.mark.parametrize("point", ["checkpoint.temp", "checkpoint.linked", "checkpoint.renamed"])
def test_a_disk_that_stays_full_is_an_error_and_what_was_saved_stays(
    home: Home, point: str
) -> None:
    code, _, errors = finished(
        python(SAVE.format(root=str(home.root)), PRODIGY_FAULT=f"{point}@3=ENOSPC+")
    )
    assert code == 1
    assert "StoreError" in errors and "No space left" in errors
    found = checkpoints.newest(home, RUN)
    assert found is not None and found.checkpoint.seq >= 2
    assert not list(home.checkpoints_directory(RUN).rglob(".*.tmp"))


def test_a_failed_save_leaves_number_and_time_as_they_were(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkpoint()
    checkpoints.save(home, made)
    before = (made.seq, made.timestamp)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(atomic, "replace_file", refuse)
    with pytest.raises(StoreError, match="full"):
        checkpoints.save(home, made)
    assert (made.seq, made.timestamp) == before


# -- long variables


def test_long_values_go_to_files_of_their_own_and_come_back(home: Home) -> None:
    made = checkpoint()
    long = "é" * spill.VARIABLE_LIMIT_BYTES
    table = {"rows": ["x" * 1000] * 400}
    made.variables = {"short": "s", "long": long, "table": table}
    checkpoints.save(home, made)
    assert made.variables["long"] is long, "in memory the whole value stays"
    assert main_file(home).stat().st_size < 40_000
    found = checkpoints.newest(home, RUN)
    assert found is not None
    read = found.checkpoint
    assert read.variables["long"] == long[: spill.KEPT_CHARACTERS]
    assert set(read.x.spilled) == {"long", "table"}
    assert checkpoints.restore_spilled(home, RUN, read) == []
    assert read.variables == made.variables


def test_values_beyond_four_mebibytes_in_all_are_spilled_largest_first(home: Home) -> None:
    made = checkpoint()
    made.variables = {f"v{n:02}": chr(65 + n) * (200_000 + n) for n in range(26)}
    checkpoints.save(home, made)
    kept = [name for name in made.variables if name not in made.x.spilled]
    assert kept == sorted(made.variables)[: len(kept)]
    assert sum(len(made.variables[name]) for name in kept) <= spill.TOTAL_LIMIT_BYTES


def test_an_unchanged_long_value_is_written_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkpoint()
    made.variables = {"long": "x" * 300_000}
    checkpoints.save(home, made)
    monkeypatch.setattr(spill, "_write", None)
    checkpoints.save(home, made)
    assert set(made.x.spilled) == {"long"}


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_lost_long_value_is_named_and_its_beginning_stays(home: Home, damage: str) -> None:
    made = checkpoint()
    made.variables = {"long": "x" * 300_000, "short": "s"}
    checkpoints.save(home, made)
    (file,) = home.captures_directory(RUN).iterdir()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(b"y" * 300_000)
    found = checkpoints.newest(home, RUN)
    assert found is not None
    assert checkpoints.restore_spilled(home, RUN, found.checkpoint) == ["long"]
    assert found.checkpoint.variables["long"] == "x" * spill.KEPT_CHARACTERS


def test_saving_without_restoring_keeps_the_way_to_the_long_value(home: Home) -> None:
    """As a cancel of a run at rest does."""
    made = checkpoint()
    made.variables = {"long": "x" * 300_000, "other": "y" * 300_000}
    checkpoints.save(home, made)
    found = checkpoints.newest(home, RUN)
    assert found is not None
    found.checkpoint.variables["other"] = "new"
    checkpoints.save(home, found.checkpoint)
    again = checkpoints.newest(home, RUN)
    assert again is not None
    assert set(again.checkpoint.x.spilled) == {"long"}, "a value set anew needs no file"
    assert checkpoints.restore_spilled(home, RUN, again.checkpoint) == []
    assert again.checkpoint.variables == {"long": "x" * 300_000, "other": "new"}
