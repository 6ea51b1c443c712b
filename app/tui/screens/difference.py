"""What the workflow file on disk has otherwise than the copy a session was started with."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from app.tui.backend import Refused
from app.tui.calling import on_loop
from app.tui.drawing import Line
from app.tui.notes import name_of
from app.tui.screens.modal import Modal
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import Text, TextView
from store.row import SessionRow

_TOKENS = {"+": "done", "-": "error", "@": "faint"}


class _Foot(Painted):
    DEFAULT_CSS = "_Foot { height: 2; }"

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        x = line.put(0, "j k", "accent", bold=True)
        line.put(x + 1, "move", "muted")
        x = line.right(width, "back to the plan", "muted")
        line.right(x - 1, "esc", "accent", bold=True)
        return [Line(), line]


class DifferenceScreen(Modal[None]):
    """Lines of a unified difference: taken away from the saved copy, and new in the file."""

    box_width = 90
    spare_rows = 4
    title_text = "Difference"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v,q,enter", "close", show=False)]

    def __init__(self, row: SessionRow) -> None:
        self.title_more = f"{name_of(row)}  from the saved copy to the file on disk"
        self._row = row
        self._count = 1
        super().__init__()

    def content(self) -> ComposeResult:
        yield TextView(left=0)
        yield _Foot()

    def content_height(self) -> int:
        return self._count + 2

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(TextView).focus()
        backend, run_id = self.board.backend, self._row.id

        def read() -> None:
            try:
                lines = backend.workflow_difference(run_id)
            except Refused as refused:
                on_loop(self, self._take, (Text(str(refused), "error"),))
            else:
                on_loop(self, self._take, tuple(map(_coloured, lines[2:])))

        self.run_worker(read, thread=True, group="difference", exit_on_error=False)

    def _take(self, lines: tuple[Text, ...]) -> None:
        shown = lines or (Text("Only its line ends differ.", "muted"),)
        self._count = len(shown)
        self.query_one(TextView).show(shown)
        self.lay_out()


def _coloured(line: str) -> Text:
    return Text(line, _TOKENS.get(line[:1], "muted"))
