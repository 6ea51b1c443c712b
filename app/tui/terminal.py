"""What the dashboard owes the terminal it runs in, and lending it to another program."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

STOP_CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129}
INTERRUPTED = 130


def keep_in_order(app: App[Any]) -> None:
    """Leave the terminal as it was on signals that end us, and take it back after one that stops.

    Textual leaves it as it is on these signals.
    """
    if app.is_headless:
        return
    loop = asyncio.get_running_loop()
    for number, code in STOP_CODES.items():
        loop.add_signal_handler(number, partial(app.exit, code, return_code=code))
    # Not by the loop: it would hear later of one that came while the terminal was lent.
    leave = partial(app.exit, INTERRUPTED, return_code=INTERRUPTED)
    signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(leave))
    _Job(app, loop).follow_signals()


class _Job:
    """Stops and goes on as a job of a shell does, always on the loop.

    Textual does it in the handler of the signal, which may come while it holds a lock it then waits
    for; and it begins a second time when it was stopped without having been asked (SIGSTOP).
    """

    def __init__(self, app: App[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop
        self._is_stopped = False

    def follow_signals(self) -> None:
        signal.signal(signal.SIGTSTP, lambda *_: self._soon(self._stop))
        signal.signal(signal.SIGCONT, lambda *_: self._soon(self._take_back))

    def _soon(self, call: Callable[[], None]) -> None:
        if not self._is_stopped:
            self._loop.call_soon_threadsafe(call)

    def _stop(self) -> None:
        driver = self._app._driver
        if driver is None or not driver.can_suspend:
            return
        self._is_stopped = True
        driver.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)
        while _is_of_another_job():
            os.kill(os.getpid(), signal.SIGSTOP)
        driver.resume_application_mode()
        self._is_stopped = False
        self._app.refresh(layout=True)

    def _take_back(self) -> None:
        """The shell may have changed the settings of the terminal meanwhile."""
        driver = self._app._driver
        if driver is None or not driver.can_suspend or _is_of_another_job():
            return
        driver.suspend_application_mode()
        driver.resume_application_mode()
        self._app.refresh(layout=True)


def _is_of_another_job() -> bool:
    """Whether the terminal is somebody else's now; False when it is gone."""
    try:
        return os.tcgetpgrp(0) != os.getpgrp()
    except OSError:
        return False


def through_multiplexer(sequence: str, environment: Mapping[str, str]) -> str:
    """A sequence meant for the terminal itself, past tmux or screen where one is between."""
    if environment.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return f"\x1bP{sequence}\x1b\\" if environment.get("STY") else sequence


class NotLent(Exception):
    """The other program could not be started; the text says why."""


def lend_terminal(
    app: App[Any], command: Sequence[str], *, directory: Path | None = None, words: str = ""
) -> int:
    """Give the terminal to another program until it ends.

    Args:
        app: what is on the screen now, and will be again.
        command: the program and its arguments.
        directory: where it starts.
        words: what to print before.

    Returns:
        Its exit code; negative when a signal ended it.

    Raises:
        NotLent: it cannot be started, or there is no terminal.
    """
    trouble = ""
    try:
        with app.suspend(), _signals_are_for_the_other():
            if words:
                print(words, flush=True)
            try:  # in here: what is raised through ``suspend`` leaves us without a terminal
                code = subprocess.run(command, cwd=directory, check=False).returncode
            except OSError as error:
                trouble = f"{error.filename or command[0]}: {error.strerror or error}"
    except SuspendNotSupported:
        trouble = "there is no terminal here to open it in"
    app.refresh()
    if trouble:
        raise NotLent(trouble)
    return code


@contextmanager
def _signals_are_for_the_other() -> Iterator[None]:
    """Keys that send signals are meant for the program that has the terminal.

    Handlers, not ignored: a program that is started inherits what is ignored.
    """

    def nothing(_number: int, _frame: Any) -> None:
        pass

    def stop(_number: int, _frame: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    chosen: dict[signal.Signals, Callable[[int, Any], None]] = dict.fromkeys(
        (signal.SIGINT, signal.SIGQUIT, signal.SIGCONT), nothing
    )
    chosen[signal.SIGTSTP] = stop
    before = {number: signal.signal(number, handler) for number, handler in chosen.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
