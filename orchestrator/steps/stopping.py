"""A signal that something is to stop, which wakes whoever waits for it in any kind of wait."""

from __future__ import annotations

import contextlib
import os
import select
import weakref


class StopSignal:
    """Set once or more with a reason, never unset; the latest reason counts.

    It takes no lock, so a signal handler may set it. Waits on ``fileno()`` (readable once it is
    set) and ``wait`` end at once.
    """

    def __init__(self) -> None:
        self._reason: str | None = None
        self._children: dict[int, weakref.ref[StopSignal]] = {}
        self._parent: StopSignal | None = None
        self._read_end = self._write_end = -1
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)

    @property
    def reason(self) -> str | None:
        """Why to stop; None while there is no reason."""
        return self._reason

    def is_set(self) -> bool:
        return self._reason is not None

    def set(self, reason: str) -> None:
        """Stop, for this reason; every child is set with it."""
        self._reason = reason
        with contextlib.suppress(BlockingIOError):
            os.write(self._write_end, b"!")
        for reference in tuple(self._children.values()):
            child = reference()
            if child is not None:
                child.set(reason)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most ``timeout`` seconds; whether it is."""
        if self._reason is None:
            poll = select.poll()
            poll.register(self._read_end, select.POLLIN)
            poll.poll(None if timeout is None else max(0.0, timeout) * 1000)
        return self._reason is not None

    def fileno(self) -> int:
        return self._read_end

    def child(self) -> StopSignal:
        """A signal of its own that is also set when this one is."""
        child = StopSignal()
        child._parent = self
        self._children[id(child)] = weakref.ref(child)
        if self._reason is not None:
            child.set(self._reason)
        return child

    def __del__(self) -> None:
        if self._parent is not None:
            self._parent._children.pop(id(self), None)
        for end in (self._read_end, self._write_end):
            with contextlib.suppress(OSError):
                os.close(end)
