"""What the readers of step parts need from the reader of steps."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from orchestrator.workflow.model import Step
from orchestrator.workflow.nodes import Node
from orchestrator.workflow.problems import Problems


class Place(Enum):
    """Where a step list stands; a step means the same everywhere but for what this decides."""

    BODY = auto()
    """commands, setup, loop bodies, agent templates: ``retry_defaults`` apply."""
    HANDLER = auto()
    """on_failure and gap filling: ``continue_on_error`` goes on to the next handler."""
    OTHER = auto()
    """on_success, on_exit_code, validators, merge."""


class StepReader(Protocol):
    """Makes steps of nodes; given to the readers of the parts that hold steps themselves."""

    problems: Problems

    def steps(self, node: Node, place: Place) -> tuple[Step, ...]:
        """The steps of a step list, or of one step in place of a list."""

    def shell_and_claude(self, node: Node, place: Place) -> tuple[Step, ...]:
        """The steps of a map that may hold both ``shell`` and ``claude``: shell, then claude."""

    def command(self, node: Node) -> tuple[Step, ...]:
        """A short form: a text with a leading ``/`` is a prompt, any other is shell text."""
