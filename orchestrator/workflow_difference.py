"""What the workflow file of a stopped run has otherwise than the copy that was saved with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from orchestrator.config import Config
from orchestrator.reopening import reopen
from orchestrator.stopped_run import read_run
from store.home import Home


def workflow_difference(
    home: Home, run_id: str, environment: Mapping[str, str], config: Config
) -> tuple[str, ...]:
    """From the saved copy to the file on disk, as lines of a unified difference; secrets masked.

    Raises:
        Refused: the run cannot be reopened, so that its secrets are not known.
        OSError: one of the two cannot be read.
    """
    run = read_run(home, run_id)
    secrets = reopen(run, environment, config).environment.secrets

    def lines_of(path: Path | None) -> list[str]:
        text = path.read_text("utf-8", "replace") if path is not None else ""
        return secrets.mask_text(text, named=True).splitlines()

    saved, there = lines_of(run.saved_copy), lines_of(Path(run.workflow_path))
    names = ("the saved copy", "the file on disk")
    return tuple(difflib.unified_diff(saved, there, *names, lineterm=""))
