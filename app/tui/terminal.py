"""What the dashboard owes the terminal it runs in, and lending it to another program."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
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
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number, code in STOP_CODES.items():
        loop.add_signal_handler(number, partial(app.exit, code, return_code=code))
    # Not by the loop: it would hear later of one that came while the terminal was lent.
    leave = partial(app.exit, INTERRUPTED, return_code=INTERRUPTED)
    signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(leave))
    _take_back_when_continued(app)


def _take_back_when_continued(app: App[Any]) -> None:
    """Textual would begin a second time when it was stopped without having been asked (SIGSTOP)."""
    stop, go_on = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    was_asked = False

    def stopping(number: int, frame: Any) -> None:
        nonlocal was_asked
        was_asked = True
        if callable(stop):
            stop(number, frame)

    def continued(number: int, frame: Any) -> None:
        nonlocal was_asked
        asked, was_asked = was_asked, False
        driver = app._driver
        if not asked and driver is not None and _is_in_front():
            driver.suspend_application_mode()  # the shell may have changed the settings
            asked = True
        if asked and callable(go_on):
            go_on(number, frame)

    if callable(stop) and callable(go_on):  # a driver that has a terminal set them
        signal.signal(signal.SIGTSTP, stopping)
        signal.signal(signal.SIGCONT, continued)


def _is_in_front() -> bool:
    """Whether the terminal is there, and ours and not another job's."""
    try:
        return os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()  # type: ignore[union-attr]
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
