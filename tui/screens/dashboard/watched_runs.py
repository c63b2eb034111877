"""The runs that a dashboard watches: what is known of each, and the view that panels draw."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.runs.events import Parent
from tui.plots.lane_view import Lane, View, make_lanes
from tui.plots.plot_view import PlotView
from tui.runs.alerts.open_alerts import Unseen
from tui.runs.feed import Feed
from tui.runs.loading import apply, open_state
from tui.runs.news import News
from tui.runs.run import Run, own
from tui.runs.state.store import RunState
from tui.screens.app_screen import AtWork

_AT_WORK = ("starting", "running", "paused", "stalled", "growing")


class WatchedRuns:
    """The states of some runs, the feed that brings news of them, and one view of them all."""

    def __init__(
        self,
        runs: Sequence[Run],
        selected: Run | None,
        deliver: Callable[[tuple[News, ...]], None],
    ) -> None:
        """`deliver` is called in the feed's thread; see `Feed`. Without `selected` the run that
        trains is selected, until a person selects one."""
        self.states = {run.id: open_state(run) for run in runs}
        """What is known of each run, by id."""
        self.view: View | None = None
        """What the panels draw; None until `open`."""
        self._feed = Feed(runs, deliver)
        self._first = next((i for i, run in enumerate(runs) if run is selected), 0)
        self._follows_work = True
        self._labelled_for = ""
        """The theme that the runs were labelled and coloured for; "" to do it again."""
        self._forks: set[str] = set()
        """Runs whose parents were asked for."""

    def open(self, plots: PlotView, colors: dict[str, str]) -> None:
        """Make the first view, in the colours of a theme."""
        lanes = self._lanes(colors)
        self.view = View(lanes, selected=min(self._first, len(lanes) - 1), plots=plots)

    def start(self) -> None:
        """Let the feed deliver news from now on."""
        self._feed.start()

    def close(self) -> None:
        """End the feed."""
        self._feed.close()

    def add(self, runs: Sequence[Run], colors: dict[str, str]) -> None:
        """Watch these too, the first of them selected."""
        place = len(self.states)
        self.states |= {run.id: open_state(run) for run in runs}
        self._feed.add(runs)
        self.change_view(lanes=self._lanes(colors), selected=place)

    def apply(self, news: News) -> RunState:
        """Bring a run up to date with news that the feed delivered."""
        self._labelled_for = ""
        state = self.states[news.run.id]
        apply(state, news)
        return state

    def taken(self) -> None:
        """All that the feed delivered was applied; the next news may come."""
        self._feed.taken()

    def new_parent(self, state: RunState) -> Parent | None:
        """The run that a fork began from, the first time that it is asked for."""
        if state.started is None or state.started.parent is None or state.id in self._forks:
            return None
        self._forks.add(state.id)
        return state.started.parent

    def change_view(self, **changes: Any) -> None:
        """Replace fields of the view."""
        if self.view is not None:
            self.view = replace(self.view, **changes)
            self._follows_work &= "selected" not in changes

    def refresh_view(self, theme: str, colors: dict[str, str], alerts: Unseen) -> None:
        """Bring labels, colours, the number of unseen alerts and the selection up to date."""
        if self.view is None:
            return
        # Labels depend on configurations, which a run made elsewhere brings with its first event.
        lanes = self.view.lanes
        if self._labelled_for != theme:
            self._labelled_for = theme
            lanes = self._lanes(colors)
        selected = self.view.selected
        if self._follows_work:
            at_work = [lane.index for lane in lanes if lane.state.status in _AT_WORK]
            selected = (at_work or [selected])[0]
        self.view = replace(self.view, lanes=lanes, alerts=alerts, selected=selected)

    @property
    def at_hand(self) -> RunState | None:
        """The selected run."""
        return self.view.focus.state if self.view is not None else None

    @property
    def label_at_hand(self) -> str:
        """What the selected run is called here."""
        return self.view.focus.label if self.view is not None else ""

    @property
    def runs(self) -> Sequence[Run]:
        """The directories of all of them."""
        return [state.run for state in self.states.values()]

    @property
    def at_work(self) -> list[AtWork]:
        """Those that train or are paused, and that commands reach."""
        return [
            AtWork(own(state.run), paused=state.paused is not None)
            for state in self.states.values()
            if state.active and not state.read_only
        ]

    def name_of(self, state: RunState) -> str:
        """What a run is called here: its label, or its id while it has none."""
        lanes = self.view.lanes if self.view is not None else ()
        return next((lane.label for lane in lanes if lane.state is state), state.id)

    def _lanes(self, colors: dict[str, str]) -> tuple[Lane, ...]:
        return make_lanes(list(self.states.values()), colors)
