"""Follows the log of the running step and passes on its lines, for ``-v``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from app.cli.log_text import readable_line, without_colors

_LOOK_SECONDS = 0.2
_READ_BYTES = 1 << 20
_MAX_LINE = 4096


class LiveOutput:
    """One thread that looks at one log at a time."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._log: Path | None = None
        self._rest = b""
        self._offset = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="live output", daemon=True)
        self._thread.start()

    def follow(self, log: Path | None) -> None:
        """Go on with another log; what is left of the present one is passed on first."""
        with self._lock:
            self._pass_on()
            self._log, self._offset, self._rest = log, 0, b""

    def stop(self) -> None:
        """Pass on what is left and end."""
        self._over.set()
        self._thread.join(timeout=2)

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            with self._lock:
                self._pass_on()
        with self._lock:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._log is None:
            return
        try:
            with self._log.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_READ_BYTES)
        except OSError:
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line[:_MAX_LINE].decode(errors="replace") if len(line) > _MAX_LINE else None
            shown = [text] if text is not None else readable_line(line.decode(errors="replace"))
            for one in shown:
                self._tell(f"  | {without_colors(one)}")
