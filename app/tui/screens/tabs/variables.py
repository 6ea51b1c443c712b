"""Variables: name and value by the newest checkpoint; of a secret only that there is one."""

from __future__ import annotations

from textual.app import ComposeResult

from app import format as form
from app.tui.calling import on_loop
from app.tui.details import SessionDetail, VariableView
from app.tui.drawing import Line, rule
from app.tui.screens.tabs.tab import Tab
from app.tui.widgets.line_list import LineList
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import Text, TextView


def _value_at(width: int) -> int:
    return 26 if width < 110 else 36


class _Head(Painted):
    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        line.put(2, "NAME", "faint")
        line.put(_value_at(width), "VALUE", "faint")
        return [line]


class _List(LineList):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[VariableView] = []
        self.words = "Reading the newest checkpoint."

    def line_count(self) -> int:
        return len(self.items)

    def line_at(self, y: int, width: int, at_cursor: bool) -> Line:
        one = self.items[y]
        line = Line()
        start = _value_at(width)
        end = width - (2 if width >= 110 else 1)
        line.put(2, form.one_line(one.name), "fg", bold=at_cursor, limit=start - 4)
        if one.note:
            end = line.right(end, one.note, "faint") - 2
        value = form.one_line(one.value[:500])
        if not value and not one.note:
            line.put(start, "empty", "faint")
        line.put(start, value, "muted", limit=max(0, end - start))
        return line

    def empty_line(self, place: int, _width: int) -> Line:
        line = Line()
        if place == 0:
            line.put(2, self.words, "muted")
        return line


class _Title(Painted):
    name = ""

    def paint(self, width: int, height: int) -> list[Line]:
        view = self.parent
        focused = view is not None and view.query_one(TextView).has_focus
        return [rule(width, form.cut(form.one_line(self.name), width - 8), focused=focused)]


class View(Tab):
    """The list, and beneath it the whole value of the variable under the cursor."""

    def compose(self) -> ComposeResult:
        yield _Head()
        yield _List()
        yield _Title()
        yield TextView(wraps=True)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        shown = self.query_one(_List)
        wanted = len(shown.items) + (1 if self.screen.has_class("-tall") else 0)
        shown.styles.height = max(3, min(wanted, self.size.height * 3 // 5))

    def show(self, detail: SessionDetail) -> None:
        row, backend = detail.row, self.board.backend

        def read() -> None:
            on_loop(self, self._take, backend.variables(row))

        self.run_worker(read, thread=True, group="variables", exclusive=True, exit_on_error=False)

    def _take(self, items: list[VariableView]) -> None:
        shown = self.query_one(_List)
        at = shown.items[shown.cursor].name if shown.cursor < len(shown.items) else ""
        shown.items = items
        shown.words = "No variables: no checkpoint of this session has any."
        place = next((y for y, one in enumerate(items) if one.name == at), None)
        shown.lines_changed(keep=place)
        self._fit()
        self.query_one(_Title).display = self.query_one(_Head).display = bool(items)
        self._show_value()
        self.session.show_footer()

    def on_line_list_moved(self) -> None:
        self._show_value()
        self.session.show_footer()

    def _show_value(self) -> None:
        shown, title, value = (
            self.query_one(_List),
            self.query_one(_Title),
            self.query_one(TextView),
        )
        if not 0 <= shown.cursor < len(shown.items):
            value.show(())
            return
        one = shown.items[shown.cursor]
        title.name = one.name
        title.repaint()
        if one.is_secret:
            texts = [
                Text(one.value, "muted"),
                Text("A secret; its value is kept nowhere.", "faint"),
            ]
        else:
            texts = [Text(line, "fg") for line in one.value.split("\n")]
        if one.note and not one.is_secret:
            texts.append(Text(one.note, "faint"))
        value.show(texts)

    def on_descendant_focus(self) -> None:
        self.query_one(_Title).repaint()

    def on_descendant_blur(self) -> None:
        self.query_one(_Title).repaint()

    def position(self) -> tuple[str, str]:
        shown = self.query_one(_List)
        return (str(shown.cursor + 1), f"of {len(shown.items)}") if shown.items else ("", "")
