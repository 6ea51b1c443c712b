"""A resume plan as lines: the sentence, every step, every check, the command, the buttons."""

from __future__ import annotations

from app import format as form
from app.tui.board import board_of
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, ResumeChoice
from app.tui.drawing import Line
from app.tui.plan_lines import CHECK_NAMES, check_lines, pending, sentence_rows, step_lines
from app.tui.typed import fitted
from app.tui.widgets.painted import Pressable

FOLDS_ABOVE = 12
"""Of more steps than this, those that are kept are one line."""
_FEWEST_STEPS = 3


class PlanPane(Pressable):
    """The plan, from its sentence to its buttons."""

    DEFAULT_CSS = "PlanPane { height: 1fr; }"

    class Pressed(Pressable.Pressed):
        """A key that is drawn was clicked; ``name`` is what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: PlanView | None = None
        self.steps: tuple[PlannedStepView, ...] = ()
        """The steps there are, while no plan says what happens to them."""
        self.refused = ""
        self.starting = ""
        self.estimate = ""
        self.choice = ResumeChoice()
        self.pending = True
        """The plan is being made; one that is there is about another choice."""
        self.made_again = False
        self.dead = False
        """Enter does nothing just now."""
        self.top = 0

    # -- what is said

    def sentence(self) -> str:
        if self.refused:
            return self.refused
        if self.plan is None or self.pending:
            return "Looking at what is there. Nothing has run yet."
        return self.plan.sentence

    @property
    def is_bad(self) -> bool:
        """Whether it cannot be resumed."""
        return bool(self.refused or (self.plan and self.plan.impossible and not self.pending))

    def checks(self) -> tuple[CheckView, ...]:
        if self.refused:
            return ()
        if self.plan is not None and not self.pending:
            return self.plan.checks
        names = [check.name for check in self.plan.checks] if self.plan else CHECK_NAMES
        return tuple(CheckView(name, Finding.PENDING, "checking…") for name in names)

    def planned_steps(self) -> tuple[PlannedStepView, ...]:
        if self.is_bad:
            return ()
        if self.plan is None:
            return pending(self.steps)
        return pending(self.plan.steps) if self.pending else self.plan.steps

    @property
    def needs_force(self) -> bool:
        return bool(self.plan and self.plan.needs_force)

    def command(self) -> str:
        """The same as a command line."""
        assert self.plan is not None
        if self.plan.impossible and self.plan.instead:
            return self.plan.instead
        plain, _, _ = self.plan.command.partition(" --")  # it may be about another choice
        words = [plain, *self.choice.arguments()]
        if self.needs_force and not self.choice.force:
            words.append("--force")
        return " ".join(words)

    @property
    def is_chosen(self) -> bool:
        """Whether somebody chose another way than the plain one."""
        return self.choice != ResumeChoice()

    # -- parts

    def _top_lines(self, width: int) -> list[Line]:
        lines = []
        if self.made_again:
            line = Line()
            line.put(0, "!", "warn", bold=True)
            line.put(2, "It changed while you looked. Plan made again.", "fg")
            lines.append(line)
        for text in sentence_rows(self.sentence(), width):
            line = Line()
            line.put(0, text, "error" if self.is_bad else "fg")
            lines.append(line)
        return lines

    def _step_lines(self, width: int, *, tight: bool) -> list[Line]:
        steps = self.planned_steps()
        return step_lines(steps, width, fold=tight or len(steps) > FOLDS_ABOVE)

    def _check_lines(self, width: int, *, tight: bool) -> list[Line]:
        plan = None if self.pending else self.plan
        return check_lines(self.checks(), plan, self.choice, width, good_as_one=tight)

    def _foot_lines(self, width: int, *, tight: bool) -> list[Line]:
        gap = [] if tight else [Line()]
        lines = []
        if self.needs_force and self.plan is not None and not self.plan.impossible:
            for text in self.plan.needs_force:
                for place, row in enumerate(sentence_rows(text, width - 2)):
                    line = Line()
                    line.put(0, "" if place else "!", "warn", bold=True)
                    line.put(2, row, "fg")
                    lines.append(line)
            lines += gap
        if self.plan is not None and not self.refused:
            lines += [self._command_line(width), *gap]
        lines.append(self._buttons(width))
        if said := self.starting or self.estimate:
            line = Line()
            line.put(0, said, "muted" if self.starting else "faint", limit=width)
            lines += [*gap, line]
        return lines

    def _command_line(self, width: int) -> Line:
        line = Line()
        line.put(0, "$", "faint")
        prodigy = board_of(self).backend.prodigy_word
        line.put(2, fitted(form.one_line(self.command()), prodigy, width - 10), "fg")
        x = line.right(width, "copy", "muted", key="copy")
        line.right(x - 1, "y", "accent", bold=True, key="copy")
        return line

    def _buttons(self, width: int) -> Line:
        plan, line = self.plan, Line()
        can_be = plan is not None and not plan.impossible and not self.refused
        x = 0
        if can_be and self.needs_force and not self.pending:
            token = "faint" if self.dead else "warn"
            x = line.put(x, "F", token, bold=True, key="force")
            x = line.put(x + 1, "Resume all the same (--force)", "muted", key="force") + 3
        elif can_be and not self.pending and not self.dead and not self.starting:
            x = line.put(x, "  enter  ", "inv", on="accent", key="resume")
            x = line.put(x, "Resume  ", "inv", bold=True, on="accent", key="resume") + 3
        elif not self.refused:
            x = line.put(x, "  enter  Resume  ", "faint", on="raise") + 3
        if plan is not None and not self.starting and (can_be or self.is_chosen):
            room = width - x - 30
            if room >= 8:
                x = line.put(x, "R", "accent", bold=True, key="other")
                words = "from another step…" if room >= 20 else "other…"
                line.put(x + 1, words, "muted", key="other")
        end = line.right(width, "close, change nothing", "muted", key="close")
        line.right(end - 1, "esc", "accent", bold=True, key="close")
        return line

    # -- all of it

    def wanted_height(self, width: int, *, tight: bool = False) -> int:
        """Rows that show all of it; ``tight`` without blank ones and with steps kept as one."""
        steps = self._step_lines(width, tight=tight)
        checks = self._check_lines(width, tight=tight)
        gap = 1 if tight else 2
        return (
            len(self._top_lines(width)) + 1
            + sum(len(block) + gap for block in (steps, checks) if block)
            + len(self._foot_lines(width, tight=tight))
        )  # fmt: skip

    def paint(self, width: int, height: int) -> list[Line]:
        tight = self.wanted_height(width) > height
        top, foot = self._top_lines(width), self._foot_lines(width, tight=tight)
        steps = self._step_lines(width, tight=tight)
        checks = self._check_lines(width, tight=tight)
        gap = [] if tight else [Line()]
        lines = [*top, Line()]
        if steps:
            below = len(foot) + (len(checks) + len(gap) + 1 if checks else 0)
            steps = self._scrolled(steps, height - len(lines) - below - len(gap) - 1, width)
            lines += [*steps, *gap, _rule(width)]
        if checks:
            lines += [*checks, *gap, _rule(width)]
        return [*lines[: max(0, height - len(foot))], *foot][:height]

    def _scrolled(self, steps: list[Line], room: int, width: int) -> list[Line]:
        """As many steps as there is room for, the one that runs next among them."""
        room = max(_FEWEST_STEPS, room)
        if len(steps) <= room:
            return steps
        runs_next = (
            place for place, line in enumerate(steps) if any(p.text == "►" for p in line.pieces)
        )
        first = max(1, min(next(runs_next, 1) - 1 + self.top, len(steps) - room + 1))
        last = first + room - 1
        steps[0].right(width, f"{first}–{last - 1} of {len(steps) - 1}", "faint")
        return [steps[0], *steps[first:last]]


def _rule(width: int) -> Line:
    line = Line()
    line.put(0, "─" * width, "line")
    return line
