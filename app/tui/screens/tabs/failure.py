"""Failure: why it failed, the lines that say so, and what can be done about it."""

from __future__ import annotations

from textual.app import ComposeResult

from app import format as form
from app.status_style import StepSign, style_of
from app.tui.actions import Subject, action
from app.tui.details import SessionDetail, SpanKind, StepView
from app.tui.drawing import Line, rule
from app.tui.notes import note, short_label
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.log_view import LogView
from app.tui.widgets.painted import Painted, dashboard
from store.row import SessionRow
from store.states import State

LABEL = 10
SHOWN_LINES = 50
COMMAND = 50


class Facts(Painted):
    """The sentence, and five facts under it."""

    DEFAULT_CSS = "Facts { height: 8; }"

    def __init__(self) -> None:
        super().__init__()
        self.detail: SessionDetail | None = None

    def show(self, detail: SessionDetail) -> None:
        self.detail = detail
        self.styles.height = len(self.facts()) + 3
        self.repaint()

    @property
    def step(self) -> StepView | None:
        """The step that failed, or at which it stopped."""
        detail = self.detail
        if detail is None:
            return None
        for step in detail.steps:
            if step.sign in (StepSign.FAILED, StepSign.INTERRUPTED):
                return step
        failed = [step for step in detail.steps if any(span.failed for span in step.spans)]
        return failed[-1] if failed else None

    def sentence(self) -> tuple[str, str]:
        """What failed, and how."""
        detail = self.detail
        assert detail is not None
        row, step = detail.row, self.step
        now = dashboard(self).now_us()
        ago = form.ago((now - row.state_since_us) / 1e6) if row.state_since_us else ""
        match row.state:
            case State.FAILED if step is not None:
                last = [span for span in step.spans if span.kind is SpanKind.ATTEMPT][-1:]
                took = f" after {form.duration(last[0].seconds, finished=True)}" if last else ""
                tries = f"attempt {step.attempts}" if step.attempts > 1 else ""
                facts = [f"{step.outcome}{took}".strip(), tries, ago]
                return (
                    f"Step {step.number} of {row.total_steps} failed",
                    ", ".join(fact for fact in facts if fact),
                )
            case State.INTERRUPTED:
                return f"Interrupted in step {row.step_index + 1} of {row.total_steps}", (
                    f"its process ended without a word, {ago}"
                )
            case State.MERGE_FAILED:
                return "The merge failed", note(row, now)
            case State.UNREADABLE | State.NO_RECORD:
                return style_of(row.state).word.capitalize(), note(row, now)
        if step is not None:
            return f"Step {step.number} failed before it went on", step.outcome
        return "Nothing failed", ""

    def facts(self) -> list[tuple[str, str, str]]:
        """Label, value, token."""
        detail, step = self.detail, self.step
        if detail is None:
            return []
        row = detail.row
        found: list[tuple[str, str, str]] = []
        if step is not None:
            found.append(("Command", short_label(step.command or step.label), "fg"))
            found.append(("Tried", _tried(step), "muted"))
            if step.handlers:
                found.append(("Handler", _handlers(step), "muted"))
        if row.error and not (step and row.error == step.outcome):
            found.append(("Error", row.error, "fg"))
        found.append(("Worktree", _worktree(detail), "muted"))
        found.append(("Resume", detail.checkpoint_words, "muted"))
        if detail.claude_session:
            found.append(("Agent", f"claude --resume {detail.claude_session}", "muted"))
        return found

    def paint(self, width: int, height: int) -> list[Line]:
        detail = self.detail
        if detail is None:
            return []
        head = Line()
        style = style_of(detail.row.state)
        what, how = self.sentence()
        calm = what == "Nothing failed"
        sign = "·" if calm else style.sign(dashboard(self).ascii_only)
        head.put(2, sign, "faint" if calm else style.role, bold=True)
        x = head.put(4, what, "fg" if calm else style.role, bold=True)
        head.put(x + 3, form.one_line(how), "fg", limit=max(0, width - x - 4))
        lines = [head, Line()]
        for label, value, token in self.facts():
            line = Line()
            line.put(2, label, "faint")
            line.put(2 + LABEL, form.one_line(value), token, limit=width - LABEL - 4)
            lines.append(line)
        return lines


def _tried(step: StepView) -> str:
    attempts = [span for span in step.spans if span.kind is SpanKind.ATTEMPT]
    if not attempts:
        return form.count(max(1, step.attempts), "time")
    times = ", ".join(form.duration(span.seconds, finished=True) for span in attempts[-6:])
    endings = {span.label.partition("  ")[2] for span in attempts}
    how = ""
    if len(attempts) > 1 and len(endings) == 1:
        how = f", {next(iter(endings))} each time" if "" not in endings else ""
    elif len(attempts) == 1:
        return f"once, {times}"
    return f"{form.count(len(attempts), 'time')}{how}: {times}"


def _handlers(step: StepView) -> str:
    words = step.handlers[-1]
    times = step.handlers.count(words)
    ran = {1: "ran once", 2: "ran twice"}.get(times, f"ran {times} times")
    return f"{words} {ran}" + (", did not help" if step.sign is StepSign.FAILED else "")


def _worktree(detail: SessionDetail) -> str:
    row = detail.row
    present = detail.worktree_words == "present"
    place = f" at {row.worktree}" if present and row.worktree.startswith("/") else ""
    return f"{detail.worktree_words or 'none recorded'}{place}"


class _Title(Painted):
    DEFAULT_CSS = "_Title { height: 1; }"

    def paint(self, width: int, height: int) -> list[Line]:
        view = self.parent
        assert isinstance(view, View)
        log = view.query_one(LogView)
        shown = min(SHOWN_LINES, log.total)
        more = f"last {shown} of {log.total} lines" if log.count < log.total else (
            form.count(log.total, "line") if log.total else ""
        )  # fmt: skip

        def marks(line: Line, end: int) -> int:
            if not log.marks:
                return end
            x = line.right(end, "next", "muted")
            x = line.right(x - 1, "n", "accent", bold=True)
            return line.right(x - 2, f"{len(log.marks)} marked", "muted")

        return [rule(width, "Output", more, focused=log.has_focus, right=marks)]


class WhatYouCanDo(Painted):
    """Actions with their keys and exact command lines."""

    DEFAULT_CSS = "WhatYouCanDo { height: 7; }"
    NAMES = ("resume", "pause", "cancel", "show_output", "show_checkpoints", "copy")

    def __init__(self) -> None:
        super().__init__()
        self._subject: Subject | None = None

    def show(self, subject: Subject) -> None:
        self._subject = subject
        self.styles.height = len(self._rows()) + 1
        self.repaint()

    def _rows(self) -> list[tuple[str, str, str, bool]]:
        subject = self._subject
        if subject is None:
            return []
        rows = []
        for name in self.NAMES:
            one = action(name)
            why = one.why_not(subject)
            if why is not None and name in ("pause", "cancel"):
                continue
            words = one.help[0].upper() + one.help[1:]
            if name == "resume" and why is None and subject.row is not None:
                words = _resume_words(subject.row)
            if name == "show_output":
                words = "All of the output"
            rows.append((one.key, words, why or one.command_line(subject), why is None))
        return rows

    def paint(self, width: int, height: int) -> list[Line]:
        lines = [rule(width, "What you can do")]
        for place, (key, words, command, possible) in enumerate(self._rows()):
            line = Line()
            line.put(2, key, "accent" if possible else "faint", bold=possible)
            first = place == 0 and possible
            line.put(5, words, "fg" if possible else "faint", bold=first, limit=COMMAND - 7)
            line.put(COMMAND, command, "muted" if possible else "faint",
                     limit=max(0, width - COMMAND - 1))  # fmt: skip
            lines.append(line)
        return lines


def _resume_words(row: SessionRow) -> str:
    at, total = row.step_index + 1, row.total_steps
    if row.state is State.FAILED:
        start = f"Resume: run step {at} again"
    else:
        start = f"Resume: go on with step {at}"
    rest = total - at
    if rest <= 0:
        return start
    if rest == 1:
        return f"{start}, then {at + 1}"
    if rest == 2:
        return f"{start}, then {at + 1} and {at + 2}"
    return f"{start}, then {at + 1} to {total}"


class View(Tab):
    """Facts, output opened at its errors, actions."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = ""

    def compose(self) -> ComposeResult:
        yield Facts()
        yield _Title()
        yield LogView(last=SHOWN_LINES)
        yield WhatYouCanDo()

    def show(self, detail: SessionDetail) -> None:
        facts = self.query_one(Facts)
        facts.show(detail)
        step = facts.step
        log = self.query_one(LogView)
        log.empty_words = "It printed nothing."
        log.show(step.log if step and step.log else detail.log, follow=False, at_error=True)
        self.query_one(WhatYouCanDo).show(self.session.subject())

    def on_log_view_changed(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_focus(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_blur(self) -> None:
        self.query_one(_Title).repaint()

    def tick(self) -> None:
        self.query_one(Facts).repaint()
