"""What to copy of a session: each by its own key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.events import Key

from app import format as form
from app.tui.actions import Subject, action
from app.tui.drawing import Line
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.typed import tilde
from app.tui.widgets.painted import Painted

REPORT = "report"
"""What is copied of this is read when it is chosen."""


def choices(subject: Subject) -> tuple[tuple[str, str, str], ...]:
    """Key, what it is, and the text; what a session lacks is left out."""
    row = subject.row
    assert row is not None, "there is something to copy of a session only"
    wanted = (
        ("i", "id", row.id),
        ("w", "worktree", row.worktree),
        ("b", "branch", row.branch),
        ("e", "error", row.error or row.problem or ""),
        ("r", REPORT, _about_failure(subject)),
        ("c", "command", _next_command(subject)),
    )
    return tuple(one for one in wanted if one[2])


def _about_failure(subject: Subject) -> str:
    failed = action("show_failure").why_not(subject) is None
    return "what failed, and the end of its output" if failed else ""


def _next_command(subject: Subject) -> str:
    """What one would type next: go on with it, merge it, or else look at it."""
    for name in ("resume", "merge"):
        if action(name).why_not(replace(subject, blocked=None)) is None:
            return action(name).command_line(subject)
    return action("open_session").command_line(subject)


class _Choices(Painted):
    DEFAULT_CSS = "_Choices { height: 1fr; }"

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject

    def paint(self, width: int, height: int) -> list[Line]:
        lines = []
        for key, label, text in choices(self._subject):
            line = Line()
            line.put(0, key, "accent", bold=True)
            line.put(3, label, "fg")
            told = tilde(Path(text)) if label == "worktree" else text
            shown = form.cut_middle(form.one_line(told), width - 13)
            line.put(13, shown, "muted")
            lines.append(line)
        foot = Line()
        x = foot.put(0, "esc", "accent", bold=True)
        foot.put(x + 1, "close", "muted")
        return [*lines, Line(), foot]


class CopyChoice(Modal[tuple[str, str]]):
    """Results in what is to be copied, and its text."""

    box_width = 64
    title_text = "Copy"

    def __init__(self, subject: Subject) -> None:
        self._subject = replace(subject, marked=())
        if subject.row is not None:
            self.title_more = f"of {name_of(subject.row)}"
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Choices(self._subject)

    def content_height(self) -> int:
        return len(choices(self._subject)) + 2

    def on_key(self, event: Key) -> None:
        for key, label, text in choices(self._subject):
            if event.character == key:
                event.stop()
                self.dismiss((label, text))
                return
