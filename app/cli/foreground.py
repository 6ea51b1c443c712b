"""A run in this process, shown while it happens."""

from __future__ import annotations

from app.cli.ending import tell_ending
from app.cli.invocation import Invocation
from app.cli.problems import described
from app.cli.progress import Progress
from app.cli.prompts import MergeQuestion
from app.cli.running_config import config_for
from orchestrator.preflight import prepare
from orchestrator.reporting import RunRequest
from orchestrator.start import run

_INTERRUPTED = 130


def run_here(invocation: Invocation, request: RunRequest) -> int:
    """Run a workflow to its end, or to where it stops.

    Raises:
        Refused: something stands against it; nothing was created.
    """
    config = config_for(invocation, request.directory)
    prepared = prepare(request, invocation.home, invocation.environment, config)
    for problem in prepared.warnings:
        invocation.out.warning(described(problem))
    progress = Progress(invocation.out)
    question = MergeQuestion(invocation, progress.aside)
    progress.start()
    try:
        result = run(prepared, progress, question, question.about_workflow)
    finally:
        progress.stop()
    code = tell_ending(invocation, progress, result)
    return _INTERRUPTED if question.interrupted else code
