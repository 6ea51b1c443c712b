"""A run in a process of its own: started, waited for until it is recorded, then left alone."""

from __future__ import annotations

import sys

from app.cli.failure import CommandFailed
from app.cli.invocation import Invocation
from app.cli.run_arguments import run_arguments
from app.format import short_id
from orchestrator.launch import Launched, LaunchFailed, launch_run
from orchestrator.reporting import RunRequest
from store.home import new_session_id

_RECORD_SECONDS = 60.0


def start_detached(invocation: Invocation, request: RunRequest) -> int:
    """Start ``prodigy run`` as its own process and print its session id.

    Returns:
        0 when its record exists; else the code of the run that ended before that.
    """
    session_id = request.session_id or new_session_id()
    launched = launch_run(
        run_arguments(invocation.settings, request), invocation.home, request.directory, session_id
    )
    return report_launch(invocation, launched)


def report_launch(invocation: Invocation, launched: Launched) -> int:
    """Wait for the record of a launched run and print its id, or what it said instead."""
    try:
        launched.wait_for_record(_RECORD_SECONDS)
    except LaunchFailed as failed:
        sys.stderr.write(failed.output)
        if not failed.output.strip():
            raise CommandFailed(
                f"the run ended at once with exit code {failed.exit_code}",
                code="launch_failed",
                exit_code=failed.exit_code or 1,
            ) from None
        return failed.exit_code or 1
    out = invocation.out
    if out.settings.json:
        out.json({"id": launched.session_id, "pid": launched.pid})
    else:
        out.line(launched.session_id)
        out.notice(f"  next   prodigy logs {short_id(launched.session_id)} --follow")
    return 0
