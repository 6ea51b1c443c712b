"""Everything about one session, in tabs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Click, Resize
from textual.message import Message

from app import format as form
from app.status_style import Weight, style_of, word_of
from app.tui.actions import FOOTERS, Subject, Where, action
from app.tui.details import SessionDetail
from app.tui.drawing import HEAVY, THIN, Line
from app.tui.notes import name_of
from app.tui.reasons import no_failure
from app.tui.screens.action_screen import ActionScreen, bindings
from app.tui.screens.tabs.tab import TABS, Tab
from app.tui.widgets.detail import state_words
from app.tui.widgets.footer import Footer, Hint
from app.tui.widgets.header import Header
from app.tui.widgets.painted import Painted, dashboard
from store.row import SessionRow


class StateLine(Painted):
    """``× failed  12m ago at step 3 of 5``, and at the right what it took."""

    def __init__(self) -> None:
        super().__init__(id="state")
        self._detail: SessionDetail | None = None
        self._row: SessionRow | None = None

    def show(self, row: SessionRow | None, detail: SessionDetail | None) -> None:
        self._row, self._detail = row, detail
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        row = self._row
        if row is None:
            return [line]
        style = style_of(row.state)
        bold = style.weight is Weight.BOLD
        board = dashboard(self)
        line.put(2, style.sign(board.ascii_only), style.role, bold=bold)
        x = line.put(4, word_of(row.state, board.ascii_only), style.role, bold=bold)
        words = state_words(row, board.now_us()).removeprefix(word_of(row.state)).strip()
        line.put(x + 2, words, "fg")
        end = width - (2 if width >= 110 else 1)
        facts: list[tuple[str, str]] = []
        if self._detail and self._detail.pass_words:
            facts.append((self._detail.pass_words, "muted"))
        if self._detail and self._detail.commits:
            facts.append((form.count(self._detail.commits, "commit"), "muted"))
        if row.input_tokens or row.output_tokens:
            facts.append((form.tokens(row.input_tokens, row.output_tokens), "muted"))
        if row.cost_usd is not None:
            facts.append((form.cost(row.cost_usd), "fg"))
        for place, (text, token) in enumerate(reversed(facts)):
            if place:
                end = line.right(end, " · ", "faint")
            end = line.right(end, text, token)
        return [line]


_COUNTED = frozenset({"changes", "checkpoints", "events"})
"""Tabs whose number of things is worth knowing before they are opened."""


class TabBar(Painted):
    """``1 Steps   2 Output   3 Failure``, and the rule under them."""

    DEFAULT_CSS = "TabBar { height: 2; }"

    class Pressed(Message):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self.active = TABS[0].name
        self.counts: dict[str, int] = {}
        """How much each tab has; 0 where it has nothing to show."""
        self.hidden: frozenset[str] = frozenset()

    def count(self, name: str, number: int) -> None:
        """Say how much a tab has."""
        if self.counts.get(name) != number:
            self.counts[name] = number
            self.repaint()

    def shown(self) -> list[str]:
        return [one.name for one in TABS if one.name not in self.hidden]

    def paint(self, width: int, height: int) -> list[Line]:
        names, under = Line(), Line()
        under.put(0, THIN * width, "line")
        narrow = width < 110
        x = 2
        entries = [one for one in TABS if one.name not in self.hidden]
        for digit, entry in enumerate(entries, 1):
            active = entry.name == self.active
            x = names.put(x, f"{digit} ", "faint", key=entry.name)
            start = x
            count = self.counts.get(entry.name)
            token = "fg" if active else "muted" if count != 0 else "faint"
            x = names.put(x, entry.title, token, bold=active, key=entry.name)
            if active:
                under.put(start, HEAVY * (x - start), "accent")
            if count and not narrow and entry.name in _COUNTED:
                x = names.put(x + 1, str(count), "faint", key=entry.name)
            x += 2 if narrow else 3
        under.pieces.sort(key=lambda piece: piece.token != "line")
        rule_line = _over(under, width)
        return [names, rule_line]

    def on_click(self, event: Click) -> None:
        if name := self.key_at(event):
            self.post_message(self.Pressed(name))


def _over(line: Line, width: int) -> Line:
    """The rule with the accent piece laid over it."""
    accent = next((piece for piece in line.pieces if piece.token == "accent"), None)
    if accent is None:
        return line
    laid = Line()
    laid.put(0, THIN * accent.x, "line")
    end = laid.put(accent.x, accent.text, "accent")
    laid.put(end, THIN * max(0, width - end), "line")
    return laid


REST_SECONDS = 0.3
"""Between two readings of a session that changes all the time."""


class SessionScreen(ActionScreen):
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

    def subject(self) -> Subject:
        return Subject(self.subject_row(), self.where, self.board.blocked, self.ever_failed)

    @property
    def ever_failed(self) -> bool:
        """Whether anything of the session ever failed."""
        steps = self.detail.steps if self.detail else ()
        return any(span.failed for step in steps for span in step.spans)

    def show_session(self, run_id: str) -> None:
        """Show another session, in the same tab."""
        self.run_id = run_id
        self.detail = None
        self.query_one(TabBar).counts = {}
        self.read()
        self._show_about()

    def _show_about(self) -> None:
        row = self.subject_row()
        name = name_of(row) if row else form.short_id(self.run_id)
        about = [(form.short_id(self.run_id), "muted")]
        if row and row.repo:
            about.append((form.one_line(row.repo), "faint"))
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
        if row is None:
            return
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
            counts = {
                "checkpoints": len(backend.checkpoints(row)),
                "events": len(backend.events(row)),
                "variables": len(backend.variables(row)),
                "output": sum(1 for step in detail.steps if step.log is not None),
            }
        except Exception:
            self._is_reading = False
            raise
        self.app.call_from_thread(self._take, detail, counts)

    def _take(self, detail: SessionDetail, counts: dict[str, int]) -> None:
        if not self.is_mounted:
            return
        self.set_timer(REST_SECONDS, self._rested)
        if detail.row.id != self.run_id:
            return
        self.detail = detail
        bar = self.query_one(TabBar)
        bar.counts |= counts
        nothing_failed = no_failure(self.subject()) is not None and self._tab != "failure"
        bar.hidden = frozenset({"failure"}) if nothing_failed else frozenset()
        bar.repaint()
        self._show_about()
        tab = self.tab
        if tab is not None:
            tab.show(detail)
        self.show_footer()

    def _rested(self) -> None:
        self._is_reading = False
        if self._reads_again:
            self.read()

    def sessions_changed(self, changed: frozenset[str] | None) -> None:
        if changed is None or self.run_id in changed:
            self._show_about()
            self.read()

    def tick(self, *, full_minute: bool) -> None:
        row = self.subject_row()
        if row is not None and (row.state.is_live or full_minute):
            self.query_one(StateLine).repaint()
            tab = self.tab
            if tab is not None:
                tab.tick()

    # -- tabs

    @property
    def tab(self) -> Tab | None:
        """The tab that is shown."""
        found = self.query(f"#tab-{self._tab}").results(Tab)
        return next(iter(found), None)

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
        tab = self.tab
        if tab is None:
            entry = next(one for one in TABS if one.name == name)
            tab = entry.make()
            self.query_one("#pane").mount(tab)
        if before is not None and before is not tab and before.step_number is not None:
            tab.show_step(before.step_number)
        self.call_after_refresh(self._tab_shown)

    def _tab_shown(self) -> None:
        tab = self.tab
        if tab is None:
            return
        if self.detail is not None:
            tab.show(self.detail)
        tab.take_focus()
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
        subject, tab = self.subject(), self.tab
        own = tab.hints() if tab is not None else ()
        hints = []
        for name in FOOTERS[self.where]:
            one = action(name)
            if name == f"show_{self._tab}" or (self.is_alone and name != "back"):
                continue
            hints.append(Hint(one.key, one.label_for(subject), one.why_not(subject) is None, name))
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
