"""A session as a document to keep: Markdown or CSV, times in UTC."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from app.cli.session_object import next_command, session_object
from app.cli.session_steps import StepFacts
from app.format import duration, one_line
from store.row import SessionRow

_COLUMNS = ("step", "name", "state", "attempt", "duration_seconds", "exit_code", "commits")


def report_text(row: SessionRow, steps: Sequence[StepFacts], *, form: str) -> str:
    """The report in one of its forms, ``md`` or ``csv``."""
    return _markdown(row, steps) if form == "md" else _csv(steps)


def _markdown(row: SessionRow, steps: Sequence[StepFacts]) -> str:
    about = session_object(row)
    lines = [f"# {_cell(row.workflow or row.id)}: {row.state}", ""]
    facts = ("id", "status", "repo", "branch", "worktree", "started_at", "updated_at", "error")
    lines += [f"- {name}: {_cell(str(about[name]))}" for name in facts if about[name]]
    lines += ["", "| step | what | state | attempt | time | exit | commits |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for step in steps:
        took = duration(step.duration_seconds, finished=True)
        cells = (step.step, step.name or "", step.state, step.tries or "", took,
                 "" if step.exit_code is None else step.exit_code, step.commits or "")  # fmt: skip
        lines.append(f"| {' | '.join(_cell(str(cell)) for cell in cells)} |")
    following = next_command(row)
    if following is not None:
        lines += ["", f"Next: `{following}`"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def _csv(steps: Sequence[StepFacts]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for step in steps:
        document = step.document() | {"attempt": step.tries}
        writer.writerow(["" if document[name] is None else document[name] for name in _COLUMNS])
    return buffer.getvalue()
