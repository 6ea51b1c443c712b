"""A stream that goes silent when nobody reads it any more, so that showing never stops a run."""

from __future__ import annotations

import threading
from typing import TextIO


class ForgivingStream:
    """Writes to a terminal or pipe until that fails once, or until it is told to be silent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.is_silent = False

    @property
    def encoding(self) -> str:
        return self._stream.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write and flush; after a failure nothing is written any more."""
        with self._lock:
            if not self.is_silent:
                try:
                    self._stream.write(text)
                    self._stream.flush()
                except (OSError, ValueError):
                    self.silence()
        return len(text)

    def line(self, text: str) -> None:
        """One whole line."""
        self.write(f"{text}\n")

    def flush(self) -> None:
        """Every write is flushed already."""

    def isatty(self) -> bool:
        try:
            return not self.is_silent and self._stream.isatty()
        except ValueError:
            return False

    def fileno(self) -> int:
        return self._stream.fileno()

    def silence(self) -> None:
        """Write nothing from here on: the reader or the terminal is gone."""
        self.is_silent = True
