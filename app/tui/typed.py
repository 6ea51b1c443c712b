"""How paths, and the program itself, are typed in a terminal."""

from __future__ import annotations

import shlex
from pathlib import Path

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
