"""Shows a run while it happens: plain lines, or a live block on a terminal; never stops the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.cli.narrative import Narrative
from app.cli.output import Output
from app.cli.stream import ForgivingStream
from app.format import visible
from app.status_style import to_ascii
from orchestrator.reporting import RunEvent, StepStarted, StopAsked, Warned
from store.states import StopKind

if TYPE_CHECKING:
    from app.cli.live_block import LiveBlock
    from app.cli.live_output import LiveOutput


class Progress:
    """Receives the events of one run and shows them.

    Events may come from any thread. With ``--json`` or ``--quiet`` the narrative is off; warnings
    go to stderr all the same. After a hang-up, or when the reader went away, nothing is written.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._lock = threading.RLock()
        self._narrative = Narrative()
        self._tells = not (out.settings.json or out.settings.quiet)
        self.stdout = ForgivingStream(out.stdout)
        self.stderr = ForgivingStream(out.stderr)
        self._block: LiveBlock | None = None
        self._output: LiveOutput | None = None

    def start(self) -> None:
        """Begin to show; the live block only where a terminal can draw it."""
        if not self._tells:
            return
        if self._out.is_terminal and not self._out.settings.plain:
            from app.cli.live_block import LiveBlock

            self._block = LiveBlock(self.stdout, self._out)
            self._block.start()
        if self._out.settings.verbose:
            from app.cli.live_output import LiveOutput

            self._output = LiveOutput(self.tell_beside)

    def stop(self) -> None:
        """End the live display; what was told stays."""
        with self._lock:
            if self._output is not None:
                self._output.stop()
                self._output = None
            if self._block is not None:
                self._block.stop()
                self._block = None

    def __call__(self, event: RunEvent) -> None:
        """Show one event. Never raises: showing must not harm the run."""
        try:
            with self._lock:
                self._show(event)
        except Exception as error:  # noqa: BLE001 - a broken display is only a broken display
            self._tells = False
            self.stderr.line(f"warning: the display stopped: {error}")

    def _show(self, event: RunEvent) -> None:
        if isinstance(event, StopAsked) and StopKind.SIGHUP in (event.action, event.by):
            self.silence()
        if isinstance(event, Warned):
            self.tell_beside(f"warning: {visible(event.message)}")
        if not self._tells:
            return
        if self._block is not None:
            self._block.note(event)
        for line in self._narrative.lines(event):
            self.tell(line)
        if self._output is not None and isinstance(event, StepStarted):
            self._output.follow(event.log)

    def tell(self, line: str) -> None:
        """One line of the narrative."""
        line = to_ascii(line) if self._out.ascii else line
        if self._block is not None:
            self._block.above(line)
        else:
            self.stdout.line(line)

    def tell_beside(self, line: str) -> None:
        """One line beside the narrative, on stderr."""
        line = to_ascii(line) if self._out.ascii else line
        if self._block is not None:
            self._block.above(line)
        else:
            self.stderr.line(line)

    def silence(self) -> None:
        """The terminal is gone: write nothing more."""
        self.stdout.silence()
        self.stderr.silence()

    @property
    def is_silent(self) -> bool:
        return self.stdout.is_silent

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the live block away while a person is asked something."""
        with self._lock:
            if self._block is not None:
                self._block.stop()
            try:
                yield
            finally:
                if self._block is not None:
                    self._block.start()
