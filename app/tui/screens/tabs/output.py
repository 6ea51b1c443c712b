"""Output: what the step under the cursor printed, followed while it grows."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.tui.details import SessionDetail
from app.tui.drawing import Line, rule
from app.tui.notes import short_label
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.log_view import LogView
from app.tui.widgets.painted import Painted


class _Title(Painted):
    def paint(self, width: int, height: int) -> list[Line]:
        view = self.parent
        assert isinstance(view, View)
        log = view.query_one(LogView)
        name, more = view.titles()

        def state(line: Line, end: int) -> int:
            if log.file is None:
                return end
            if log.following:
                return line.right(end, "following" if view.live else "at the end", "muted")
            x = line.right(end, "follows", "muted")
            x = line.right(x - 1, "end", "accent", bold=True)
            return line.right(x - 2, f"{log.below:,} below".replace(",", " "), "muted")

        return [rule(width, name, more, focused=log.has_focus, right=state)]


class View(Tab):
    """One log at a time; ``left`` and ``right`` go to those of other steps and attempts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "other(-1)", show=False),
        Binding("right", "other(1)", show=False),
    ]
    DEFAULT_CSS = "_Title { height: 1; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._logs: list[tuple[int, int, Path]] = []
        self._shown: Path | None = None
        self._labels: dict[int, str] = {}
        self._chosen = False
        self._session = ""
        self.live = False

    def compose(self) -> ComposeResult:
        yield _Title()
        yield LogView()

    def show(self, detail: SessionDetail) -> None:
        if detail.row.id != self._session:
            self._session, self._chosen = detail.row.id, False
        self.live = detail.row.state.is_live
        self._labels = {step.number: step.label for step in detail.steps}
        row = detail.row
        self.run_worker(
            lambda: self.app.call_from_thread(self._take, self.board.backend.logs(row), detail.log),
            thread=True, group="logs", exclusive=True, exit_on_error=False,
        )  # fmt: skip

    def _take(self, logs: list[tuple[int, int, Path]], newest: Path | None) -> None:
        self._logs = logs
        if not self._chosen or self._shown is None:
            self._shown = newest
        view = self.query_one(LogView)
        view.empty_words = "No output yet." if self.live else "No step has printed anything."
        view.show(self._shown)
        self.query_one(_Title).repaint()
        self.session.show_footer()

    def titles(self) -> tuple[str, str]:
        """What is shown: step, label, attempt."""
        for step, attempt, path in self._logs:
            if path == self._shown:
                label = form.cut(short_label(self._labels.get(step, "")), 50)
                return f"{step} {label}".strip(), f"attempt {attempt}"
        return "Output", ""

    def action_other(self, by: int) -> None:
        """Show the log of another step or attempt."""
        places = [path for _, _, path in self._logs]
        if not places:
            return
        at = places.index(self._shown) if self._shown in places else len(places) - 1
        there = max(0, min(len(places) - 1, at + by))
        self._shown, self._chosen = places[there], True
        self.query_one(LogView).show(self._shown)
        self.query_one(_Title).repaint()
        self.session.show_footer()

    def on_log_view_changed(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_focus(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_blur(self) -> None:
        self.query_one(_Title).repaint()

    def position(self) -> tuple[str, str]:
        places = [path for _, _, path in self._logs]
        if self._shown in places:
            return (f"log {places.index(self._shown) + 1}", f"of {len(places)}")
        return ("", "")
