"""The copies of its workflow files that a run keeps, masked: what every resume of it uses."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from orchestrator.steps.masking import Secrets
from orchestrator.workflow.model import Workflow
from store.atomic import make_directory, replace_file
from store.home import Home


def save_copies(
    home: Home, run_id: str, workflow: Workflow, secrets: Secrets
) -> list[dict[str, Any]]:
    """Save the files a workflow was read from.

    Returns:
        The entries a checkpoint has for them, in the order they were read: role, path, SHA-256 of
        the true content, and the copy relative to the run's directory.

    Raises:
        StoreError: one cannot be written.
    """
    directory = home.workflow_copies(run_id)
    make_directory(directory)
    files = []
    for source in workflow.sources:
        digest = hashlib.sha256(source.content).hexdigest()
        name = f"{digest}-{Path(source.path).name}"
        text = source.content.decode("utf-8", "surrogateescape")
        masked = secrets.mask_text(text, named=True)
        replace_file(directory / name, masked.encode("utf-8", "surrogateescape"))
        files.append(
            {"role": source.role, "path": source.path, "sha256": digest, "file": f"workflow/{name}"}
        )
    return files


def main_hash(files: list[dict[str, Any]]) -> str:
    """SHA-256 of the main file among such entries, "" when it has none."""
    return next((str(one["sha256"]) for one in files if one["role"] == "main"), "")
