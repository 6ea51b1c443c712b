"""Trends: which workflows succeed, how long they take, what they cost, and how that changes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, tzinfo

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click, Resize

from app import format as form
from app.past_steps import past_steps
from app.statistics_csv import statistics_csv
from app.tui.actions import Where
from app.tui.calling import on_loop
from app.tui.drawing import Line
from app.tui.screens.action_screen import ActionScreen, bindings
from app.tui.trends import Period, StepsView, TrendGroup, Trends, TrendSort, read_trends
from app.tui.typed import tilde
from app.tui.widgets.footer import Footer
from app.tui.widgets.header import Header
from app.tui.widgets.line_list import LineList
from app.tui.widgets.notice import Notice, NoticePane
from app.tui.widgets.painted import Painted
from app.tui.widgets.trend_charts import CostChart, TimeChart, bars_that_fit
from app.tui.widgets.trend_list import TrendHead, TrendList
from store.row import SessionRow
from store.statistics import GroupStatistics
from store.step_statistics import flakiest, slowest, step_statistics

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
        told = list(self._facts)
        while told and sum(len(text) + 3 for text, _ in told) > right - x:
            told.pop()  # the first ones matter most
        for text, token in reversed(told):
            right = line.right(right, text, token) - 3
        return [line]

    def on_click(self, event: Click) -> None:
        screen = self.screen
        if (key := self.key_at(event)) and isinstance(screen, TrendsScreen):
            screen.choose_period(int(key))


class TrendsScreen(ActionScreen):
    """Workflows, or repositories, in a period; below them the days of the one at the cursor."""

    CSS_PATH = "trends.tcss"
    where = Where.TRENDS
    BINDINGS = bindings(Where.TRENDS)

    def __init__(self) -> None:
        super().__init__()
        self._period = Period.MONTH
        self._order = TrendSort.RUNS
        self._by = TrendGroup.WORKFLOW
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

    def words(self) -> Mapping[str, str]:
        asked = ""
        if self._trends is not None and self._period is not Period.ALL:
            since = self._trends.since.astimezone(self._zone)
            asked = f" --since {since.date().isoformat()}"
        if self._by is TrendGroup.REPOSITORY:
            asked += " --by repository"
        words = {"statistics": asked, "export": shlex.quote(self._export_name)}
        if (one := self._chosen()) is not None:
            option = "--repo" if self._by is TrendGroup.REPOSITORY else "--workflow"
            words["of_workflow"] = f"{option} {shlex.quote(one.name)} --limit 0"
        return words

    @property
    def _export_name(self) -> str:
        return f"prodigy-{self._by.value}-{self.board.now():%Y-%m-%d}.csv"

    @property
    def _zone(self) -> tzinfo | None:
        """Days begin where the clock says; a clock in UTC is meant to be read here."""
        zone = self.board.now().tzinfo
        return None if zone is UTC else zone

    # -- reading

    def _read(self) -> None:
        self._changed, self._waited = False, 0
        self._show_period()
        asked = self._period, self.board.now(), self._zone, self._by
        backend, bars = self.board.backend, bars_that_fit(self.app.size.width)

        def read() -> None:
            trends = read_trends(backend.every_run(), *asked)
            trends.days_of_all(bars)
            on_loop(self, self._take, trends)

        self.run_worker(read, thread=True, group="trends", exclusive=True, exit_on_error=False)

    def _take(self, trends: Trends) -> None:
        if (trends.period, trends.by) == (self._period, self._by):
            self._trends = trends
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
        if one is None or one.name in self._steps:
            return
        home, name, rows = self.board.backend.home, one.name, one.rows

        def read() -> None:
            steps = step_statistics(past_steps(home, rows))
            view = StepsView(
                name,
                tuple(slowest(steps, _MOST_STEPS)),
                tuple(flakiest(steps, _MOST_STEPS)),
            )
            on_loop(self, self._take_steps, view)

        self.run_worker(read, thread=True, group="steps", exclusive=True, exit_on_error=False)

    def _take_steps(self, view: StepsView) -> None:
        self._steps[view.name] = view
        if self.is_attached:
            self._show_chosen(read=False)

    # -- showing

    def _chosen(self) -> GroupStatistics | None:
        return self.query_one(TrendList).chosen

    def _show_period(self) -> None:
        """Say at once what is asked for; the numbers follow when they are known."""
        about = "all of it" if self._period is Period.ALL else f"last {self._period.value}"
        self.query_one(Header).show(
            ("Sessions", "Trends"), (("all repositories", "muted"), (about, "faint"))
        )
        trends = self._trends
        known = trends is not None and (trends.period, trends.by) == (self._period, self._by)
        facts = self._facts(trends) if known and trends is not None else ()
        self.query_one(_Periods).show(self._period, facts)
        self.query_one(TrendHead).show(self._order, self._period, self._by)
        self.show_footer()

    def _show_all(self) -> None:
        self._show_period()
        trends = self._trends
        if trends is None:
            return
        self.query_one(TrendList).show(trends, self._order)
        self.query_one(CostChart).show(trends)
        nothing = not trends.groups
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
            steps = self._steps.get(one.name) if one is not None else None
            self.query_one(TimeChart).show(trends, one, steps)
        if read:
            self.set_timer(REST_SECONDS, self._read_steps)
        self.show_footer()

    def _lay_out(self, height: int) -> None:
        """The list takes what it needs and leaves the charts their room."""
        count = len(self._trends.groups) if self._trends is not None else 0
        tall = height >= 30
        charts = 11 + 1 + 4 + 1 if tall else 11
        room = max(3, height - charts - (6 if tall else 4))
        self.query_one(TrendList).styles.height = max(1, min(count, room))

    def footer_position(self) -> tuple[str, str]:
        shown = self.query_one(TrendList)
        count = shown.line_count()
        return (f"{self._by.value} {shown.cursor + 1}", f"of {count}") if count else ("", "")

    # -- doing

    def choose_period(self, digit: int) -> None:
        """Look back over another period, by its digit."""
        periods = list(Period)
        if 1 <= digit <= len(periods):
            self._period = periods[digit - 1]
            self._read()

    def group_next(self) -> None:
        """Take runs together by repository, or by workflow again."""
        groups = list(TrendGroup)
        self._by = groups[(groups.index(self._by) + 1) % len(groups)]
        self.query_one(TrendList).cursor = 0
        self._read()

    def export(self) -> None:
        """Write what the list says as CSV into the directory the dashboard was opened in."""
        if self._trends is None:
            self.say("X: still reading")
            return
        path = self.board.backend.directory / self._export_name
        written = statistics_csv(self._trends.groups, self._by.value)

        def write() -> None:
            try:
                path.write_text(written, encoding="utf-8")
            except OSError as error:
                on_loop(self, self.say, f"X: {tilde(path)}: {error.strerror}", "error")
            else:
                on_loop(self, self.say, f"Wrote {tilde(path)}.")

        self.run_worker(write, thread=True, group="export", exit_on_error=False)

    def sort_next(self) -> None:
        """Order the groups by something else."""
        orders = list(TrendSort)
        self._sort_by(orders[(orders.index(self._order) + 1) % len(orders)])

    def on_trend_head_pressed(self, event: TrendHead.Pressed) -> None:
        self._sort_by(TrendSort[event.name])

    def _sort_by(self, order: TrendSort) -> None:
        self._order = order
        self._show_all()
        self.say(f"Sorted: {order.value}.")

    def show_sessions(self) -> None:
        """Go to the sessions of the workflow or repository under the cursor."""
        one = self._chosen()
        if one is None:
            self.say(f"no {self._by.value} here")
            return
        key = "repo" if self._by is TrendGroup.REPOSITORY else "workflow"
        self.board.listing.choose(chip=None, repository=None)
        self.board.listing.choose_query(f'{key}:"{one.name}"')
        self.app.pop_screen()
        self.board.view_changed()
