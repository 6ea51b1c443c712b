"""The settings for a command that needs them: warnings said, errors refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.cli.failure import EXIT_USAGE
from app.cli.output import Output
from app.cli.problems import described
from orchestrator.config import Config, load_config
from orchestrator.refusal import Refused
from store.home import Home


def checked_config(
    home: Home, repository: Path | None, environment: Mapping[str, str], out: Output
) -> Config:
    """Read every layer of the configuration; warnings are said on ``out``.

    Raises:
        Refused: a file or variable holds an error (exit 2).
    """
    loaded = load_config(home, repository, environment)
    if loaded.has_errors:
        raise Refused(
            "the configuration cannot be used",
            code="invalid_configuration",
            exit_code=EXIT_USAGE,
            problems=loaded.problems,
            hint="prodigy config validate",
        )
    for problem in loaded.problems:
        out.warning(described(problem))
    return loaded.config
