"""The base of screens that offer actions: keys, footer and reasons from the one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from app.tui.actions import FOOTERS, Subject, Where, action, actions_for
from app.tui.board import Board, board_of
from app.tui.calling import after_refresh
from app.tui.editing import editor_word
from app.tui.widgets.footer import Footer, Hint
from app.tui.widgets.toast import Toast
from store.row import SessionRow


def bindings(where: Where) -> list[BindingType]:
    """The keys of a screen's actions."""
    return [
        Binding(key, f"do('{one.name}', '{key}')", one.help, show=False)
        for one in actions_for(where)
        for key in one.keys
    ]


class ActionScreen(Screen[None]):
    """A screen whose keys do actions of the table on :meth:`subject`."""

    where: ClassVar[Where]
    AUTO_FOCUS = ""

    @property
    def board(self) -> Board:
        """The app, as what it is."""
        return board_of(self)

    def subject_row(self) -> SessionRow | None:
        """The session that actions are about."""
        raise NotImplementedError

    def subject(self) -> Subject:
        board = self.board
        return Subject(
            self.subject_row(), self.where, board.blocked, archived=board.archived_now,
            repository=board.repository, prodigy=board.backend.prodigy_word,
            near=board.listing.ids.of,
            words={"editor": editor_word(board.editor_environment), **self.words()},
        )  # fmt: skip

    def words(self) -> Mapping[str, str]:
        """What this screen knows of the command lines of its actions."""
        return {}

    def has_in_view(self, run_id: str) -> bool:
        """Whether what becomes of a session is to be seen here."""
        return False

    def footer_position(self) -> tuple[str, str]:
        """A number and words for the right end of the footer."""
        return ("", "")

    def show_footer(self) -> None:
        """Bring the footer up to date with the subject."""
        self.query_one(Footer).show(self.hints_of(FOOTERS[self.where]), self.footer_position())

    def hints_of(self, names: Iterable[str]) -> tuple[Hint, ...]:
        """What the footer says of some actions, as they are possible now."""
        subject = self.subject()
        actions = (action(name) for name in names)
        return tuple(
            Hint(one.key, one.label_for(subject), one.why_not(subject) is None, one.name)
            for one in actions
        )

    def say(self, text: str, role: str = "fg") -> None:
        """Say something in the footer for some seconds; in front when this screen has gone."""
        if self.is_attached:
            self.query_one(Footer).say(text, role)
        else:
            self.board.toast(text, role)

    def toast(self, words: str, role: str = "fg") -> None:
        """Say something about what the view does not show, above the footer."""
        found = self.query(Toast)
        if not found:
            self.mount(Toast())
            after_refresh(self, self.toast, words, role)
            return
        found.first().show(words, role)

    def action_do(self, name: str, key: str = "") -> None:
        """Do an action of the table, or say why not."""
        one = action(name)
        for toast in self.query(Toast):
            toast.hide()
        why = one.why_not(self.subject())
        if why is not None:
            self.say(f"{one.key}: {why}")
            return
        self.board.perform(self, name, key)

    def on_footer_pressed(self, event: Footer.Pressed) -> None:
        self.action_do(event.name)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed is said, whatever it was: nothing is quietly old."""
        if event.state is WorkerState.ERROR:
            self.say(f"could not {event.worker.group}: {event.worker.error}", "error")

    # -- what the app tells the screen in front

    missed_changes = False
    """Whether sessions changed while another screen was in front."""

    def on_screen_resume(self) -> None:
        if self.missed_changes:
            self.missed_changes = False
            self.sessions_changed(None)

    def sessions_changed(self, changed: frozenset[str] | None) -> None:
        """Sessions changed (None: any of them may have)."""

    def zoom(self) -> None:
        """Give one pane the room of all, or back."""
        self.say("z: there is one pane here")

    def tick(self, *, full_minute: bool) -> None:
        """A second went by."""

    def ink_changed(self) -> None:
        """The colours are others now: everything painted is painted anew."""
        from app.tui.widgets.painted import Painted

        for painted in self.query(Painted):
            painted.repaint()
        self.refresh(layout=False)

    def focus_next_pane(self) -> Any:
        return self.focus_next()
