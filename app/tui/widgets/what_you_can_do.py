"""The foot of Failure: actions with their keys and exact command lines."""

from __future__ import annotations

from pathlib import Path

from app import format as form
from app.tui.actions import Subject, action
from app.tui.board import board_of
from app.tui.drawing import Line, rule
from app.tui.editing import editor_line
from app.tui.failure_words import resume_words
from app.tui.typed import fitted
from app.tui.widgets.painted import Pressable
from store.row import SessionRow
from store.states import State

COMMAND = 50
"""The column of the command lines; where the screen is narrow they stand beneath."""
NARROW_COMMAND = 29
_OF_A_RUN = ("resume", "resume_from", "skip_step", "shell", "edit_workflow", "copy")
_OF_A_MERGE = ("merge", "shell", "show_changes", "resume_from", "edit_workflow", "copy")
_OF_THE_LIVE = ("pause_now", "pause", "cancel", "shell", "edit_workflow", "copy")
_OF_THE_DONE = ("merge", "show_changes", "resume_from", "shell", "edit_workflow", "copy")
_DONE = frozenset({State.UNMERGED, State.MERGED, State.COMPLETED, State.CANCELLED})


class WhatYouCanDo(Pressable):
    """Six rows, always in view; what cannot be done says why."""

    DEFAULT_CSS = "WhatYouCanDo { height: 7; }"

    class Pressed(Pressable.Pressed):
        """An action was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._subject: Subject | None = None
        self._line = 0

    def show(self, subject: Subject, line: int) -> None:
        """Show what can be done; ``line`` is where the step stands in the workflow."""
        self._subject, self._line = subject, line
        self.fit()

    def fit(self) -> None:
        """Be as high as there are rows; beneath each its command when that has no room beside."""
        self.styles.height = self.rows_wanted
        self.repaint()

    @property
    def rows_wanted(self) -> int:
        """The rule and the actions."""
        return len(self.names) * (2 if self._is_beneath else 1) + 1

    @property
    def names(self) -> tuple[str, ...]:
        """The actions, the one that enter does first."""
        row = self._subject.row if self._subject is not None else None
        if row is None:
            return _OF_A_RUN
        if row.state is State.MERGE_FAILED:
            return _OF_A_MERGE
        if row.state.is_live:
            return _OF_THE_LIVE
        return _OF_THE_DONE if row.state in _DONE else _OF_A_RUN

    @property
    def _is_narrow(self) -> bool:
        return self.app.size.width < 96 and not self._is_beneath

    @property
    def _is_beneath(self) -> bool:
        return self.app.size.width < 96 and self.app.size.height >= 36

    def _rows(self) -> list[tuple[str, str, str, str | None]]:
        subject = self._subject
        if subject is None or subject.row is None:
            return []
        rows = []
        for name in self.names:
            one = action(name)
            why = one.why_not(subject)
            command = form.one_line(self._command(name, subject))
            rows.append((name, self._words(name, subject.row, why), command, why))
        return rows

    def _words(self, name: str, row: SessionRow, why: str | None) -> str:
        step = row.step_index + 1
        if self._is_narrow:
            return self._short_words(name, step)
        match name:
            case "resume" if why is None:
                return resume_words(row)
            case "skip_step":
                after = f", go on with {step + 1}" if step < row.total_steps else ""
                return f"Skip step {step}{after}"
            case "shell":
                return "Shell in the worktree"
            case "edit_workflow":
                return "Edit the workflow at this step" if self._line else "Edit the workflow"
            case "pause_now":
                return f"Pause now; step {step} runs again later"
            case "pause":
                return f"Pause when step {step} is done"
            case "cancel":
                return "Cancel the run: final, asks first"
            case "copy":
                return "Copy id, path, branch, error…"
            case "merge":
                again = "Merge again" if row.state is State.MERGE_FAILED else "Merge"
                return f"{again} into {form.one_line(row.merge_target or 'its target')}"
        words = action(name).help
        return words[0].upper() + words[1:]

    def _short_words(self, name: str, step: int) -> str:
        return {
            "resume": f"Resume with step {step}",
            "resume_from": "Resume from elsewhere…",
            "skip_step": f"Skip step {step}",
            "shell": "Shell in the worktree",
            "edit_workflow": "Edit the workflow",
            "merge": "Merge",
            "pause_now": "Pause now",
            "pause": f"Pause after step {step}",
            "cancel": "Cancel the run",
            "show_changes": "What it changed",
        }.get(name, "Copy id, path, error…")

    def _command(self, name: str, subject: Subject) -> str:
        row = subject.row
        if name == "copy":
            return action("show_failure").command_line(subject)
        if name == "edit_workflow" and row is not None and row.workflow_path:
            environment = board_of(self).editor_environment
            return editor_line(Path(row.workflow_path), self._line or None, environment)
        return action(name).command_line(subject)

    def paint(self, width: int, height: int) -> list[Line]:
        lines = [rule(width, "What you can do")]
        start = NARROW_COMMAND if self._is_narrow else COMMAND
        for place, (name, words, command, why) in enumerate(self._rows()):
            possible = why is None
            line = Line()
            line.put(2, action(name).key, "accent" if possible else "faint", bold=possible,
                     key=name)  # fmt: skip
            first = place == 0 and possible
            room = width - 6 if self._is_beneath else start - 7
            line.put(5, words, "fg" if possible else "faint", bold=first, limit=room, key=name)
            lines.append(line)
            beside = Line() if self._is_beneath else line
            x = 5 if self._is_beneath else start
            told = why or command
            if self._subject is not None:
                told = fitted(told, self._subject.prodigy, max(4, width - x - 1))
            beside.put(x, told, "muted" if possible else "faint")
            if beside is not line:
                lines.append(beside)
        return lines
