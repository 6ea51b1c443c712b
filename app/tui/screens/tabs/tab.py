"""The base of a session's tabs, and the list of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import ClassVar, cast

from textual.containers import Vertical
from textual.worker import Worker, WorkerState

from app.tui.board import Board, board_of
from app.tui.details import SessionDetail
from app.tui.drawing import Line
from app.tui.screens.action_screen import ActionScreen
from app.tui.widgets.footer import Hint
from app.tui.widgets.painted import Painted


class SessionHost(ActionScreen):
    """The screen of one session, as its tabs know it."""

    run_id: str

    def count(self, tab: str, number: int) -> None:
        """Say how much a tab has."""
        raise NotImplementedError

    def show_session(self, run_id: str) -> None:
        """Show another session, in the same tab."""
        raise NotImplementedError


class Trouble(Painted):
    """What a tab could not read, by what it was."""

    DEFAULT_CSS = "Trouble { dock: top; height: 2; }"

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, str] = {}

    def say(self, what: str, why: str) -> None:
        self._told[what] = why
        self.display = True
        self.repaint()

    def forget(self, what: str) -> None:
        """It can be read again."""
        self._told.pop(what, None)
        self.display = bool(self._told)
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line, help_line = Line(), Line()
        for what, why in list(self._told.items())[:1]:
            line.put(2, f"Could not read {what}: {why}", "error", limit=width - 3)
        help_line.put(2, "ctrl+r tries again", "muted")
        return [line, help_line]


class Tab(Vertical):
    """One tab. It is given the session's detail whenever that changed while the tab is shown."""

    DEFAULT_CSS = """
    Tab { height: 1fr; width: 1fr; }
    Tab .-aside, Tab .-absent { display: none; }
    """
    PANES: ClassVar[tuple[str, ...]] = ()
    """Selectors: a pane with all that belongs to it; one that has the focus may be alone."""

    @property
    def board(self) -> Board:
        return board_of(self)

    @property
    def session(self) -> SessionHost:
        return cast(SessionHost, self.screen)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What a tab cannot read is said in it; the other tabs live on."""
        if event.state is WorkerState.ERROR:
            self.fail(event.worker.group, event.worker.error)
        elif event.state is WorkerState.SUCCESS and self.query(Trouble):
            self.query_one(Trouble).forget(event.worker.group)

    def fail(self, what: str, error: BaseException | None) -> None:
        """Say above all else that something could not be read, until it is."""
        self.read_anew()
        if not self.query(Trouble):
            self.mount(Trouble(), before=0)
        self.query_one(Trouble).say(what, f"{error}")

    def read_anew(self) -> None:
        """Forget what was read: the next detail has everything read again, git included."""

    def show(self, detail: SessionDetail) -> None:
        """Show a session."""
        raise NotImplementedError

    # -- one pane alone

    def on_resize(self) -> None:
        self.arrange_panes()

    @property
    def is_zoomed(self) -> bool:
        """Whether one pane has the room of all."""
        return self.id in self.board.zoomed

    def zoom(self) -> None:
        """Give the pane with the focus the room of all, or back."""
        if self.board.zoomed.pop(self.id or "", None) is None:
            self.board.zoomed[self.id or ""] = next(
                (place for place, pane in enumerate(self.PANES) if self._has_focus(pane)), 0
            )
        self.arrange_panes()

    def _has_focus(self, pane: str) -> bool:
        focused = self.screen.focused
        return focused is not None and any(
            widget in focused.ancestors_with_self for widget in self.query(pane)
        )

    def arrange_panes(self) -> None:
        """Show all panes, or the one that is alone as it was in another session."""
        alone = self.board.zoomed.get(self.id or "")
        for place, pane in enumerate(self.PANES):
            for widget in self.query(pane):
                widget.set_class(alone is not None and place != alone, "-aside")

    def tick(self) -> None:
        """A second went by while the tab is shown."""

    def hints(self) -> tuple[Hint, ...]:
        """Keys of this tab, for the footer."""
        return ()

    def show_step(self, number: int, log: Path | None = None) -> None:
        """The tab is opened for a step, from 1, and of its logs for this one."""

    @property
    def step_number(self) -> int | None:
        """The step the cursor is on, from 1, where there is one."""
        return None

    @property
    def step_log(self) -> Path | None:
        """The log of what the cursor is on, where that is less than a step."""
        return None

    def position(self) -> tuple[str, str]:
        """For the right end of the footer."""
        return ("", "")

    def take_focus(self) -> None:
        """Put the focus where keys are wanted."""
        for widget in self.query("*"):
            if widget.can_focus and not any(
                one.has_class("-aside") for one in widget.ancestors_with_self
            ):
                widget.focus()
                return


@dataclass(frozen=True, slots=True)
class TabEntry:
    """A tab: its name, its title, and the module with its class ``View``."""

    name: str
    title: str

    def make(self) -> Tab:
        """Import the tab's module and make the tab."""
        module = import_module(f"app.tui.screens.tabs.{self.name}")
        view = module.View(id=f"tab-{self.name}")
        assert isinstance(view, Tab)
        return view


TABS = (
    TabEntry("steps", "Steps"),
    TabEntry("output", "Output"),
    TabEntry("failure", "Failure"),
    TabEntry("changes", "Changes"),
    TabEntry("checkpoints", "Checkpoints"),
    TabEntry("events", "Events"),
    TabEntry("variables", "Variables"),
)
