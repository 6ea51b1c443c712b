"""The installed programs, started as a person starts them: real processes, real exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], what: str, *, seconds: float = 20.0, every: float = 0.02
) -> T:
    """Return the first true answer of the condition; fail the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for: {what}")
        time.sleep(every)


def command(program: str = "prodigy") -> list[str]:
    """How the program is started: the console script of this environment, else its module."""
    script = Path(sys.executable).parent / program
    if script.exists():
        return [str(script)]
    function = program.replace("-", "_")
    load = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        f"import prodigy_entry; sys.argv[0] = {program!r}; sys.exit(prodigy_entry.{function}())"
    )
    return [sys.executable, "-c", load]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended and what it printed."""

    arguments: tuple[str, ...]
    exit_code: int
    """Negative for death by a signal, as ``subprocess`` has it."""
    stdout: str
    stderr: str

    def __str__(self) -> str:
        line = " ".join(self.arguments)
        return (
            f"$ {line}\nexit {self.exit_code}\n-- stdout\n{self.stdout}\n-- stderr\n{self.stderr}"
        )

    def expect(self, exit_code: int) -> Finished:
        """Fail, showing everything, unless it ended so."""
        assert self.exit_code == exit_code, f"expected exit {exit_code}:\n{self}"
        return self


@dataclass(slots=True)
class Started:
    """A program that is running; its output goes to files, so it can never block on us."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    stdout_file: Path
    stderr_file: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stdout(self) -> str:
        return self.stdout_file.read_text("utf-8", "replace")

    @property
    def stderr(self) -> str:
        return self.stderr_file.read_text("utf-8", "replace")

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """``kill -9``, and wait for the end."""
        self.process.kill()
        self.process.wait()

    def finish(self, timeout: float = 60) -> Finished:
        """Wait for its end; one that does not come is killed and fails the test."""
        try:
            exit_code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"did not end within {timeout:g} s: {' '.join(self.arguments)}\n"
                f"-- stdout\n{self.stdout}\n-- stderr\n{self.stderr}"
            ) from None
        return Finished(self.arguments, exit_code, self.stdout, self.stderr)


@dataclass(slots=True)
class Program:
    """Starts ``prodigy`` (or another of our programs) in a directory of a test."""

    directory: Path
    """Where it is started, unless told otherwise."""
    outputs: Path
    """Where the output of started programs goes."""
    name: str = "prodigy"
    _running: list[Started] = field(default_factory=list)

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Finished:
        """Run it to its end."""
        return self.start(*arguments, cwd=cwd, env=env).finish(timeout)

    def start(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        ignore: Sequence[int] = (),
    ) -> Started:
        """Start it in a session of its own, without a terminal.

        Args:
            arguments: of the program.
            cwd: where; the directory of this object by default.
            env: variables over those of the test; an empty value removes one.
            prefix: words before the program, such as ``("nohup",)``.
            ignore: signals it finds ignored when it starts.
        """
        environment = {**os.environ, **(env or {})}
        for name in [name for name, value in (env or {}).items() if value == ""]:
            del environment[name]
        words = tuple(str(argument) for argument in arguments)
        self.outputs.mkdir(parents=True, exist_ok=True)
        number = len(self._running)
        stdout_file = self.outputs / f"{number}.out"
        stderr_file = self.outputs / f"{number}.err"
        kept = {number: signal.signal(number, signal.SIG_IGN) for number in ignore}
        try:
            with stdout_file.open("wb") as out, stderr_file.open("wb") as err:
                process = subprocess.Popen(
                    [*prefix, *command(self.name), *words],
                    cwd=cwd or self.directory,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
        started = Started((self.name, *words), process, stdout_file, stderr_file)
        self._running.append(started)
        return started

    def end_all(self) -> None:
        """Kill what a failed test left running."""
        for started in self._running:
            if started.is_running:
                started.kill()
