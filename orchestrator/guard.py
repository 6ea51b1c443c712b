"""The guard: a small process that ends a run's steps when the owner of the run is killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from orchestrator.guard_process import GOODBYE
from orchestrator.steps.process_end import READS_ENVIRONMENTS

_PROGRAM = Path(__file__).with_name("guard_process.py")


class Guard:
    """Holds the pipe whose closing, without a goodbye, tells the guard that the owner is gone."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int) -> None:
        self._process = process
        self._pipe: int | None = pipe

    @classmethod
    def start(cls, session_id: str, grace_seconds: float) -> Guard:
        """Start the guard of a run that this process owns; it is not waited for.

        Raises:
            OSError: it cannot be started.
        """
        # -S keeps it small; elsewhere it needs psutil to list processes
        flags = ["-I", "-S"] if READS_ENVIRONMENTS else ["-I"]
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                [
                    sys.executable,
                    *flags,
                    str(_PROGRAM),
                    session_id,
                    str(os.getpid()),
                    f"{grace_seconds:g}",
                ],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,
            )
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        return cls(process, writing)

    @property
    def pid(self) -> int:
        return self._process.pid

    def session_started(self, session: int) -> None:
        """Tell of a new kernel session, where its members cannot be found by their marks."""
        if not READS_ENVIRONMENTS and self._pipe is not None:
            with contextlib.suppress(OSError):
                os.write(self._pipe, b"%d\n" % session)

    def goodbye(self) -> None:
        """The run has ended in order: the guard has nothing to do and goes."""
        if self._pipe is None:
            return
        with contextlib.suppress(OSError):
            os.write(self._pipe, GOODBYE)
        os.close(self._pipe)
        self._pipe = None
        self._process.wait()
