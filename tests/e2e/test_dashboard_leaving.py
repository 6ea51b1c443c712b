"""Leaving the dashboard, for good or for a while: runs go on, and the terminal is as it was."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

from tests.e2e.dashboard import (
    ESCAPE,
    SUSPEND,
    assert_nothing_of_it_runs,
    dashboard,
    kill_owner,
    open_gate,
    run_ids,
    start,
    start_detached,
)
from tests.e2e.terminal import ALTERNATE, Terminal
from tests.program import command, wait_until
from tests.world import World

EDITOR = """\
#!/bin/sh
printf '%s\\n' "$@" > {place}/edited
echo the editor is here
read answer
exit "$answer"
"""


def test_however_it_is_left_runs_go_on_and_are_there_when_it_is_opened_again(runs: World) -> None:
    with dashboard(runs) as terminal:
        terminal.shows("No runs yet")
        start(terminal, "left")
        terminal.press("q")
        terminal.shows("1 run was started here and goes on when you quit.", "left", "at step 2")
        terminal.press(ESCAPE)
        terminal.hides("1 run was started here")
        terminal.press("q")
        terminal.shows("1 run was started here")
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_as_it_was()

    def told(number: signal.Signals) -> Callable[[Terminal], None]:
        return lambda terminal: terminal.process.send_signal(number)

    ends: dict[int, Callable[[Terminal], None]] = {
        129: Terminal.hang_up,
        143: told(signal.SIGTERM),
        -9: told(signal.SIGKILL),
    }
    for code, end in ends.items():
        with dashboard(runs) as terminal:
            terminal.shows_line("running", "left", "2/3")
            end(terminal)
            assert terminal.exit_code() == code
            assert code != 143 or terminal.is_as_it_was()

    with dashboard(runs) as terminal:
        terminal.shows_line("running", "left", "2/3")
        start(terminal, "right")
        terminal.press("q")
        terminal.shows("1 run was started here", "right", "p pause it first")
        terminal.press("p")
        assert terminal.exit_code() == 0
        assert terminal.is_as_it_was()
    ids = run_ids(runs)
    assert runs.state(ids["right"]) == "pausing"
    open_gate(runs, "left", "right")
    wait_until(lambda: runs.state(ids["right"]) == "paused", "the one that was asked has paused")
    wait_until(lambda: runs.state(ids["left"]) == "completed", "the other one has completed")


def test_a_shell_and_an_editor_have_the_terminal_and_give_it_back(runs: World) -> None:
    run_id = start_detached(runs, "left")
    kill_owner(runs, run_id)
    assert_nothing_of_it_runs(run_id)
    place = runs.repository.parent
    editor, shell = place / "vi", place / "shell"
    editor.write_text(EDITOR.format(place=place), encoding="utf-8")
    editor.chmod(0o755)
    shell.symlink_to("/bin/sh")
    env = {"EDITOR": str(editor), "SHELL": str(shell), "PS1": "$ "}
    with dashboard(runs, env=env) as terminal:
        terminal.shows_line("▌", "interrupted", "left")

        def edits(answer: str) -> None:
            terminal.press("e")
            terminal.shows("the editor is here")
            assert ALTERNATE not in terminal.screen.modes
            terminal.press(answer)
            terminal.shows_line("▌", "interrupted", "left")

        edits("0\n")
        workflow = runs.repository / "workflows" / "left.yml"
        assert (place / "edited").read_text() == f"+4\n{workflow}\n"
        edits("3\n")
        terminal.shows("vi ended with exit 3")
        edits("\x03")
        terminal.shows("vi ended by signal 2")
        editor.unlink()
        terminal.press("e")
        terminal.shows("vi: No such file or directory")

        terminal.press("o")
        terminal.shows("Worktree of left", "exit goes back to the dashboard")
        terminal.press(f"pwd > {place}/where\n")
        terminal.press("kill -INT $$\n")
        terminal.press("exit 7\n")
        terminal.shows_line("▌", "interrupted", "left")
        assert "exit 7" not in terminal.text
        assert (place / "where").read_text().strip() == str(runs.worktree(run_id))
        shell.unlink()
        terminal.press("o")
        terminal.shows("shell: No such file or directory")

        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_as_it_was()


def test_it_is_stopped_and_brought_back_like_any_job_of_a_shell(runs: World) -> None:
    words = [*command("prodigy-tui"), "--read-only"]
    shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
    terminal = Terminal(shell, runs.repository, {"PS1": "ready> "})
    try:
        terminal.shows("ready>")
        terminal.press(f"{shlex.join(words)}\n")
        terminal.shows("No runs yet")
        terminal.press(SUSPEND)
        terminal.shows("Stopped", "ready>")
        assert terminal.is_as_it_was()
        terminal.press("fg\n")
        terminal.shows("No runs yet", "read-only")

        os.kill(_dashboard_pid(terminal), signal.SIGSTOP)  # the shell takes the terminal
        terminal.shows_line("Stopped", "+")
        terminal.press("fg\n")
        terminal.hides("Stopped")
        terminal.wait(lambda: ALTERNATE in terminal.screen.modes, "it is back")
        terminal.shows("No runs yet", "read-only")
        terminal.press("?")
        terminal.shows("Keys", "esc close")
        terminal.press(ESCAPE)
        terminal.shows("No runs yet")
        terminal.press("q")
        terminal.wait(lambda: terminal.is_as_it_was(), "the terminal is as it was")
        terminal.press("echo code=$?\n")
        terminal.shows("code=0")
        assert terminal.is_as_it_was()
    finally:
        terminal.close()


def _dashboard_pid(terminal: Terminal) -> int:
    """The child of the shell."""
    children = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children")
    return int(children.read_text().split()[0])
