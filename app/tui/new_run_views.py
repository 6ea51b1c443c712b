"""What New run shows: workflow files, their fields and problems, and where a run begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkflowChoice:
    """A workflow file somebody may run."""

    path: Path
    name: str
    origin: str
    """The heading it stands under: a directory, or ``recent elsewhere``."""
    directory: Path
    """Where its run starts."""


@dataclass(frozen=True, slots=True)
class ParameterView:
    """One field of New run."""

    name: str
    required: bool
    default: str | None
    help: str
    choices: tuple[str, ...] = ()
    """All values it may have, when they are few; none when anything may be typed."""


ValueCheck = Callable[[Mapping[str, str]], Mapping[str, str]]
"""From values typed for parameters to what is wrong with them, both by name."""


def _all_is_well(_given: Mapping[str, str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing wrong with a workflow file; ``where`` is ``line:column``."""

    where: str
    words: str
    is_error: bool
    path: Path | None = None
    """The file it is in, which may be one the workflow takes in."""


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow file, read: its steps, parameters and problems."""

    path: Path
    name: str = ""
    kind: str = ""
    description: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    """Each step's label, and what happens besides running it (``on_failure: …``)."""
    parameters: tuple[ParameterView, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    """By position."""
    error_count: int = 0
    uses_args: bool = False
    passes: int = 1
    """How often its steps are repeated at most, when nobody says otherwise."""
    profiles: tuple[str, ...] = ()
    active_profile: str | None = None
    not_run: str | None = None
    """Why this version cannot run it, when its file is right."""
    check: ValueCheck = field(default=_all_is_well, compare=False)
    """Says what is wrong with values typed for its parameters."""


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """What ``prodigy run --dry-run`` says a run would do."""

    sentence: str
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    """Each step's label, and the facts that decide whether and how it runs."""
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginsAt:
    """What a run started here begins with, and does not see."""

    branch: str | None
    commit: str
    uncommitted: int = 0
    untracked: int = 0
    named: tuple[str, ...] = ()
    problem: str | None = None
