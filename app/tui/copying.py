"""Copying a text: the system's clipboard, else tmux, else the terminal itself, else a file."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping

from app.tui.board import Board
from app.tui.doing import Refused
from app.tui.terminal import through_multiplexer
from app.tui.typed import tilde
from store.atomic import make_directory, replace_file
from store.errors import StoreError

COPIED = "copied.txt"
LONGEST_SEQUENCE = 74_994
"""Bytes of base64; terminals drop longer ones without a word."""
_SECONDS = 2.0
_PROGRAMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("WSL_DISTRO_NAME", ("clip.exe",)),
)
_NO_CLIPBOARD = frozenset({"", "dumb", "linux"})
"""Terminals that know no such sequence."""


def copy_out(board: Board, what: str, wanted: str | Callable[[], str]) -> None:
    """Copy a text, off the loop, and say which way it went.

    Args:
        board: where to say it.
        what: what it is, in a sentence: ``Copied the branch …``.
        wanted: the text, or how to get it, which may block and may raise ``Refused``.
    """
    environment = board.editor_environment

    def run() -> None:
        try:
            text = wanted if isinstance(wanted, str) else wanted()
        except Refused as refused:
            board.call_from_thread(board.say, str(refused), "error")
            return
        board.call_from_thread(finish, text, by_program(text, environment))

    def finish(text: str, program: str | None) -> None:
        lines = text.rstrip("\n").count("\n") + 1
        told = f"the {what}, {lines} lines," if lines > 1 else f"the {what}"
        if program is not None:
            board.say(f"Copied {told} through {program}.")
        elif by_terminal(board, text, environment):
            board.say(f"Copied {told} through the terminal (OSC 52).")
        else:
            board.say(_to_file(board, text), "warn")

    board.screen.run_worker(run, thread=True, group="copy", exit_on_error=False)


def by_program(text: str, environment: Mapping[str, str]) -> str | None:
    """Hand a text to a program that keeps the clipboard; its name, or None when there is none.

    Over ssh the clipboard of this machine is not the person's, so only tmux is asked there.
    """
    for command in _commands(environment):
        if shutil.which(command[0], path=environment.get("PATH")) is None:
            continue
        try:
            done = subprocess.run(
                command, input=text.encode("utf-8", "replace"), env=dict(environment),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return command[0]
    return None


def _commands(environment: Mapping[str, str]) -> list[tuple[str, ...]]:
    far = "SSH_CONNECTION" in environment or "SSH_TTY" in environment
    found = [command for name, command in _PROGRAMS if environment.get(name) and not far]
    if sys.platform == "darwin" and not far:
        found.append(("pbcopy",))
    if environment.get("TMUX"):
        found.append(("tmux", "load-buffer", "-w", "-"))
    return found


def by_terminal(board: Board, text: str, environment: Mapping[str, str]) -> bool:
    """Give a text to the terminal, through tmux or screen where one is between; False if not."""
    encoded = base64.b64encode(text.encode("utf-8", "replace"))
    known = environment.get("TERM", "") not in _NO_CLIPBOARD
    in_browser = "web_driver" in environment.get("TEXTUAL_DRIVER", "")
    if len(encoded) > LONGEST_SEQUENCE or not (known or in_browser):
        return False
    board.copy_to_clipboard(text)
    sequence = f"\x1b]52;c;{encoded.decode('ascii')}\x07"
    passed = through_multiplexer(sequence, environment)
    if passed != sequence:
        board.write_to_terminal(passed)
    return True


def _to_file(board: Board, text: str) -> str:
    """Leave a text in the home; what to say about it."""
    backend = board.backend
    path = backend.home.root / COPIED
    if board.blocked:
        return f"Could not reach the clipboard; {board.blocked}."
    try:
        make_directory(path.parent)
        replace_file(path, text.encode("utf-8", "replace"))
    except (StoreError, OSError) as error:
        return f"Could not reach the clipboard, nor write {tilde(path)}: {error}"
    return f"Could not reach the clipboard. The text is in {tilde(path)}"
