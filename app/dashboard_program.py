"""How the dashboard is started as a program of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from prodigy_entry import prodigy_tui"


def dashboard_command(arguments: Sequence[str]) -> list[str]:
    """The command line of the dashboard with this interpreter."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH120
    return [sys.executable, "-c", f"{_START}; prodigy_tui()", here, *arguments]
