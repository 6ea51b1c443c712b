"""Trends: which workflows succeed, how long they take, what they cost, and how that changes."""

from __future__ import annotations

from datetime import UTC, tzinfo

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click, Resize

from app import format as form
from app.past_steps import past_steps
from app.tui.actions import Where
from app.tui.drawing import Line
from app.tui.screens.action_screen import ActionScreen, bindings
from app.tui.trends import Period, StepsView, Trends, TrendSort, read_trends
from app.tui.widgets.footer import Footer
from app.tui.widgets.header import Header
from app.tui.widgets.line_list import LineList
from app.tui.widgets.notice import Notice, NoticePane
from app.tui.widgets.painted import Painted
from app.tui.widgets.trend_charts import CostChart, TimeChart
from app.tui.widgets.trend_list import TrendHead, TrendList
from store.row import SessionRow
from store.statistics import WorkflowStatistics, flakiest, slowest, step_statistics

REST_SECONDS = 0.15
"""The steps of a workflow are read after the cursor stood still this long."""
READ_AGAIN_SECONDS = 5
"""Trends follow the store no faster than this."""
_MOST_STEPS = 4


class _Periods(Painted):
    """``1 7 days  2 30 days …``, and everything together at the right."""

    def __init__(self) -> None:
        super().__init__(id="periods")
        self._period = Period.MONTH
        self._facts: tuple[tuple[str, str], ...] = ()

    def show(self, period: Period, facts: tuple[tuple[str, str], ...]) -> None:
        self._period, self._facts = period, facts
        self.repaint()

    def paint(self, width: int, height: int) -> list[Line]:
        line = Line()
        x = 1
        for digit, period in enumerate(Period, 1):
            key = str(digit)
            if period is self._period:
                x = line.put(x, f" {digit} ", "inv", on="accent", key=key)
                x = line.put(x, f"{period.value} ", "inv", bold=True, on="accent", key=key) + 1
            else:
                x = line.put(x + 1, f"{digit} ", "faint", key=key)
                x = line.put(x, period.value, "muted", key=key) + 2
        right = width - (2 if width >= 110 else 1)
        for text, token in reversed(self._facts):
            if right - len(text) < x + 2:
                break
            right = line.right(right, text, token) - 3
        return [line]

    def on_click(self, event: Click) -> None:
        screen = self.screen
        if (key := self.key_at(event)) and isinstance(screen, TrendsScreen):
            screen.choose_period(int(key))


class TrendsScreen(ActionScreen):
    """Workflows in a period; below them the days of the one under the cursor."""

    CSS_PATH = "trends.tcss"
    where = Where.TRENDS
    BINDINGS = bindings(Where.TRENDS)

    def __init__(self) -> None:
        super().__init__()
        self._period = Period.MONTH
        self._order = TrendSort.RUNS
        self._trends: Trends | None = None
        self._steps: dict[str, StepsView] = {}
        self._changed = False
        self._waited = 0

    def compose(self) -> ComposeResult:
        yield Header()
        with Vertical(id="trends"):
            yield _Periods()
            yield TrendHead()
            yield TrendList()
            yield TimeChart()
            yield CostChart()
            yield NoticePane()
        yield Footer()

    def on_mount(self) -> None:
        self._read()
        self.query_one(TrendList).focus()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height >= 30, "-tall")
        self._lay_out(event.size.height)

    def subject_row(self) -> SessionRow | None:
        return None

    @property
    def _zone(self) -> tzinfo | None:
        """Days begin where the clock says; a clock in UTC is meant to be read here."""
        zone = self.board.now().tzinfo
        return None if zone is UTC else zone

    # -- reading

    def _read(self) -> None:
        self._changed, self._waited = False, 0
        rows = list(self.board.listing.rows.values())
        self._trends = read_trends(rows, self._period, self.board.now(), self._zone)
        self._steps.clear()
        self._show_all()

    def sessions_changed(self, changed: frozenset[str] | None) -> None:
        self._changed = True
        if changed is None:
            self._read()

    def tick(self, *, full_minute: bool) -> None:
        self._waited += 1
        if self._changed and self._waited >= READ_AGAIN_SECONDS:
            self._read()

    def on_line_list_moved(self, _event: LineList.Moved) -> None:
        self._show_chosen()

    def on_line_list_chosen(self, _event: LineList.Chosen) -> None:
        self.action_do("its_sessions")

    def _read_steps(self) -> None:
        one = self._chosen()
        if one is None or one.workflow in self._steps:
            return
        home, workflow, rows = self.board.backend.home, one.workflow, one.rows

        def read() -> None:
            steps = step_statistics(past_steps(home, rows))
            view = StepsView(
                workflow,
                tuple(slowest(steps, _MOST_STEPS)),
                tuple(flakiest(steps, _MOST_STEPS)),
            )
            self.app.call_from_thread(self._take_steps, view)

        self.run_worker(read, thread=True, group="steps", exclusive=True, exit_on_error=False)

    def _take_steps(self, view: StepsView) -> None:
        self._steps[view.workflow] = view
        if self.is_attached:
            self._show_chosen(read=False)

    # -- showing

    def _chosen(self) -> WorkflowStatistics | None:
        return self.query_one(TrendList).chosen

    def _show_all(self) -> None:
        trends = self._trends
        if trends is None:
            return
        about = "all of it" if self._period is Period.ALL else f"last {self._period.value}"
        self.query_one(Header).show(
            ("Sessions", "Trends"), (("all repositories", "muted"), (about, "faint"))
        )
        self.query_one(_Periods).show(self._period, self._facts(trends))
        self.query_one(TrendHead).show(self._order, self._period)
        self.query_one(TrendList).show(trends, self._order)
        self.query_one(CostChart).show(trends)
        nothing = not trends.workflows
        self.set_class(nothing, "-nothing")
        if nothing:
            self.query_one(NoticePane).show(self._notice())
        self._lay_out(self.size.height)
        self._show_chosen()

    def _facts(self, trends: Trends) -> tuple[tuple[str, str], ...]:
        total = trends.total
        if not total.runs:
            return ()
        done = form.percent(total.completed, total.completed + total.failed)
        facts = [(form.count(total.runs, "run"), "fg"), (f"{done} done", "muted")]
        if total.cost_usd is not None:
            facts.append((form.cost(total.cost_usd), "muted"))
        facts.append((form.duration(total.active_seconds), "muted"))
        return tuple(facts)

    def _notice(self) -> Notice:
        if self._period is Period.ALL:
            return Notice("Nothing has run yet.")
        return Notice(f"Nothing ran in {self._period.words}.", ("4 shows all there is.",))

    def _show_chosen(self, *, read: bool = True) -> None:
        one, trends = self._chosen(), self._trends
        if trends is not None:
            steps = self._steps.get(one.workflow) if one is not None else None
            self.query_one(TimeChart).show(trends, one, steps)
        if read:
            self.set_timer(REST_SECONDS, self._read_steps)
        self.show_footer()

    def _lay_out(self, height: int) -> None:
        """The list takes what it needs and leaves the charts their room."""
        count = len(self._trends.workflows) if self._trends is not None else 0
        tall = height >= 30
        charts = 11 + 1 + 4 + 1 if tall else 11
        room = max(3, height - charts - (6 if tall else 4))
        self.query_one(TrendList).styles.height = max(1, min(count, room))

    def footer_position(self) -> tuple[str, str]:
        shown = self.query_one(TrendList)
        count = shown.line_count()
        return (f"workflow {shown.cursor + 1}", f"of {count}") if count else ("", "")

    # -- doing

    def choose_period(self, digit: int) -> None:
        """Look back over another period, by its digit."""
        periods = list(Period)
        if 1 <= digit <= len(periods):
            self._period = periods[digit - 1]
            self._read()

    def sort_next(self) -> None:
        """Order the workflows by something else."""
        orders = list(TrendSort)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._show_all()
        self.say(f"Sorted: {self._order.value}.")

    def show_sessions(self) -> None:
        """Go to the sessions of the workflow under the cursor."""
        one, home = self._chosen(), self.board.sessions_screen
        if one is None or home is None:
            self.say("no workflow here")
            return
        name = one.workflow
        plain = any(sign in name for sign in " \t,")
        self.board.listing.choose_chip(None)
        self.board.listing.choose_query(name if plain else f"workflow:{name}")
        self.app.pop_screen()
        home.list_changed()
