"""Output: what a step printed, or all of them one after the other, followed while it grows."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app import format as form
from app.tui.calling import on_loop
from app.tui.details import LogEntry, SessionDetail, Span, StepView
from app.tui.log_reel import LogPart
from app.tui.notes import short_label
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.footer import Hint
from app.tui.widgets.log_pane import LogPane


class View(Tab):
    """One log at a time; ``left`` and ``right`` go to those of other steps, ``a`` shows all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "other(-1)", show=False),
        Binding("right", "other(1)", show=False),
        Binding("a", "all", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._logs: list[LogEntry] = []
        self._shown: LogEntry | None = None
        self._all = False
        self._detail: SessionDetail | None = None
        self._wanted: int | None = None
        """The step whose output is asked for, and which of its logs."""
        self._wanted_log: Path | None = None
        self._chosen = False
        self._writers: dict[Path, tuple[StepView, Span]] = {}

    def compose(self) -> ComposeResult:
        yield LogPane(id="output")

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    def show_step(self, number: int, log: Path | None = None) -> None:
        """Show the output of a step, the newest unless one of its logs is meant."""
        self._wanted, self._wanted_log, self._chosen = number, log, False

    def show(self, detail: SessionDetail) -> None:
        if self._detail is not None and detail.row.id != self._detail.row.id:
            self._chosen = False
            self._wanted = self._wanted_log = None
        self._detail = detail
        self._learn_writers(detail)
        row, backend = detail.row, self.board.backend

        def read() -> None:
            on_loop(self, self._take, backend.logs(row), detail)

        self.run_worker(read, thread=True, group="logs", exclusive=True, exit_on_error=False)

    def _take(self, logs: list[LogEntry], detail: SessionDetail) -> None:
        if not self.is_attached:
            return
        self._logs = logs
        if not self._chosen or self._shown not in logs:
            exact = [log for log in logs if log.path == self._wanted_log]
            of_step = [log for log in logs if log.step == self._wanted and not log.handler]
            newest = [log for log in logs if log.path == detail.log]
            found = exact or of_step or newest or logs
            self._shown = found[-1] if found else None
        self._show_log()

    def _show_log(self) -> None:
        detail = self._detail
        if detail is None:
            return
        live = detail.row.state.is_live
        view = self.pane.view
        view.empty_words = "No output yet." if live else "It printed nothing."
        if not self._logs:
            view.empty_words = "No output yet." if live else "No step has printed anything."
        if self._all:
            parts = [LogPart(log.path, self._mark(log)) for log in self._logs]
            name = "All output"
            more = form.count(len(parts), "log")
        else:
            shown = self._shown
            parts = [LogPart(shown.path)] if shown is not None else []
            name, more = self._titles(shown)
        self.pane.entitle(name, more, live=live)
        view.show(parts)
        self.session.show_footer()

    def _learn_writers(self, detail: SessionDetail) -> None:
        """Which step wrote which log, in whichever pass, and which attempt or handler of it."""
        begun = [step for one in detail.passes for step in one.steps] or detail.steps
        self._writers = {
            span.log: (step, span) for step in begun for span in step.spans if span.log is not None
        }

    def _about(self, log: LogEntry) -> tuple[StepView | None, Span | None]:
        steps = self._detail.steps if self._detail is not None else ()
        unknown = steps[log.step - 1] if log.step <= len(steps) else None
        return self._writers.get(log.path, (unknown, None))

    def _words(self, log: LogEntry) -> tuple[str, str, Span | None]:
        """What wrote a log: the step, and which attempt or handler of it."""
        step, span = self._about(log)
        if step is None:
            return f"{log.step}" if not log.handler else "merge", "", span
        name = f"{log.step} {form.cut(short_label(step.label), 60)}".strip()
        if span is not None:
            several = log.handler or step.attempts > 1
            return name, form.cut(form.one_line(span.label), 60) if several else "", span
        return name, "a handler" if log.handler else f"attempt {log.attempt}", span

    def _titles(self, log: LogEntry | None) -> tuple[str, str]:
        if log is None:
            return "Output", ""
        name, which, _ = self._words(log)
        return name, which

    def _mark(self, log: LogEntry) -> str:
        """What the rule before an attempt says."""
        name, which, span = self._words(log)
        now = form.moment_from_microseconds(self.board.now_us())
        at = ""
        if span is not None and now is not None:
            began = form.moment_from_microseconds(span.started_us)
            at = form.clock(began, now, seconds=True)
        return "  ".join(part for part in (name, which, at) if part)

    def action_other(self, by: int) -> None:
        """Show the log of another step or attempt."""
        if not self._logs or self._all:
            return
        at = self._logs.index(self._shown) if self._shown in self._logs else len(self._logs) - 1
        self._shown = self._logs[max(0, min(len(self._logs) - 1, at + by))]
        self._chosen = True
        self._show_log()

    def action_all(self) -> None:
        """All output, or that of one attempt again."""
        self._all = not self._all
        self._show_log()

    def on_log_pane_escaped(self) -> None:
        self.session.action_do("back")

    def hints(self) -> tuple[Hint, ...]:
        return (
            Hint("/", "search"),
            Hint("w", "wrap"),
            Hint("a", "this step" if self._all else "all"),
            Hint("← →", "other logs", not self._all),
        )

    def position(self) -> tuple[str, str]:
        if self._all or self._shown not in self._logs:
            return ("", "")
        return (f"log {self._logs.index(self._shown) + 1}", f"of {len(self._logs)}")
