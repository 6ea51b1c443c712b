"""What to copy of a session: each by its own key."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.events import Key

from app import format as form
from app.tui.backend import tilde
from app.tui.drawing import Line
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.widgets.painted import Painted
from store.row import SessionRow


def choices(row: SessionRow) -> tuple[tuple[str, str, str], ...]:
    """Key, what it is, and the text; what a session lacks is left out."""
    wanted = (
        ("i", "id", row.id),
        ("w", "worktree", row.worktree),
        ("b", "branch", row.branch),
        ("e", "error", row.error or row.problem or ""),
        ("c", "command", f"prodigy resume {form.short_id(row.id)}"),
    )
    return tuple(one for one in wanted if one[2])


class _Choices(Painted):
    DEFAULT_CSS = "_Choices { height: 1fr; }"

    def __init__(self, row: SessionRow) -> None:
        super().__init__()
        self._row = row

    def paint(self, width: int, height: int) -> list[Line]:
        lines = []
        for key, label, text in choices(self._row):
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


class CopyChoice(Modal[str]):
    """Results in the text to copy."""

    box_width = 64
    title_text = "Copy"

    def __init__(self, row: SessionRow) -> None:
        self._row = row
        self.title_more = f"of {name_of(row)}"
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Choices(self._row)

    def content_height(self) -> int:
        return len(choices(self._row)) + 2

    def on_key(self, event: Key) -> None:
        for key, _, text in choices(self._row):
            if event.character == key:
                event.stop()
                self.dismiss(text)
                return
