"""The one table of actions: keys, footer, help, palette, command line and reasons come from it.

A new action is one entry here and one function of its name in ``app/tui/performing.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.format import short_id
from store.row import SessionRow
from store.states import State


class Where(StrEnum):
    """The screens an action is for."""

    SESSIONS = "the session list"
    SESSION = "a session"


class Group(StrEnum):
    """The groups of the help, in their order."""

    LOOK = "Look"
    ACT = "Act"
    LIST = "List"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action would act on.

    ``blocked`` is why nothing may be written now (read-only, home gone); None when it may.
    """

    row: SessionRow | None
    where: Where = Where.SESSIONS
    blocked: str | None = None
    has_failure: bool | None = None
    """Whether anything ever failed, where that is known."""

    @property
    def id(self) -> str:
        return short_id(self.row.id) if self.row is not None else "ID"


Reason = Callable[[Subject], "str | None"]
"""Says why an action is not possible, or None when it is."""

BOTH = frozenset(Where)
LIST_ONLY = frozenset({Where.SESSIONS})
SESSION_ONLY = frozenset({Where.SESSION})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    ``name`` is the function that does it; ``label`` stands in the footer, ``help`` in help and
    palette; ``command`` is the same as a command line, with ``{id}`` for the session.
    """

    name: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: Group
    where: frozenset[Where] = BOTH
    command: str = ""
    reason: Reason | None = None
    shown_keys: str = ""
    """What the help calls the keys, when not the first of them."""

    @property
    def key(self) -> str:
        """The key as people read it."""
        return self.shown_keys or (shown_key(self.keys[0]) if self.keys else "")

    def why_not(self, subject: Subject) -> str | None:
        """Why it cannot be done now; None when it can."""
        return self.reason(subject) if self.reason is not None else None

    def command_line(self, subject: Subject) -> str:
        """The command that does the same in a shell; empty when there is none."""
        return self.command.format(id=subject.id)


_SHOWN_KEYS: Mapping[str, str] = {
    "escape": "esc",
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "full_stop": ".",
    "asterisk": "*",
}


def shown_key(key: str) -> str:
    """A key as it is written on the screen: ``esc``, ``ctrl+p``, ``/``."""
    return _SHOWN_KEYS.get(key, key)


# -- reasons ---------------------------------------------------------------------------------------

_OWNER_AT_WORK = frozenset(
    {State.RUNNING, State.STALLED, State.WAITING, State.NEEDS_ANSWER, State.STARTING}
)
_RESUMABLE = frozenset(
    {
        State.FAILED,
        State.INTERRUPTED,
        State.PAUSED,
        State.UNKNOWN,
        State.NO_RECORD,
        State.UNREADABLE,
    }
)
_AT_REST_BEFORE_END = frozenset({State.PAUSED, State.INTERRUPTED})


def _needs_session(subject: Subject) -> str | None:
    return "no session here" if subject.row is None else None


def _writes(subject: Subject) -> str | None:
    if subject.row is None:
        return "no session here"
    if subject.blocked:
        return subject.blocked
    if subject.row.newer_format:
        return "written by a newer version"
    return None


def _failure(subject: Subject) -> str | None:
    row = subject.row
    if row is None:
        return "no session here"
    failed = (State.FAILED, State.MERGE_FAILED, State.INTERRUPTED, State.UNREADABLE)
    if row.state in failed or row.error or subject.has_failure:
        return None
    return "nothing failed"


def _resume(subject: Subject) -> str | None:
    if why := _writes(subject):
        return why
    row = subject.row
    assert row is not None
    if row.state in _RESUMABLE:
        return None
    if row.state.is_live:
        return "it is running"
    return {
        State.CANCELLED: "cancelled sessions are final",
        State.UNMERGED: f"complete; prodigy merge {subject.id} merges it",
        State.MERGE_FAILED: f"complete; prodigy merge {subject.id} tries the merge again",
    }.get(row.state, "already complete")


def _pause(subject: Subject) -> str | None:
    if why := _writes(subject):
        return why
    assert subject.row is not None
    state = subject.row.state
    if state in _OWNER_AT_WORK:
        return None
    if state is State.PAUSING:
        return "asked already"
    return _not_running(state)


def _pause_now(subject: Subject) -> str | None:
    if subject.row is not None and subject.row.state is State.PAUSING:
        return _writes(subject)
    return _pause(subject)


def _cancel(subject: Subject) -> str | None:
    if why := _writes(subject):
        return why
    assert subject.row is not None
    state = subject.row.state
    if state in _OWNER_AT_WORK or state in _AT_REST_BEFORE_END or state is State.PAUSING:
        return None
    if state is State.CANCELLING:
        return "asked already"
    return _not_running(state)


def _not_running(state: State) -> str:
    return {
        State.UNKNOWN: "its owner cannot be reached from here",
        State.MERGING: "it is being merged",
        State.RESUMING: "it is only starting again",
        State.CANCELLING: "it is being cancelled",
        State.PAUSED: "already paused",
    }.get(state, "not running")


def _may_write(subject: Subject) -> str | None:
    return subject.blocked


# -- the table -------------------------------------------------------------------------------------

ACTIONS: tuple[Action, ...] = (
    Action("back", ("escape",), "back", "back to the list", Group.LOOK, SESSION_ONLY),
    Action(
        "open_session", ("enter",), "open", "open the session", Group.LOOK, LIST_ONLY,
        "prodigy sessions show {id}", _needs_session,
    ),
    Action(
        "show_failure", ("f",), "failure", "why it failed", Group.LOOK, BOTH,
        "prodigy sessions show {id} --failure", _failure,
    ),
    Action(
        "resume", ("r",), "resume", "resume, shows the plan first", Group.ACT, BOTH,
        "prodigy resume {id}", _resume,
    ),
    Action(
        "pause", ("p",), "pause", "pause after this step", Group.ACT, BOTH,
        "prodigy pause {id}", _pause,
    ),
    Action(
        "pause_now", ("P",), "pause now", "pause now (asks)", Group.ACT, BOTH,
        "prodigy pause {id} --now", _pause_now,
    ),
    Action(
        "cancel", ("x",), "cancel", "cancel (asks)", Group.ACT, BOTH,
        "prodigy cancel {id}", _cancel,
    ),
    Action(
        "show_output", ("l",), "output", "output", Group.LOOK, BOTH,
        "prodigy logs {id}", _needs_session,
    ),
    Action(
        "show_checkpoints", ("c",), "checkpoints", "checkpoints", Group.LOOK, BOTH,
        "prodigy checkpoints list --workflow-id {id}", _needs_session,
    ),
    Action(
        "copy", ("y",), "copy", "copy id, path, branch, error…", Group.ACT, BOTH,
        "", _needs_session,
    ),
    Action(
        "new_run", ("n",), "new run", "start a run", Group.ACT, LIST_ONLY,
        "prodigy run FILE", _may_write,
    ),
    Action("filter", ("slash",), "filter", "filter", Group.LIST, LIST_ONLY,
           "prodigy sessions list --search TEXT"),
    Action("sort", ("s",), "sort", "next order", Group.LIST, LIST_ONLY),
    Action(
        "chip", ("1", "2", "3", "4", "5"), "status", "status filter", Group.LIST, LIST_ONLY,
        shown_keys="1…5",
    ),
    Action("next_attention", ("exclamation_mark",), "next that needs you", "next that needs you",
           Group.LIST, LIST_ONLY),
    Action(
        "tab_number", ("1", "2", "3", "4", "5"), "tab", "tab by number", Group.LOOK, SESSION_ONLY,
        shown_keys="1…5",
    ),
    Action("next_session", ("right_square_bracket",), "next", "next session", Group.LIST,
           SESSION_ONLY),
    Action("previous_session", ("left_square_bracket",), "previous", "previous session", Group.LIST,
           SESSION_ONLY),
    Action("zoom", ("z",), "zoom", "zoom the detail", Group.LIST, LIST_ONLY),
    Action("reload", ("ctrl+r",), "read again", "read the store again", Group.LIST),
    Action("theme", (), "theme", "dark or light", Group.LIST),
    Action("help", ("question_mark",), "help", "keys", Group.LIST),
    Action("palette", ("ctrl+p",), "actions", "any action by name", Group.LIST),
    Action("quit", ("q", "ctrl+q"), "quit", "quit; runs go on", Group.LIST),
)  # fmt: skip

FOOTERS: Mapping[Where, tuple[str, ...]] = {
    Where.SESSIONS: (
        "open_session", "show_failure", "resume", "pause", "cancel", "show_output", "new_run",
        "show_checkpoints", "pause_now", "copy", "filter", "quit",
    ),
    Where.SESSION: (
        "back", "show_failure", "resume", "show_output", "show_checkpoints", "pause", "cancel",
        "copy", "pause_now", "next_session", "quit",
    ),
}  # fmt: skip
"""What the footer names, most important first; help is always last and always there."""

_BY_NAME = {action.name: action for action in ACTIONS}


def action(name: str) -> Action:
    """The action of a name."""
    return _BY_NAME[name]


def actions_for(where: Where) -> tuple[Action, ...]:
    """The actions of a screen, in the table's order."""
    return tuple(one for one in ACTIONS if where in one.where)


def found(where: Where, text: str) -> list[Action]:
    """The actions of a screen that a typed text means, best match first."""
    wanted = text.casefold().strip()
    scored = []
    for place, one in enumerate(actions_for(where)):
        told = f"{one.help} {one.label} {one.name.replace('_', ' ')}".casefold()
        if one.key.casefold() == wanted:
            score = 0
        elif one.help.casefold().startswith(wanted) or one.label.casefold().startswith(wanted):
            score = 1
        elif any(word.startswith(wanted) for word in told.split()):
            score = 2
        elif all(word in told for word in wanted.split()):
            score = 3
        else:
            continue
        scored.append((score, place, one))
    return [one for _, _, one in sorted(scored, key=lambda item: item[:2])]
