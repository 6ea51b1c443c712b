"""Who belongs to a step or a run, and ending them: TERM, after a grace KILL, until none is left.

A step is a kernel session of its own and is marked in its environment; killing its process group
alone would leave alive what ``timeout``, ``set -m``, ``setsid`` and double forks put elsewhere. The
guard loads this file without the rest of the project, so it imports next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

RUN_MARK = "PRODIGY_SESSION_ID"
STEP_MARK = "PRODIGY_STEP"
OWNER_MARK = "PRODIGY_OWNER"
"""The pid of the run's owner: a guard never ends what the next owner of the run has started."""
MARKS = (RUN_MARK, STEP_MARK, OWNER_MARK)

READS_ENVIRONMENTS = sys.platform == "linux"
"""Elsewhere only the kernel session tells whose a process is."""

_SHORTEST_LOOK = 0.005
_LONGEST_LOOK = 0.05
_GIVE_UP_SECONDS = 10.0
_LONGEST_EXEC = 0.1
_IMMORTAL_STATES = b"ZX"
_KERNEL_THREAD = 0x0020_0000
"""Among the flags of a process: one that has no environment either."""
_bare: set[tuple[str, bytes]] = set()
"""Processes that have no environment at all, by pid and when they began."""


def marks_of(run_id: str) -> dict[str, str]:
    """The variables that mark what this process starts for a run, whichever step it is for."""
    return {RUN_MARK: run_id, OWNER_MARK: str(os.getpid())}


class Wanted:
    """Which processes are meant.

    Args:
        run_id: the value of the mark of the run.
        step: the mark of a step, which also stands for those that continue it after a dot; None
            means every step.
        owner: the pid of the owner that started them; None means any.
        sessions: kernel sessions whose members are meant whatever their environment says.
        left_sessions: those of ``sessions`` whose leader has been waited for. If a process has
            their number now, it is a stranger's session and is left alone.
    """

    __slots__ = ("_owner", "_run", "_step", "left_sessions", "sessions")

    def __init__(
        self,
        run_id: str,
        step: str | None = None,
        owner: int | None = None,
        sessions: Collection[int] = (),
        left_sessions: Collection[int] = (),
    ) -> None:
        self._run = os.fsencode(f"{RUN_MARK}={run_id}")
        self._step = None if step is None else os.fsencode(step)
        self._owner = None if owner is None else os.fsencode(f"{OWNER_MARK}={owner}")
        self.sessions = frozenset(sessions)
        self.left_sessions = frozenset(left_sessions)

    def is_marked(self, environment: bytes) -> bool:
        """Whether an environment, as the kernel shows it, carries the marks."""
        if self._run not in environment:
            return False
        entries = environment.split(b"\0")
        if self._run not in entries or (self._owner is not None and self._owner not in entries):
            return False
        if self._step is None:
            return True
        mark = _value(entries, STEP_MARK)
        return mark == self._step or mark.startswith(self._step + b".")


class Found:
    """A process that is meant: ``session`` is its kernel session, ``step`` its mark or ''."""

    __slots__ = ("name", "parent", "pid", "session", "step")

    def __init__(self, pid: int, parent: int, name: str, session: int, step: str) -> None:
        self.pid = pid
        self.parent = parent
        self.name = name
        self.session = session
        self.step = step


def find(wanted: Wanted) -> list[Found]:
    """Every living process that is meant, never this one or one it descends from."""
    listed = _linux(wanted) if READS_ENVIRONMENTS else list(_elsewhere(wanted))
    strangers = {found.pid for found in listed} & wanted.left_sessions
    spared = _own_line()
    return [p for p in listed if p.session not in strangers and p.pid not in spared]


class Ending:
    """The ending of processes, bit by bit, for a caller that has other things to do meanwhile.

    What is there at the beginning is asked to end. What a process starts while it cleans up is not,
    unless its parent is gone: then it was only missed.
    """

    def __init__(self, wanted: Wanted, grace_seconds: float) -> None:
        self._wanted = wanted
        self._kill_at = time.monotonic() + grace_seconds
        self._pause = _SHORTEST_LOOK
        self._asked: set[int] | None = None
        self.ended: dict[int, Found] = {}
        """Everything that was told to end, by pid."""
        self.is_over = False
        self.next_look = 0.0
        """When ``advance`` has something to do again, monotonic."""

    def advance(self) -> bool:
        """Send what is due now; whether none is left, or none that can be ended."""
        now = time.monotonic()
        if self.is_over or now < self.next_look:
            return self.is_over
        left = find(self._wanted)
        self.ended.update((process.pid, process) for process in left)
        if now >= self._kill_at:
            for process in left:
                _send(process.pid, signal.SIGKILL)
        else:
            self._ask(left)
        self.is_over = not left or now >= self._kill_at + _GIVE_UP_SECONDS
        self.next_look = now + self._pause
        if now < self._kill_at:
            self.next_look = min(self.next_look, self._kill_at)
        self._pause = min(self._pause * 2, _LONGEST_LOOK)
        return self.is_over

    def _ask(self, left: list[Found]) -> None:
        pids = {process.pid for process in left}
        asked = self._asked or set()
        for process in left:
            was_missed = self._asked is None or process.parent not in pids
            if process.pid not in asked and was_missed:
                asked.add(process.pid)
                _send(process.pid, signal.SIGTERM)
                _send(process.pid, signal.SIGCONT)
        self._asked = asked

    def finish(self) -> list[Found]:
        """Wait until it is over; what was ended."""
        while not self.advance():
            time.sleep(max(0.0, self.next_look - time.monotonic()))
        return list(self.ended.values())


def end_marked(run_id: str, step: str | None, *, grace_seconds: float) -> list[Found]:
    """End every process with the marks of a run, or of one step of it, and say which they were."""
    return Ending(Wanted(run_id, step), grace_seconds).finish()


def survivors(run_id: str) -> list[tuple[int, str, str]]:
    """Pid, name and step mark of every living process that carries the mark of a run."""
    return [(found.pid, found.name, found.step) for found in find(Wanted(run_id))]


def kill(wanted: Wanted) -> None:
    """Send KILL to everything that is meant, at once, and again to what was being forked."""
    for _ in range(3):
        left = find(wanted)
        for process in left:
            _send(process.pid, signal.SIGKILL)
        if not left:
            return


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return


def _value(entries: list[bytes], name: str) -> bytes:
    start = os.fsencode(name) + b"="
    for entry in entries:
        if entry.startswith(start):
            return entry[len(start) :]
    return b""


def _linux(wanted: Wanted) -> list[Found]:
    found, unsure = _look(wanted, filter(str.isdigit, os.listdir("/proc")))  # noqa: PTH208 (pathlib is big)
    give_up_at = time.monotonic() + _LONGEST_EXEC
    while unsure and time.monotonic() < give_up_at:
        time.sleep(_SHORTEST_LOOK / 10)
        more, unsure = _look(wanted, [pid for pid, _ in unsure])
        found += more
    _bare.update(unsure)
    return found


def _look(wanted: Wanted, pids: Iterable[str]) -> tuple[list[Found], set[tuple[str, bytes]]]:
    """Those of some processes that are meant; and those that may be, with when they began.

    A process that is just executing a program has no environment for some microseconds, and a long
    time if it is a slow disk the program comes from.
    """
    found, unsure = [], set()
    for pid in pids:
        status = _read(f"/proc/{pid}/stat")
        before, _, after = status.rpartition(b")")
        fields = after.split(None, 20)
        if len(fields) < 20 or fields[0] in _IMMORTAL_STATES or int(fields[6]) & _KERNEL_THREAD:
            continue
        session, began = int(fields[3]), (pid, fields[19])
        environment = _read(f"/proc/{pid}/environ")
        if session in wanted.sessions or wanted.is_marked(environment):
            step = _value(environment.split(b"\0"), STEP_MARK)
            command = before.partition(b"(")[2]
            found.append(
                Found(int(pid), int(fields[1]), os.fsdecode(command), session, os.fsdecode(step))
            )
        elif not environment and began not in _bare and _is_readable(pid):
            unsure.add(began)
    return found, unsure


def _is_readable(pid: str) -> bool:
    try:
        return os.geteuid() in (0, os.stat(f"/proc/{pid}").st_uid)  # noqa: PTH116
    except OSError:
        return False


def _read(path: str) -> bytes:
    """The bytes of a file of the kernel; empty if it is gone or not ours to read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    pieces = []
    try:
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def _own_line() -> set[int]:
    """This process and those it descends from."""
    if not READS_ENVIRONMENTS:
        return {os.getpid(), os.getppid()}
    line = set()
    pid = os.getpid()
    while pid > 0 and pid not in line:
        line.add(pid)
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split(None, 2)
        pid = int(fields[1]) if len(fields) > 1 else 0
    return line


def _elsewhere(wanted: Wanted) -> Iterator[Found]:
    import psutil

    for pid in psutil.pids():
        try:
            session = os.getsid(pid)
            if session in wanted.sessions:
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    yield Found(pid, process.ppid(), process.name(), session, "")
        except (OSError, psutil.Error):
            continue
