"""The one vocabulary of states: sign, word, colour role and weight, for lists, tabs and messages.

Rows are in the order of ``store.states.State``, which is also the order lists are sorted in. No
terminal library is imported here: the command line uses this table too.
"""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from store.states import State


class Role(StrEnum):
    """What a colour means. Themes give each role its colour."""

    ERROR = "error"
    WARN = "warn"
    WAIT = "wait"
    LIVE = "live"
    DONE = "done"
    FG = "fg"
    MUTED = "muted"
    FAINT = "faint"


class Weight(StrEnum):
    """How loud a row is: bold needs a person, grey is finished."""

    BOLD = "bold"
    PLAIN = "plain"
    GREY = "grey"


class Chip(StrEnum):
    """The four groups that partition all sessions; labels of chips and values of filters."""

    NEEDS_YOU = "Needs you"
    RUNNING = "Running"
    PAUSED = "Paused"
    FINISHED = "Finished"


@dataclass(frozen=True, slots=True)
class Style:
    """How one state looks: ``glyph`` (one cell), its ASCII stand-in, ``word`` (≤ 12 cells)."""

    glyph: str
    ascii: str
    word: str
    role: Role
    weight: Weight

    def sign(self, ascii_only: bool = False) -> str:
        """The glyph, or its stand-in where only ASCII may be shown."""
        return self.ascii if ascii_only else self.glyph


def _bold(glyph: str, ascii_sign: str, word: str, role: Role) -> Style:
    return Style(glyph, ascii_sign, word, role, Weight.BOLD)


def _plain(glyph: str, ascii_sign: str, word: str, role: Role) -> Style:
    return Style(glyph, ascii_sign, word, role, Weight.PLAIN)


def _grey(glyph: str, ascii_sign: str, word: str) -> Style:
    return Style(glyph, ascii_sign, word, Role.MUTED, Weight.GREY)


STYLES: Mapping[State, Style] = {
    State.FAILED: _bold("×", "x", "failed", Role.ERROR),
    State.MERGE_FAILED: _bold("×", "x", "merge failed", Role.ERROR),
    State.UNREADABLE: _bold("?", "?", "unreadable", Role.ERROR),
    State.NO_RECORD: _bold("?", "?", "no record", Role.ERROR),
    State.INTERRUPTED: _bold("!", "!", "interrupted", Role.WARN),
    State.STALLED: _bold("▲", "^", "stalled", Role.WARN),
    State.UNKNOWN: _bold("?", "?", "running?", Role.WARN),
    State.NEEDS_ANSWER: _bold("◆", "#", "needs answer", Role.WAIT),
    State.WAITING: _plain("◆", "#", "waiting", Role.WAIT),
    State.RUNNING: _plain("●", "*", "running", Role.LIVE),
    State.STARTING: _plain("◐", "~", "starting…", Role.LIVE),
    State.PAUSING: _plain("◐", "~", "pausing…", Role.LIVE),
    State.CANCELLING: _plain("◐", "~", "cancelling…", Role.LIVE),
    State.MERGING: _plain("◐", "~", "merging…", Role.LIVE),
    State.RESUMING: _plain("◐", "~", "resuming…", Role.LIVE),
    State.PAUSED: _plain("○", "o", "paused", Role.FG),
    State.UNMERGED: _plain("◇", "+", "unmerged", Role.DONE),
    State.MERGED: _grey("✓", "v", "merged"),
    State.COMPLETED: _grey("✓", "v", "completed"),
    State.CANCELLED: _grey("–", "-", "cancelled"),
}


class StepSign(StrEnum):
    """What became of a step or an item."""

    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"
    SKIPPED = "skipped"
    RUNS_NEXT = "runs_next"


STEP_STYLES: Mapping[StepSign, Style] = {
    StepSign.DONE: _plain("✓", "v", "done", Role.DONE),
    StepSign.FAILED: _bold("×", "x", "failed", Role.ERROR),
    StepSign.RUNNING: _plain("●", "*", "running", Role.LIVE),
    StepSign.INTERRUPTED: _bold("!", "!", "interrupted", Role.WARN),
    StepSign.UNKNOWN: _bold("?", "?", "running?", Role.WARN),
    StepSign.NOT_REACHED: _plain("·", ".", "not reached", Role.FAINT),
    StepSign.SKIPPED: _plain("–", "-", "skipped", Role.FAINT),
    StepSign.RUNS_NEXT: _plain("►", ">", "runs next", Role.LIVE),
}

_ASCII_TEXT = str.maketrans({"…": "~", "·": "-", "×": "x", "–": "-", "−": "-", "►": ">", "›": ">"})


def style_of(state: State) -> Style:
    """The style of a state."""
    return STYLES[state]


def word_of(state: State, ascii_only: bool = False) -> str:
    """The word people read for a state, such as ``pausing…``."""
    word = STYLES[state].word
    return word.replace("…", "...") if ascii_only else word


def chip_of(state: State) -> Chip:
    """The group a session of this state is counted in; the four groups partition all states."""
    if state.needs_attention:
        return Chip.NEEDS_YOU
    if state.is_live:
        return Chip.RUNNING
    return Chip.PAUSED if state is State.PAUSED else Chip.FINISHED


def to_ascii(text: str) -> str:
    """Our own signs and dots in ASCII; text from outside is left alone otherwise."""
    return text.translate(_ASCII_TEXT)


def wants_ascii(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the locale of the terminal is not UTF-8, so that only ASCII is safe to show."""
    variables = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = variables.get(name, "")
        if value:
            return "utf-8" not in value.lower().replace("utf8", "utf-8")
    return "utf" not in locale.getpreferredencoding(False).lower()
