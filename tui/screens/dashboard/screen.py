"""The dashboard: what is known of one run, or of several together, on pages.

Its parts: `WatchedRuns` knows the runs and the view; a `Painter` decides when the view is drawn;
`AlertToasts` tells what happens to the runs. Keys are answered by `SteeringActions` (commands to
an engine), `PageActions` (pages and panels) and `PlotActions` (the view of all plots).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.events import Resize
from textual.message import Message

from engine.runs.events import Parent
from tui.panels.footer import FittingFooter
from tui.panels.guard_pause_banner import BannerPanel
from tui.panels.keys import Key, Keys, bindings
from tui.panels.layer_distribution import DistributionPanel
from tui.panels.layers import LayersPanel
from tui.panels.lines import LinesPanel
from tui.panels.page_bar import PageBar
from tui.panels.panel import Panel
from tui.panels.progress import ProgressPanel
from tui.panels.prompt import Prompt
from tui.panels.samples.panel import SamplesPanel
from tui.panels.trying.hand_input import HandPanel
from tui.runs.ancestry import Inheritance, inherited
from tui.runs.loading import keep
from tui.runs.news import News
from tui.runs.run import Run
from tui.screens.app_screen import LEAVE, NEW, RACES, RUNS, AtWork
from tui.screens.dashboard.alert_toasts import AlertToasts
from tui.screens.dashboard.offered_actions import possible
from tui.screens.dashboard.page_actions import PAGES, PageActions
from tui.screens.dashboard.pages.metrics import MetricsPage
from tui.screens.dashboard.pages.page import NARROW_COLUMNS
from tui.screens.dashboard.pages.trying import TryPage
from tui.screens.dashboard.plot_actions import PlotActions
from tui.screens.dashboard.steering_actions import SteeringActions
from tui.screens.fork_resume_rerun import AGAIN
from tui.screens.help import ON_PLOTS
from tui.terminal.painter import Painter


class DashboardScreen(SteeringActions, PageActions, PlotActions):
    """A screen that watches runs; they neither need it nor notice when it goes."""

    KEYS: Keys = (
        *SteeringActions.KEYS,
        RUNS,
        RACES,
        NEW,
        AGAIN,
        *PageActions.KEYS,
        *PlotActions.KEYS,
        Key(
            "exclamation_mark",
            "alerts",
            "Alerts",
            "alerts: what happened to the runs (NaN, divergence, stalls, ...)",
        ),
        LEAVE,
    )
    BINDINGS = bindings(KEYS)
    PARTS = (
        LayersPanel,
        DistributionPanel,
        SamplesPanel,
        MetricsPage,
        LinesPanel,
        TryPage,
        HandPanel,
    )
    NOTES = ON_PLOTS

    class Inherited(Message):
        """What a fork has of its parent was read."""

        def __init__(self, run_id: str, inheritance: Inheritance) -> None:
            super().__init__()
            self.run_id = run_id
            self.inheritance = inheritance

    class Arrived(Message):
        """The feed read something new."""

        def __init__(self, news: tuple[News, ...]) -> None:
            super().__init__()
            self.news = news

    alerts: AlertToasts

    def __init__(self, runs: Sequence[Run], selected: Run | None = None, *, page: int = 0) -> None:
        """`page` is shown first, counted from 0."""
        super().__init__(runs, selected)
        self._first_page = page
        self._painter = Painter(self, self._draw, self._draw_figures)
        self._offers: tuple[frozenset[str], bool] | None = None
        """What the footer was drawn for."""

    def compose(self) -> ComposeResult:
        yield ProgressPanel(id="progress")
        yield BannerPanel(id="banner")
        yield PageBar([page.NAME for page in PAGES], id="pages")
        yield self.page
        yield Prompt()
        yield FittingFooter()

    def on_mount(self) -> None:
        self.alerts = AlertToasts(self, self.host.config.alerts)
        self.watched.open(self.remembered_plots(), self.app.theme_variables)
        self._painter.now()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.change_view())
        self.watched.start()
        if self._first_page:
            self.call_after_refresh(self.action_page, self._first_page)

    def on_unmount(self) -> None:
        self.watched.close()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < NARROW_COLUMNS, "-narrow")

    def deliver(self, news: tuple[News, ...]) -> None:
        """Called in the feed's thread."""
        self.post_message(self.Arrived(news))

    def on_dashboard_screen_arrived(self, message: Arrived) -> None:
        """Take in what the feed read; the next frame shows it."""
        for news in message.news:
            state = self.watched.apply(news)
            self.alerts.tell(state, news.events, earlier=news.earlier)
            if news.keep is not None:
                self.run_worker(keep(state, news), thread=True)
            self.hear(news)
            if (parent := self.watched.new_parent(state)) is not None:
                self._read_parent(state.run, parent)
        self.watched.taken()
        self._painter.soon()

    # A parent's log may be long; the screen goes on meanwhile.
    @work(thread=True)
    def _read_parent(self, run: Run, parent: Parent) -> None:
        self.post_message(self.Inherited(run.id, inherited(run, parent)))

    def on_dashboard_screen_inherited(self, message: Inherited) -> None:
        """Show the parent's values and marks before the fork's own."""
        state = self.watched.states[message.run_id]
        state.inherit(message.inheritance.metrics, message.inheritance.marks)
        self._painter.soon()

    def on_alert_toasts_command_failed(self, message: AlertToasts.CommandFailed) -> None:
        self.complain(message.line)

    def add(self, runs: Sequence[Run]) -> None:
        """Show these too, the first of them selected."""
        self.watched.add(runs, self.app.theme_variables)
        self._painter.soon(urgent=True)

    def action_alerts(self) -> None:
        """List what happened."""
        self.alerts.show_list()
        self.change_view()

    def runs_at_work(self) -> Sequence[AtWork]:
        return self.watched.at_work

    def change_view(self, **changes: Any) -> None:
        """Show the panels a view with other fields; without any, draw all of them again."""
        if self.watched.view is None:
            return
        self.watched.change_view(**changes)
        if changes.keys() == {"plots"} and self.host.ready(urgent=True):
            self._show_in(panel for panel in self.query(Panel) if panel.SHOWS_PLOTS)
        else:
            self._painter.soon(urgent=True)

    def redraw(self) -> None:
        self._painter.now()

    @property
    def stale(self) -> bool:
        """Whether something changed since all of it was drawn."""
        return self._painter.stale

    def _draw(self) -> None:
        self.watched.refresh_view(self.app.theme, self.app.theme_variables, self.alerts.unseen)
        if self.watched.view is not None:
            self.page.show(self.watched.view)
            self._show_in(self.query(Panel))
            self._offer()

    def _offer(self) -> None:
        """Bring the footer up to date if other things can be done with the run at hand."""
        state = self.state_at_hand()
        if state is not None and self._offers != (now := (possible(state), state.paused is None)):
            self._offers = now
            self.refresh_bindings()

    def _draw_figures(self) -> None:
        """The newest values, and the lists that keys move in."""
        if (view := self.watched.view) is not None:
            for panel in self.query(Panel):
                if panel.is_on_screen:
                    panel.show_figures(view)

    def _show_in(self, panels: Iterable[Panel]) -> None:
        if (view := self.watched.view) is not None:
            for panel in panels:
                if panel.is_on_screen or panel.size.width == 0:
                    panel.show(view)
