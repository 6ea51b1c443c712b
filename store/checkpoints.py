"""Saving checkpoints with their history, choosing the newest, listing and loading them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from store import atomic, fields, spill
from store.checkpoint import MAIN_ENDING, WorkflowCheckpoint
from store.checkpoint_parts import CheckpointKind
from store.errors import NotFound, ReadOnly, StoreError, Unreadable
from store.home import Home
from store.states import CheckpointStatus
from store.times import later_than, to_text, utc_now

HISTORY_KEPT = 50


@dataclass(frozen=True, slots=True)
class Found:
    """The newest usable checkpoint, and what had to be passed over to get to it."""

    checkpoint: WorkflowCheckpoint
    path: Path
    skipped: tuple[str, ...] = ()
    """Why newer or other files were not used, in words that name them."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One saved checkpoint as a row; an unreadable one has its ``problem`` and little else."""

    seq: int
    kind: CheckpointKind | None
    status: CheckpointStatus | None
    index: int
    total: int
    timestamp: str
    size: int
    is_newest: bool
    path: Path
    problem: str | None = None


def save(home: Home, checkpoint: WorkflowCheckpoint, *, history_keep: int = HISTORY_KEPT) -> None:
    """Save a checkpoint durably as the run's newest; only for the holder of the run's lock.

    The next ``seq`` and a later ``timestamp`` are set on it. A write that fails is made once more
    from the start.

    Raises:
        ReadOnly: it came from a file of a newer version.
        StoreError: it failed twice; seq and timestamp are as before.
    """
    if checkpoint.read_only is not None:
        raise ReadOnly(checkpoint.read_only, operation="write")
    before = (checkpoint.seq, checkpoint.timestamp)
    try:
        _save(home, checkpoint, history_keep)
    except StoreError:
        checkpoint.seq, checkpoint.timestamp = before
        try:
            _save(home, checkpoint, history_keep)
        except StoreError:
            checkpoint.seq, checkpoint.timestamp = before
            raise


def _save(home: Home, checkpoint: WorkflowCheckpoint, history_keep: int) -> None:
    run_id = checkpoint.x.session_id
    main = home.checkpoint_file(run_id, checkpoint.workflow_id)
    history_directory = home.history_directory(run_id)
    if not history_directory.is_dir():
        atomic.make_directory(history_directory)
    _keep_main_file(main, home, run_id)
    checkpoint.seq += 1
    if home.history_file(run_id, checkpoint.seq).exists():  # a rewind, or a save that half failed
        checkpoint.seq = max(_history_numbers(history_directory)) + 1
    checkpoint.timestamp = later_than(checkpoint.timestamp or None, utc_now())
    shown, checkpoint.spilled_values = spill.shorten(
        home, run_id, checkpoint.variables, checkpoint.spilled_values
    )
    checkpoint.x.spilled = {name: entry for name, (_, entry) in checkpoint.spilled_values.items()}
    atomic.replace_file(
        main,
        checkpoint.to_bytes(shown),
        sync=True,
        sync_directory=True,
        link_to=home.history_file(run_id, checkpoint.seq),
        fault="checkpoint",
    )
    _prune(history_directory, history_keep)


def _keep_main_file(main: Path, home: Home, run_id: str) -> None:
    """See that the file about to be replaced is in the history: one of the original's is not."""
    with atomic.reporting("read", main):
        try:
            status = main.lstat()
        except FileNotFoundError:
            return
        if status.st_nlink > 1:  # its other name is the one in the history
            return
    try:
        found = _parse(main)
    except Unreadable:
        atomic.set_aside(main)
        return
    if found.read_only is not None:
        raise ReadOnly(found.read_only, path=main, operation="write")
    kept = home.history_file(run_id, found.seq)
    with atomic.reporting("link", kept):
        if not kept.exists():
            main.chmod(0o600)
            try:
                os.link(main, kept)
            except OSError:  # a file system without hard links
                atomic.replace_file(kept, main.read_bytes())


def _prune(directory: Path, keep: int) -> None:
    numbers = sorted(_history_numbers(directory))
    for number in numbers[: -max(1, keep)]:
        with contextlib.suppress(OSError):
            (directory / f"{number:06}.json").unlink()


# -- reading


def newest(home: Home, run_id: str) -> Found | None:
    """The checkpoint a run goes on from, or None when there is none that can be used.

    The highest ``seq`` among the main files and the history; where no file has one (those of the
    original), the latest ``timestamp`` inside the main files. Long variables are cut: see
    ``restore_spilled``.
    """
    skipped: list[str] = []
    mains: list[tuple[WorkflowCheckpoint, Path]] = []
    for path in _main_files(home, run_id):
        checkpoint = _usable(path, run_id, skipped)
        if checkpoint is not None:
            mains.append((checkpoint, path))
    best = max(mains, key=_newness, default=None)
    reached = best[0].seq if best is not None else -1
    directory = home.history_directory(run_id)
    for number in sorted(_history_numbers(directory), reverse=True):
        if number <= reached:
            break
        path = directory / f"{number:06}.json"
        checkpoint = _usable(path, run_id, skipped)
        if checkpoint is not None:
            best = (checkpoint, path)
            break
    if best is None:
        return None
    checkpoint, path = best
    unknown_word = next((text for text in skipped if "unknown status" in text), None)
    checkpoint.read_only = checkpoint.read_only or unknown_word
    return Found(checkpoint, path, tuple(skipped))


def unusable(home: Home, run_id: str) -> list[str]:
    """What is wrong with a run's checkpoint files, in words that name them; mostly nothing."""
    problems: list[str] = []
    directory = home.history_directory(run_id)
    history_files = [directory / f"{number:06}.json" for number in _history_numbers(directory)]
    for path in [*_main_files(home, run_id), *history_files]:
        _usable(path, run_id, problems)
    return problems


def load_seq(home: Home, run_id: str, seq: int) -> WorkflowCheckpoint:
    """The checkpoint of a run with this sequence number.

    Raises:
        NotFound: there is none (older ones are pruned).
        Unreadable: it is there and cannot be used.
    """
    kept = home.history_file(run_id, seq)
    candidates = [kept] if kept.exists() else _main_files(home, run_id)
    for path in candidates:
        try:
            checkpoint = _parse(path)
        except Unreadable:
            if path == kept:
                raise
            continue
        if path == kept or checkpoint.seq == seq:
            _refuse_foreign(checkpoint, run_id, path)
            return checkpoint
    raise NotFound(
        f"session {run_id} has no checkpoint {seq}", hint=f"prodigy checkpoints {run_id}"
    )


def history(home: Home, run_id: str) -> list[HistoryEntry]:
    """All saved checkpoints of a run, oldest first, the unreadable ones among them."""
    found = newest(home, run_id)
    directory = home.history_directory(run_id)
    paths = {directory / f"{number:06}.json": number for number in _history_numbers(directory)}
    inodes = {path.stat().st_ino for path in paths if path.exists()}
    for main in _main_files(home, run_id):
        with contextlib.suppress(OSError):
            if main.stat().st_ino not in inodes:
                paths[main] = -1
    entries = [_entry(path, number, found) for path, number in paths.items()]
    # Without hard links the main file is a copy of its history entry, and is listed once.
    by_seq: dict[tuple[int, str], HistoryEntry] = {}
    for entry in entries:
        by_seq.setdefault((entry.seq, entry.problem or entry.timestamp), entry)
    return sorted(by_seq.values(), key=lambda entry: (entry.seq, entry.timestamp))


def count(home: Home, run_id: str) -> int:
    """How many checkpoints of a run are kept, by their names alone."""
    kept = len(_history_numbers(home.history_directory(run_id)))
    return kept or min(1, len(_main_files(home, run_id)))


def restore_spilled(home: Home, run_id: str, checkpoint: WorkflowCheckpoint) -> list[str]:
    """Put the whole values of long variables back into a checkpoint read from disk.

    Returns:
        The names of those whose file is missing or altered; they keep their beginning only.
    """
    lost: list[str] = []
    for name, entry in checkpoint.x.spilled.items():
        if name not in checkpoint.variables:
            continue
        try:
            value = spill.restore(home, run_id, entry)
        except StoreError:
            lost.append(name)
            continue
        checkpoint.variables[name] = value
        checkpoint.spilled_values[name] = (value, entry)
    return lost


def _entry(path: Path, number: int, found: Found | None) -> HistoryEntry:
    try:
        size = path.stat().st_size
        checkpoint = _parse(path)
    except (OSError, StoreError) as error:
        seq = max(number, 0)
        return HistoryEntry(seq, None, None, 0, 0, "", 0, False, path, str(error))
    newest_one = found is not None and (
        checkpoint.seq == found.checkpoint.seq
        and checkpoint.timestamp == found.checkpoint.timestamp
    )
    return HistoryEntry(
        seq=number if number >= 0 else checkpoint.seq,
        kind=checkpoint.kind,
        status=checkpoint.status,
        index=checkpoint.index,
        total=checkpoint.total_steps,
        timestamp=checkpoint.timestamp,
        size=size,
        is_newest=newest_one,
        path=path,
    )


def _newness(found: tuple[WorkflowCheckpoint, Path]) -> tuple[int, str]:
    moment = fields.moment(found[0].timestamp)
    return found[0].seq, to_text(moment) if moment is not None else ""


def _usable(path: Path, run_id: str, problems: list[str]) -> WorkflowCheckpoint | None:
    try:
        checkpoint = _parse(path)
        _refuse_foreign(checkpoint, run_id, path)
    except NotFound:  # pruned or replaced while we looked
        return None
    except StoreError as error:
        problems.append(str(error))
        return None
    return checkpoint


def _parse(path: Path) -> WorkflowCheckpoint:
    return WorkflowCheckpoint.parse(atomic.read_json_object(path), path)


def _refuse_foreign(checkpoint: WorkflowCheckpoint, run_id: str, path: Path) -> None:
    if checkpoint.x.session_id and checkpoint.x.session_id != run_id:
        raise Unreadable(
            f"a checkpoint of another session, {checkpoint.x.session_id[:80]}", path=path
        )
    checkpoint.x.session_id = run_id


def _main_files(home: Home, run_id: str) -> list[Path]:
    return _names(home.checkpoints_directory(run_id), MAIN_ENDING)


def _history_numbers(directory: Path) -> list[int]:
    stems = (path.name.removesuffix(".json") for path in _names(directory, ".json"))
    return [int(stem) for stem in stems if stem.isdecimal() and stem.isascii()]


def _names(directory: Path, ending: str) -> list[Path]:
    try:
        names = [entry.name for entry in os.scandir(directory)]
    except OSError:
        return []
    return [directory / name for name in sorted(names) if name.endswith(ending) and name[0] != "."]
