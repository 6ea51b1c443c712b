"""The output of a process on its way from its pipes to captures, line readers and the log."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable
from enum import IntEnum

from orchestrator.steps.step_log import LogStream

PIECE_BYTES = 1 << 18
_LONGEST_LINE = 16 << 20
_LAST_READS = 64


class Stream(IntEnum):
    STDOUT = 0
    STDERR = 1


class Captured:
    """The raw output kept in memory, at most ``limit`` bytes of each stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = (bytearray(), bytearray())
        self._order: list[tuple[Stream, int]] = []
        self.truncated = False

    def add(self, stream: Stream, data: bytes) -> None:
        kept = self._kept[stream]
        room = self._limit - len(kept)
        if len(data) > room:
            self.truncated = True
            data = data[:room]
        if not data:
            return
        kept += data
        if self._order and self._order[-1][0] is stream:
            self._order[-1] = (stream, len(kept))
        else:
            self._order.append((stream, len(kept)))

    def bytes_of(self, stream: Stream) -> bytes:
        return bytes(self._kept[stream])

    def combined(self) -> bytes:
        """Both streams in order of arrival."""
        begin = [0, 0]
        pieces = []
        for stream, end in self._order:
            pieces.append(bytes(self._kept[stream][begin[stream] : end]))
            begin[stream] = end
        return b"".join(pieces)


class Lines:
    """Cuts a stream into lines for a callback; an overlong line comes in pieces."""

    def __init__(self, callback: Callable[[bytes], None]) -> None:
        self._callback = callback
        self._rest = bytearray()

    def feed(self, data: bytes) -> None:
        # looking only at the new piece keeps a line of many pieces from costing its square
        first, newline, remainder = data.partition(b"\n")
        self._rest += first
        if newline:
            self.finish()
            *whole, last = remainder.split(b"\n")
            for line in whole:
                self._callback(line)
            self._rest += last
        if len(self._rest) > _LONGEST_LINE:
            self.finish()

    def finish(self) -> None:
        """Hand over the line that has begun, even if it is not complete."""
        line = bytes(self._rest)
        self._rest.clear()
        self._callback(line)

    def end(self) -> None:
        """The stream has ended."""
        if self._rest:
            self.finish()


class OutputPipe:
    """The reading end of one pipe of a step's process."""

    def __init__(self, descriptor: int, stream: Stream, log: LogStream | None) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self.stream = stream
        self.log = log

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> bytes | None:
        """What has arrived, passed on to the log; empty at the end, None when nothing has."""
        try:
            data = os.read(self._descriptor, PIECE_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if data and self.log is not None:
            self.log.feed(data)
        return data

    def close(self) -> None:
        os.close(self._descriptor)
        if self.log is not None:
            self.log.finish()


class Drain:
    """Reads, in one thread for all of them, the pipes that outlive their step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiting: list[OutputPipe] = []
        self._is_finishing = False
        self._wake_read = -1
        self._wake_write = -1

    def take(self, pipes: list[OutputPipe]) -> None:
        """Read these until they end or ``finish`` is called."""
        with self._lock:
            self._waiting += pipes
            if self._thread is None:
                self._wake_read, self._wake_write = os.pipe()
                os.set_blocking(self._wake_read, False)
                self._is_finishing = False
                self._thread = threading.Thread(
                    target=self._read, name="background output", daemon=True
                )
                self._thread.start()
            os.write(self._wake_write, b"!")

    def finish(self) -> None:
        """Read what is there by now and close everything."""
        with self._lock:
            thread = self._thread
            if thread is None:
                return
            self._is_finishing = True
            os.write(self._wake_write, b"!")
        thread.join()
        with self._lock:
            self._thread = None
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ, None)
            while not self._is_finishing:
                for key, _ in selector.select():
                    if key.data is None:
                        self._admit(selector)
                    elif key.data.read() == b"":
                        selector.unregister(key.data)
                        key.data.close()
            self._admit(selector)
            for key in list(selector.get_map().values()):
                if key.data is not None:
                    # an escaped process may go on writing for ever
                    for _ in range(_LAST_READS):
                        if not key.data.read():
                            break
                    key.data.close()

    def _admit(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            with contextlib.suppress(OSError):
                os.read(self._wake_read, 1)
            for pipe in self._waiting:
                selector.register(pipe, selectors.EVENT_READ, pipe)
            self._waiting.clear()
