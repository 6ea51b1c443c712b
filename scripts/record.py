"""Record a short terminal session: a run fails, is looked at, repaired, resumed and merged.

``python scripts/record.py`` writes ``screenshots/session.cast`` (asciinema v2; ``asciinema play``
shows it). Everything in it happens: a shell in a terminal of its own, the real programs, a real
repository. Only waiting is cut short, and what differs between two recordings (ids, times and the
directory) is as it was on the day.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CAST = ROOT / "screenshots" / "session.cast"
WIDTH, HEIGHT = 100, 30
DEADLINE_SECONDS = 30.0
LONGEST_PAUSE = 1.6
"""Longer silences are cut to this, in seconds."""
PROMPT = r"\[\e[1;34m\]{}\[\e[0m\] $ "
_KEY_SECONDS = 0.045
_QUIET_SECONDS = 0.6
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_=>])")

WORKFLOW = """\
name: release
commands:
  - shell: echo compiling 12 files; sleep 1
  - name: check the version
    shell: |
      cat VERSION
      grep -qx '[0-9.]*' VERSION || { echo "ERROR: VERSION is a draft" >&2; exit 1; }
  - name: write the notes
    shell: echo "Release $(cat VERSION)" > NOTES; sleep 2; git add -A; git commit -qm notes
"""


class Terminal:
    """A shell in a terminal whose every output is kept with its time."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.events: list[tuple[float, str]] = []
        self._text = ""
        self._clock = 0.0
        self._last = time.monotonic()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(directory)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile"], environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))

    def _read(self, seconds: float) -> bool:
        """Take what is printed within some time; whether there was anything."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            text = self._decode(os.read(self._fd, 65536))
        except OSError:
            return False
        now = time.monotonic()
        self._clock += min(now - self._last, LONGEST_PAUSE)
        self._last = now
        self.events.append((self._clock, text))
        self._text += text
        return True

    def until(self, wanted: str) -> None:
        """Wait until something is shown, counted from the last time something was waited for."""
        self._wait(lambda: wanted in _ESCAPES.sub("", self._text), wanted)
        self._text = ""

    def until_quiet(self) -> None:
        """Wait until nothing is printed for a moment."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._read(_QUIET_SECONDS) and time.monotonic() < deadline:
            pass
        self._text = ""

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds():
            self._read(0.1)
            if time.monotonic() > deadline:
                shown = _ESCAPES.sub("", self._text)[-2000:]
                raise SystemExit(f"not shown within {DEADLINE_SECONDS:.0f} s: {what!r}\n{shown}")

    def pause(self, seconds: float) -> None:
        """Leave somebody time to read."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)
        now = time.monotonic()  # meant to be waited, so it is not cut short
        self._clock, self._last = self._clock + now - self._last, now

    def type(self, text: str) -> None:
        """Type a command as a person does, and enter it."""
        for character in text:
            os.write(self._fd, character.encode())
            self._read(_KEY_SECONDS)
            time.sleep(_KEY_SECONDS / 2)
        self.pause(0.5)
        self.press("\r")

    def press(self, key: str) -> None:
        """Press one key."""
        os.write(self._fd, key.encode())

    def close(self) -> None:
        """End the shell."""
        os.close(self._fd)
        try:
            os.kill(self._pid, signal.SIGHUP)
        except ProcessLookupError:
            pass
        os.waitpid(self._pid, 0)


def record(place: Path) -> list[tuple[float, str]]:
    """Play the whole story in a scratch directory; returns what was printed when."""
    project = place / "notes"
    project.mkdir()
    (project / "release.yml").write_text(WORKFLOW, encoding="utf-8")
    (project / "VERSION").write_text("2.1-draft\n", encoding="utf-8")
    shell = place / "shell"  # of the dashboard: no start-up file of this machine, a short prompt
    prompt = shlex.quote(PROMPT.format("worktree"))
    shell.write_text(f"#!/bin/sh\nPS1={prompt} exec bash --norc --noprofile\n", encoding="utf-8")
    shell.chmod(0o755)
    programs = Path(sys.executable).parent
    environment = {
        "HOME": str(place),
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "PRODIGY_HOME": str(place / ".prodigy"),
        "PS1": PROMPT.format(r"\w"),
        "SHELL": str(shell),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ana" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ana@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "begin"]):
        subprocess.run(["git", *words], cwd=project, env=environment, check=True)
    terminal = Terminal(project, environment)
    try:
        _play(terminal)
    finally:
        terminal.close()
    return terminal.events


def _play(terminal: Terminal) -> None:
    terminal.until("notes $")
    terminal.type("prodigy run release.yml")
    terminal.until("notes $")
    terminal.pause(2)
    terminal.type("prodigy-tui")
    terminal.until("check the version")
    terminal.until_quiet()
    terminal.pause(1.5)
    terminal.press("f")
    terminal.until("VERSION is a draft")
    terminal.until_quiet()
    terminal.pause(3)
    terminal.press("o")
    terminal.until("worktree $")
    terminal.type("echo 2.1 > VERSION")
    terminal.until("worktree $")
    terminal.type("exit")
    terminal.until("What you can do")
    terminal.until_quiet()
    terminal.pause(1)
    terminal.press("r")
    terminal.until("uncommitted file kept")
    terminal.until_quiet()
    terminal.pause(3)
    terminal.press("\r")
    terminal.until("Resumed release")
    terminal.press("\x1b")
    terminal.until("for main")
    terminal.until_quiet()
    terminal.pause(2)
    terminal.press("m")
    terminal.until("Merge into main?")
    terminal.until_quiet()
    terminal.pause(2)
    terminal.press("\r")
    terminal.until("Merged release into main")
    terminal.until_quiet()
    terminal.pause(2)
    terminal.press("q")
    terminal.until("notes $")
    terminal.pause(2)


def write_cast(events: list[tuple[float, str]], path: Path) -> None:
    """Write a recording (https://docs.asciinema.org/manual/asciicast/v2/)."""
    head = {
        "version": 2,
        "width": WIDTH,
        "height": HEIGHT,
        "title": "prodigy: a run fails, is looked at, repaired, resumed and merged",
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
    }
    lines = [json.dumps(head)]
    lines += [json.dumps([round(at, 3), "o", text], ensure_ascii=False) for at, text in events]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Record, and write the file."""
    if shutil.which("git") is None or not Path("/bin/bash").exists():
        raise SystemExit("git and /bin/bash are needed to record")
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        events = record(Path(directory))
        shown = [(at, text.replace(directory, "/home/ana")) for at, text in events]
    write_cast(shown, CAST)
    print(f"{CAST.relative_to(ROOT)}: {events[-1][0]:.0f} s")


if __name__ == "__main__":
    main()
