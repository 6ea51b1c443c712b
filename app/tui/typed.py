"""How paths, and the program itself, are typed in a terminal."""

from __future__ import annotations

import shlex
from pathlib import Path

from app import format as form
from store.home import Home


def tilde(path: Path) -> str:
    """A path with the user's home as ``~``."""
    home = str(Path.home())
    text = str(path)
    return f"~{text[len(home) :]}" if text == home or text.startswith(f"{home}/") else text


def path_word(path: str) -> str:
    """A path as one word of a command line, with the user's home as ``~``."""
    short = tilde(Path(path)) if path else ""
    if short.startswith("~/"):
        return f"~/{shlex.quote(short[2:])}"
    return shlex.quote(short) if short else ""


def prodigy_word(home: Home) -> str:
    """The program as it is typed in a fresh terminal, so that it acts on this home."""
    if home.root == Path.home() / ".prodigy":
        return "prodigy"
    return f"PRODIGY_HOME={path_word(str(home.root))} prodigy"


def fitted(told: str, prodigy: str, room: int) -> str:
    """A text with command lines in so many cells: the home of the program gives way first.

    Args:
        told: the text, on one line.
        prodigy: the program as :func:`prodigy_word` has it.
        room: the cells there are.
    """
    name, equals, rest = prodigy.partition("=")
    if equals and form.width(told) > room:
        told = told.replace(prodigy, f"{name}=… {rest.rpartition(' ')[2]}")
    return form.cut_middle(told, room)
