"""The one place that starts the processes of steps, waits for them and ends them."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.guard import Guard
from orchestrator.steps.process_end import STEP_MARK, Ending, Wanted, kill, marks_of
from orchestrator.steps.process_watch import ProcessWatch
from orchestrator.steps.step_log import StepLog
from orchestrator.steps.step_output import Captured, Drain, Lines, OutputPipe, Stream
from orchestrator.steps.stopping import StopSignal

TIMED_OUT = 124
NOT_EXECUTABLE = 126
NOT_FOUND = 127
CAPTURE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to start. ``marks`` are the session id and ``PRODIGY_STEP``; stdin None is no input."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    marks: tuple[str, str]
    stdin: bytes | None = None


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a process ended.

    ``exit_code`` is that of a shell: 124 after a time-out, 128 + N after signal N, 126 or 127 when
    it could not be started, which ``not_started`` explains. ``stopped`` is the reason of the stop
    that ended it. Output is raw; ``truncated`` when the log or a capture is not all of it.
    """

    exit_code: int
    signal: int | None = None
    timed_out: bool = False
    stopped: str | None = None
    not_started: str | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    combined: bytes = b""
    duration_seconds: float = 0.0
    log_bytes: int = 0
    truncated: bool = False


class Processes:
    """The processes of one run.

    Args:
        session_id: whose they are.
        grace_seconds: how long a process may take to end before it is killed.
        guard: told of every new kernel session, where that helps it.
    """

    def __init__(
        self, session_id: str, *, grace_seconds: float = 5.0, guard: Guard | None = None
    ) -> None:
        self._session_id = session_id
        self._grace_seconds = grace_seconds
        self._guard = guard
        self._drain = Drain()
        self._sessions: dict[int, bool] = {}
        """Every kernel session started, and whether its leader has been waited for."""

    def run(
        self,
        spec: ProcessSpec,
        *,
        log: StepLog | None,
        stop: StopSignal,
        deadline: float | None = None,
        on_line: Callable[[bytes], None] | None = None,
        on_output: Callable[[], None] | None = None,
        capture_limit: int = CAPTURE_BYTES,
    ) -> ProcessResult:
        """Run a process to its end, or end it, with everything it started.

        It is over at the end of its output, or 100 ms after the last of it once the command has
        ended, at the latest 2 s after that. What still runs then keeps its pipes, which are read
        into the log until ``end_all``.

        Args:
            spec: what to start.
            log: receives the masked output.
            stop: ends it when set.
            deadline: monotonic time at which it is ended, None for never.
            on_line: called with each raw line of stdout, without its newline.
            on_output: called at most once a second while output flows.
            capture_limit: bytes of each stream that are kept in memory.
        """
        started = time.monotonic()
        before = log.size if log else 0
        if stop.reason is not None:
            return ProcessResult(
                128 + signal.SIGTERM, stopped=stop.reason, not_started="stopped before it began"
            )
        try:
            process, pipes = self._spawn(spec, log)
        except (OSError, ValueError) as error:
            return _not_started(spec, error, time.monotonic() - started)
        session_id, step = spec.marks
        watch = ProcessWatch(
            process=process,
            pipes=pipes,
            wanted=Wanted(session_id, step, os.getpid(), [process.pid]),
            grace_seconds=self._grace_seconds,
            captured=Captured(capture_limit),
            lines=Lines(on_line) if on_line else None,
            on_output=on_output,
        )
        try:
            watch.until_over(stop, deadline)
        except BaseException:
            Ending(watch.wanted, self._grace_seconds).finish()
            process.wait()
            raise
        finally:
            self._sessions[process.pid] = process.returncode is not None
            if watch.pipes:
                self._drain.take(watch.pipes)
        captured = watch.captured
        number = -(process.returncode or 0)
        exit_code = 128 + number if number > 0 else -number
        return ProcessResult(
            exit_code=TIMED_OUT if watch.timed_out else exit_code,
            signal=number if number > 0 else None,
            timed_out=watch.timed_out,
            stopped=watch.stopped,
            stdout=captured.bytes_of(Stream.STDOUT),
            stderr=captured.bytes_of(Stream.STDERR),
            combined=captured.combined(),
            duration_seconds=time.monotonic() - started,
            log_bytes=log.size - before if log else 0,
            truncated=captured.truncated or bool(log and log.truncated),
        )

    def end_all(self) -> None:
        """End whatever steps left running, take the rest of its output and close its logs."""
        if self._sessions:
            Ending(self._everything(), self._grace_seconds).finish()
        self._drain.finish()
        self._sessions.clear()

    def kill_all(self) -> None:
        """Kill everything at once, without grace; may be called by a signal handler."""
        kill(self._everything())

    def _everything(self) -> Wanted:
        sessions = dict(self._sessions)
        return Wanted(
            self._session_id,
            owner=os.getpid(),
            sessions=sessions,
            left_sessions=[session for session, is_left in sessions.items() if is_left],
        )

    def _spawn(
        self, spec: ProcessSpec, log: StepLog | None
    ) -> tuple[subprocess.Popen[bytes], list[OutputPipe]]:
        session_id, step = spec.marks
        environment = {
            **spec.env,
            "PWD": str(spec.cwd),
            **marks_of(session_id),
            STEP_MARK: step,
        }
        with contextlib.ExitStack() as opened:
            ends = [os.pipe(), os.pipe()]
            for _, writing in ends:
                opened.callback(os.close, writing)
            stdin: int = subprocess.DEVNULL
            try:
                if spec.stdin is not None:
                    # a file needs nobody to feed it, and is gone with its last descriptor
                    file = opened.enter_context(tempfile.TemporaryFile())
                    file.write(spec.stdin)
                    file.seek(0)
                    stdin = file.fileno()
                process = subprocess.Popen(
                    spec.argv,
                    cwd=spec.cwd,
                    env=environment,
                    stdin=stdin,
                    stdout=ends[Stream.STDOUT][1],
                    stderr=ends[Stream.STDERR][1],
                    start_new_session=True,
                )
            except BaseException:
                for reading, _ in ends:
                    os.close(reading)
                raise
        self._sessions[process.pid] = False
        if self._guard is not None:
            self._guard.session_started(process.pid)
        return process, [
            OutputPipe(ends[stream][0], stream, log.stream() if log else None) for stream in Stream
        ]


def _not_started(spec: ProcessSpec, error: OSError | ValueError, duration: float) -> ProcessResult:
    program = spec.argv[0]
    exit_code = NOT_EXECUTABLE
    if not isinstance(error, OSError):
        message = f"cannot start {program}: a text with a NUL or not valid Unicode ({error})"
    elif error.filename is not None and str(error.filename) == str(spec.cwd):
        message = f"cannot start {program}: {spec.cwd}: {error.strerror}"
    elif error.errno == errno.ENOENT:
        exit_code = NOT_FOUND
        message = f"command not found: {program}"
    else:
        message = f"cannot start {program}: {error.strerror}"
    return ProcessResult(exit_code, not_started=message, duration_seconds=duration)
