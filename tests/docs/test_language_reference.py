"""The reference shows every field as it is, and its examples run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from orchestrator.workflow.field_tables import TABLES
from orchestrator.workflow.mapreduce_tables import MAPREDUCE_TABLES
from tests.orchestrator.engine.runs import Runner, git
from tests.program import ROOT

REFERENCE = ROOT / "docs" / "language.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", REFERENCE.read_text("utf-8"), re.M | re.S)
NEEDED = {"integration.sh": "exit 0", "retry-flaky.sh": "exit 0"}


def test_the_tables_are_as_the_program_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(sys, "argv", ["language_tables", "--check"])
    from scripts import language_tables

    assert language_tables.main() == 0, "python scripts/language_tables.py writes them anew"


def test_every_table_is_shown() -> None:
    shown = set(re.findall(r"<!-- fields: (\w+) -->", REFERENCE.read_text("utf-8")))
    assert shown == {*TABLES, *MAPREDUCE_TABLES}


@pytest.mark.parametrize("text", BLOCKS)
def test_every_example_runs(text: str, run_workflow: Runner, repository: Path) -> None:
    for name, body in NEEDED.items():
        (repository / name).write_text(f"#!/bin/sh\n{body}\n")
        (repository / name).chmod(0o755)
    (repository / "Makefile").write_text("check:\n\ttest -e fixed\nfix:\n\ttouch fixed\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "what the examples need")
    run_workflow(text).completed()
