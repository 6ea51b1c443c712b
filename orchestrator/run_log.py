"""The run's own diagnostics in ``logs/run.log``: what helps when something of ours fails."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from orchestrator.steps.masking import Secrets
from store.atomic import make_directory
from store.errors import StoreError
from store.times import to_text, utc_now


class RunLog:
    """Appends masked lines with time and session; a log that cannot be written is done without."""

    def __init__(self, path: Path, session_id: str, secrets: Secrets) -> None:
        self._session_id = session_id
        self._secrets = secrets
        self._guard = threading.Lock()
        self._descriptor = -1
        try:
            make_directory(path.parent)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)
        except (OSError, StoreError):
            pass

    def write(self, text: str) -> None:
        """Append a message; each of its lines gets the time and the session."""
        if self._descriptor < 0:
            return
        head = f"{to_text(utc_now())} {self._session_id} "
        lines = self._secrets.mask_text(text.rstrip("\n")).split("\n")
        data = "".join(f"{head}{line}\n" for line in lines).encode("utf-8", "replace")
        with self._guard:
            try:
                os.write(self._descriptor, data)
            except OSError:
                self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
