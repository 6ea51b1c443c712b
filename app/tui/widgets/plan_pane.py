"""A resume plan as lines: the sentence, every step, every check, the command, the buttons."""

from __future__ import annotations

import textwrap

from textual.events import Click
from textual.message import Message

from app import format as form
from app.tui.details import (
    CheckView,
    Finding,
    PlannedStepView,
    PlanView,
    ResumeChoice,
    StepFate,
)
from app.tui.drawing import Line
from app.tui.notes import short_label
from app.tui.widgets.painted import Painted

CHECK_NAMES = ("Checkpoint", "Workflow", "Worktree", "Variables", "Process", "Environment")
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
}


class PlanPane(Painted):
    """The plan, from its sentence to its buttons."""

    DEFAULT_CSS = "PlanPane { height: 1fr; }"

    class Pressed(Message):
        """A key that is drawn was clicked; ``action`` is what it does."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__()
        self.plan: PlanView | None = None
        self.refused = ""
        self.starting = ""
        self.choice = ResumeChoice()
        self.pending = False
        """The plan that is shown is about another choice; the right one is being made."""
        self.made_again = False
        self.top = 0

    # -- parts

    def sentence(self) -> str:
        if self.refused:
            return self.refused
        if self.plan is None:
            return "Looking at what is there. Nothing has run yet."
        if self.plan.impossible:
            why = self.plan.impossible
            return f"This cannot be resumed: {why[0].lower()}{why[1:]}"
        return self.plan.sentence

    def checks(self) -> tuple[CheckView, ...]:
        if self.refused:
            return ()
        if self.plan is not None and not self.pending:
            return self.plan.checks
        if self.plan is not None:
            return tuple(
                CheckView(check.name, Finding.PENDING, "checking…") for check in self.plan.checks
            )
        return tuple(CheckView(name, Finding.PENDING, "checking…") for name in CHECK_NAMES)

    def step_lines(self, width: int, *, fold: bool = False) -> list[Line]:
        plan = self.plan
        if plan is None or not plan.steps:
            return []
        narrow = width < 70
        what, why = (width - 38, width - 26) if narrow else (34, 48)
        head = Line()
        head.put(0, "STEP", "faint")
        head.put(what, "WHAT HAPPENS", "faint")
        head.put(why if not narrow else what + 14, "WHY", "faint")
        lines = [head]
        for steps in _folded(plan.steps, 0 if fold else 12):
            line = Line()
            first = steps[0]
            sign, token = _FATE_SIGNS[first.fate]
            again = first is _next_step(plan)
            if again:
                sign, token = "►", "live"
            line.put(0, sign, token)
            if len(steps) > 1:
                x = line.put(2, f"{first.number}–{steps[-1].number}", "faint")
                line.put(x + 1, f"{len(steps)} steps", "fg")
                reason = "done"
            else:
                x = line.put(2, str(first.number), "faint")
                label = short_label(first.label)
                line.put(x + 1, label, "fg", bold=again, limit=what - x - 2)
                reason = first.why
            line.put(what, first.fate.value, "live" if again else "fg", bold=again)
            at = why if not narrow else what + 14
            line.put(at, form.one_line(reason), "muted", limit=max(0, width - at))
            lines.append(line)
        return lines

    def check_lines(self, width: int, *, good_as_one: bool = False) -> list[Line]:
        """The checks; where room is short those that are fine share a line."""
        lines = []
        checks = self.checks()
        if good_as_one:
            good = [check for check in checks if check.finding is Finding.GOOD]
            checks = tuple(check for check in checks if check.finding is not Finding.GOOD)
            if good:
                line = Line()
                line.put(0, "✓", "done", bold=True)
                line.put(
                    2, f"{', '.join(check.name for check in good)}  fine", "muted", limit=width - 2
                )
                lines.append(line)
        for check in checks:
            sign, token = _FINDING_SIGNS[check.finding]
            label = "faint" if check.finding is Finding.PENDING else "fg"
            wrapped = textwrap.wrap(form.one_line(check.words), max(20, width - 14)) or [""]
            for place, text in enumerate(wrapped[:3]):
                line = Line()
                if place == 0:
                    line.put(0, sign, token, bold=True)
                    line.put(2, check.name, label)
                line.put(14, text, "muted" if label == "fg" else "faint")
                lines.append(line)
            if check.name == "Workflow" and self.plan and self.plan.workflow_changed:
                line = Line()
                on_disk = self.choice.use_file
                saved, disk = ("○", "●") if on_disk else ("●", "○")
                x = line.put(14, saved, "accent" if saved == "●" else "faint")
                x = line.put(x + 1, "the saved copy", "fg" if not on_disk else "muted")
                x = line.put(x + 3, disk, "accent" if disk == "●" else "faint")
                x = line.put(x + 1, "the file on disk", "fg" if on_disk else "muted")
                x = line.put(x + 5, "u", "accent", bold=True, key="switch")
                line.put(x + 1, "switch", "muted", key="switch")
                lines.append(line)
            if check.name == "Worktree" and self.plan and self.plan.can_restore:
                lines.append(self._restore_line())
        return lines

    def _restore_line(self) -> Line:
        line = Line()
        back = self.choice.restore
        kept, put = ("○", "●") if back else ("●", "○")
        x = line.put(14, kept, "faint" if back else "accent")
        x = line.put(x + 1, "as it is", "muted" if back else "fg")
        x = line.put(x + 3, put, "accent" if back else "faint")
        x = line.put(x + 1, "put back, edits saved", "fg" if back else "muted")
        x = line.put(x + 3, "t", "accent", bold=True, key="restore")
        line.put(x + 1, "switch", "muted", key="restore")
        return line

    def foot_lines(self, width: int) -> list[Line]:
        plan = self.plan
        command = Line()
        if plan is not None:
            command.put(0, "$", "faint")
            command.put(2, self.command(), "fg", limit=width - 10)
            x = command.right(width, "copy", "muted", key="copy")
            command.right(x - 1, "y", "accent", bold=True, key="copy")
        buttons = Line()
        x = 0
        if plan is not None and (self.pending or self.refused):
            x = buttons.put(x, "  enter  Resume  ", "faint", on="raise") + 3
        elif plan is not None and not plan.impossible:
            if self.needs_force:
                x = buttons.put(x, "F", "warn", bold=True, key="force")
                x = buttons.put(x + 1, "Resume all the same (--force)", "muted", key="force") + 3
            else:
                text = "  enter  "
                x = buttons.put(x, text, "inv", on="accent", key="resume")
                x = buttons.put(x, "Resume  ", "inv", bold=True, on="accent", key="resume") + 3
        elif not self.refused:
            x = buttons.put(x, "  enter  Resume  ", "faint", on="raise") + 3
        if plan is not None and not self.starting and (not plan.impossible or self.is_chosen):
            room = width - x - 30
            words = "from another step…" if room >= 20 else "other…"
            if room >= 8:
                x = buttons.put(x, "R", "accent", bold=True, key="other")
                buttons.put(x + 1, words, "muted", key="other")
        x = buttons.right(width, "close, change nothing", "muted", key="close")
        buttons.right(x - 1, "esc", "accent", bold=True, key="close")
        lines = [command, Line(), buttons] if plan is not None else [buttons]
        if plan is not None and plan.needs_force and not plan.impossible:
            warned = []
            for text in plan.needs_force:
                line = Line()
                line.put(0, "!", "warn", bold=True)
                line.put(2, form.one_line(text), "fg", limit=width - 2)
                warned.append(line)
            lines = [*warned, Line(), *lines]
        if self.starting:
            said = Line()
            said.put(0, self.starting, "muted", limit=width)
            lines += [Line(), said]
        return lines

    @property
    def needs_force(self) -> bool:
        return bool(self.plan and self.plan.needs_force)

    def command(self) -> str:
        """The same as a command line."""
        assert self.plan is not None
        if self.plan.impossible and self.plan.instead:
            return self.plan.instead
        words = [*self.plan.command.split()[:3], *self.choice.arguments()]
        if self.needs_force and not self.choice.force:
            words.append("--force")
        return " ".join(words)

    @property
    def is_chosen(self) -> bool:
        """Whether somebody chose another way than the plain one."""
        return self.choice != ResumeChoice()

    def blocks(
        self, width: int, *, tight: bool = False
    ) -> tuple[list[Line], list[Line], list[Line], list[Line]]:
        sentence = []
        if self.made_again:
            line = Line()
            line.put(0, "!", "warn", bold=True)
            line.put(2, "It changed while you looked. Plan made again.", "fg")
            sentence.append(line)
        wrapped = textwrap.wrap(form.one_line(self.sentence()), max(20, width))
        for text in wrapped or [""]:
            line = Line()
            bad = bool(self.refused or (self.plan and self.plan.impossible))
            line.put(0, text, "error" if bad else "fg")
            sentence.append(line)
        checks = self.check_lines(width, good_as_one=tight)
        return sentence, self.step_lines(width, fold=tight), checks, self.foot_lines(width)

    def wanted_height(self, width: int) -> int:
        sentence, steps, checks, foot = self.blocks(width)
        gaps = 2 * sum(1 for block in (steps, checks) if block)
        return len(sentence) + len(steps) + len(checks) + len(foot) + gaps + 1

    def paint(self, width: int, height: int) -> list[Line]:
        tight = self.wanted_height(width) > height
        sentence, steps, checks, foot = self.blocks(width, tight=tight)
        lines = [*sentence, Line()]
        if steps:
            others = len(sentence) + len(checks) + len(foot) + (3 if tight else 5)
            room = max(3, height - others)
            if len(steps) > room:
                first = self._first_shown(steps, room)
                last = min(len(steps), first + room - 1)
                steps[0].right(width, f"{first}–{last - 1} of {len(steps) - 1}", "faint")
                steps = [steps[0], *steps[first:last]]
            lines += steps
            if not tight:
                lines.append(Line())
            lines.append(_rule(width))
        if checks:
            lines += checks
            if not tight:
                lines.append(Line())
            lines.append(_rule(width))
        return (lines + foot)[:height] if not tight else _end_kept(lines, foot, height)

    def _first_shown(self, steps: list[Line], room: int) -> int:
        at = next(
            (place for place, line in enumerate(steps) if any(p.text == "►" for p in line.pieces)),
            1,
        )
        return max(1, min(at - 1 + self.top, len(steps) - room + 1))

    def on_click(self, event: Click) -> None:
        if name := self.key_at(event):
            self.post_message(self.Pressed(name))


def _rule(width: int) -> Line:
    line = Line()
    line.put(0, "─" * width, "line")
    return line


def _end_kept(lines: list[Line], foot: list[Line], height: int) -> list[Line]:
    return [*lines[: max(0, height - len(foot))], *foot]


def _next_step(plan: PlanView) -> PlannedStepView | None:
    runs = (StepFate.AGAIN, StepFate.RUN)
    return next((step for step in plan.steps if step.fate in runs), None)


def _folded(
    steps: tuple[PlannedStepView, ...], from_steps: int
) -> list[tuple[PlannedStepView, ...]]:
    """Kept steps as one row when there are many; every other one by itself."""
    kept = [step for step in steps if step.fate is StepFate.KEEP]
    if len(steps) <= from_steps or len(kept) < 2:
        return [(step,) for step in steps]
    return [tuple(kept), *((step,) for step in steps if step.fate is not StepFate.KEEP)]
