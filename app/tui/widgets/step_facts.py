"""What is known of one step, one attempt or one pass, beside the end of its output."""

from __future__ import annotations

from app import format as form
from app.status_style import STEP_STYLES, StepSign
from app.tui import log_text
from app.tui.board import board_of
from app.tui.details import SessionDetail, Span, SpanKind, StepView
from app.tui.drawing import Line, rule
from app.tui.log_file import Tail
from app.tui.notes import short_label
from app.tui.step_rows import StepRow, sign_of
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import wrapped_at_blanks

LABEL = 12
_MOST_COMMAND_ROWS = 3
_LOUD = (StepSign.FAILED, StepSign.INTERRUPTED, StepSign.UNKNOWN)

Fact = tuple[str, str, str]
"""Label, value, colour."""


class StepFacts(Painted):
    """Facts at the left, the command first; at the right the end of the output."""

    DEFAULT_CSS = "StepFacts { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._row: StepRow | None = None
        self._detail: SessionDetail | None = None
        self._tail: Tail | None = None

    def show(self, row: StepRow | None, detail: SessionDetail | None, tail: Tail | None) -> None:
        self._row, self._detail, self._tail = row, detail, tail
        self.repaint_changed()

    def paint(self, width: int, height: int) -> list[Line]:
        row = self._row
        if row is None:
            return [rule(width)]
        narrow = width < 110
        split = 35 if narrow else 47
        body = [Line() for _ in range(max(0, height - 1))]
        if row.step is not None:
            head, facts = self._title(row, row.step, width), self._facts(row, row.step)
        else:
            head, facts = rule(width, row.pass_.words if row.pass_ else ""), self._of_pass(row)
        self._put_facts(body, facts, split - 4 - LABEL)
        for line in body:
            line.put(split, "│", "line")
        self._put_output(body, row, split + 2, width - (1 if narrow else 2))
        return [head, *body]

    def _title(self, row: StepRow, step: StepView, width: int) -> Line:
        style = STEP_STYLES[step.sign]
        span = row.span
        loud = step.sign in _LOUD or step.sign is StepSign.RUNNING
        role: str = style.role if loud else "muted"
        about = span.label if span is not None else step.tries_words
        words = step.outcome or (style.word if step.sign is not StepSign.DONE else "")
        if span is not None:
            at_work = "waiting" if span.kind is SpanKind.WAIT else "running"
            words = span.outcome or (at_work if span.running else "")
            role = "error" if span.failed else role if span.running else "muted"
        last = span or _last_attempt(step)
        if last is not None and words and (step.sign in _LOUD or span is not None):
            took = form.duration(last.seconds, finished=True)
            words = f"{words} after {took}" if not (last.running or last.is_cut_off) else words
        return rule(
            width,
            f"{step.number} {form.cut(short_label(step.label), 60)}",
            form.one_line(about),
            right=lambda line, end: line.right(end, form.cut(words, 40), role),
        )

    # -- facts

    def _put_facts(self, body: list[Line], facts: list[Fact], room: int) -> None:
        spare = max(0, len(body) - len(facts))
        y = 0
        for label, value, token in facts:
            pieces = [form.one_line(value)]
            if token == "fg":
                most = min(_MOST_COMMAND_ROWS, max(2, 1 + spare))
                pieces = wrapped_at_blanks(pieces[0], room)
                if len(pieces) > most:
                    pieces = [*pieces[: most - 1], " ".join(pieces[most - 1 :])]
            for place, piece in enumerate(pieces):
                if y >= len(body):
                    return
                body[y].put(2, "" if place else label, "faint")
                body[y].put(2 + LABEL, piece, token, limit=room)
                y += 1

    def _facts(self, row: StepRow, step: StepView) -> list[Fact]:
        facts: list[Fact] = [("Command", short_label(step.command or step.label), "fg")]
        span = row.span
        if span is not None:
            facts = facts if span.kind is SpanKind.ATTEMPT else [(*_split(span), "fg")]
            facts += self._times_of(span)
            facts += [("Log", _log_words(span.log_name, None, span.log is not None), "muted")]
            return [fact for fact in facts if fact[1]]
        if step.sign is StepSign.SKIPPED:
            return [*facts, ("Skipped", step.outcome.removeprefix("skipped: "), "muted")]
        facts += self._times(step.started_us, step.ended_us, step.outcome)
        if step.plan is not None and step.plan.timeout:
            limit = form.duration(step.plan.timeout).removesuffix(" 00s")
            reached = ", reached" if step.outcome == "timeout" else ", not reached"
            over = step.ended_us is not None
            facts.append(("Timeout", f"{limit}{reached if over else ''}", "muted"))
        if step.commits is not None:
            made = form.count(step.commits, "commit") if step.commits else "none by this step"
            facts.append(("Commits", made, "muted"))
        for handler in list(dict.fromkeys(step.handlers))[:2]:
            times = step.handlers.count(handler)
            facts.append(("Handler", f"{handler}{f' ×{times}' if times > 1 else ''}", "muted"))
        if step.log_name:
            words = _log_words(step.log_name, step.log_bytes, step.log is not None)
            facts.append(("Log", words, "muted"))
        place = self._detail.checkpoint_place if self._detail is not None else None
        is_newest_pass = row.pass_ is None or self._detail is None or (
            row.pass_ is self._detail.passes[-1]
        )  # fmt: skip
        if place is not None and place[1] == step.number and is_newest_pass:
            facts.append(("Checkpoint", f"#{place[0]} before this step", "muted"))
        return facts

    def _times_of(self, span: Span) -> list[Fact]:
        if span.running or span.took is None:
            return self._times(span.started_us, None, "")
        ended_us = span.started_us + int(span.took * 1e6)
        if span.is_cut_off:
            return self._times(span.started_us, ended_us, "", end="Last word")
        return self._times(span.started_us, ended_us, span.outcome)

    def _times(
        self, started_us: int | None, ended_us: int | None, how: str, *, end: str = "Ended"
    ) -> list[Fact]:
        now = form.moment_from_microseconds(board_of(self).now_us())
        facts: list[Fact] = []
        if now is not None and started_us:
            at = form.moment_from_microseconds(started_us)
            facts.append(("Started", form.clock(at, now, seconds=True), "muted"))
        if now is not None and ended_us:
            at = form.moment_from_microseconds(ended_us)
            words = f", {how}" if how else ""
            facts.append((end, f"{form.clock(at, now, seconds=True)}{words}", "muted"))
        return facts

    def _of_pass(self, row: StepRow) -> list[Fact]:
        one = row.pass_
        if one is None:
            return []
        spans = one.spans
        ends = [span.started_us + int(span.seconds * 1e6) for span in spans]
        over = sign_of(one) is StepSign.DONE
        facts: list[Fact] = [("Steps", _counts(one.steps), "fg")]
        facts += self._times(
            min((span.started_us for span in spans), default=None),
            max(ends) if ends and over else None, "",
        )  # fmt: skip
        commits = sum(step.commits or 0 for step in one.steps)
        return [*facts, ("Commits", form.count(commits, "commit"), "muted")]

    # -- output

    def _put_output(self, body: list[Line], row: StepRow, x: int, end: int) -> None:
        texts = [log_text.shown(one) for one in self._tail.lines] if self._tail else []
        if not texts and body:
            body[0].put(x + 2, _nothing(row), "muted", limit=max(0, end - x - 2))
        for line, text in zip(body, texts[-len(body) :], strict=False):
            wrong = log_text.is_error(text)
            if wrong:
                line.put(x, "×", "error")
            quiet = text.startswith(" ") and not wrong
            line.put(x + 2, text, "muted" if quiet else "fg", limit=max(0, end - x - 2))


def _last_attempt(step: StepView) -> Span | None:
    return next((s for s in reversed(step.spans) if s.kind is SpanKind.ATTEMPT), None)


def _split(span: Span) -> tuple[str, str]:
    """``on_failure claude /debug`` as a label and what it did."""
    if span.kind is SpanKind.WAIT:
        return "Wait", span.label.removeprefix("wait ")
    role, _, what = span.label.partition(" ")
    return "Handler", f"{what or role}"


def _log_words(name: str, size: int | None, is_there: bool) -> str:
    if not name:
        return ""
    if not is_there:
        return f"{name}, gone"
    return f"{name}  {form.size(size)}" if size is not None else name


def _counts(steps: tuple[StepView, ...]) -> str:
    done = sum(1 for step in steps if step.sign in (StepSign.DONE, StepSign.SKIPPED))
    return f"all {done} done" if done == len(steps) else f"{done} of {len(steps)} done"


def _nothing(row: StepRow) -> str:
    """Why there is no output."""
    step = row.step
    if step is None:
        return "Each of its steps has its own output."
    if row.span is not None and row.span.log_name and row.span.log is None:
        return "Its output is gone."
    if step.sign is StepSign.NOT_REACHED and not step.spans:
        return "Not reached, so there is no output."
    if step.sign is StepSign.SKIPPED:
        return "Skipped, so there is no output."
    if row.span is None and step.log_name and step.log is None:
        return "Its output is gone."
    return "No output yet." if step.sign is StepSign.RUNNING else "It printed nothing."
