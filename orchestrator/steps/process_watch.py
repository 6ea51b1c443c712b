"""Watching one process of a step: reading its output, noticing its end, ending it in time."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from orchestrator.steps.process_end import Ending, Wanted
from orchestrator.steps.step_output import Captured, Lines, OutputPipe, Stream
from orchestrator.steps.stopping import StopSignal

_QUIET_SECONDS = 0.1
_LATEST_SECONDS = 2.0
_REPORT_SECONDS = 1.0
_POLL_SECONDS = 0.02


@dataclass(slots=True)
class ProcessWatch:
    """One process under way: reads its output, notices its end, and ends it when it is time."""

    process: subprocess.Popen[bytes]
    pipes: list[OutputPipe]
    wanted: Wanted
    grace_seconds: float
    captured: Captured
    lines: Lines | None
    on_output: Callable[[], None] | None
    timed_out: bool = False
    stopped: str | None = None
    _ending: Ending | None = None
    _ended_at: float | None = None
    _last_output: float = 0.0
    _has_news: bool = False
    _reported_at: float = field(default_factory=time.monotonic)

    def until_over(self, stop: StopSignal, deadline: float | None) -> None:
        """Return when the step is over; pipes still open then are left in ``pipes``."""
        with selectors.DefaultSelector() as selector, _exit_notice(self.process) as notice:
            for pipe in self.pipes:
                selector.register(pipe, selectors.EVENT_READ, pipe)
            if notice is not None:
                selector.register(notice, selectors.EVENT_READ, None)
            selector.register(stop, selectors.EVENT_READ, None)
            registered = selector.get_map()
            while not self._is_over():
                for key, _ in selector.select(self._patience(notice, deadline)):
                    if key.data is not None and self._read(key.data) == b"":
                        selector.unregister(key.data)
                        self.pipes.remove(key.data)
                        key.data.close()
                self._note_end()
                if self._ended_at is not None and notice is not None and notice in registered:
                    selector.unregister(notice)
                self._end_if_asked(stop, deadline)
                if stop.is_set() and stop in registered:
                    selector.unregister(stop)
                self._report()
        if self.lines is not None:
            self.lines.end()

    def _is_over(self) -> bool:
        if self._ending is not None:
            if not self._ending.advance():
                return False
            self._note_end()  # it may have come after the last look at events
        if self._ended_at is None:
            return self._ending is not None  # nothing can end it
        return not self.pipes or time.monotonic() >= self._over_at(self._ended_at)

    def _note_end(self) -> None:
        if self._ended_at is None and self.process.poll() is not None:
            self._ended_at = time.monotonic()

    def _over_at(self, ended_at: float) -> float:
        quiet = max(self._last_output, ended_at) + _QUIET_SECONDS
        return min(quiet, ended_at + _LATEST_SECONDS)

    def _patience(self, notice: int | None, deadline: float | None) -> float | None:
        """How long to wait for events at most."""
        times = []
        if self._ended_at is not None:
            times.append(self._over_at(self._ended_at))
        elif deadline is not None and self._ending is None:
            times.append(deadline)
        if self._ending is not None and not self._ending.is_over:
            times.append(self._ending.next_look)
        if self._has_news and self.on_output is not None:
            times.append(self._reported_at + _REPORT_SECONDS)
        now = time.monotonic()
        if notice is None and self._ended_at is None:
            times.append(now + _POLL_SECONDS)
        return max(0.0, min(times) - now) if times else None

    def _read(self, pipe: OutputPipe) -> bytes | None:
        data = pipe.read()
        if data:
            self._last_output = time.monotonic()
            self._has_news = True
            self.captured.add(pipe.stream, data)
            if self.lines is not None and pipe.stream is Stream.STDOUT:
                self.lines.feed(data)
        return data

    def _end_if_asked(self, stop: StopSignal, deadline: float | None) -> None:
        if self._ended_at is not None or self._ending is not None:
            return
        if stop.reason is not None:
            self.stopped = stop.reason
        elif deadline is not None and time.monotonic() >= deadline:
            self.timed_out = True
        else:
            return
        self._ending = Ending(self.wanted, self.grace_seconds)

    def _report(self) -> None:
        if self.on_output is None or not self._has_news:
            return
        now = time.monotonic()
        if now >= self._reported_at + _REPORT_SECONDS:
            self._reported_at = now
            self._has_news = False
            self.on_output()


@contextlib.contextmanager
def _exit_notice(process: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """A descriptor that is readable once the process has ended; None where there is none."""
    opened = getattr(os, "pidfd_open", None)
    if opened is None:
        yield None
        return
    try:
        descriptor: int = opened(process.pid)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
