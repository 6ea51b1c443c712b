"""After how long without output a step counts as stalled, for everything that shows sessions."""

from __future__ import annotations

from collections.abc import Mapping

from store.home import Home
from store.states import STALL_AFTER_SECONDS

_KEY = b"stall_after"
_VARIABLE = "PRODIGY__STALL_AFTER"


def stall_after_seconds(home: Home, environment: Mapping[str, str]) -> float:
    """What the configuration says. It is parsed only if it may say something: that takes long."""
    try:
        says_something = home.config.is_file() and _KEY in home.config.read_bytes()
    except OSError:
        says_something = False
    if not says_something and _VARIABLE not in environment:
        return STALL_AFTER_SECONDS
    from orchestrator.config import load_config

    return load_config(home, None, environment).config.stall_after_seconds
