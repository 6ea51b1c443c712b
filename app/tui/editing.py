"""Opening a file in the editor somebody chose, at a line of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from app.tui.terminal import NotLent, lend_terminal
from app.tui.typed import path_word

CONFIGURED = "PRODIGY_EDITOR"
"""The variable of ``default_editor`` in the configuration, for those who have set no other."""
_VARIABLES = ("VISUAL", "EDITOR", CONFIGURED)
_PLUS_LINE = frozenset({"vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "kak", "joe",
                        "micro", "ne", "mg", "gvim", "pico", "jed", "vis"})  # fmt: skip
_FILE_COLON_LINE = frozenset({"hx", "helix", "subl", "zed"})
_GOTO = frozenset({"code", "codium", "code-insiders", "cursor", "windsurf"})


def editor_command(path: Path, line: int | None, environment: Mapping[str, str]) -> list[str]:
    """The command that opens a file in the person's editor, at a line where it can."""
    words = _editor(environment)
    return [*words, *_file_at(words[0], str(path), line)]


def editor_line(path: Path, line: int | None, environment: Mapping[str, str]) -> str:
    """The same as it is typed in another terminal of the same person."""
    *options, file = _file_at(_editor(environment)[0], str(path), line)
    return " ".join((editor_word(environment), *options, path_word(file)))


def editor_word(environment: Mapping[str, str]) -> str:
    """How the editor is typed there."""
    name = _variable(environment)
    return environment[name] if name == CONFIGURED else f"${name}" if name else "vi"


def _variable(environment: Mapping[str, str]) -> str | None:
    """The variable that names the editor."""
    return next((name for name in _VARIABLES if environment.get(name)), None)


def _editor(environment: Mapping[str, str]) -> list[str]:
    name = _variable(environment)
    chosen = environment[name] if name else "vi"
    try:
        return shlex.split(chosen) or ["vi"]
    except ValueError:
        return [chosen]


def _file_at(program: str, path: str, line: int | None) -> list[str]:
    """The arguments with which an editor opens a file at a line; just the file if unknown."""
    name = Path(program).name
    if line is None:
        return [path]
    if name in _PLUS_LINE:
        return [f"+{line}", path]
    if name in _FILE_COLON_LINE:
        return [f"{path}:{line}"]
    if name in _GOTO:
        return ["--goto", f"{path}:{line}"]
    return [path]


def edit(app: App[Any], path: Path, line: int | None, environment: Mapping[str, str]) -> str | None:
    """Give the terminal to the editor until it ends; returns why it could not be, or None."""
    command = editor_command(path, line, environment)
    try:
        code = lend_terminal(app, command)
    except NotLent as error:
        return str(error)
    if code < 0:
        return f"{command[0]} ended by signal {-code}"
    return f"{command[0]} ended with exit {code}" if code else None
