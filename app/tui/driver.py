"""Textual's driver of a terminal, able to lose its terminal."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO

from textual.constants import DRIVER
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver


class MayVanish:
    """A stream of which what cannot be written is dropped.

    Textual writes in a thread. An error would end that thread, and the loop would wait for ever
    for room in its queue: a process nobody sees, with nobody to end it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if there is still somebody who reads."""
        with suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if there is still somebody who reads."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class TerminalDriver(LinuxDriver):
    """Goes on when its terminal is closed, until the signal that tells of it is heard."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._file: Any = MayVanish(self._file)


def driver_class() -> type[Driver] | None:
    """The driver for a terminal; None leaves it to Textual, as in a browser."""
    return TerminalDriver if DRIVER is None else None
