"""The dashboard in a real terminal: it leaves it as it was, whatever ends it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from store.home import Home

ROOT = Path(__file__).resolve().parents[3]
CODE = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from prodigy_entry import prodigy_tui"
LEAVES = b"\x1b[?1049l"
"""Back from the alternate screen."""
SHOWS_CURSOR = b"\x1b[?25h"


@pytest.mark.parametrize(
    ("ends_by", "code"),
    [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["q", "SIGTERM", "SIGHUP"],
)
def test_the_terminal_is_as_it_was(home: Home, ends_by: str | int, code: int) -> None:
    home.sessions.mkdir(parents=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        arguments = [sys.executable, "-c", f"{CODE}; prodigy_tui()", "--home", str(home.root)]
        os.execv(sys.executable, arguments)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = _read(terminal, until=b"No runs yet")
    if isinstance(ends_by, str):
        os.write(terminal, ends_by.encode())
    else:
        os.kill(pid, ends_by)
    seen += _read(terminal, until=None)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert LEAVES in seen and SHOWS_CURSOR in seen[seen.rindex(b"No runs yet") :]
    assert os.waitstatus_to_exitcode(status) == code


def _read(terminal: int, until: bytes | None) -> bytes:
    """What is printed until some text, or to the end."""
    seen = b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return seen
        seen += piece
        if not piece or (until is not None and until in seen):
            return seen
    raise AssertionError(f"not seen within 20 s: {until!r}; the screen ended {seen[-500:]!r}")
