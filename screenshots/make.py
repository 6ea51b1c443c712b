"""Render every screen from a prepared store: ``python -m screenshots.make [--check]``.

The clock, the store and the size are fixed, so the same code gives the same bytes on every machine.
``--check`` writes nothing and fails when a picture is not the one the code draws.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Read when textual is imported.
os.environ.pop("NO_COLOR", None)
os.environ.pop("TEXTUAL_THEME", None)
os.environ |= {"TEXTUAL_ANIMATIONS": "none", "COLORTERM": "truecolor", "TZ": "UTC"}
time.tzset()

from app.tui import theme  # noqa: E402
from store.home import Home  # noqa: E402
from tests.app.tui.driving import dashboard, press, running  # noqa: E402
from tests.app.tui.sample_runs import prepared  # noqa: E402

PLACE = Path(__file__).resolve().parent
_RENDERING = re.compile(r"terminal-\d+")


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its name, the size of the terminal, and the keys that lead there."""

    name: str
    title: str
    size: tuple[int, int] = (120, 40)
    keys: tuple[str, ...] = ()
    theme: str = theme.DARK
    empty: bool = False


SHOTS = (
    Shot("sessions", "Sessions"),
    Shot("sessions-narrow", "Sessions", (80, 24)),
    Shot("sessions-wide", "Sessions", (180, 48)),
    Shot("sessions-light", "Sessions, light theme", theme=theme.LIGHT),
    Shot("steps", "Session: steps", keys=("enter",)),
    Shot("output", "Session: output", keys=("l",)),
    Shot("failure", "Failure", (100, 30), ("f",)),
    Shot("checkpoints", "Session: checkpoints", keys=("c",)),
    Shot("events", "Session: events", keys=("enter", "5")),
    Shot("cancel", "Cancel", (80, 24), ("3", "j", "j", "x")),
    Shot("help", "Keys", keys=("question_mark",)),
    Shot("empty", "No runs yet", (80, 24), empty=True),
)


async def picture(shot: Shot) -> str:
    """The SVG of one screen."""
    with tempfile.TemporaryDirectory() as directory:
        user_home = Path(directory)
        os.environ["HOME"] = directory
        home = Home(user_home / ".prodigy")
        runs = () if shot.empty else None
        with prepared(home, user_home / "src", runs, with_git=not shot.empty):
            app = dashboard(home, user_home, theme=shot.theme)
            async with running(app, shot.size) as pilot:
                await press(pilot, *shot.keys)
                drawn = app.export_screenshot(title=shot.title)
    # The name of the drawing is a hash of everything in it; a fixed one keeps differences small.
    return _RENDERING.sub(f"terminal-{shot.name}", drawn)


def main(arguments: Sequence[str]) -> int:
    """Make or check the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m screenshots.make", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("names", nargs="*", help="only these")
    given = parser.parse_args(arguments)
    stale = []
    for shot in SHOTS:
        if given.names and shot.name not in given.names:
            continue
        path = PLACE / f"{shot.name}.svg"
        drawn = asyncio.run(picture(shot))
        if given.check:
            if not path.exists() or path.read_text(encoding="utf-8") != drawn:
                stale.append(path.name)
        else:
            path.write_text(drawn, encoding="utf-8")
            print(path.relative_to(PLACE.parent))
    if stale:
        print(f"stale: {', '.join(stale)}; `make screenshots` makes them anew", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
