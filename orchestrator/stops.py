"""What may stop a run: signals and requests, the strongest of which is obeyed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from orchestrator.steps.stopping import StopSignal
from store.states import StopKind


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody wants the run to stop."""

    kind: StopKind
    by: dict[str, object]
    """Tool, pid, host and user of whoever asked, as far as known."""

    @property
    def immediate(self) -> bool:
        """Whether the step under way is ended; otherwise it is waited for."""
        return self.kind is not StopKind.PAUSE

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.kind, 130)


_EXIT_CODES = {
    StopKind.SIGTERM: 143,
    StopKind.SIGHUP: 129,
    StopKind.CANCEL: 1,
    StopKind.CHECKPOINT_FAILED: 1,
    StopKind.INTERNAL_ERROR: 1,
}
_STRENGTH = {
    StopKind.PAUSE: 1,
    StopKind.PAUSE_NOW: 2,
    StopKind.SIGINT: 3,
    StopKind.SIGHUP: 3,
    StopKind.SIGTERM: 3,
    StopKind.CANCEL: 4,
}


class RunStopped(Exception):
    """Unwinds the run to where the stop is recorded."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.kind)
        self.stop = stop


class Stops:
    """Collects wishes to stop, from any thread or signal handler, and keeps the strongest."""

    def __init__(self, noticed: Callable[[Stop], None]) -> None:
        self.now = StopSignal()
        """Set when the step under way is to be ended."""
        self.any = StopSignal()
        """Set by any wish: a wait in which nothing runs ends at once."""
        self._wish: Stop | None = None
        self._guard = threading.RLock()
        self._noticed = noticed

    @property
    def wish(self) -> Stop | None:
        return self._wish

    def ask(self, stop: Stop) -> None:
        """Take note of a wish; a weaker one than is already known changes nothing."""
        with self._guard:
            known = self._wish
            if known is not None and _strength(known) >= _strength(stop):
                return
            self._wish = stop
        self.any.set(stop.kind)
        if stop.immediate:
            self.now.set(stop.kind)
        self._noticed(stop)

    def check_boundary(self) -> None:
        """Between two steps: stop if anybody wants it.

        Raises:
            RunStopped: somebody does.
        """
        if self._wish is not None:
            raise RunStopped(self._wish)

    def check_now(self) -> None:
        """Within a step: stop if that cannot wait for its end.

        Raises:
            RunStopped: it cannot.
        """
        if self._wish is not None and self._wish.immediate:
            raise RunStopped(self._wish)


def _strength(stop: Stop) -> int:
    return _STRENGTH.get(stop.kind, 5)


_SIGNAL_KINDS = {
    signal.SIGINT: StopKind.SIGINT,
    signal.SIGTERM: StopKind.SIGTERM,
    signal.SIGHUP: StopKind.SIGHUP,
}


class SignalWatch:
    """Turns SIGINT, SIGTERM and SIGHUP into wishes while it is entered.

    A signal that was ignored at our start (``nohup``, a background job of ``sh``) stays ignored. A
    second SIGINT calls ``abandon`` and leaves the process with 130 at once.
    """

    def __init__(self, stops: Stops, abandon: Callable[[], None]) -> None:
        self._stops = stops
        self._abandon = abandon
        self._previous: dict[signal.Signals, object] = {}
        self._interrupted = False

    def __enter__(self) -> SignalWatch:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNAL_KINDS:
                previous = signal.getsignal(number)
                if previous is not signal.SIG_IGN:
                    self._previous[number] = previous
                    signal.signal(number, self._arrived)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        kind = _SIGNAL_KINDS[signal.Signals(number)]
        if kind is StopKind.SIGINT:
            if self._interrupted:
                self._abandon()
                os._exit(130)
            self._interrupted = True
        self._stops.ask(Stop(kind, {"tool": "signal", "pid": os.getpid()}))
