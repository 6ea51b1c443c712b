"""Opening a file in the editor somebody chose, at a line of it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

_PLUS_LINE = frozenset({"vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "kak", "joe",
                        "micro", "ne", "mg", "gvim", "pico", "jed", "vis"})  # fmt: skip
_FILE_COLON_LINE = frozenset({"hx", "helix", "subl", "zed"})
_GOTO = frozenset({"code", "codium", "code-insiders", "cursor", "windsurf"})


def editor_command(path: Path, line: int | None, environment: Mapping[str, str]) -> list[str]:
    """The command that opens a file in ``$VISUAL``, ``$EDITOR`` or vi, at a line where it can."""
    chosen = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        words = shlex.split(chosen) or ["vi"]
    except ValueError:
        words = [chosen]
    name = Path(words[0]).name
    if line is None:
        return [*words, str(path)]
    if name in _PLUS_LINE:
        return [*words, f"+{line}", str(path)]
    if name in _FILE_COLON_LINE:
        return [*words, f"{path}:{line}"]
    if name in _GOTO:
        return [*words, "--goto", f"{path}:{line}"]
    return [*words, str(path)]


def edit(app: App[Any], path: Path, line: int | None, environment: Mapping[str, str]) -> str | None:
    """Give the terminal to the editor until it ends; returns why it could not be, or None."""
    command = editor_command(path, line, environment)
    try:
        with app.suspend():
            done = subprocess.run(command, check=False)
    except SuspendNotSupported:
        return "an editor cannot be opened here"
    except OSError as error:
        return f"{command[0]}: {error.strerror or error}"
    finally:
        app.refresh()
    return None if done.returncode == 0 else f"{command[0]} ended with exit {done.returncode}"
