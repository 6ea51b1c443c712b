"""``prodigy tui``: the dashboard, in a process of its own that takes the place of this one."""

from __future__ import annotations

import os
import sys

from app.cli.command import argument, command, flag
from app.cli.failure import usage_error
from app.cli.invocation import Invocation
from app.cli.runs import resolve_run

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from prodigy_entry import prodigy_tui"


@command(
    "tui",
    help="Open the dashboard, at one session if an ID is given.",
    examples=("prodigy tui", "prodigy tui latest-failed"),
)
@argument("run_id", metavar="[ID]", required=False)
@flag("--here", help="Only sessions of the repository of this directory.")
def tui(invocation: Invocation, *, run_id: str | None, here: bool) -> int | None:
    arguments = []
    if run_id is not None:
        arguments.append(f"--session={resolve_run(invocation, run_id)}")
    if here:
        arguments.append("--repo=.")
    if not (invocation.out.stdin_is_terminal and invocation.out.is_terminal):
        raise usage_error("the dashboard needs a terminal", "prodigy sessions list shows the same")
    sys.stdout.flush()
    os.execv(sys.executable, dashboard_command(arguments))


def dashboard_command(arguments: list[str]) -> list[str]:
    """The command line of the dashboard with this interpreter."""
    import prodigy_entry

    here = os.path.dirname(os.path.abspath(prodigy_entry.__file__))  # noqa: PTH120
    return [sys.executable, "-c", f"{_START}; prodigy_tui()", here, *arguments]
