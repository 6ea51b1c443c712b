"""Failure: why it failed, the lines that say so, and what can be done about it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message

from app import format as form
from app.status_style import style_of
from app.tui.actions import Subject, action
from app.tui.backend import path_word
from app.tui.details import SessionDetail, WorktreeView
from app.tui.drawing import Line, rule
from app.tui.failure_words import (
    FAILED_STATES,
    Fact,
    facts,
    failed_step,
    resume_words,
    sentence,
)
from app.tui.log_reel import LogPart
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.footer import Hint
from app.tui.widgets.log_pane import LogPane
from app.tui.widgets.painted import Painted, dashboard
from app.tui.widgets.text_view import wrapped
from store.row import SessionRow

LABEL = 10
SHOWN_LINES = 50
COMMAND = 50
"""The column of the command lines; where the screen is narrow they stand beneath."""
NARROW_COMMAND = 29


class Facts(Painted):
    """The sentence, and the facts under it."""

    DEFAULT_CSS = "Facts { height: 8; }"

    def __init__(self) -> None:
        super().__init__()
        self.detail: SessionDetail | None = None
        self.worktree: WorktreeView | None = None

    def show(self, detail: SessionDetail, worktree: WorktreeView | None) -> None:
        self.detail, self.worktree = detail, worktree
        self.fit()

    def fit(self) -> None:
        """Be as high as there is to say; blank rows go first where room is short."""
        if self.detail is not None and self.size.width:
            rows = len(self._fact_lines(self.size.width))
            self.styles.height = rows + (3 if self._is_airy else 1)
        self.repaint()

    @property
    def _is_airy(self) -> bool:
        return self.app.size.height >= 28

    def on_resize(self, event: Resize) -> None:
        super().on_resize(event)
        self.fit()

    def paint(self, width: int, height: int) -> list[Line]:
        detail = self.detail
        if detail is None:
            return []
        board = dashboard(self)
        head = Line()
        style = style_of(detail.row.state)
        what, how = sentence(detail, board.now_us())
        calm = what == "Nothing failed"
        sign = "·" if calm else style.sign(board.ascii_only)
        head.put(2, sign, "faint" if calm else style.role, bold=True)
        x = head.put(4, what, "fg" if calm else style.role, bold=True)
        head.put(x + 3, form.one_line(how), "fg", limit=max(0, width - x - 4))
        return [head, *([Line()] if self._is_airy else []), *self._fact_lines(width)]

    def _fact_lines(self, width: int) -> list[Line]:
        assert self.detail is not None
        lines: list[Line] = []
        for fact in facts(self.detail, self.worktree):
            lines += _fact_lines(fact, width - LABEL - 4)
        return lines


def _fact_lines(fact: Fact, room: int) -> list[Line]:
    line = Line()
    line.put(2, fact.label, "faint")
    x = 2 + LABEL
    if fact.wraps:
        text, token = fact.pieces[0]
        pieces = wrapped(text, room)
        line.put(x, pieces[0], token)
        if len(pieces) == 1:
            return [line]
        second = Line()
        rest = pieces[1] if len(pieces) == 2 else f"{pieces[1]}{pieces[2]}"
        second.put(x, rest, token, limit=room)
        return [line, second]
    end = x + room
    for text, token in fact.pieces:
        if x >= end:
            break
        x = line.put(x, text, token, limit=end - x)
    return [line]


class WhatYouCanDo(Painted):
    """Actions with their keys and exact command lines."""

    DEFAULT_CSS = "WhatYouCanDo { height: 7; }"
    NAMES = ("resume", "resume_from", "skip_step", "shell", "edit_workflow", "copy")

    class Pressed(Message):
        """An action was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__()
        self._subject: Subject | None = None
        self._line = 0

    def show(self, subject: Subject, line: int) -> None:
        """Show what can be done; ``line`` is where the step stands in the workflow."""
        self._subject, self._line = subject, line
        self.fit()

    def fit(self) -> None:
        """Be as high as there are rows; beneath each its command when that has no room beside."""
        self.styles.height = len(self.NAMES) * (2 if self._is_beneath else 1) + 1
        self.repaint()

    @property
    def _is_narrow(self) -> bool:
        return self.app.size.width < 96 and not self._is_beneath

    @property
    def _is_beneath(self) -> bool:
        return self.app.size.width < 96 and self.app.size.height >= 36

    def _rows(self) -> list[tuple[str, str, str, str | None]]:
        subject = self._subject
        if subject is None or subject.row is None:
            return []
        rows = []
        for name in self.NAMES:
            one = action(name)
            why = one.why_not(subject)
            command = self._command(name, subject.row) or one.command_line(subject)
            rows.append((name, self._words(name, subject.row, why), command, why))
        return rows

    def _words(self, name: str, row: SessionRow, why: str | None) -> str:
        step = row.step_index + 1
        if self._is_narrow:
            return self._short_words(name, step)
        match name:
            case "resume" if why is None:
                return resume_words(row)
            case "skip_step":
                after = f", go on with {step + 1}" if step < row.total_steps else ""
                return f"Skip step {step}{after}"
            case "shell":
                return "Shell in the worktree"
            case "edit_workflow":
                return "Edit the workflow at this step"
            case "copy":
                return "Copy id, path, branch, error…"
        words = action(name).help
        return words[0].upper() + words[1:]

    def _short_words(self, name: str, step: int) -> str:
        return {
            "resume": f"Resume with step {step}",
            "resume_from": "Resume from elsewhere…",
            "skip_step": f"Skip step {step}",
            "shell": "Shell in the worktree",
            "edit_workflow": "Edit the workflow",
        }.get(name, "Copy id, path, error…")

    def _command(self, name: str, row: SessionRow) -> str:
        if name == "copy":
            return f"prodigy sessions show {form.short_id(row.id)} --failure"
        if name == "edit_workflow" and row.workflow_path:
            at = f"+{self._line} " if self._line else ""
            return f"$EDITOR {at}{form.one_line(path_word(row.workflow_path))}"
        return ""

    def paint(self, width: int, height: int) -> list[Line]:
        lines = [rule(width, "What you can do")]
        start = NARROW_COMMAND if self._is_narrow else COMMAND
        for place, (name, words, command, why) in enumerate(self._rows()):
            possible = why is None
            line = Line()
            line.put(2, action(name).key, "accent" if possible else "faint", bold=possible,
                     key=name)  # fmt: skip
            first = place == 0 and possible
            room = width - 6 if self._is_beneath else start - 7
            line.put(5, words, "fg" if possible else "faint", bold=first, limit=room, key=name)
            lines.append(line)
            beside = Line() if self._is_beneath else line
            x = 5 if self._is_beneath else start
            told = form.cut_middle(why or command, max(4, width - x - 1))
            beside.put(x, told, "muted" if possible else "faint")
            if beside is not line:
                lines.append(beside)
        return lines

    def on_click(self, event: Click) -> None:
        if name := self.key_at(event):
            self.post_message(self.Pressed(name))


class View(Tab):
    """Facts, output opened at its errors, actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", show=False),
        Binding("l", "all", show=False),
        Binding("right_square_bracket", "failed(1)", show=False),
        Binding("left_square_bracket", "failed(-1)", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shape: tuple[object, ...] = ()
        self._worktree: WorktreeView | None = None

    def compose(self) -> ComposeResult:
        yield Facts()
        yield LogPane(id="failure-output", last=SHOWN_LINES)
        yield WhatYouCanDo()

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    def show(self, detail: SessionDetail) -> None:
        row, step = detail.row, failed_step(detail)
        shape = (row.id, row.state, row.step_index, row.updated_us)
        if shape != self._shape:
            if row.id != (self._shape or ("",))[0]:
                self._worktree = None
                self.pane.view.last = SHOWN_LINES
            self._shape = shape
            self._read_worktree(detail)
        self.query_one(Facts).show(detail, self._worktree)
        view = self.pane.view
        view.empty_words = "It printed nothing."
        log = step.log if step is not None and step.log is not None else detail.log
        view.show([LogPart(log)] if log else [], follow=False, at_error=True)
        line = step.plan.line if step is not None and step.plan is not None else 0
        self.query_one(WhatYouCanDo).show(self.session.subject(), line)
        self._entitle()

    def _read_worktree(self, detail: SessionDetail) -> None:
        backend = self.board.backend

        def read() -> None:
            found = backend.worktree(detail.row, detail.head_last)
            self.app.call_from_thread(self._take_worktree, detail, found)

        self.run_worker(read, thread=True, group="worktree", exclusive=True, exit_on_error=False)

    def _take_worktree(self, detail: SessionDetail, found: WorktreeView) -> None:
        if self.is_attached and detail.row.id == self.session.run_id:
            self._worktree = found
            self.query_one(Facts).show(self.session.detail or detail, found)

    def _entitle(self) -> None:
        view = self.pane.view
        if view.shows_all:
            more = form.count(view.total, "line") if view.total else ""
        else:
            more = f"last {min(SHOWN_LINES, view.total)} of {view.total} lines"
        self.pane.entitle("Output", more, live=False)

    def on_log_view_changed(self) -> None:
        self._entitle()

    def on_resize(self) -> None:
        self.query_one(Facts).fit()
        self.query_one(WhatYouCanDo).fit()

    def tick(self) -> None:
        self.query_one(Facts).repaint()

    # -- keys

    def action_resume(self) -> None:
        self.session.action_do("resume")

    def action_all(self) -> None:
        """Scroll over all of the output."""
        self.pane.view.show_all()
        self._entitle()

    def on_what_you_can_do_pressed(self, event: WhatYouCanDo.Pressed) -> None:
        self.session.action_do(event.name)

    def on_log_pane_escaped(self) -> None:
        self.session.action_do("back")

    def _failed_ids(self) -> list[str]:
        listing = self.board.listing
        return [one for one in listing.view if listing.rows[one].state in FAILED_STATES]

    def action_failed(self, by: int) -> None:
        """Show the next failed session, or the one before."""
        ids, here = self._failed_ids(), self.session.run_id
        at = ids.index(here) if here in ids else (-1 if by > 0 else len(ids))
        if not 0 <= at + by < len(ids):
            words = "no failed session after this one" if by > 0 else "none failed before this one"
            self.session.say(words)
            return
        self.board.listing.selected = ids[at + by]
        self.session.show_session(ids[at + by])

    def hints(self) -> tuple[Hint, ...]:
        may_resume = action("resume").why_not(self.session.subject()) is None
        return (
            Hint("enter", "resume plan", may_resume, "resume"),
            Hint("/", "search"),
            Hint("w", "wrap"),
            Hint("l", "all", not self.pane.view.shows_all),
            Hint("] [", "failed ones", len(self._failed_ids()) > 1),
        )

    def position(self) -> tuple[str, str]:
        ids, here = self._failed_ids(), self.session.run_id
        return (str(ids.index(here) + 1), f"of {len(ids)} failed") if here in ids else ("", "")
