"""The settings for a command that needs them: warnings said, errors refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.failure import EXIT_USAGE
from app.cli.problems import described
from orchestrator.config import Config, load_config
from orchestrator.refusal import Refused

if TYPE_CHECKING:
    from app.cli.invocation import Invocation


def checked_config(invocation: Invocation, repository: Path | None) -> Config:
    """Read every layer of the configuration.

    Raises:
        Refused: a file or variable holds an error (exit 2).
    """
    loaded = load_config(invocation.home, repository, invocation.environment)
    if loaded.has_errors:
        raise Refused(
            "the configuration cannot be used",
            code="invalid_configuration",
            exit_code=EXIT_USAGE,
            problems=loaded.problems,
            hint="prodigy config validate",
        )
    for problem in loaded.problems:
        invocation.out.warning(described(problem))
    return loaded.config
