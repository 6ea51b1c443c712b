"""Where the output of steps lies: names of logs, the next free one, the newest one."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from store.atomic import make_directory, reporting
from store.errors import InvalidId, NotFound, StoreError
from store.home import Home

_STEP_LOG = re.compile(r"(\d{3,})-(\d+)\.log\Z")
_HANDLER_LOG = re.compile(r"(\d{3,})-(\d+)-(\d+)\.log\Z")
_NEW_LOG = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RACES = 100


class NewLog(NamedTuple):
    """A log that was just created, empty, for its one writer. ``attempt`` counts from 1."""

    attempt: int
    path: Path


@dataclass(frozen=True, slots=True)
class StepLogFile:
    """A log that exists. ``handler`` is 0 for the step's own output, else the handler's number."""

    step_index: int
    attempt: int
    handler: int
    path: Path
    size: int
    modified_ns: int


def next_log(home: Home, run_id: str, step_index: int, *, phase: str = "") -> NewLog:
    """Create the log of the next execution of a step: highest existing attempt plus one.

    Args:
        home: the state home.
        run_id: the session id.
        step_index: 0-based index of the step in its list.
        phase: "" for the steps of the workflow, or ``setup``, ``reduce``, ``merge``.

    Raises:
        StoreError: it cannot be created.
    """
    directory = _directory(home, run_id, phase)
    make_directory(directory)
    for attempt in range(next_attempt(home, run_id, step_index, phase=phase), 10**9):
        path = directory / f"{step_index:03}-{attempt}.log"
        if _create(path):
            return NewLog(attempt, path)
    raise StoreError("no free log name", path=directory, operation="create")


def next_attempt(home: Home, run_id: str, step_index: int, *, phase: str = "") -> int:
    """The number the next execution of a step will have, from 1, by the logs that exist."""
    names = _names(_directory(home, run_id, phase))
    found = (_STEP_LOG.match(name) for name in names)
    attempts = [int(match[2]) for match in found if match and int(match[1]) == step_index]
    return max(attempts, default=0) + 1


def next_handler_log(home: Home, run_id: str, step_index: int, attempt: int) -> Path:
    """Create the log of the next handler of one execution of a step.

    Raises:
        StoreError: it cannot be created.
    """
    directory = _directory(home, run_id, "handlers")
    make_directory(directory)
    stem = f"{step_index:03}-{attempt}-"
    found = (_HANDLER_LOG.match(name) for name in _names(directory) if name.startswith(stem))
    for number in range(max((int(match[3]) for match in found if match), default=0) + 1, 10**9):
        path = directory / f"{stem}{number}.log"
        if _create(path):
            return path
    raise StoreError("no free log name", path=directory, operation="create")


def list_logs(home: Home, run_id: str, *, handlers: bool = False) -> list[StepLogFile]:
    """The logs of a run's steps by step and attempt; with ``handlers`` also those of handlers."""
    logs = _logs_in(home.logs_directory(run_id), _STEP_LOG)
    if handlers:
        logs += _logs_in(_directory(home, run_id, "handlers"), _HANDLER_LOG)
    return sorted(logs, key=lambda log: (log.step_index, log.attempt, log.handler))


def latest_log(home: Home, run_id: str, step_index: int | None = None) -> StepLogFile | None:
    """The log of the newest execution of a step, or the one written to last of all steps."""
    logs = list_logs(home, run_id)
    if step_index is not None:
        logs = [log for log in logs if log.step_index == step_index]
        return logs[-1] if logs else None
    return max(logs, key=lambda log: (log.modified_ns, log.step_index, log.attempt), default=None)


def relative_name(home: Home, run_id: str, path: Path) -> str:
    """The name by which records and events refer to a log."""
    return path.relative_to(home.run_directory(run_id)).as_posix()


def referred_file(home: Home, run_id: str, name: str) -> Path:
    """The log a record or event refers to; names from files are never followed out of the run.

    Raises:
        InvalidId: the name leads elsewhere.
        NotFound: there is no such log.
    """
    parts = Path(name).parts
    if not parts or parts[0] != "logs" or ".." in parts or "\0" in name:
        raise InvalidId(f"not the name of a log: {name[:80]!r}")
    path = home.run_directory(run_id).joinpath(*parts)
    if not path.is_file():
        raise NotFound("the log is gone", path=path, operation="read")
    return path


def _directory(home: Home, run_id: str, phase: str) -> Path:
    return home.logs_directory(run_id) / phase if phase else home.logs_directory(run_id)


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _create(path: Path) -> bool:
    with reporting("create", path):
        try:
            descriptor = os.open(path, _NEW_LOG, 0o600)
        except FileExistsError:
            return False
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
        return True


def _logs_in(directory: Path, pattern: re.Pattern[str]) -> list[StepLogFile]:
    logs = []
    for name in _names(directory):
        match = pattern.match(name)
        if match is None:
            continue
        path = directory / name
        try:
            status = path.stat()
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for its writer
            continue
        handler = int(match[3]) if pattern is _HANDLER_LOG else 0
        step, attempt = int(match[1]), int(match[2])
        logs.append(StepLogFile(step, attempt, handler, path, status.st_size, status.st_mtime_ns))
    return logs
