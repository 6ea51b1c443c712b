"""The flags every command understands, before and after its name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """What the global flags say. Filled while the command line is read."""

    json: bool = False
    plain: bool = False
    color: str = "auto"
    """``auto``, ``always`` or ``never``."""
    quiet: bool = False
    verbose: int = 0
    debug: bool = False
