"""What lies in a state home, by name and file identity, without opening a file."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from store.cards import Identity, is_fresh
from store.errors import InvalidId, StoreError
from store.home import Home, check_id, is_id

AGENT_PREFIX = "mapreduce-agent-"
"""How the names of agents' worktrees begin, which are no runs of their own."""

_RECORD = ".json"
_CHECKPOINT = ".checkpoint.json"
_NO_RUN = "merge-workflow-"


class Surplus(NamedTuple):
    """What a home has beside its records, by name: state directories and worktree metadata.

    Names come and go only with a change of the directory they are in, so this holds until a stamp
    differs or the set of records does.
    """

    stamps: dict[str, int]
    """Time of the last change of each directory."""
    states: list[str]
    """Directories under ``state`` that belong to no record."""
    metadata: list[str]
    """Files of worktree metadata that belong to no record."""
    strays: list[str]
    """Records without a directory under ``state``."""
    state_names: list[str]
    """All directories under ``state``; only when there are strays, which may point to one."""


class Listing:
    """The names of runs a home has, by what there is of them."""

    def __init__(self) -> None:
        self.records: dict[str, Identity | None] = {}
        """Session records; None for one that cannot be looked at, such as a dangling link."""
        self.owned: set[str] = set()
        """Runs with an owner's notice or a resume lock of the original."""
        self.with_checkpoint: set[str] = set()
        """Runs without a record that have a checkpoint."""
        self.with_metadata: dict[str, Path] = {}
        """Runs with neither that have worktree metadata."""
        self.surplus: Surplus | None = None
        """None when it may be out of date by the next look."""
        self.strays: list[str] = []
        self.state_names: Collection[str] = ()


def list_home(home: Home, known: Collection[str] = (), surplus: Surplus | None = None) -> Listing:
    """List everything; a home or directory that does not exist is empty.

    Args:
        home: the state home.
        known: the records there were when ``surplus`` was found.
        surplus: what was found then.

    Raises:
        StoreError: a directory is there and cannot be listed.
    """
    listing = Listing()
    listing.records = _records(home)
    directories = list(metadata_directories(home.worktrees))
    scanned_ns = time.time_ns()
    stamps = {str(path): _mtime_ns(path) for path in (home.state, *directories)}
    if surplus is None or surplus.stamps != stamps or listing.records.keys() != known:
        surplus = _find_surplus(home, listing.records, directories, stamps)
    if not any(is_fresh(mtime_ns, scanned_ns) for mtime_ns in stamps.values()):
        listing.surplus = surplus
    listing.strays, listing.state_names = surplus.strays, surplus.state_names
    listing.owned = _with_owner(home, [*listing.records, *surplus.states]) | _original_locks(home)
    listing.with_checkpoint = {name for name in surplus.states if has_checkpoint(home, name)}
    for text in surplus.metadata:
        path = Path(text)
        if path.stem not in listing.with_checkpoint:
            listing.with_metadata.setdefault(path.stem, path)
    return listing


def _find_surplus(
    home: Home, records: Collection[str], directories: Iterable[Path], stamps: dict[str, int]
) -> Surplus:
    names = set(_list(home.state))
    known = set(records)
    strays = sorted(known - names)
    metadata = [
        f"{directory}/{name}"
        for directory in directories
        for name in _list(directory)
        if name[:-5] not in known and name.endswith(_RECORD) and _may_be_run(name[:-5])
    ]
    return Surplus(stamps, sorted(names - known), metadata, strays, sorted(names) if strays else [])


def list_runs(home: Home, ids: Iterable[str]) -> Listing:
    """List what there is of these runs only."""
    listing = Listing()
    original = _original_locks(home)
    for run_id in ids:
        if not is_id(run_id):  # a file that somebody put there
            if "/" not in run_id and os.path.lexists(home.sessions / f"{run_id}{_RECORD}"):
                listing.records[run_id] = None
            continue
        path = home.session_file(run_id)
        try:
            listing.records[run_id] = _identity(os.stat(path))
        except FileNotFoundError:
            if path.is_symlink():
                listing.records[run_id] = None
        except OSError:
            listing.records[run_id] = None
        if run_id in original or home.owner_file(run_id).exists():
            listing.owned.add(run_id)
        if run_id in listing.records:
            continue
        if has_checkpoint(home, run_id):
            listing.with_checkpoint.add(run_id)
        elif _may_be_run(run_id):
            metadata = find_metadata(home, run_id)
            if metadata is not None:
                listing.with_metadata[run_id] = metadata
    return listing


def metadata_directories(worktrees: Path) -> Iterator[Path]:
    """The directory of worktree metadata of every repository that has one."""
    try:
        names = sorted(os.listdir(worktrees))
    except OSError:
        return
    for name in names:
        directory = worktrees / name / ".metadata"
        if directory.is_dir():
            yield directory


def find_metadata(home: Home, run_id: str, *, user_home: Path | None = None) -> Path | None:
    """The metadata file of a run whose repository is not known.

    Args:
        home: the state home.
        run_id: the session id.
        user_home: where the original puts worktrees although its state home is elsewhere; looked
            at last.
    """
    check_id(run_id)
    roots = [home.worktrees]
    if user_home is not None and user_home / ".prodigy" != home.root:
        roots.append(user_home / ".prodigy" / "worktrees")
    for root in roots:
        for directory in metadata_directories(root):
            path = directory / f"{run_id}.json"
            if path.exists():
                return path
    return None


def has_checkpoint(home: Home, run_id: str) -> bool:
    """Whether a directory under ``state`` is that of a run which got as far as a checkpoint."""
    try:
        names = os.listdir(home.checkpoints_directory(run_id))
    except (OSError, InvalidId):
        return False
    if any(name.endswith(_CHECKPOINT) and not name.startswith((".", _NO_RUN)) for name in names):
        return True
    if "history" not in names:
        return False
    try:
        kept = os.listdir(home.history_directory(run_id))
    except OSError:
        return False
    return any(name.endswith(_RECORD) and not name.startswith(".") for name in kept)


def check_sessions(home: Home) -> None:
    """See that records can be looked for.

    Raises:
        StoreError: their directory is there and cannot be listed.
    """
    directory = _open_sessions(home)
    if directory is not None:
        os.close(directory)


def _open_sessions(home: Home) -> int | None:
    directory = _open_directory(home.sessions)
    if directory is None and os.path.lexists(home.sessions):
        raise StoreError("cannot list: not a directory", path=home.sessions, operation="list")
    return directory


def _records(home: Home) -> dict[str, Identity | None]:
    found: dict[str, Identity | None] = {}
    directory = _open_sessions(home)
    if directory is None:
        return found
    try:
        look = os.stat
        for name in os.listdir(directory):
            if not name.endswith(_RECORD) or name[0] == ".":
                continue
            try:
                status = look(name, dir_fd=directory)
                found[name[:-5]] = status.st_mtime_ns, status.st_size, status.st_ino
            except FileNotFoundError:
                if _is_link(name, directory):
                    found[name[:-5]] = None
            except OSError:
                found[name[:-5]] = None
    finally:
        os.close(directory)
    return found


def _with_owner(home: Home, names: Iterable[str]) -> set[str]:
    directory = _open_directory(home.state)
    if directory is None:
        return set()
    try:
        access = os.access
        return {name for name in names if access(f"{name}/owner.json", os.F_OK, dir_fd=directory)}
    finally:
        os.close(directory)


def _original_locks(home: Home) -> set[str]:
    try:
        names = os.listdir(home.root / "resume_locks")
    except OSError:
        return set()
    return {name.removesuffix(".lock") for name in names if name.endswith(".lock")}


def _list(path: Path) -> list[str]:
    directory = _open_directory(path)
    if directory is None:
        return []
    try:
        return os.listdir(directory)
    finally:
        os.close(directory)


def _open_directory(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot list: {error.strerror}", path=path, operation="list") from error


def _identity(status: os.stat_result) -> Identity:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _mtime_ns(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _is_link(name: str, directory: int) -> bool:
    try:
        os.readlink(name, dir_fd=directory)
    except OSError:
        return False
    return True


def _may_be_run(run_id: str) -> bool:
    return is_id(run_id) and not run_id.startswith(AGENT_PREFIX)
