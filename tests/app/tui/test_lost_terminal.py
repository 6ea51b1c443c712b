"""A dashboard whose terminal was closed ends; none is left behind unseen."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from contextlib import suppress

from store.home import Home
from tests.program import command, wait_until

HUNG_UP = 129


def test_a_closed_terminal_ends_it_whatever_was_still_to_be_drawn(home: Home) -> None:
    home.sessions.mkdir(parents=True)
    words = [*command("prodigy-tui"), "--home", str(home.root)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(words[0], words, {**os.environ, "TERM": "xterm-256color"})
    codes: list[int] = []
    try:
        seen = bytearray()
        wait_until(lambda: b"No runs yet" in add(seen, read(terminal)), "it is shown")
        os.write(terminal, b"?")
        for _ in range(120):  # what it draws for them nobody reads, so it comes to wait for room
            os.write(terminal, b"a")
            time.sleep(0.015)
        os.close(terminal)
        wait_until(lambda: has_ended(pid, codes), "it ends without its terminal")
    finally:
        if not codes:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert codes == [HUNG_UP]


def read(terminal: int) -> bytes:
    """What was printed meanwhile."""
    if not select.select([terminal], [], [], 0.1)[0]:
        return b""
    with suppress(OSError):
        return os.read(terminal, 65536)
    return b""


def add(seen: bytearray, piece: bytes) -> bytearray:
    seen += piece
    return seen


def has_ended(pid: int, codes: list[int]) -> bool:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        codes.append(os.waitstatus_to_exitcode(status))
    return bool(ended)
