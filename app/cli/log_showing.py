"""Lines of step logs on the terminal: colours of the program only where colour is allowed."""

from __future__ import annotations

from app.cli.log_text import on_terminal, without_colors
from app.cli.output import Output
from app.cli.run_logs import RunLogFile
from app.status_style import Role, to_ascii


def show_marker(out: Output, log: RunLogFile) -> None:
    """The line above the output of one log."""
    text = without_colors(log.marker).replace("\n", " / ")
    out.line(out.paint(to_ascii(text) if out.ascii else text, Role.FAINT))


def show_line(out: Output, line: str) -> None:
    """One line of output."""
    out.line(on_terminal(line) if out.color else without_colors(line))
