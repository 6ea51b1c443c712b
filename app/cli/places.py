"""Paths as people read them."""

from __future__ import annotations

import os
from pathlib import Path


def tilde(path: str | Path) -> str:
    """A path with the user's home as ``~``."""
    text = str(path)
    home = os.environ.get("HOME", "").rstrip("/")
    if home and (text == home or text.startswith(f"{home}/")):
        return f"~{text[len(home) :]}"
    return text
