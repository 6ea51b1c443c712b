"""Questions in a real terminal, and the safe answer without one."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.app.cli.calling import CommandLine
from tests.program import command
from tests.world import World

COMMITS = "- shell: echo kept > kept.txt && git add . && git commit -q -m kept\n"


class Typed:
    """A program at a terminal: what it shows, and typing."""

    def __init__(self, directory: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        environment = {**os.environ, **(env or {}), "TERM": "xterm-256color", "COLUMNS": "100"}
        self._process = subprocess.Popen(
            [*command(), *arguments],
            cwd=directory,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_controlling_terminal,
        )
        os.close(slave)
        self.shown = ""

    def wait_for(self, text: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, f"never saw {text!r} in:\n{self.shown}"
            self._read(0.1)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def finish(self, seconds: float = 20) -> int:
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"did not end:\n{self.shown}"
            self._read(0.05)
        self._read(0.05)
        os.close(self._master)
        return self._process.returncode

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            try:
                self.shown += os.read(self._master, 65536).decode(errors="replace")
            except OSError:
                time.sleep(0.01)


def _controlling_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize(
    ("keys", "merge_state", "exit_code"),
    [
        ("y\r", "merged", 0),
        ("\r", "merged", 0),
        ("n\r", "declined", 0),
        ("what\rno\r", "declined", 0),
        ("\x04", "pending", 0),
        ("\x03", "pending", 130),
    ],
    ids=["yes", "enter", "no", "nonsense then no", "end of input", "ctrl-c"],
)
def test_only_a_no_declines_a_merge(
    world: World, keys: str, merge_state: str, exit_code: int
) -> None:
    typed = Typed(world.repository, "run", str(world.workflow(COMMITS)))
    typed.wait_for("to main [Y/n]: ")
    typed.type(keys)
    assert typed.finish() == exit_code, typed.shown
    assert world.record()["metadata"]["merge"] == merge_state
    assert "Session complete" in typed.shown


def test_in_ci_nobody_is_asked(world: World) -> None:
    typed = Typed(world.repository, "run", str(world.workflow(COMMITS)), env={"CI": "1"})
    assert typed.finish() == 0
    assert "[Y/n]" not in typed.shown
    assert world.record()["metadata"]["merge"] == "pending"


def test_cancel_asks_and_a_no_changes_nothing(world: World) -> None:
    world.run("- shell: exit 1\n").expect(1)
    for keys in ("n\r", "\r", "\x04"):
        typed = Typed(world.repository, "cancel", world.only_id)
        typed.wait_for("[y/N]: ")
        typed.type(keys)
        assert typed.finish() == 0
    typed = Typed(world.repository, "cancel", world.only_id)
    typed.wait_for("[y/N]: ")
    typed.type("\x03")
    assert typed.finish() == 130
    assert world.record()["status"] == "Failed"
    typed = Typed(world.repository, "cancel", world.only_id)
    typed.wait_for("[y/N]: ")
    typed.type("y\r")
    assert typed.finish() == 0
    assert world.record()["status"] == "Cancelled"


def test_without_a_terminal_nothing_final_happens(call: CommandLine, failed: str) -> None:
    done = call("cancel", failed).expect(0)
    assert "nobody to ask" in done.stderr
