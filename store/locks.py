"""The run lock, which says who may change a run, and the verdict whether anybody holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType

from store import atomic
from store.errors import Busy, StoreError
from store.home import Home
from store.owner import Owner, read_owner, this_host
from store.times import from_text

_TRY_EVERY_SECONDS = 0.025
_NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class RunLock:
    """The lock of one run, held by this process from ``acquire`` to ``release``.

    The kernel keeps it (``flock``), so it is free the moment its holder is dead. The file stays
    behind, empty.
    """

    def __init__(self, home: Home, run_id: str, descriptor: int) -> None:
        self.home = home
        self.run_id = run_id
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, home: Home, run_id: str, *, wait_seconds: float = 1.0) -> RunLock:
        """Take the lock of a run, making the run's directory if need be.

        Left-over temporary files of a killed owner are removed.

        Args:
            home: the state home.
            run_id: the run; nothing of it need exist.
            wait_seconds: how long to try. Readers that probe hold the file for an instant, so
                even a free lock may take a second try.

        Raises:
            Busy: another process holds it, ours or the original tool's; the text names it.
            StoreError: the file cannot be made, or the file system has no locks.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            descriptor = _try_lock(home, run_id)
            if descriptor is not None:
                lock = cls(home, run_id, descriptor)
                break
            if time.monotonic() >= deadline:
                raise _busy(run_id, Verdict(Liveness.LIVE, read_owner(home, run_id)))
            time.sleep(_TRY_EVERY_SECONDS)
        original = original_lock(home, run_id)
        if original is not None and original.held:
            lock.release()
            raise _busy(run_id, original.verdict)
        _remove_leftovers(home, run_id)
        return lock

    @property
    def held(self) -> bool:
        """Whether this object still holds the lock."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Give the lock up; nothing happens when it is already given up."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        # Unlocking frees it even if a forked child still has the descriptor.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)

    def delete(self) -> None:
        """Unlink the lock file and the run's directory if empty, then release.

        Only when the run itself is deleted, as its last act: another process waiting for the lock
        notices that its file is gone and starts again.
        """
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            self.home.run_lock(self.run_id).unlink()
            self.home.run_directory(self.run_id).rmdir()
        self.release()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _try_lock(home: Home, run_id: str) -> int | None:
    """The locked descriptor, or None when the lock is refused or its file was just deleted."""
    path = home.run_lock(run_id)
    with atomic.reporting("lock", path):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        except FileNotFoundError:
            atomic.make_directory(path.parent)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
            except FileNotFoundError:  # deleted again by a process that ends this run's life
                return None
        locked = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A lock on a file that has lost its name excludes nobody.
            locked = _same_file(descriptor, path)
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno in _NO_LOCKS_HERE:
                raise StoreError(
                    "this file system has no locks, so runs cannot be kept apart",
                    path=path,
                    operation="lock",
                    hint="set PRODIGY_HOME to a directory on a local disk",
                ) from error
            raise
        finally:
            if not locked:
                os.close(descriptor)
    return descriptor if locked else None


def _same_file(descriptor: int, path: Path) -> bool:
    held = os.fstat(descriptor)
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def _busy(run_id: str, verdict: Verdict) -> Busy:
    return Busy(
        f"session {run_id} is {verdict.holder}",
        operation="lock",
        hint=f"prodigy sessions show {run_id}",
    )


def _remove_leftovers(home: Home, run_id: str) -> None:
    atomic.remove_leftovers(home.sessions, f"{run_id}.json")
    run = home.run_directory(run_id)
    atomic.remove_leftovers(run)
    for directory in (
        home.checkpoints_directory(run_id),
        home.history_directory(run_id),
        home.workflow_copies(run_id),
        home.captures_directory(run_id),
    ):
        atomic.remove_leftovers(directory)


# -- is anybody running it?


class Liveness(StrEnum):
    """Whether a process is at work on a run."""

    LIVE = "live"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found; ``owner`` is who the run names, ``reason`` why one cannot tell."""

    liveness: Liveness
    owner: Owner | None = None
    reason: str | None = None

    @property
    def holder(self) -> str:
        """How somebody has a live run, after "it is": ``running here since 09:02 (process 7)``."""
        if self.owner is not None:
            return self.owner.holds
        return self.reason or "held by another process"


def probe(home: Home, run_id: str, *, says_active: bool) -> Verdict:
    """Say whether anybody is running the run, without changing anything or waiting.

    Args:
        home: the state home.
        run_id: the run.
        says_active: whether its record says Initializing or Running; matters only for a run that
            has no lock file, which is one of the original tool.
    """
    path = home.run_lock(run_id)
    try:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    except FileNotFoundError:
        return _probe_without_lock(home, run_id, says_active=says_active)
    except OSError as error:
        return Verdict(Liveness.UNKNOWN, None, f"its lock cannot be opened: {error.strerror}")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Verdict(Liveness.LIVE, read_owner(home, run_id))
    except OSError as error:
        owner = read_owner(home, run_id)
        return Verdict(Liveness.UNKNOWN, owner, f"its lock cannot be tried: {error.strerror}")
    finally:
        os.close(descriptor)
    original = original_lock(home, run_id)
    if original is not None and original.held:
        return original.verdict
    owner = read_owner(home, run_id)
    if owner is not None and owner.host != this_host():
        return Verdict(
            Liveness.UNKNOWN, owner, f"its owner is on {owner.host}, which cannot be seen from here"
        )
    return Verdict(Liveness.DEAD, owner)


def _probe_without_lock(home: Home, run_id: str, *, says_active: bool) -> Verdict:
    original = original_lock(home, run_id)
    if original is not None and original.held:
        return original.verdict
    if says_active and _touched_since_boot(home, run_id):
        return Verdict(
            Liveness.UNKNOWN, None, "a run of the original tool, which holds no lock while it runs"
        )
    return Verdict(Liveness.DEAD)


def _touched_since_boot(home: Home, run_id: str) -> bool:
    booted = _boot_time()
    for path in (home.session_file(run_id), *_files_of(home.checkpoints_directory(run_id))):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime >= booted:
                return True
    return False


def _files_of(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _boot_time() -> float:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    return psutil.boot_time()


# -- the original's resume locks


@dataclass(frozen=True, slots=True)
class OriginalLock:
    """A resume lock of the original tool; ``held`` only if its process lives on this machine."""

    pid: int
    host: str
    held: bool

    @property
    def verdict(self) -> Verdict:
        """What it says of the run while it is held."""
        reason = f"held here by a resume of the original tool (process {self.pid})"
        return Verdict(Liveness.LIVE, None, reason)


def original_lock(home: Home, lock_id: str) -> OriginalLock | None:
    """Read the original's resume lock of a run or a job; None when there is none that says much."""
    path = home.resume_lock(lock_id)
    if not path.exists():
        return None
    try:
        document = atomic.read_json_object(path)
        pid, host = document["process_id"], document["hostname"]
        acquired = from_text(document["acquired_at"])
    except (StoreError, KeyError, ValueError, TypeError, AttributeError):
        return None
    if not isinstance(pid, int) or not isinstance(host, str) or pid <= 0:
        return None
    if host != this_host():
        return OriginalLock(pid, host, held=False)
    latest_start = (acquired + timedelta(seconds=2)).timestamp()
    return OriginalLock(pid, host, held=_lives_since(pid, latest_start))


def _lives_since(pid: int, latest_start: float) -> bool:
    """Whether the process exists and is old enough not to be a later one with the same number."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.create_time() <= latest_start
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    except (psutil.Error, OverflowError):
        return False


_STATE_WORDS = {
    "stopped": "stopped",
    "tracing-stop": "stopped by a debugger",
    "disk-sleep": "waiting for disk",
    "zombie": "ended",
    "dead": "ended",
}


def process_state(pid: int) -> str | None:
    """What a process is doing, in words for a message about one that does not answer.

    Returns:
        ``stopped``, ``waiting for disk``, ``running``, …, or None when it does not exist.
    """
    import psutil

    try:
        return _STATE_WORDS.get(psutil.Process(pid).status(), "running")
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return "running"
