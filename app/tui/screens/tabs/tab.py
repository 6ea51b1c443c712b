"""The base of a session's tabs, and the list of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast

from textual.containers import Vertical
from textual.worker import Worker

from app.tui.details import SessionDetail
from app.tui.widgets.footer import Hint

if TYPE_CHECKING:
    from app.tui.app import ProdigyApp
    from app.tui.screens.session import SessionScreen


class Tab(Vertical):
    """One tab. It is given the session's detail whenever that changed while the tab is shown."""

    DEFAULT_CSS = "Tab { height: 1fr; width: 1fr; }"
    name_words: ClassVar[str]

    @property
    def board(self) -> ProdigyApp:
        return cast("ProdigyApp", self.app)

    @property
    def session(self) -> SessionScreen:
        return cast("SessionScreen", self.screen)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What a tab cannot read is said; the other tabs live on."""
        self.session.on_worker_state_changed(event)

    def show(self, detail: SessionDetail) -> None:
        """Show a session."""
        raise NotImplementedError

    def tick(self) -> None:
        """A second went by while the tab is shown."""

    def hints(self) -> tuple[Hint, ...]:
        """Keys of this tab, for the footer."""
        return ()

    def show_step(self, number: int) -> None:
        """The tab is opened for a step, from 1."""

    @property
    def step_number(self) -> int | None:
        """The step the cursor is on, from 1, where there is one."""
        return None

    def position(self) -> tuple[str, str]:
        """For the right end of the footer."""
        return ("", "")

    def take_focus(self) -> None:
        """Put the focus where keys are wanted."""
        for widget in self.query("*"):
            if widget.can_focus:
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
