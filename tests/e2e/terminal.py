"""A terminal for tests: a program in a pseudo-terminal, and the screen that its output draws."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from rich.cells import cell_len

from tests.program import wait_until

T = TypeVar("T")
DEADLINE_SECONDS = 30.0
WRAP, CURSOR, ALTERNATE = 7, 25, 1049
"""Private modes: lines wrap, the cursor is shown, the alternate screen."""
_AS_IT_WAS = frozenset({WRAP, CURSOR})
_LONGEST_PENDING = 4096
_TOKEN = re.compile(
    r"\x1b\[(?P<private>[<=>?]?)(?P<numbers>[\d;:]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\](?P<command>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[P^_X][^\x1b]*\x1b\\"
    r"|\x1b[()*+].|\x1b[=>78cDEHMNOZ\\]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_TAKE_TERMINAL = 'terminal=$1; shift; exec <"$terminal" >"$terminal" 2>&1; exec "$@"'
"""The first terminal a session leader opens becomes its own."""


class Screen:
    """What a terminal shows after some output: enough of ECMA-48 for a shell and a dashboard."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.modes = set(_AS_IT_WAS)
        """The private modes that are on."""
        self.commands: list[str] = []
        """What it was told by operating system commands (OSC): titles, notifications."""
        self.bells = 0
        self._lines = self._blank()
        self._main = self._blank()
        self._x = self._y = 0
        self._kept = (0, 0)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._pending = ""

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]

    @property
    def lines(self) -> list[str]:
        return ["".join(line).rstrip() for line in self._lines]

    def resize(self, columns: int, rows: int) -> None:
        """Forget what is shown: the program draws it anew."""
        self.columns, self.rows = columns, rows
        self._lines, self._main = self._blank(), self._blank()
        self._x = self._y = 0

    def feed(self, data: bytes) -> None:
        """Take output, as far as its last whole sequence."""
        text = self._pending + self._decode(data)
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                if len(text) - at < _LONGEST_PENDING:
                    break
                at += 1
                continue
            at = found.end()
            self._take(found)
        self._pending = text[at:]

    def _take(self, found: re.Match[str]) -> None:
        if found["text"]:
            for character in found["text"]:
                self._put(character)
        elif found["control"]:
            self._control(found["control"])
        elif found["command"] is not None:
            self.commands.append(found["command"])
        elif found["final"]:
            numbers = [int(one) if one.isdigit() else 0 for one in found["numbers"].split(";")]
            self._sequence(found["private"], numbers, found["final"])

    def _put(self, character: str) -> None:
        width = cell_len(character)
        if width == 0:
            if self._x:
                self._lines[self._y][self._x - 1] += character
            return
        if self._x + width > self.columns:
            if WRAP in self.modes:
                self._x = 0
                self._down()
            else:
                self._x = self.columns - width
        cells = self._lines[self._y]
        cells[self._x : self._x + width] = [character, *[""] * (width - 1)]
        self._x += width

    def _down(self) -> None:
        if self._y < self.rows - 1:
            self._y += 1
        else:
            self._lines = [*self._lines[1:], [" "] * self.columns]

    def _control(self, character: str) -> None:
        if character == "\n":
            self._down()
        elif character == "\r":
            self._x = 0
        elif character == "\b":
            self._x = max(0, self._x - 1)
        elif character == "\t":
            self._x = min(self.columns - 1, (self._x // 8 + 1) * 8)
        elif character == "\a":
            self.bells += 1

    def _sequence(self, private: str, numbers: Sequence[int], final: str) -> None:
        many = max(1, numbers[0])
        if private == "?" and final in "hl":
            for number in numbers:
                self._switch(number, final == "h")
        elif private:
            return
        elif final in "Hf":
            self._go((numbers[1] if len(numbers) > 1 else 1) - 1, numbers[0] - 1)
        elif final in "ABCD":
            x, y = {"A": (0, -many), "B": (0, many), "C": (many, 0), "D": (-many, 0)}[final]
            self._go(self._x + x, self._y + y)
        elif final in "Gd":
            self._go(many - 1, self._y) if final == "G" else self._go(self._x, many - 1)
        elif final == "K":
            self._erase(self._y, *self._span(numbers[0], self._x, self.columns))
        elif final == "J":
            for y in range(*self._span(numbers[0], self._y, self.rows)):
                self._erase(y, 0, self.columns)

    @staticmethod
    def _span(kind: int, at: int, end: int) -> tuple[int, int]:
        return {0: (at, end), 1: (0, at + 1)}.get(kind, (0, end))

    def _erase(self, y: int, start: int, end: int) -> None:
        self._lines[y][start:end] = [" "] * (end - start)

    def _go(self, x: int, y: int) -> None:
        self._x = max(0, min(x, self.columns - 1))
        self._y = max(0, min(y, self.rows - 1))

    def _switch(self, mode: int, on: bool) -> None:
        if mode == ALTERNATE and on != (mode in self.modes):
            if on:
                self._main, self._lines = self._lines, self._blank()
                self._kept = (self._x, self._y)
            else:
                self._lines = self._main
                self._go(*self._kept)
        (self.modes.add if on else self.modes.discard)(mode)


class Terminal:
    """A program in a terminal of its own. What it draws is taken at all times.

    Args:
        command: the program and its arguments.
        directory: where it starts.
        env: variables over those of the test; an empty value removes one.
        size: columns and rows.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (120, 40),
    ) -> None:
        self.screen = Screen(*size)
        self.drawn = bytearray()
        """Everything it has ever printed."""
        self._master, self._slave = pty.openpty()
        self._set_size(*size)
        self._settings = termios.tcgetattr(self._slave)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "", **(env or {})}
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", _TAKE_TERMINAL, "sh", os.ttyname(self._slave), *command],
            cwd=directory,
            env={name: value for name, value in environment.items() if value},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._closing.is_set():
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            with self._lock:
                try:
                    data = os.read(self._master, 65_536)
                except OSError:
                    return
                self.drawn += data
                self.screen.feed(data)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # -- looking

    @property
    def text(self) -> str:
        """The screen as it is."""
        with self._lock:
            return "\n".join(self.screen.lines)

    def line_of(self, word: str) -> str:
        """The first line of the screen with some word; empty when there is none."""
        return next((line for line in self.text.splitlines() if word in line), "")

    def wait(self, holds: Callable[[], T], what: str, *, every: float = 0.02) -> T:
        """Wait for something; what is on the screen is told when it does not come."""

        def so_or_ended() -> T:
            ended = self.process.poll() is not None
            found = holds()
            if ended and not found:
                raise AssertionError(f"the program ended while this was waited for: {what}")
            return found

        try:
            return wait_until(so_or_ended, what, seconds=DEADLINE_SECONDS, every=every)
        except AssertionError as error:
            raise AssertionError(f"{error}; on the screen:\n{self.text}") from None

    def shows(self, *words: str) -> None:
        """Wait until all of these are on the screen together."""

        def found() -> bool:
            text = self.text
            return all(word in text for word in words)

        self.wait(found, f"on the screen: {words}")

    def shows_line(self, *words: str) -> None:
        """Wait until all of these are in one line of the screen."""

        def found() -> bool:
            lines = self.text.splitlines()
            return any(all(word in line for word in words) for line in lines)

        self.wait(found, f"in one line: {words}")

    def hides(self, words: str) -> None:
        """Wait until something is no longer on the screen."""
        self.wait(lambda: words not in self.text, f"not on the screen: {words!r}")

    def is_as_it_was(self) -> bool:
        """Whether every mode and setting is as before the program began."""
        with self._lock:
            modes = self.screen.modes == _AS_IT_WAS
        return modes and termios.tcgetattr(self._slave) == self._settings

    # -- doing

    def press(self, *keys: str) -> None:
        """Type keys, each as its own piece of input."""
        for key in keys:
            os.write(self._master, key.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size, and wait until something is drawn for it."""
        with self._lock:
            self.screen.resize(columns, rows)
        self._set_size(columns, rows)
        self.wait(lambda: self.text.strip(), "it is drawn anew")

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        self._closing.set()
        self._reader.join()
        os.close(self._slave)
        os.close(self._master)

    def exit_code(self) -> int:
        """Wait for the end of the program, and of what it printed."""
        try:
            code = self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end; on the screen:\n{self.text}") from None
        if not self._closing.is_set():
            wait_until(lambda: not select.select([self._master], [], [], 0)[0], "all is read")
        return code

    def close(self) -> None:
        """End whatever is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if not self._closing.is_set():
            self.hang_up()
