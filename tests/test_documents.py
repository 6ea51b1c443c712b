"""The documents name only what exists: commands, options, files, and workflows that load."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.program import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])
_LINE = re.compile(r"^(?:\s*\$ |    |\s*\#?\s*)(prodigy(?:-tui)? .*)$", re.M)
_SPAN = re.compile(r"`(prodigy(?:-tui)? [^`]+)`")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_YAML = re.compile(r"^```yaml\n(.*?)^```", re.M | re.S)


def command_lines(document: Path) -> Iterator[str]:
    """Every line of our program that a document shows."""
    text = document.read_text("utf-8")
    for found in [*_LINE.findall(text), *_SPAN.findall(text)]:
        yield re.split(r"\s#|\s\||\s{3,}|…\s|[)\"]$", found)[0].replace("\\|", "|")


def named(line: str) -> tuple[click.Command, list[str]]:
    """The command a line names, and the options it gives it."""
    from app.cli.main import root

    words = shlex.split(line.replace("'", "").replace("$(", ""))[1:]
    command: click.Command = root()
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        if below is None:
            break
        command, words = below, words[1:]
        context = click.Context(command, parent=context)
    return command, [
        word.split("=")[0].rstrip(".,;:") for word in words if re.match(r"--?\w", word)
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_that_is_shown_exists(document: Path) -> None:
    for line in command_lines(document):
        if line.startswith("prodigy-tui") or re.match(r"prodigy [A-Z]", line):
            continue
        command, options = named(line)
        assert command.name != "prodigy" or options, f"{document.name}: no such command: {line}"
        context = click.Context(command)
        known = {name for parameter in command.get_params(context) for name in parameter.opts}
        for option in options:
            assert option in known, f"{document.name}: no option {option}: {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in _LINK.findall(document.read_text("utf-8")):
        assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_workflow_that_is_shown_loads(document: Path, tmp_path: Path) -> None:
    from orchestrator.workflow.load import load_workflow

    for text in _YAML.findall(document.read_text("utf-8")):
        path = tmp_path / "shown.yml"
        path.write_text(text, encoding="utf-8")
        loaded = load_workflow(path, strict=True)
        assert loaded.workflow is not None, f"{document.name}: {text}\n{loaded.problems}"
        assert not loaded.problems, f"{document.name}: {loaded.problems}"


def test_the_table_of_commands_is_complete_and_true() -> None:
    from app.cli.main import COMMANDS

    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    table = text.split("## Commands")[1].split("## Everywhere")[0]
    rows = [line.replace("\\|", " ").split(" | ", 1) for line in table.splitlines()[4:] if line]
    shown = set()
    for names, does in rows:
        groups = re.findall(r"`([^`]+)`", names)
        commands = [named(f"prodigy {words}")[0] for words in groups]
        if groups[0].count(" ") == 1 and groups[0].split()[1].islower():
            group = groups[0].split()[0]
            commands += [named(f"prodigy {group} {words}")[0] for words in groups[1:]]
        shown |= {words.split()[0] for words in groups}
        known = {
            name
            for command in commands
            for parameter in command.get_params(click.Context(command))
            for name in parameter.opts
        }
        for option in re.findall(r"`(--?[a-z][a-z-]*)", does):
            assert option in known, f"docs/cli.md: {names} has no option {option}"
    assert set(COMMANDS) <= shown, f"not in docs/cli.md: {set(COMMANDS) - shown}"
