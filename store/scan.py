"""What lies in a state home, by name and file status, without opening a file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from store.errors import InvalidId, StoreError
from store.home import Home, check_id, is_id

AGENT_PREFIX = "mapreduce-agent-"
"""How the names of agents' worktrees begin, which are no runs of their own."""

_RECORD = ".json"
_CHECKPOINT = ".checkpoint.json"
_NO_RUN = "merge-workflow-"


class Listing:
    """The names of runs a home has, by what there is of them."""

    def __init__(self) -> None:
        self.records: dict[str, os.stat_result | None] = {}
        """Session records; None for one whose status cannot be read, such as a dangling link."""
        self.owned: set[str] = set()
        """Runs with an owner's notice or a resume lock of the original."""
        self.with_checkpoint: set[str] = set()
        """Runs without a record that have a checkpoint."""
        self.with_metadata: dict[str, Path] = {}
        """Runs with neither that have worktree metadata."""
        self.state_directories: set[str] = set()


def list_home(home: Home) -> Listing:
    """List everything; a home or directory that does not exist is empty.

    Raises:
        StoreError: a directory is there and cannot be listed.
    """
    listing = Listing()
    listing.records = _records(home)
    listing.state_directories = _state_directories(home)
    listing.owned = _with_owner(home, listing.state_directories) | _original_locks(home)
    recordless = listing.state_directories - listing.records.keys()
    listing.with_checkpoint = {name for name in recordless if has_checkpoint(home, name)}
    for directory in metadata_directories(home.worktrees):
        for name in os.listdir(directory):
            run_id = name[:-5]
            if run_id in listing.records or run_id in listing.with_checkpoint:
                continue
            if name.endswith(_RECORD) and _may_be_run(run_id):
                listing.with_metadata.setdefault(run_id, directory / name)
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


def list_runs(home: Home, ids: Iterable[str]) -> Listing:
    """List what there is of these runs only."""
    listing = Listing()
    original = _original_locks(home)
    for run_id in ids:
        try:
            path = home.session_file(run_id)
        except InvalidId:
            continue
        try:
            listing.records[run_id] = os.stat(path)
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


def _records(home: Home) -> dict[str, os.stat_result | None]:
    found: dict[str, os.stat_result | None] = {}
    directory = _open_directory(home.sessions)
    if directory is None:
        return found
    try:
        status = os.stat
        for name in os.listdir(directory):
            if not name.endswith(_RECORD) or name[0] == ".":
                continue
            run_id = name[:-5]
            try:
                found[run_id] = status(name, dir_fd=directory)
            except FileNotFoundError:
                if _is_link(name, directory):
                    found[run_id] = None
            except OSError:
                found[run_id] = None
    finally:
        os.close(directory)
    return found


def _state_directories(home: Home) -> set[str]:
    directory = _open_directory(home.state)
    if directory is None:
        return set()
    try:
        return set(os.listdir(directory))
    finally:
        os.close(directory)


def _with_owner(home: Home, names: Collection[str]) -> set[str]:
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


def _open_directory(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot list: {error.strerror}", path=path, operation="list") from error


def _is_link(name: str, directory: int) -> bool:
    try:
        os.readlink(name, dir_fd=directory)
    except OSError:
        return False
    return True


def _may_be_run(run_id: str) -> bool:
    return is_id(run_id) and not run_id.startswith(AGENT_PREFIX)
