"""The one table of actions: keys, footer, help, palette, command line and reasons come from it.

A new action is one entry here and one function of its name in ``app/tui/performing.py``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.tui import reasons
from app.tui.subject import Reason, Subject, Where
from app.tui.typed import path_word

__all__ = ["ACTIONS", "FOOTERS", "Action", "Group", "Subject", "Where", "action", "actions_for"]


class Group(StrEnum):
    """The groups of the help, in their order."""

    LOOK = "Look"
    ACT = "Act"
    LIST = "List"


EVERYWHERE = frozenset(Where)
BOTH = frozenset({Where.SESSIONS, Where.SESSION})
LIST_ONLY = frozenset({Where.SESSIONS})
SESSION_ONLY = frozenset({Where.SESSION})
NEW_RUN_ONLY = frozenset({Where.NEW_RUN})
TRENDS_ONLY = frozenset({Where.TRENDS})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    ``name`` is the function that does it; ``label`` stands in the footer, ``help`` in help and
    palette; ``command`` is the same as a command line, with ``{id}`` for the session and whatever
    else the screen knows; what it does not know is a word in capitals, for people to fill in.
    """

    name: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: Group
    where: frozenset[Where] = BOTH
    command: str = ""
    reason: Reason | None = None
    bulk: bool = False
    """Whether it acts on all marked sessions."""
    command_of_several: str = ""
    """The command for marked sessions, where it is another one."""
    shown_keys: str = ""
    """What the help calls the keys, when not the first of them."""

    @property
    def key(self) -> str:
        """The key as people read it."""
        return self.shown_keys or (shown_key(self.keys[0]) if self.keys else "")

    def why_not(self, subject: Subject) -> str | None:
        """Why it cannot be done now; None when it can, of marked sessions with one at least."""
        if self.reason is None:
            return None
        if not (self.bulk and subject.marked):
            return self.reason(subject)
        found = [self.reason(subject.alone(row)) for row in subject.marked]
        return found[0] if all(found) else None

    def label_for(self, subject: Subject) -> str:
        """The label, with the number of sessions when several are meant."""
        return f"{self.label} {len(subject.marked)}" if self.bulk and subject.marked else self.label

    def command_line(self, subject: Subject) -> str:
        """The command that does the same in any terminal; empty when there is none."""
        if not self.command:
            return ""
        told = _words(subject)
        if self.bulk and subject.marked:
            able = [row for row in subject.marked if self.why_not(subject.alone(row)) is None]
            told["id"] = " ".join(subject.id_of(row) for row in able)
            return (self.command_of_several or self.command).format_map(told)
        return self.command.format_map(told)


def _words(subject: Subject) -> dict[str, str]:
    """The names command lines may have in braces; what is not known here stays a placeholder."""
    row = subject.row
    archived = " ".join(subject.id_of(one) for one in subject.archived)
    return {
        "prodigy": subject.prodigy,
        "id": subject.id,
        "step": str(row.step_index + 1) if row is not None else "N",
        "workflow": path_word(row.workflow_path) if row and row.workflow_path else "FILE",
        "archived": archived or "ID",
        "repo": shlex.quote(subject.repository) if subject.repository else "REPO",
        "editor": "$EDITOR",
        "run": f"{subject.prodigy} run FILE",
        "file": "FILE",
        "statistics": "",
        "export": "FILE",
        "shown": "--filter TEXT --limit 0",
        "group": "--limit 0",
        "of_workflow": "--workflow NAME --limit 0",
        **subject.words,
    }


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


# -- the table -------------------------------------------------------------------------------------

ACTIONS: tuple[Action, ...] = (
    Action("back", ("escape",), "back", "back to the list", Group.LOOK, SESSION_ONLY | TRENDS_ONLY),
    Action(
        "open_session", ("enter",), "open", "open the session", Group.LOOK, LIST_ONLY,
        "{prodigy} sessions show {id}", reasons.needs_session,
    ),
    Action(
        "show_failure", ("f",), "failure", "why it failed", Group.LOOK, BOTH,
        "{prodigy} sessions show {id} --failure", reasons.no_failure,
    ),
    Action(
        "resume", ("r",), "resume", "resume, shows the plan first", Group.ACT, BOTH,
        "{prodigy} resume {id}", reasons.no_resume, bulk=True,
        command_of_several="for id in {id}; do {prodigy} resume $id --detach; done",
    ),
    Action(
        "resume_from", ("R",), "resume from…", "resume from another step…",
        Group.ACT, BOTH, "{prodigy} resume {id} --from-step N", reasons.no_resume_from,
    ),
    Action(
        "skip_step", ("S",), "skip step", "skip the failed step and go on",
        Group.ACT, BOTH, "{prodigy} resume {id} --skip-step {step}", reasons.no_skip_step,
    ),
    Action(
        "pause", ("p",), "pause", "pause after this step", Group.ACT, BOTH,
        "{prodigy} pause {id}", reasons.no_pause, bulk=True,
    ),
    Action(
        "pause_now", ("P",), "pause now", "pause now (asks)", Group.ACT, BOTH,
        "{prodigy} pause {id} --now", reasons.no_pause_now, bulk=True,
    ),
    Action(
        "cancel", ("x",), "cancel", "cancel (asks)", Group.ACT, BOTH,
        "{prodigy} cancel {id} --yes", reasons.no_cancel, bulk=True,
    ),
    Action(
        "merge", ("m",), "merge", "merge what it made (asks)", Group.ACT, BOTH,
        "{prodigy} merge {id} --yes", reasons.no_merge, bulk=True,
    ),
    Action(
        "archive", ("D",), "archive", "archive: hide it, keep everything", Group.ACT, BOTH,
        "{prodigy} sessions archive {id}", reasons.no_archive, bulk=True,
    ),
    Action(
        "restore", ("u",), "undo archive", "bring back what was archived", Group.ACT,
        LIST_ONLY, "{prodigy} sessions restore {archived}", reasons.no_restore,
    ),
    Action(
        "shell", ("o",), "shell", "a shell in its worktree", Group.ACT, BOTH,
        'cd "$({prodigy} worktree path {id})" && $SHELL', reasons.no_shell,
    ),
    Action(
        "edit_workflow", ("e",), "edit", "edit its workflow, at this step", Group.ACT, BOTH,
        "{editor} {workflow}", reasons.no_edit,
    ),
    Action(
        "show_output", ("l",), "output", "output", Group.LOOK, BOTH,
        "{prodigy} logs {id}", reasons.needs_session,
    ),
    Action(
        "show_changes", ("d",), "changes", "what it changed", Group.LOOK, BOTH,
        "{prodigy} sessions diff {id}", reasons.no_changes,
    ),
    Action(
        "show_checkpoints", ("c",), "checkpoints", "checkpoints", Group.LOOK, BOTH,
        "{prodigy} checkpoints list --workflow-id {id}", reasons.needs_session,
    ),
    Action(
        "copy", ("y",), "copy", "copy id, path, branch, error…", Group.ACT, BOTH,
        "", reasons.needs_session,
    ),
    Action(
        "new_run", ("n",), "new run", "start a run", Group.ACT, LIST_ONLY,
        "{prodigy} run FILE", reasons.may_write,
    ),
    Action(
        "start_run", ("ctrl+s",), "start", "start the run", Group.ACT, NEW_RUN_ONLY,
        "{run}", reasons.may_write,
    ),
    Action(
        "dry_run", ("ctrl+t",), "dry run", "dry run: show the plan, run nothing", Group.ACT,
        NEW_RUN_ONLY, "{run} --dry-run", reasons.may_write,
    ),
    Action("next_field", ("tab",), "next field", "next field, shift+tab back",
           Group.LOOK, NEW_RUN_ONLY),
    Action("edit_file", ("e",), "edit file", "edit the workflow, at the problem", Group.ACT,
           NEW_RUN_ONLY, "{editor} {file}"),
    Action("find_workflow", ("slash",), "find", "find a workflow, or type a path", Group.LIST,
           NEW_RUN_ONLY),
    Action("copy_command", ("y",), "copy", "copy the command", Group.ACT, NEW_RUN_ONLY),
    Action("close_form", ("escape",), "close, keeps what you typed",
           "close; what you typed is kept", Group.LOOK, NEW_RUN_ONLY),
    Action(
        "its_sessions", ("enter",), "its sessions", "its sessions, in the list", Group.LOOK,
        TRENDS_ONLY, "{prodigy} sessions list {of_workflow}",
    ),
    Action(
        "trends", ("t",), "trends", "how workflows fare over time", Group.LOOK, LIST_ONLY,
        "{prodigy} sessions stats --since 30d",
    ),
    Action(
        "period", ("1", "2", "3", "4"), "period", "how far back to look", Group.LIST, TRENDS_ONLY,
        "{prodigy} sessions stats{statistics}", shown_keys="1…4",
    ),
    Action("sort_trends", ("s",), "sort", "next order", Group.LIST, TRENDS_ONLY),
    Action("group_trends", ("b",), "group", "group by workflow, by repository", Group.LIST,
           TRENDS_ONLY),
    Action(
        "export_trends", ("X",), "export CSV", "write the list as CSV", Group.ACT, TRENDS_ONLY,
        "{prodigy} sessions stats{statistics} --csv > {export}", reasons.may_write,
    ),
    Action("filter", ("slash",), "filter", "filter", Group.LIST, LIST_ONLY,
           "{prodigy} sessions list {shown}"),
    Action("sort", ("s",), "sort", "next order", Group.LIST, LIST_ONLY),
    Action("group", ("b",), "group", "group by repository, by workflow", Group.LIST, LIST_ONLY),
    Action("here", ("full_stop",), "this repository", "only this repository, or all", Group.LIST,
           LIST_ONLY, "{prodigy} sessions list --repo {repo} --limit 0", reasons.no_repository),
    Action("mark", ("space",), "mark", "mark or unmark", Group.LIST, LIST_ONLY, "",
           reasons.needs_session),
    Action("mark_range", ("v",), "mark range", "mark from the last mark to here", Group.LIST,
           LIST_ONLY, "", reasons.needs_session),
    Action("mark_all", ("asterisk",), "mark all", "mark all shown, or none", Group.LIST,
           LIST_ONLY, "", reasons.needs_session),
    Action(
        "chip", ("1", "2", "3", "4", "5"), "status", "status filter", Group.LIST, LIST_ONLY,
        "{prodigy} sessions list {group}", shown_keys="1…5",
    ),
    Action("next_attention", ("exclamation_mark",), "next that needs you", "next that needs you",
           Group.LIST),
    Action(
        "tab_number", ("1", "2", "3", "4", "5", "6", "7"), "tab", "tab by number", Group.LOOK,
        SESSION_ONLY, shown_keys="1…7",
    ),
    Action("next_session", ("right_square_bracket",), "next", "next session", Group.LIST),
    Action("previous_session", ("left_square_bracket",), "previous", "previous session",
           Group.LIST),
    Action("zoom", ("z",), "zoom", "one pane alone, and back", Group.LIST),
    Action("reload", ("ctrl+r",), "read again", "read the store again", Group.LIST, EVERYWHERE),
    Action("theme", (), "theme", "dark or light", Group.LIST, EVERYWHERE),
    Action("help", ("question_mark", "f1"), "help", "keys", Group.LIST, EVERYWHERE),
    Action("palette", ("ctrl+p",), "actions", "any action by name", Group.LIST, EVERYWHERE),
    Action("quit", ("q", "ctrl+q"), "quit", "quit; runs go on", Group.LIST, EVERYWHERE),
)  # fmt: skip

FOOTERS: Mapping[Where, tuple[str, ...]] = {
    Where.SESSIONS: (
        "open_session", "show_failure", "resume", "pause", "cancel", "show_output",
        "show_changes", "merge", "new_run", "filter", "archive", "shell", "edit_workflow", "copy",
        "show_checkpoints", "quit",
    ),
    Where.SESSION: (
        "back", "show_failure", "resume", "show_output", "show_changes", "show_checkpoints",
        "pause", "cancel", "copy", "pause_now", "next_session", "quit",
    ),
    Where.TRENDS: (
        "back", "its_sessions", "period", "sort_trends", "group_trends", "export_trends", "quit",
    ),
    Where.NEW_RUN: (
        "start_run", "dry_run", "next_field", "edit_file", "find_workflow", "close_form",
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
