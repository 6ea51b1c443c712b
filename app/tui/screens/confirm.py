"""Questions before something is lost: what is touched, what is kept, the command, the keys."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.events import Click, Key

from app.format import cut, one_line
from app.status_style import style_of
from app.tui.board import board_of
from app.tui.drawing import Line
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.typed import fitted
from app.tui.widgets.painted import Painted
from store.row import SessionRow

MOST_TOUCHED = 8


@dataclass(frozen=True, slots=True)
class Touched:
    """A session, and what happens to it."""

    row: SessionRow
    words: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A key of its own for something that is not safe; ``answer`` is the modal's result."""

    key: str
    label: str
    answer: str
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a confirmation says.

    Where something can be lost, the safe button is what enter and esc do. Where nothing can,
    ``enter`` is the answer enter gives, and the first choice is the button.
    """

    title: str
    touched: tuple[Touched, ...]
    sentences: tuple[str, ...]
    command: str
    safe: str
    choices: tuple[Choice, ...]
    loses: bool = True
    enter: str | None = None


class _Body(Painted):
    """The text of a question."""

    DEFAULT_CSS = "_Body { height: 1fr; }"

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def paint(self, width: int, height: int) -> list[Line]:
        question = self._question
        lines: list[Line] = []
        touched = question.touched
        shown = touched if len(touched) <= MOST_TOUCHED else touched[: MOST_TOUCHED - 1]
        names = min(18, max((cell_len(name_of(one.row)) for one in shown), default=0))
        repos = min(10, max((cell_len(one_line(one.row.repo)) for one in shown), default=0))
        for one in shown:
            style = style_of(one.row.state)
            line = Line()
            line.put(0, style.sign(board_of(self).ascii_only), style.role)
            line.put(2, cut(name_of(one.row), names), "fg")
            line.put(4 + names, one_line(one.row.repo), "muted", limit=repos)
            start = 6 + names + repos
            line.put(start, one.words, "muted", limit=max(0, width - start))
            lines.append(line)
        if len(shown) < len(touched):
            line = Line()
            line.put(2, f"and {len(touched) - len(shown)} more", "muted")
            lines.append(line)
        lines.append(Line())
        for sentence in question.sentences:
            for text in textwrap.wrap(sentence, max(20, width)):
                line = Line()
                line.put(0, text, "fg")
                lines.append(line)
        if question.command:
            line = Line()
            line.put(0, "$", "faint")
            prodigy = board_of(self).backend.prodigy_word
            line.put(2, fitted(one_line(question.command), prodigy, width - 2), "muted")
            lines += [Line(), line]
        lines.append(Line())
        lines.append(self._buttons())
        return lines

    def _buttons(self) -> Line:
        """The filled button is what enter does; then the other keys."""
        question = self._question
        others = list(question.choices)
        first, label, key = "esc", question.safe, "safe"
        if question.enter is not None:
            chosen = next(one for one in others if one.answer == question.enter)
            others.remove(chosen)
            first, label, key = "enter", chosen.label, chosen.answer
        line = Line()
        x = line.put(0, f"  {first}  ", "inv", on="accent", key=key)
        x = line.put(x, f"{label}  ", "inv", bold=True, on="accent", key=key)
        for choice in others:
            token = "warn" if choice.warns else "accent"
            x = line.put(x + 3, choice.key, token, bold=True, key=choice.answer)
            x = line.put(x + 1, choice.label, "muted", key=choice.answer)
        if question.enter is not None:
            x = line.put(x + 3, "esc", "accent", bold=True, key="safe")
            line.put(x + 1, question.safe, "muted", key="safe")
        return line

    def height(self) -> int:
        return len(self.paint(58, 99))

    def on_click(self, event: Click) -> None:
        answer = self.key_at(event)
        screen = self.screen
        if answer and isinstance(screen, Confirm):
            screen.dismiss(None if answer == "safe" else answer)


class Confirm(Modal[str]):
    """A question. Results in the answer of a choice, or in None when all stays as it is."""

    box_width = 64

    def __init__(self, question: Question) -> None:
        self.question = question
        self.title_text = question.title
        self.loses_something = question.loses
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Body(self.question)

    def content_height(self) -> int:
        return self.query_one(_Body).height()

    def on_key(self, event: Key) -> None:
        typed = event.character or event.key
        for choice in self.question.choices:
            if typed == choice.key:
                event.stop()
                self.dismiss(choice.answer)
                return
        if event.key == "enter":
            event.stop()
            self.dismiss(self.question.enter)
