"""The keys of the screen in front, from the table of actions; typing finds one."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Key

from app.format import one_line
from app.status_style import word_of
from app.tui.actions import Action, Group, Subject, actions_for, found
from app.tui.drawing import Line
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.typed import fitted
from app.tui.widgets.painted import Painted

KEY_END = 7
WORDS = 9
COMMAND = 46


def action_line(one: Action, subject: Subject, width: int) -> Line:
    """An action: key, words, and the command that does the same, or why not now."""
    line = Line()
    why = one.why_not(subject)
    line.right(KEY_END, one.key, "faint" if why else "accent", bold=not why)
    beside = width >= 80
    room = (COMMAND if beside else width) - WORDS - 2
    x = line.put(WORDS, one.help, "faint" if why else "fg", limit=room)
    if beside:
        command = one_line(one.command_line(subject))
        told = why or fitted(command, subject.prodigy, width - COMMAND)
        line.put(COMMAND, told, "faint" if why else "muted", limit=width - COMMAND)
    elif why and x + 4 < width:
        line.put(x + 2, f"({why})", "faint", limit=width - x - 2)
    return line


class _Keys(Painted):
    DEFAULT_CSS = "_Keys { height: 1fr; }"

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject
        self.typed = ""
        self.top = 0

    def body(self, width: int) -> list[Line]:
        subject = self._subject
        if self.typed:
            return [action_line(one, subject, width) for one in found(subject.where, self.typed)]
        lines: list[Line] = []
        for group in Group:
            actions = [one for one in actions_for(subject.where) if one.group is group and one.keys]
            if not actions:
                continue
            head = Line()
            head.put(0, group.value, "fg", bold=True)
            lines += [*([Line()] if lines else []), head]
            lines += [action_line(one, subject, width) for one in actions]
        return lines

    def paint(self, width: int, height: int) -> list[Line]:
        head = Line()
        x = head.put(0, "/", "accent", bold=True)
        head.put(x + 1, self.typed or "type to find an action", "fg" if self.typed else "faint")
        row = self._subject.row
        if row is not None:
            head.right(width, f"on {name_of(row)}, {word_of(row.state)}", "muted")
        foot = Line()
        x = 0
        for key, words in (("ctrl+p", "all actions by name"), ("tab", "next pane"),
                           ("j k g G ctrl+d ctrl+u", "move")):  # fmt: skip
            if x + len(key) + len(words) + 16 > width:
                break
            x = foot.put(x, key, "accent", bold=True)
            x = foot.put(x + 1, words, "muted") + 3
        end = foot.right(width, "close", "muted")
        foot.right(end - 1, "esc", "accent", bold=True)
        body = self.body(width)
        room = max(1, height - 4)
        self.top = max(0, min(self.top, len(body) - room))
        shown = body[self.top : self.top + room]
        shown += [Line() for _ in range(room - len(shown))]
        line = Line()
        line.put(0, "─" * width, "line")
        if len(body) > room:
            line.right(width, f" {self.top + room} of {len(body)} ", "faint")
        return [head, Line(), *shown, line, foot]


class HelpScreen(Modal[None]):
    """Keys, grouped; what is disabled says why."""

    box_width = 104

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.title_text = "Keys"
        self.title_more = f"for {subject.where.value}"
        super().__init__()

    def content(self) -> ComposeResult:
        yield _Keys(self._subject)

    def content_height(self) -> int:
        return len(self.query_one(_Keys).body(98)) + 4

    def on_key(self, event: Key) -> None:
        keys = self.query_one(_Keys)
        moves = {"down": 1, "up": -1, "pagedown": 10, "pageup": -10}
        if event.key in moves:
            keys.top += moves[event.key]
        elif event.key == "backspace":
            keys.typed = keys.typed[:-1]
        elif event.key == "question_mark" and not keys.typed:
            self.dismiss(None)
            return
        elif event.is_printable and event.character:
            keys.typed += event.character.removeprefix("/") if not keys.typed else event.character
        else:
            return
        event.stop()
        keys.repaint()
