"""Which sessions a list shows, and in which order."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from store.cards import About
from store.states import State

RESUMABLE = frozenset({State.INTERRUPTED, State.PAUSED, State.FAILED, State.NO_RECORD})
"""States from which a resume can go on."""


class Order(StrEnum):
    """By what a list is sorted; within the same, the newest change first."""

    ATTENTION = "attention"
    """What needs a person, then what is live, then the rest."""
    CHANGED = "changed"
    STARTED = "started"
    WORKFLOW = "workflow"
    REPOSITORY = "repository"


class SessionFilter(NamedTuple):
    """What must hold of a session to be listed; everything given must hold.

    Args:
        states: it is really in one of these.
        statuses: its record says one of these words.
        repo: name or whole path of its repository.
        workflow: name of its workflow.
        since: it changed at this moment or later.
        text: its id, workflow, repository, branch or error contains this, whatever the case.
        archived: False leaves out archived ones, True has only those, None has all.
        resumable: True has only those that a resume can go on with.
        limit: how many at most after sorting; 0 for all.
        offset: how many of the first to leave out.
        order: by what to sort.
    """

    states: Collection[State] | None = None
    statuses: Collection[str] | None = None
    repo: str | None = None
    workflow: str | None = None
    since: datetime | None = None
    text: str | None = None
    archived: bool | None = False
    resumable: bool = False
    limit: int = 0
    offset: int = 0
    order: Order = Order.ATTENTION

    @property
    def needs_about(self) -> bool:
        """Whether filtering or sorting needs to know what the runs are about."""
        return (
            self.repo is not None
            or self.workflow is not None
            or bool(self.text)
            or self.order not in (Order.ATTENTION, Order.CHANGED)
        )

    def holds(self, state: State, status: str | None, *, archived: bool) -> bool:
        """Whether sessions in this state, whose records say this, are to be listed."""
        return (
            (self.archived is None or archived is self.archived)
            and (self.states is None or state in self.states)
            and (self.statuses is None or status in self.statuses)
            and (not self.resumable or state in RESUMABLE)
        )

    def holds_about(self, about: About) -> bool:
        """Whether a session about this is to be listed, as far as that goes."""
        return (
            (self.repo is None or self.repo in (about.repo, about.repo_path))
            and (self.workflow is None or self.workflow == about.workflow)
            and (not self.text or self.text.casefold() in about.search)
        )
