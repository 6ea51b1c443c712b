"""``prodigy tui``: the dashboard, in a process of its own that takes the place of this one."""

from __future__ import annotations

import os
import sys

import click

from app.cli.command import argument, command, flag, option
from app.cli.failure import usage_error
from app.cli.invocation import Invocation
from app.cli.runs import resolve_run
from app.dashboard_program import dashboard_command


@command(
    "tui",
    help="Open the dashboard, at one session if an ID is given.",
    examples=("prodigy tui", "prodigy tui latest-failed", "prodigy tui --serve 127.0.0.1:8000"),
)
@argument("run_id", metavar="[ID]", required=False)
@flag("--here", help="Only sessions of the repository of this directory.")
@click.option(
    "--serve",
    "--web",
    is_flag=False,
    flag_value="",
    metavar="[HOST:PORT]",
    help="Show it in a web browser instead (127.0.0.1:8000).",
)
@option("--token", metavar="WORD", help="What a browser must know; needed for other hosts.")
def tui(
    invocation: Invocation, *, run_id: str | None, here: bool, serve: str | None, token: str | None
) -> int | None:
    arguments = []
    if run_id is not None:
        arguments.append(f"--session={resolve_run(invocation, run_id)}")
    if here:
        arguments.append("--repo=.")
    if serve is not None:
        arguments.append(f"--serve={serve}")
        if token is not None:
            # Not on the command line of the other program, where everybody could read it.
            os.environ["PRODIGY_SERVE_TOKEN"] = token
    elif not (invocation.out.stdin_is_terminal and invocation.out.is_terminal):
        raise usage_error("the dashboard needs a terminal", "prodigy sessions list shows the same")
    sys.stdout.flush()
    os.execv(sys.executable, dashboard_command(arguments))
