"""Everything about one session, in tabs."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize
from textual.worker import Worker

from app import format as form
from app.tui.actions import FOOTERS, Subject, Where
from app.tui.calling import after_refresh, on_loop
from app.tui.details import SessionDetail
from app.tui.notes import name_of
from app.tui.reasons import no_failure
from app.tui.screens.action_screen import bindings
from app.tui.screens.tabs.tab import TABS, SessionHost, Tab
from app.tui.widgets.footer import Footer, Hint
from app.tui.widgets.header import Header
from app.tui.widgets.session_head import StateLine, TabBar
from app.tui.widgets.session_list import is_young
from store.row import SessionRow

REST_SECONDS = 0.3
"""Between two readings of a session that changes all the time."""


class SessionScreen(SessionHost):
    """One session. Its tabs are made when they are first shown."""

    where = Where.SESSION
    CSS_PATH = "session.tcss"
    BINDINGS: ClassVar = bindings(Where.SESSION)

    def __init__(self, run_id: str, tab: str = "steps", *, alone: bool = False) -> None:
        super().__init__(classes="-alone" if alone else None)
        self.run_id = run_id
        self._tab = tab
        self.detail: SessionDetail | None = None
        self._is_reading = False
        self._reads_again = False

    def compose(self) -> ComposeResult:
        yield Header()
        with Container(id="top"):
            yield StateLine()
            yield TabBar()
        yield Container(id="pane")
        yield Footer()

    def on_mount(self) -> None:
        self.read()
        self._show_about()
        self.show_tab(self._tab)

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height >= 30, "-tall")

    # -- which session

    def subject_row(self) -> SessionRow | None:
        return self.board.listing.rows.get(self.run_id)

    def has_in_view(self, run_id: str) -> bool:
        return run_id == self.run_id

    def subject(self) -> Subject:
        return replace(super().subject(), has_failure=self.ever_failed)

    @property
    def ever_failed(self) -> bool:
        """Whether anything of the session ever failed."""
        return self.detail is not None and any(span.failed for span in self.detail.spans)

    def show_session(self, run_id: str) -> None:
        """Show another session, in the same tab."""
        self.run_id = run_id
        self.detail = None
        self.query_one(TabBar).forget()
        self.read()
        self._show_about()

    def _show_about(self) -> None:
        row = self.subject_row()
        name = name_of(row) if row else form.short_id(self.run_id)
        about = [(form.short_id(self.run_id), "muted")]
        if row and row.repo:
            about.append((form.one_line(row.repo), "faint"))
        if self.board.store_problem:
            about = [(self.board.store_problem, "error")]
        path: tuple[str, ...] = ("Sessions", name)
        if self.has_class("-alone"):
            path += (next(one.title for one in TABS if one.name == self._tab),)
        self.query_one(Header).show(path, tuple(about))
        self.query_one(StateLine).show(row, self.detail)
        self.show_footer()

    # -- reading

    def read(self) -> None:
        """Read the session, off the loop."""
        row = self.subject_row()
        if row is None or self.board.store_problem:
            return  # what is shown is what was last known
        if self._is_reading and self.detail is not None:
            self._reads_again = True
            return
        self._is_reading, self._reads_again = True, False
        self.run_worker(
            lambda: self._read(row), thread=True, group="detail", exclusive=True,
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, row: SessionRow) -> None:
        backend = self.board.backend
        try:
            detail = backend.detail(row)
        except Exception:
            self._is_reading = False
            raise
        on_loop(self, self._take, detail)

    def _take(self, detail: SessionDetail) -> None:
        if not self.is_mounted:
            return
        self.set_timer(REST_SECONDS, self._rested)
        if detail.row.id != self.run_id:
            return
        # Its state is the list's, which may have changed while the rest was read.
        self.detail = detail = replace(detail, row=self.subject_row() or detail.row)
        bar = self.query_one(TabBar)
        bar.know(detail.counts)
        nothing_failed = no_failure(self.subject()) is not None and self._tab != "failure"
        bar.hidden = frozenset({"failure"}) if nothing_failed else frozenset()
        bar.repaint()
        self._show_about()
        tab = self.tab
        if tab is not None:
            tab.show(detail)
        self.show_footer()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What cannot be read of the session is said in the tab, too."""
        if event.worker.group == "detail" and self.tab is not None:
            self.tab.on_worker_state_changed(event)

    def _rested(self) -> None:
        self._is_reading = False
        if self._reads_again:
            self.read()

    def sessions_changed(self, changed: frozenset[str] | None) -> None:
        if changed is None or self.run_id in changed:
            if changed is None and self.tab is not None:
                self.tab.read_anew()
            self._show_about()
            self.read()

    def tick(self, *, full_minute: bool) -> None:
        row, board = self.subject_row(), self.board
        if row is not None and (
            row.state.is_live or full_minute or is_young(row, board.listing, board.now_us())
        ):
            self.query_one(StateLine).repaint()
            tab = self.tab
            if tab is not None:
                tab.tick()

    # -- tabs

    @property
    def tab(self) -> Tab | None:
        """The tab that is shown; None until it is put together."""
        found = self._made(self._tab)
        return found if found is not None and found.is_mounted else None

    def _made(self, name: str) -> Tab | None:
        return next(iter(self.query(f"#tab-{name}").results(Tab)), None)

    def show_tab(self, name: str) -> None:
        """Show a tab by its name; another one ends that a tab has the screen to itself."""
        before = self.tab
        if name != self._tab:
            self.remove_class("-alone")
        self._tab = name
        self._show_about()
        bar = self.query_one(TabBar)
        bar.active = name
        bar.repaint()
        for other in self.query(Tab):
            other.display = other.id == f"tab-{name}"
        tab = self._made(name)
        if tab is None:
            entry = next(one for one in TABS if one.name == name)
            tab = entry.make()
            self.query_one("#pane").mount(tab)
        if before is not None and before is not tab and before.step_number is not None:
            tab.show_step(before.step_number, before.step_log)
        after_refresh(self, self._tab_shown)

    def _tab_shown(self) -> None:
        tab = self._made(self._tab)
        if tab is None:
            return
        if not tab.is_mounted:
            tab.call_later(self._tab_shown)  # it gets to that when it is put together
            return
        if self.detail is not None:
            tab.show(self.detail)
        tab.take_focus()
        self.show_footer()

    def zoom(self) -> None:
        tab = self.tab
        if tab is None or not tab.PANES:
            super().zoom()
            return
        tab.zoom()
        self.show_footer()

    def show_tab_number(self, number: int) -> None:
        """Show a tab by its digit."""
        names = self.query_one(TabBar).shown()
        if number <= len(names):
            self.show_tab(names[number - 1])

    def on_tab_bar_pressed(self, event: TabBar.Pressed) -> None:
        self.show_tab(event.name)

    def show_footer(self) -> None:
        """The keys of the tab, then those of the session that lead elsewhere."""
        tab = self.tab
        own = tab.hints() if tab is not None else ()
        if tab is not None and tab.is_zoomed:
            own = (Hint("z", "all panes", name="zoom"), *own)
        here = f"show_{self._tab}"
        hints = self.hints_of(
            name
            for name in FOOTERS[self.where]
            if name != here and (not self.is_alone or name == "back")
        )
        self.query_one(Footer).show((*hints[:1], *own, *hints[1:]), self.footer_position())

    def count(self, tab: str, number: int) -> None:
        """Say how much a tab has."""
        self.query_one(TabBar).count(tab, number)

    @property
    def is_alone(self) -> bool:
        """Whether one tab has the screen to itself."""
        return self.has_class("-alone")

    def footer_position(self) -> tuple[str, str]:
        tab = self.tab
        return tab.position() if tab is not None else ("", "")
