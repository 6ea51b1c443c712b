"""What a run will do, where it begins and what it will not see, its command, and the verdict."""

from __future__ import annotations

import textwrap

from app import format as form
from app.tui.details import BeginsAt, WorkflowChoice, WorkflowView
from app.tui.drawing import Line, rule
from app.tui.notes import short_label
from app.tui.widgets.painted import Painted

MARGIN = 2


class RunPreview(Painted):
    """Fills the rest of the New run screen."""

    def __init__(self) -> None:
        super().__init__()
        self._choice: WorkflowChoice | None = None
        self._view: WorkflowView | None = None
        self._begins: BeginsAt | None = None
        self._command = ""
        self._verdict: str | None = None
        self._trouble: tuple[str, ...] = ()
        self._starting = False

    def show(
        self,
        choice: WorkflowChoice | None,
        view: WorkflowView | None,
        begins: BeginsAt | None,
        *,
        command: str,
        verdict: str | None,
        trouble: tuple[str, ...],
        starting: bool,
    ) -> None:
        """Show all of it anew."""
        self._choice, self._view, self._begins = choice, view, begins
        self._command, self._verdict = command, verdict
        self._trouble, self._starting = trouble, starting
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        foot = self._foot(width)
        body = self._body(width, max(1, height - len(foot)))
        body += [Line() for _ in range(height - len(foot) - len(body))]
        return [*body[: max(0, height - len(foot))], *foot]

    def _body(self, width: int, height: int) -> list[Line]:
        view = self._view
        if self._choice is None:
            line = Line()
            line.put(MARGIN, "Choose a workflow at the left, or type its path.", "muted")
            return [line]
        if view is None:
            return [rule(width, self._choice.name)]
        wrong = view.error_count
        said = f"× {form.count(wrong, 'problem')}" if wrong else ""
        lines = [
            rule(
                width,
                "What it will do" if not wrong else form.one_line(view.name),
                form.one_line(self._choice.path.name),
                right=(lambda line, end: line.right(end, said, "error")) if said else None,
            )
        ]
        column = MARGIN + 3 + max((len(one.where) for one in view.problems), default=0)
        for one in view.problems:
            for place, text in enumerate(textwrap.wrap(one.words, max(20, width - column - 2))):
                line = Line()
                if place == 0:
                    role = "error" if one.is_error else "warn"
                    line.put(MARGIN, "×" if one.is_error else "!", role)
                    line.put(MARGIN + 2, one.where, "faint")
                line.put(column, text, "fg")
                lines.append(line)
        if view.problems and view.steps:
            lines.append(Line())
        room = max(1, height - len(lines))
        digits = len(str(len(view.steps)))
        shown = view.steps if len(view.steps) <= room else view.steps[: room - 1]
        for number, (label, beside) in enumerate(shown, 1):
            line = Line()
            line.put(MARGIN, f"{number:>{digits}}", "faint")
            end = width - 2
            if beside and width >= 70:
                end = line.right(end, form.cut(form.one_line(beside), width // 3), "faint") - 2
            line.put(MARGIN + digits + 2, short_label(label), "fg",
                     limit=max(8, end - MARGIN - digits - 2))  # fmt: skip
            lines.append(line)
        if len(shown) < len(view.steps):
            line = Line()
            more = form.count(len(view.steps) - len(shown), "more step")
            line.put(MARGIN + digits + 2, f"and {more}", "muted")
            lines.append(line)
        return lines

    def _foot(self, width: int) -> list[Line]:
        lines = [rule(width)]
        for token, text in self._beginning():
            line = Line()
            line.put(MARGIN, text, token, limit=width - MARGIN - 1)
            lines.append(line)
        if self._command:
            line = Line()
            line.put(MARGIN, "$", "faint")
            line.put(MARGIN + 2, form.one_line(self._command), "fg", limit=width - MARGIN - 3)
            lines.append(line)
        for text in self._trouble[:6]:
            line = Line()
            line.put(MARGIN, text, "error", limit=width - MARGIN - 1)
            lines.append(line)
        verdict = Line()
        if self._starting:
            verdict.put(MARGIN, "Starting its process…", "muted")
        elif self._verdict is not None:
            wrong = self._view is not None
            x = verdict.put(MARGIN, "× " if wrong else "", "error")
            verdict.put(x, self._verdict, "error" if wrong else "muted", limit=width - x - 1)
        else:
            x = verdict.put(MARGIN, "✓", "done", bold=True)
            x = verdict.put(x + 1, "Ready.", "fg")
            x = verdict.put(x + 1, "ctrl+s", "accent", bold=True)
            verdict.put(x + 1, "starts it", "muted")
        lines.append(verdict)
        return lines

    def _beginning(self) -> list[tuple[str, str]]:
        begins = self._begins
        if begins is None or begins.problem:
            return []
        found = [("muted", f"Begins at {begins.branch or 'detached HEAD'} {begins.commit}, "
                           "in a worktree of its own.")]  # fmt: skip
        unseen = []
        if begins.uncommitted:
            unseen.append(form.count(begins.uncommitted, "uncommitted file"))
        if begins.untracked:
            unseen.append(form.count(begins.untracked, "untracked file"))
        if unseen:
            named = f": {', '.join(begins.named[:3])} among them" if begins.named else ""
            found.append(
                ("warn" if begins.named else "muted",
                 f"It will not see {' and '.join(unseen)}{form.one_line(named)}.")
            )  # fmt: skip
        return found
