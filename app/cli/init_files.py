"""The files ``prodigy init`` writes, kept as they are in the directory ``installed`` beside."""

from __future__ import annotations

from pathlib import Path

_FILES = Path(__file__).with_name("installed")

EXAMPLE_PATH = "workflows/hello.yml"
EXAMPLE = (_FILES / "hello.yml").read_text()
COMMAND_FILES = {path.stem: path.read_text() for path in sorted((_FILES / "commands").glob("*.md"))}
"""Content by name of the slash command."""
