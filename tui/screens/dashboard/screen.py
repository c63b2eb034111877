"""The dashboard: what is known of one run, or of several together, on pages."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.message import Message

from engine.runs import control, run_directory
from engine.runs.events import Command, LogLine, Parent, Profiled
from engine.runs.run_directory import RunDir
from presets import UserError
from tui.panels.banner import BannerPanel
from tui.panels.footer import FittingFooter
from tui.panels.page_bar import PagesPanel
from tui.panels.panel import Panel
from tui.panels.progress import ProgressPanel
from tui.panels.prompt import Prompt
from tui.panels.runs import RunsPanel
from tui.plots.lanes import View, make_lanes
from tui.runs.ancestry import Inheritance, inherited
from tui.runs.feed import Feed
from tui.runs.follow import apply, keep, open_state
from tui.runs.history import note_of
from tui.runs.news import News
from tui.runs.store import RunState
from tui.screens.dashboard.alert_toasts import AlertingScreen
from tui.screens.dashboard.page_keys import PAGES, PagingScreen
from tui.screens.dashboard.pages.page import NARROW_COLUMNS
from tui.screens.dashboard.plot_keys import PlottingScreen
from tui.screens.dashboard.profile import ProfileScreen
from tui.screens.help import ON_PLOTS
from tui.screens.quit import Answer, QuitScreen
from tui.terminal.painter import Painter
from tui.text import clean

_AT_WORK = ("starting", "running", "paused", "stalled", "growing")


def _run(keys: str, action: str, name: str, tooltip: str) -> Binding:
    return Binding(keys, action, name, show=False, tooltip=tooltip)


class DashboardScreen(PagingScreen, PlottingScreen, AlertingScreen):
    """Watches runs; they neither need it nor notice when it goes."""

    BINDINGS = [
        Binding("r", "runs", "Runs", tooltip="List all runs"),
        _run("down,j,right_square_bracket", "move(1)", "Next run", "Select the next run"),
        _run("up,k,left_square_bracket", "move(-1)", "Previous run", "Select the run before"),
        Binding("C", "races", "Races", show=False, tooltip="List all races"),
        Binding("n", "new", "New run", tooltip="Choose and start another run"),
        Binding("N", "again", "Again", tooltip="Begin another run beside it, with its settings"),
        Binding("Y", "profile_shown", "Profile", show=False, tooltip="Show the newest profile"),
        Binding("m", "zoom", "Maximize", tooltip="Show the panel at hand alone, or all again"),
        Binding("v", "split", "Train/val", tooltip="Compare training or validation curves"),
        Binding("q", "quit", "Quit", tooltip="Leave; asks what becomes of a run that trains"),
    ]
    NOTES = ON_PLOTS
    KEYS = (
        *PagingScreen.STEERING_KEYS,
        *PagingScreen.PAGING_KEYS,
        *AlertingScreen.ALERTING_KEYS,
        ("r", "list all runs"),
        ("o", "on the layers: sort by the next column"),
        ("w", "on the layers: magnitudes of gradients, or of weights"),
        ("Y", "the newest profile"),
        ("v", "with several runs: training or validation curves"),
        (
            "Up, Down, k, j",
            "select another run, a layer; scroll, also by Page Up, Page Down, Home and End",
        ),
        ("[, ]", "select another run, on any page"),
        ("Tab, Shift+Tab", "go to another panel"),
        ("m", "show the panel at hand alone, and back"),
        *PlottingScreen.PLOTTING_KEYS,
        ("C", "list all races"),
        ("n", "choose and start another run; this one goes on"),
        ("N", "change something of the selected run, and train that beside it"),
        ("q", "quit; asks what becomes of a run that still trains"),
    )

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

    def __init__(self, runs: list[RunDir], selected: RunDir | None = None) -> None:
        super().__init__()
        self._first = next((i for i, run in enumerate(runs) if run is selected), 0)
        self._states = {run.id: open_state(run) for run in runs}
        self._feed = Feed(runs, self._deliver)
        self._view: View | None = None
        self._labelled_for = ""
        """The theme that the runs were labelled and coloured for; "" to do it again."""
        self._painter = Painter(self, self._draw, self._draw_figures)
        self._follow = True
        """Whether the run that trains is selected, until a person selects one."""
        self._opened_at = time.time()
        self._unanswered: set[str] = set()
        """The ids of commands that were sent from here."""
        self._forks: set[str] = set()
        """Runs whose parents were looked for."""

    def compose(self) -> ComposeResult:
        yield ProgressPanel(id="progress")
        yield BannerPanel(id="banner")
        yield PagesPanel([page.NAME for page in PAGES], id="pages")
        yield self._pages[0]
        yield Prompt()
        yield FittingFooter()

    def on_mount(self) -> None:
        colors = self.app.theme_variables
        lanes = make_lanes(list(self._states.values()), colors)
        selected = min(self._first, len(lanes) - 1)
        self._view = View(lanes, selected=selected, plots=self.remembered_plots())
        self._painter.now()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.look())
        self._feed.start()

    def on_unmount(self) -> None:
        self._feed.close()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < NARROW_COLUMNS, "-narrow")

    def _deliver(self, news: tuple[News, ...]) -> None:
        """Called in the feed's thread."""
        self.post_message(self.Arrived(news))

    def on_dashboard_screen_arrived(self, message: Arrived) -> None:
        """Take in what the feed read; the next frame shows it."""
        self._labelled_for = ""
        for news in message.news:
            state = self._states[news.run.id]
            apply(state, news)
            self.look_for_alerts(state, news.events, earlier=news.earlier)
            if news.keep is not None:
                self.run_worker(keep(state, news), thread=True)
            self._answer(news)
            self._warn_of_own_loop(state, news)
            self._show_profile(news)
            if state.started and state.started.parent and state.id not in self._forks:
                self._forks.add(state.id)
                self._read_parent(state.run, state.started.parent)
        self._feed.taken()
        self._painter.soon()

    def add(self, runs: list[RunDir]) -> None:
        """Show these too, the first of them selected."""
        place = len(self._states)
        self._states |= {run.id: open_state(run) for run in runs}
        self._feed.add(runs)
        if self._view is not None:
            lanes = make_lanes(list(self._states.values()), self.app.theme_variables)
            self._view = replace(self._view, lanes=lanes)
            self.look(selected=place)

    def view_at_hand(self) -> View | None:
        return self._view

    def redraw(self) -> None:
        self._painter.now()

    def action_profile_shown(self) -> None:
        """Show the newest profile of the run at hand."""
        state = self.state_at_hand()
        if state is not None and state.profile is not None:
            self.app.push_screen(ProfileScreen(state.profile))
        else:
            self.notify("No steps of this run were profiled; y profiles the next ones.")

    def on_runs_panel_selected(self, message: RunsPanel.Selected) -> None:
        self.look(selected=message.index)

    def action_move(self, by: int) -> None:
        """Select the next or previous run."""
        if self._view is not None:
            self.look(selected=(self._view.selected + by) % len(self._view.lanes))

    def action_split(self) -> None:
        """Compare the other split's curves."""
        if self._view is not None and not self._view.several:
            self.notify("One run shows both: training and validation.")
        elif self._view is not None:
            self.look(split="val" if self._view.split == "train" else "train")

    def action_zoom(self) -> None:
        """Maximize the focused panel, or the loss; or show all panels again."""
        if self.maximized is not None:
            self.minimize()
        else:
            focused = self.focused
            shown = [panel for panel in self.query(".page Panel") if panel.is_on_screen]
            self.maximize(focused if isinstance(focused, Panel) else shown[0])

    def state_at_hand(self) -> RunState | None:
        return self._view.focus.state if self._view is not None else None

    def alerts_seen(self) -> None:
        self.look()

    def states(self) -> list[RunState]:
        return list(self._states.values())

    def label_at_hand(self) -> str:
        return self._view.focus.label if self._view is not None else ""

    def runs_shown(self) -> list[RunDir]:
        return [state.run for state in self._states.values()]

    def name_of(self, state: RunState) -> str:
        lanes = self._view.lanes if self._view is not None else ()
        return next((lane.label for lane in lanes if lane.state is state), state.id)

    def sent(self, command_id: str) -> None:
        self._unanswered.add(command_id)

    def _answer(self, news: News) -> None:
        """Say what became of the commands that were sent from here."""
        for event in news.events:
            if not isinstance(event, Command) or event.id not in self._unanswered:
                continue
            if (note := note_of(event)) is not None:
                self._unanswered.discard(event.id)
                rejected = event.outcome == "rejected"
                self.notify(
                    clean(note.text),
                    severity="warning" if rejected else "information",
                    markup=False,
                )

    def _warn_of_own_loop(self, state: RunState, news: News) -> None:
        """What the recorder of a person's own loop makes of its calls, such as steps that fall."""
        if state.read_only or not (state.started and state.started.task == "open"):
            return
        lines = [event for event in news.events if isinstance(event, LogLine)]
        for line in lines:
            if line.level == "warning" and line.time >= self._opened_at:
                words = clean(f"{self.name_of(state)}: {line.message}")
                self.notify(words, severity="warning", markup=False)

    def _show_profile(self, news: News) -> None:
        """A profile that was made while somebody watched."""
        for event in news.events:
            if isinstance(event, Profiled) and event.time >= self._opened_at:
                self.app.push_screen(ProfileScreen(event))

    @work(thread=True)
    def _read_parent(self, run: RunDir, parent: Parent) -> None:
        self.post_message(self.Inherited(run.id, inherited(run, parent)))

    def on_dashboard_screen_inherited(self, message: Inherited) -> None:
        """Show the parent's values and marks before the fork's own."""
        self._states[message.run_id].inherit(message.inheritance.metrics, message.inheritance.marks)
        self._painter.soon()

    def action_runs(self) -> None:
        """List all runs; these go on."""
        self._app.open_runs()

    def action_races(self) -> None:
        """List all races."""
        self._app.open_races()

    def action_new(self) -> None:
        """Go to the launch screen; the runs go on."""
        self._app.open_launch()

    def action_quit(self) -> None:
        """Leave, after asking what becomes of runs that still train."""
        states = self._states.values()
        active = [state.run for state in states if state.active and not state.read_only]
        if not active:
            self.app.exit()
            return

        def answered(answer: Answer | None) -> None:
            if answer == "stop":
                for run in active:
                    self._send_stop(run)
                self.app.exit(message=clean(f"stopping {_names(active)}"))
            elif answer == "leave":
                names = " ".join(run_directory.address(run) for run in active)
                self.app.exit(
                    message=clean(f"still training; come back with: bigmodel-tui watch {names}")
                )

        self.app.push_screen(QuitScreen(len(active)), answered)

    def _send_stop(self, run: RunDir) -> None:
        try:
            control.send(run, "stop")
        except UserError as error:
            self.complain(str(error))

    def look(self, **changes: Any) -> None:
        if self._view is not None:
            self._view = replace(self._view, **changes)
            self._follow &= "selected" not in changes
            if changes.keys() == {"plots"} and self._app.ready(urgent=True):
                self._show_in(panel for panel in self.query(Panel) if panel.SHOWS_PLOTS)
                return
            self._painter.soon(urgent=True)

    @property
    def stale(self) -> bool:
        """Whether something changed since all of it was drawn."""
        return self._painter.stale

    def _show_in(self, panels: Iterable[Panel]) -> None:
        for panel in panels:
            if self._view is not None and (panel.is_on_screen or panel.size.width == 0):
                panel.show(self._view)

    def _draw(self) -> None:
        if self._view is None:
            return
        # Labels depend on configurations, which a run made elsewhere brings with its first event.
        lanes = self._view.lanes
        if self._labelled_for != self.app.theme:
            self._labelled_for = self.app.theme
            lanes = make_lanes(list(self._states.values()), self.app.theme_variables)
        self._view = replace(self._view, lanes=lanes, alerts=self.book.unseen)
        if self._follow:
            at_work = [lane.index for lane in lanes if lane.state.status in _AT_WORK]
            self._view = replace(self._view, selected=(at_work or [self._view.selected])[0])
        self.page.show(self._view)
        self._show_in(self.query(Panel))

    def _draw_figures(self) -> None:
        """The newest values, and the lists that keys move in."""
        if self._view is not None:
            for panel in self.query(Panel):
                if panel.is_on_screen:
                    panel.show_figures(self._view)


def _names(runs: list[RunDir]) -> str:
    return ", ".join(clean(run.id) for run in runs)
