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
# The commits of a prepared repository are the same on every machine.
os.environ |= {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "Ana"),
        ("EMAIL", "ana@example.org"),
        ("DATE", "2026-01-15T09:00:00Z"),
    )
}
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
time.tzset()

from app.tui import theme  # noqa: E402
from store.home import Home  # noqa: E402
from tests.app.tui.driving import as_long_everywhere, dashboard, press, running  # noqa: E402
from tests.app.tui.sample_runs import prepared  # noqa: E402
from tests.app.tui.trend_runs import trend_runs  # noqa: E402
from tests.app.tui.worked_tree import program_path  # noqa: E402
from tests.app.tui.workflow_files import make_project  # noqa: E402

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
    trends: bool = False
    """Whether the store holds two months of runs."""
    project: bool = False
    """Whether it is shown in a repository with workflows."""
    png: bool = False
    """Whether the README shows it, which needs pixels: fonts of an SVG are not everywhere."""


SHOTS = (
    Shot("sessions", "Sessions", png=True),
    Shot("sessions-narrow", "Sessions", (80, 24)),
    Shot("sessions-wide", "Sessions", (180, 48)),
    Shot("sessions-light", "Sessions, light theme", theme=theme.LIGHT),
    Shot("steps", "Session: steps", keys=("enter",)),
    Shot("output", "Session: output", keys=("l",)),
    Shot("failure", "Failure", (100, 30), ("f",), png=True),
    Shot("changes", "Session: changes", keys=("d", "j")),
    Shot("checkpoints", "Session: checkpoints", keys=("c",)),
    Shot("variables", "Session: variables", keys=("enter", "7", "j", "j", "j", "j")),
    Shot("resume-plan", "Resume", keys=("r",)),
    Shot("events", "Session: events", keys=("enter", "6", "enter")),
    Shot("cancel", "Cancel", (80, 24), ("3", "space", "space", "space", "x")),
    Shot("grouped", "Sessions by repository", keys=("b",)),
    Shot("filtered", "Sessions filtered", keys=("slash", *"status:needs", "space", *"since:6h")),
    Shot("new-run", "New run", project=True,
         keys=("n", "j", "j", "enter", *"v2.1", "tab", "9", "9", "tab")),
    Shot("dry-run", "Dry run", project=True, keys=("n", "j", "ctrl+t")),
    Shot("trends", "Trends", trends=True, keys=("t", "j")),
    Shot("help", "Keys", keys=("question_mark",)),
    Shot("empty", "No runs yet", (80, 24), empty=True),
)  # fmt: skip


async def picture(shot: Shot) -> str:
    """The SVG of one screen."""
    with tempfile.TemporaryDirectory() as directory:
        user_home = as_long_everywhere(Path(directory))
        os.environ["HOME"] = str(user_home)
        os.environ["PATH"] = program_path(user_home / "bin")
        home = Home(user_home / ".prodigy")
        runs = tuple(trend_runs()) if shot.trends else () if shot.empty else None
        directory_shown = user_home
        if shot.project:
            directory_shown = user_home / "webapp"
            make_project(directory_shown)
        with prepared(home, user_home / "src", runs, with_git=runs is None):
            app = dashboard(home, directory_shown, theme=shot.theme)
            async with running(app, shot.size) as pilot:
                await press(pilot, *shot.keys)
                drawn = app.export_screenshot(title=shot.title)
    # The name of the drawing is a hash of everything in it; a fixed one keeps differences small.
    return _RENDERING.sub(f"terminal-{shot.name}", drawn)


def pixels(drawn: str) -> bytes:
    """An SVG as PNG, in a font that joins no characters; needs DejaVu Sans Mono."""
    import resvg_py

    plain = drawn.replace("Fira Code", "DejaVu Sans Mono")
    made = resvg_py.svg_to_bytes(svg_string=plain, font_dirs=["/usr/share/fonts"])
    return bytes(made)


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
            if shot.png:
                path.with_suffix(".png").write_bytes(pixels(drawn))
                print(path.with_suffix(".png").relative_to(PLACE.parent))
    if stale:
        print(f"stale: {', '.join(stale)}; `make screenshots` makes them anew", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
