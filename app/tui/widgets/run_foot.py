"""Where a run begins, what it will not see, its command line, and whether it can be started."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from textual.geometry import Size

from app import format as form
from app.tui.drawing import Line, rule
from app.tui.new_run_views import BeginsAt
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import wrapped_at_blanks

MARGIN = 2
_MOST_TROUBLE, _MOST_ROWS = 6, 3
"""Rows of what a start that did not come about said: in all, and of one thing it said."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """All the foot shows. ``against`` is why it cannot be started, None when it can."""

    begins: BeginsAt | None = None
    command: str = ""
    against: str | None = None
    is_problem: bool = False
    """Whether ``against`` is something wrong, not just something still missing."""
    trouble: tuple[str, ...] = ()
    """What a start that did not come about said."""
    starting: bool = False
    past: str = ""


class RunFoot(Painted):
    """As high as what it says."""

    DEFAULT_CSS = "RunFoot { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self._verdict = Verdict()

    def show(self, verdict: Verdict) -> None:
        if verdict == self._verdict:
            return
        height = self._height(self.size.width)
        self._verdict = verdict
        self.repaint()
        if self._height(self.size.width) != height:
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._height(width)

    def _height(self, width: int) -> int:
        # A line for what it will not see is kept free, so that nothing moves when git has said it.
        trouble = len(self._trouble_rows(width))
        return 3 + len(self._command_rows(width)) + trouble + 1

    def _trouble_rows(self, width: int) -> list[str]:
        rows: list[str] = []
        room = max(20, width - MARGIN - 1)
        for text in self._verdict.trouble:
            said = wrapped_at_blanks(text, room)
            rest = " ".join(said[_MOST_ROWS - 1 :])
            rows += [*said[: _MOST_ROWS - 1], *([form.cut(rest, room)] if rest else [])]
        return rows[:_MOST_TROUBLE]

    def _command_rows(self, width: int) -> list[str]:
        """The command, on two rows when it is long."""
        command, room = form.one_line(self._verdict.command), max(10, width - MARGIN - 3)
        if form.width(command) <= room:
            return [command]
        # An option and its value stay together where that is possible.
        joined = re.sub(r"(?<= )(--?[a-z-]+) (?!-)", "\\1\xa0", command)
        first = textwrap.wrap(joined, room, break_on_hyphens=False)[0]
        return [first.replace("\xa0", " "), command[len(first) :].lstrip()]

    def paint(self, width: int, height: int) -> list[Line]:
        said = self._verdict
        lines = [rule(width), *self._beginning(width)]
        lines += [Line() for _ in range(3 - len(lines))]
        for place, text in enumerate(self._command_rows(width)):
            command = Line()
            command.put(MARGIN, "$" if said.command and place == 0 else "", "faint")
            command.put(MARGIN + 2, text, "fg", limit=width - MARGIN - 3)
            lines.append(command)
        for text in self._trouble_rows(width):
            line = Line()
            line.put(MARGIN, text, "error")
            lines.append(line)
        return [*lines, self._last(width)]

    def _last(self, width: int) -> Line:
        said = self._verdict
        line = Line()
        end = width - (2 if width >= 70 else 1)
        if said.starting:
            line.put(MARGIN, "Starting its process…", "muted")
            return line
        if said.against is not None:
            x = line.put(MARGIN, "× " if said.is_problem else "", "error")
            x = line.put(x, said.against, "error" if said.is_problem else "muted",
                         limit=end - x)  # fmt: skip
        elif said.trouble:
            x = line.put(MARGIN, "×", "error", bold=True)
            x = line.put(x + 1, "Not started", "error")
            x = line.put(x + 3, "ctrl+s", "accent", bold=True, key="start_run")
            x = line.put(x + 1, "tries again", "muted", key="start_run")
        else:
            x = line.put(MARGIN, "✓", "done", bold=True)
            x = line.put(x + 1, "Ready.", "fg")
            x = line.put(x + 1, "ctrl+s", "accent", bold=True, key="start_run")
            x = line.put(x + 1, "starts it", "muted", key="start_run")
        if said.past and x + 2 + len(said.past) <= end:
            line.right(end, said.past, "muted")
        return line

    def _beginning(self, width: int) -> list[Line]:
        begins = self._verdict.begins
        if begins is None or begins.problem:
            return []
        first = Line()
        first.put(MARGIN, f"Begins at {begins.branch or 'detached HEAD'} {begins.commit}, "
                          "in a worktree of its own.", "muted",
                  limit=width - MARGIN - 1)  # fmt: skip
        unseen = []
        if begins.uncommitted:
            unseen.append(form.count(begins.uncommitted, "uncommitted file"))
        if begins.untracked:
            unseen.append(form.count(begins.untracked, "untracked file"))
        if not unseen:
            return [first]
        second = Line()
        names = ", ".join(form.one_line(name) for name in begins.named[:_MOST_NAMED])
        among = " and ".join(unseen)
        x = second.put(MARGIN, "! " if names else "", "warn")
        if width < 70:
            told = f"Unseen: {names} · {among}" if names else f"Unseen: {among}"
        else:
            told = f"It will not see {names}, among {among}." if names else ""
            told = told or f"It will not see {among}."
        second.put(x, told, "fg" if names else "muted", limit=width - x - 1)
        return [first, second]
