"""The live block on a terminal: where the run is, drawn by rich below the lines it has told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console
from rich.live import Live
from rich.text import Text

from app.cli.attempt_numbers import AttemptNumbers
from app.cli.log_text import last_lines, without_colors
from app.cli.narrative import stop_words, until
from app.cli.output import Output
from app.cli.stream import ForgivingStream
from app.format import cut, duration, one_line, short_id
from app.status_style import to_ascii
from orchestrator.reporting import (
    HandlerCompleted,
    HandlerStarted,
    MergeFinished,
    MergeStarted,
    PassStarted,
    RunEvent,
    SessionCreated,
    SessionResumed,
    StepCompleted,
    StepFailed,
    StepRetrying,
    StepSkipped,
    StepStarted,
    StopAsked,
    Waiting,
)

_DRAWINGS_PER_SECOND = 4
_OUTPUT_LINES = 6
_BAR_CELLS = 8


class LiveBlock:
    """At most ten lines: the run, its step, the end of the step's output, what it waits for."""

    def __init__(self, stream: ForgivingStream, out: Output) -> None:
        self._out = out
        self._console = Console(
            file=cast(TextIO, stream),
            force_terminal=True,
            no_color=not out.color,
            highlight=False,
            markup=False,
            emoji=False,
            width=out.width,
        )
        self._live: Live | None = None
        self._session = ""
        self._name = ""
        self._total = 0
        self._done = 0
        self._label = ""
        self._index: int | None = None
        self._attempt = 1
        self._attempts = AttemptNumbers()
        self._log: Path | None = None
        self._inside = ""
        self._note = ""
        self._pass = ""
        self._began = time.monotonic()
        self._step_began = self._began

    def start(self) -> None:
        """Draw the block from now on."""
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=_DRAWINGS_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Take the block away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def above(self, line: str) -> None:
        """A line that stays, above the block."""
        self._console.print(Text(line), soft_wrap=True)

    def note(self, event: RunEvent) -> None:
        """Take from an event what the block shows."""
        self._attempts.note(event)
        match event:
            case SessionCreated():
                self._session, self._name = event.session_id, event.workflow_name
                self._total = event.total_steps
            case SessionResumed():
                self._session, self._name = event.session_id, event.workflow_name
                self._total, self._done = event.total_steps, event.from_index
            case PassStarted():
                shown = event.number > 1 or event.total not in (None, 1)
                self._pass = f"pass {event.number}" if shown else ""
                self._done = 0 if event.number > 1 else self._done
            case StepStarted():
                self._index, self._label, self._log = event.index, event.label, event.log
                self._attempt = self._attempts.of_pass(event.index, event.attempt)
                self._total = event.total
                self._step_began, self._inside, self._note = time.monotonic(), "", ""
            case HandlerStarted():
                self._inside = f"{event.role}: {one_line(event.label)}"
                self._log = event.log or self._log
            case HandlerCompleted():
                self._inside = ""
            case StepRetrying():
                attempt = self._attempts.of_pass(event.index, event.attempt)
                self._note = f"{one_line(event.reason)}, attempt {attempt}"
            case StepCompleted() | StepSkipped():
                self._done, self._index, self._note = event.index + 1, None, ""
            case StepFailed():
                self._index, self._note = None, ""
            case Waiting():
                reason = event.reason
                self._note = f"waiting: {one_line(reason)}{until(event.until)}" if reason else ""
            case StopAsked():
                self._note = stop_words(event)
            case MergeStarted():
                self._note = f"merging into {event.target}"
            case MergeFinished():
                self._note = ""

    def _draw(self) -> Text:
        now = time.monotonic()
        lines = [self._head(now)]
        if self._index is not None:
            lines.append(self._step(now))
            if self._inside:
                lines.append(Text(f"    {self._inside}", style="magenta"))
            lines += self._output()
        if self._note:
            lines.append(Text(f"  {self._note}", style="magenta"))
        width = self._console.width
        block = Text("\n", no_wrap=True, overflow="ellipsis")
        fitting = []
        for line in lines:
            plain = cut(to_ascii(line.plain) if self._out.ascii else line.plain, width - 1)
            fitting.append(Text(plain, style=line.style))
        return block.join(fitting)

    def _head(self, now: float) -> Text:
        facts = [
            f"{one_line(self._name)}  {short_id(self._session)}  {self._bar()}",
            f"{self._done}/{self._total or '?'}",
            duration(now - self._began),
            self._pass,
        ]
        return Text("  ".join(fact for fact in facts if fact), style="cyan")

    def _bar(self) -> str:
        share = self._done / self._total if self._total else 0.0
        halves = round(2 * _BAR_CELLS * share)
        if 0 < share < 1:
            halves = min(max(halves, 1), 2 * _BAR_CELLS - 1)
        whole, half = divmod(halves, 2)
        if self._out.ascii:
            return "=" * whole + "-" * (_BAR_CELLS - whole)
        return "━" * whole + "╸" * half + "─" * (_BAR_CELLS - whole - half)

    def _step(self, now: float) -> Text:
        sign = "*" if self._out.ascii else "●"
        again = f"  attempt {self._attempt}" if self._attempt > 1 else ""
        elapsed = duration(now - self._step_began)
        number = (self._index or 0) + 1
        return Text(f"  {sign} {number} {one_line(self._label)}{again}  {elapsed}")

    def _output(self) -> list[Text]:
        if self._log is None:
            return []
        shown = last_lines(self._log, _OUTPUT_LINES)
        return [
            Text(f"    {one_line(without_colors(line))}", style="bright_black") for line in shown
        ]
