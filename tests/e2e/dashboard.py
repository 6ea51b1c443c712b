"""The dashboard in a terminal, and runs that wait for the tests."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.program import command, wait_until
from tests.world import World, marked

ENTER, ESCAPE, START, SUSPEND = "\r", "\x1b", "\x13", "\x1a"
UP, DOWN = "\x1b[A", "\x1b[B"
# The second step waits for the file gate-NAME; a helper of its own outlives its shell.
WAITS = """\
name: {name}
commands:
  - shell: echo first of {name}
  - name: waiting
    shell: |
      echo waiting for {name}
      setsid sleep 600 &
      until [ -e "{place}/gate-{name}" ]; do sleep 0.05; done
      kill $!
  - shell: echo last of {name}
"""


def offer(world: World, *names: str) -> None:
    """Put workflows that wait into the repository."""
    directory = world.repository / "workflows"
    directory.mkdir(exist_ok=True)
    for name in names:
        text = WAITS.format(name=name, place=world.repository.parent)
        (directory / f"{name}.yml").write_text(text, encoding="utf-8")


def open_gate(world: World, *names: str) -> None:
    """Let runs of these workflows go on."""
    for name in names:
        (world.repository.parent / f"gate-{name}").touch()


def run_ids(world: World) -> dict[str, str]:
    """The session of each workflow that was started, by its name."""
    found = {}
    for record in world.records:
        with suppress(OSError, ValueError):
            data = json.loads(record.read_text("utf-8"))
            found[str(data["workflow_data"]["workflow_name"])] = record.stem
    return found


def owner_pid(world: World, run_id: str) -> int:
    """The process that runs a session."""
    return int(json.loads(world.home.owner_file(run_id).read_text("utf-8"))["pid"])


def kill_owner(world: World, run_id: str) -> None:
    os.kill(owner_pid(world, run_id), signal.SIGKILL)


def start_detached(world: World, name: str) -> str:
    """Start a run from the command line, and wait until it is in its second step."""
    file = world.repository / "workflows" / f"{name}.yml"
    world.prodigy("run", file, "--detach").expect(0)
    run_id = run_ids(world)[name]

    def is_recorded() -> bool:
        x = world.record(run_id)["metadata"]["x_prodigy"]
        return (x.get("step") or {}).get("index") == 1

    wait_until(is_recorded, f"{name} is in its second step")
    return run_id


def assert_nothing_of_it_runs(run_id: str) -> None:
    wait_until(lambda: not marked(run_id), "no process of the run is left")


@contextmanager
def dashboard(
    world: World,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    size: tuple[int, int] = (120, 40),
) -> Iterator[Terminal]:
    """The dashboard in a terminal of its own, which is closed afterwards."""
    words = [*command("prodigy-tui"), *map(str, arguments)]
    terminal = Terminal(words, world.repository, env, size)
    try:
        yield terminal
    finally:
        terminal.close()


def start(terminal: Terminal, name: str) -> None:
    """Start a run from the form, and wait until the list has it in its second step."""
    terminal.press("n")
    terminal.shows("find a workflow", "Begins at")
    _put_cursor(terminal, rf"[▌ ] +{name} ")
    terminal.shows(f"{name}  workflows/{name}.yml", "ctrl+s starts it")
    terminal.press(START)
    terminal.shows_line("running", name, "2/3", "waiting")


def select(terminal: Terminal, name: str) -> None:
    """Put the cursor of the list on the session of a workflow."""
    _put_cursor(terminal, rf".* {name} .*\d/\d")


def _put_cursor(terminal: Terminal, wanted: str) -> None:
    """Move the cursor to the first line that looks so."""

    def is_there() -> bool:
        lines = list(enumerate(terminal.text.splitlines()))
        cursor = next((y for y, line in lines if line.startswith("▌")), None)
        target = next((y for y, line in lines if re.match(wanted, line)), None)
        if cursor is None or target is None:
            return False
        if cursor != target:
            terminal.press(DOWN if cursor < target else UP)
        return cursor == target

    terminal.wait(is_there, f"the cursor is on {wanted}", every=0.2)
