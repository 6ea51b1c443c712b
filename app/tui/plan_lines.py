"""The parts of a resume plan as lines: its steps, and what was looked at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from app import format as form
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, ResumeChoice, StepFate
from app.tui.drawing import Line
from app.tui.notes import short_label

CHECK_NAMES = ("Checkpoint", "Workflow", "Worktree", "Variables", "Process", "Environment")
_WORDS = 15
"""The column at which the words of a check begin."""
_MOST_ROWS = 3
_FINDING_SIGNS = {
    Finding.GOOD: ("✓", "done"),
    Finding.WARN: ("!", "warn"),
    Finding.BAD: ("×", "error"),
    Finding.PENDING: ("·", "faint"),
}
_FATE_SIGNS = {
    StepFate.KEEP: ("✓", "done"),
    StepFate.AGAIN: ("·", "faint"),
    StepFate.RUN: ("·", "faint"),
    StepFate.SKIP: ("–", "faint"),
    StepFate.PENDING: ("·", "faint"),
}


# -- steps


def step_lines(steps: Sequence[PlannedStepView], width: int, *, fold: bool) -> list[Line]:
    """The table of steps; folded, those kept in a row are one line."""
    if not steps:
        return []
    what, why = (34, 48) if width >= 70 else (width - 26, width - 12)
    head = Line()
    for x, text in ((0, "STEP"), (what, "WHAT HAPPENS"), (why, "WHY")):
        head.put(x, text, "faint")
    next_one = next((one for one in steps if one.fate in (StepFate.AGAIN, StepFate.RUN)), None)
    lines = [head]
    for same in _folded(steps) if fold else ([step] for step in steps):
        first, last = same[0], same[-1]
        runs_next = first is next_one
        line = Line()
        sign, token = ("►", "live") if runs_next else _FATE_SIGNS[first.fate]
        line.put(0, sign, token)
        if first is last:
            x = line.put(2, str(first.number), "faint") + 1
            line.put(x, short_label(first.label), "fg", bold=runs_next, limit=what - x - 1)
            reason = first.why
        else:
            line.put(2, f"{first.number}–{last.number}", "fg")
            reason = f"{len(same)} steps"
            if commits := sum(step.commits for step in same):
                reason += f", {form.count(commits, 'commit')}"
        told = "faint" if first.fate is StepFate.PENDING else "live" if runs_next else "fg"
        line.put(what, first.fate.value, told, bold=runs_next)
        line.put(why, form.one_line(reason), "muted", limit=max(0, width - why))
        lines.append(line)
    return lines


def _folded(steps: Iterable[PlannedStepView]) -> Iterable[list[PlannedStepView]]:
    for is_kept, same in groupby(steps, lambda step: step.fate is StepFate.KEEP):
        if is_kept:
            yield list(same)
        else:
            yield from ([step] for step in same)


def pending(steps: Iterable[PlannedStepView]) -> tuple[PlannedStepView, ...]:
    """The same steps while nobody knows what happens to them."""
    return tuple(replace(step, fate=StepFate.PENDING, why="") for step in steps)


# -- checks


def check_lines(
    checks: Sequence[CheckView],
    plan: PlanView | None,
    choice: ResumeChoice,
    width: int,
    *,
    good_as_one: bool,
) -> list[Line]:
    """What was looked at; where room is short, all that is fine shares a line."""
    lines = []
    if good_as_one:
        good = [check for check in checks if check.finding is Finding.GOOD]
        checks = [check for check in checks if check.finding is not Finding.GOOD]
        if good:
            line = Line()
            line.put(0, "✓", "done", bold=True)
            names = ", ".join(check.name for check in good)
            x = line.put(2, names, "fg", limit=width - 8)
            line.put(x + 2, "fine", "muted")
            lines.append(line)
    for check in checks:
        lines += _check(check, width)
        if plan is None or plan.impossible:
            continue
        if check.name == "Workflow" and plan.workflow_changed:
            keys = (("u", "switch", "switch"), ("v", "diff", "difference"))
            ways = ("the saved copy", "the file on disk")
            lines.append(_choice_line(ways, choice.use_file, keys))
        if check.name == "Worktree" and plan.can_restore:
            keys = (("t", "switch", "restore"), ("d", "look", "look"))
            ways = ("as it is", "put back, edits saved")
            lines.append(_choice_line(ways, choice.restore, keys))
    return lines


def _check(check: CheckView, width: int) -> list[Line]:
    sign, token = _FINDING_SIGNS[check.finding]
    known = check.finding is not Finding.PENDING
    words = form.one_line(check.words)
    rows = textwrap.wrap(words, max(20, width - _WORDS)) or [""]
    if len(rows) > _MOST_ROWS:
        rest = " ".join(rows[_MOST_ROWS - 1 :])
        rows = [*rows[: _MOST_ROWS - 1], form.cut(rest, max(20, width - _WORDS))]
    if check.finding is Finding.GOOD:
        rows = [form.cut(words, width - _WORDS)]
    lines = []
    for place, text in enumerate(rows):
        line = Line()
        if place == 0:
            line.put(0, sign, token, bold=known)
            line.put(2, check.name, "fg" if known else "faint")
        line.put(_WORDS, text, "muted" if known else "faint")
        lines.append(line)
    return lines


def _choice_line(ways: tuple[str, str], second: bool, keys: Sequence[tuple[str, str, str]]) -> Line:
    """``● the saved copy   ○ the file on disk   u switch   v diff``."""
    line = Line()
    x = _WORDS
    for way, chosen in zip(ways, (not second, second), strict=True):
        x = line.put(x, "●" if chosen else "○", "accent" if chosen else "faint")
        x = line.put(x + 1, way, "fg" if chosen else "muted") + 3
    for key, words, does in keys:
        x = line.put(x, key, "accent", bold=True, key=does)
        x = line.put(x + 1, words, "muted", key=does) + 3
    return line


# -- prose


def sentence_rows(text: str, width: int) -> list[str]:
    """A text in rows; when it needs two, the second begins with a sentence where that fits."""
    text = form.one_line(text)
    rows = textwrap.wrap(text, max(20, width)) or [""]
    if len(rows) != 2:
        return rows
    sentences = re.split(r"(?<=\.) ", text)
    for place in range(len(sentences) - 1, 0, -1):
        parts = [" ".join(sentences[:place]), " ".join(sentences[place:])]
        if all(form.width(part) <= width for part in parts):
            return parts
    return rows
