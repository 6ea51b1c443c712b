"""The log of a step: masked output of all its streams in order of arrival, up to a limit."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from orchestrator.steps.masking import Secrets, StreamMasker

_TAIL_BYTES = 4096
_LAST_LINE_CHARACTERS = 400
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class StepLog:
    """An open log. Streams write to it, each masked for itself, from any thread.

    A write that fails ends the writing, never the step: ``problem`` then says what is so.

    Args:
        path: the log file; appended to, created 0600 if it is not there.
        secrets: what must not be seen in it.
        max_bytes: where a marker line takes the place of all further output.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, secrets: Secrets, *, max_bytes: int = 1 << 30) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor: int | None = os.open(path, flags, 0o600)
        self.path = path
        self.size = 0
        """Bytes written so far."""
        self.truncated = False
        self.problem: OSError | None = None
        self._secrets = secrets
        self._max_bytes = max_bytes
        self._tail = b""
        self._lock = threading.Lock()
        self._open_streams = 0
        self._is_closing = False

    def stream(self) -> LogStream:
        """A new stream into the log; the file stays open until it has finished."""
        with self._lock:
            self._open_streams += 1
        return LogStream(self, self._secrets.stream())

    def write(self, data: bytes) -> None:
        """Write something whole, masked."""
        masker = self._secrets.stream()
        self._append(masker.feed(data) + masker.finish())

    def close(self) -> None:
        """Close the file, now or when the last stream has finished."""
        with self._lock:
            self._is_closing = True
            self._close_if_done()

    @property
    def last_line(self) -> str:
        """The last line that is not blank, without control characters, at most 400 characters."""
        with self._lock:
            text = self._tail.decode("utf-8", "replace")
        for line in reversed(re.split(r"[\r\n]+", text)):
            plain = _CONTROL.sub("", _SEQUENCE.sub("", line)).strip()
            if plain:
                return plain[:_LAST_LINE_CHARACTERS]
        return ""

    def _stream_finished(self) -> None:
        with self._lock:
            self._open_streams -= 1
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._is_closing and self._open_streams == 0 and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _append(self, data: bytes) -> None:
        if not data:
            return
        with self._lock:
            if self.truncated or self.problem is not None or self._descriptor is None:
                return
            room = self._max_bytes - self.size
            if len(data) > room:
                self.truncated = True
                data = data[: max(0, room)] + (
                    b"\n[prodigy: the log ends here, at %d bytes; later output was dropped]\n"
                    % self._max_bytes
                )
            self._tail = (self._tail + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            try:
                _write_all(self._descriptor, data)
            except OSError as error:
                self.problem = error
                return
            self.size += len(data)


class LogStream:
    """One stream of output on its way into a log."""

    def __init__(self, log: StepLog, masker: StreamMasker) -> None:
        self._log = log
        self._masker = masker

    def feed(self, data: bytes) -> None:
        self._log._append(self._masker.feed(data))

    def finish(self) -> None:
        """The stream has ended; what could have begun a secret is written now."""
        self._log._append(self._masker.finish())
        self._log._stream_finished()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
