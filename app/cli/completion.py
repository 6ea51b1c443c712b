"""``prodigy completion``: a script for bash, zsh or fish; ids are asked for while typing."""

from __future__ import annotations

import os
from pathlib import Path

import click

from app.cli.command import argument, command, flag
from app.cli.completion_scripts import script_for
from app.cli.invocation import Invocation
from app.cli.places import tilde

SHELLS = ("bash", "zsh", "fish")


@command(
    "completion",
    help="""Print a completion script for a shell, or install it.

    Commands and flags are in the script; ids, steps and configuration paths are looked up as you
    type.""",
    examples=('eval "$(prodigy completion bash)"', "prodigy completion zsh --install"),
)
@argument("shell", type=click.Choice(SHELLS))
@flag("--install", help="Write it where the shell looks for it, and say where.")
def completion(invocation: Invocation, *, shell: str, install: bool) -> None:
    script = script_for(shell)
    out = invocation.out
    if not install:
        if out.settings.json:
            out.json({"shell": shell, "script": script})
        else:
            out.raw(script)
        return
    path = _place(invocation, shell)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    if out.settings.json:
        out.json({"shell": shell, "path": str(path)})
        return
    out.line(f"Wrote {tilde(path)}")
    if shell == "zsh":
        out.line(f"  next   add to ~/.zshrc before compinit: fpath=({tilde(path.parent)} $fpath)")


def _place(invocation: Invocation, shell: str) -> Path:
    environment = invocation.environment
    home = Path(environment.get("HOME") or Path.home())
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    configuration = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    places = {
        "bash": data / "bash-completion" / "completions" / "prodigy",
        "zsh": data / "zsh" / "site-functions" / "_prodigy",
        "fish": configuration / "fish" / "completions" / "prodigy.fish",
    }
    return Path(os.path.abspath(places[shell]))
