"""The dashboard: plots, progress, configuration and log of one run or of several together."""

from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer

from engine import control, rundir
from engine.rundir import RunDir
from presets import UserError
from tui.feed import Feed
from tui.follow import News, apply, open_state
from tui.lanes import View, make_lanes
from tui.panels.curves import CurvesPanel
from tui.panels.gradients import GradientsPanel
from tui.panels.log import LogPanel
from tui.panels.panel import Panel
from tui.panels.progress import ProgressPanel
from tui.panels.runs import RunsPanel
from tui.panels.settings import SettingsPanel
from tui.screens.quit import Answer, QuitScreen
from tui.text import clean

FRAMES_PER_SECOND = 5
NARROW_COLUMNS = 120


class DashboardScreen(Screen[None]):
    """Watches runs; they neither need it nor notice when it goes."""

    BINDINGS = [
        Binding("s", "stop", "Stop", tooltip="Stop the selected run after this step"),
        Binding("v", "split", "Train/val", tooltip="Compare training or validation curves"),
        Binding("down,j", "move(1)", "Next run", show=False),
        Binding("up,k", "move(-1)", "Previous run", show=False),
        Binding("m", "zoom", "Maximize", tooltip="Show the panel at hand alone, or all again"),
        Binding("n", "new", "New run", tooltip="Choose and start another run"),
        Binding("q", "quit", "Quit", tooltip="Leave; asks what becomes of a run that trains"),
    ]
    KEYS = (
        ("s", "stop the selected run after this step"),
        ("v", "with several runs: training or validation curves"),
        ("Up, Down, k, j", "select another run"),
        ("Tab, Shift+Tab", "go to another panel"),
        ("m", "show the panel at hand alone, and back"),
        ("n", "choose and start another run; this one goes on"),
        ("q", "quit; asks what becomes of a run that still trains"),
        ("?", "this help"),
    )

    class Arrived(Message):
        """The feed read something new."""

        def __init__(self, news: tuple[News, ...]) -> None:
            super().__init__()
            self.news = news

    def __init__(self, runs: list[RunDir]) -> None:
        super().__init__()
        self._states = {run.id: open_state(run) for run in runs}
        self._feed = Feed(runs, self._deliver)
        self._view: View | None = None
        self._stale = True
        self._follow = True
        """Whether the run that trains is selected, until a person selects one."""

    def compose(self) -> ComposeResult:
        yield ProgressPanel(id="progress")
        with Container(id="panels"):
            yield CurvesPanel(id="loss", heading="Loss", train="train/loss", val="val/loss")
            yield CurvesPanel(
                id="accuracy", heading="Accuracy", train="train/accuracy", val="val/accuracy"
            )
            yield GradientsPanel(id="gradients")
            yield CurvesPanel(id="lr", heading="Learning rate", train="lr", noisy=False)
            yield CurvesPanel(
                id="speed", heading="Samples per second", train="samples_per_second", noisy=False
            )
            yield RunsPanel(id="runs")
            yield SettingsPanel(id="settings")
            yield LogPanel(id="log")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        colors = self.app.theme_variables
        self._view = View(make_lanes(list(self._states.values()), colors))
        self._draw()
        self.set_interval(1 / FRAMES_PER_SECOND, self._draw)
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
        for news in message.news:
            apply(self._states[news.run.id], news)
        self._stale = True
        self._feed.taken()

    def on_runs_panel_selected(self, message: RunsPanel.Selected) -> None:
        self._look(selected=message.index)

    def action_move(self, by: int) -> None:
        """Select the next or previous run."""
        if self._view is not None:
            self._look(selected=(self._view.selected + by) % len(self._view.lanes))

    def action_split(self) -> None:
        """Compare the other split's curves."""
        if self._view is not None and not self._view.several:
            self.notify("One run shows both: training and validation.")
        elif self._view is not None:
            self._look(split="val" if self._view.split == "train" else "train")

    def action_zoom(self) -> None:
        """Maximize the focused panel, or the loss; or show all panels again."""
        if self.maximized is not None:
            self.minimize()
        else:
            focused = self.focused
            self.maximize(focused if isinstance(focused, Panel) else self.query_one("#loss"))

    def action_stop(self) -> None:
        """Ask the engine of the selected run to stop."""
        if self._view is None:
            return
        lane = self._view.focus
        if not lane.state.active:
            self.notify(f"{clean(lane.label)}: already {lane.state.status}", markup=False)
        elif self._send_stop(lane.state.run):
            self.notify(f"{clean(lane.label)}: stops after this step", markup=False)

    def action_new(self) -> None:
        """Go to the launch screen; the runs go on."""
        self._app.open_launch()

    def action_quit(self) -> None:
        """Leave, after asking what becomes of runs that still train."""
        active = [state.run for state in self._states.values() if state.active]
        if not active:
            self.app.exit()
            return

        def answered(answer: Answer | None) -> None:
            if answer == "stop":
                for run in active:
                    self._send_stop(run)
                self.app.exit(message=f"stopping {_names(active)}")
            elif answer == "leave":
                names = " ".join(clean(rundir.address(run)) for run in active)
                self.app.exit(message=f"still training; come back with: bigmodel-tui watch {names}")

        self.app.push_screen(QuitScreen(len(active)), answered)

    @property
    def _app(self) -> Any:
        return self.app

    def _send_stop(self, run: RunDir) -> bool:
        try:
            control.send(run, "stop")
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return False
        return True

    def _look(self, **changes: Any) -> None:
        if self._view is not None:
            self._view = replace(self._view, **changes)
            self._follow &= "selected" not in changes
            self._stale = True
            self._draw()

    def _draw(self) -> None:
        if not self._stale or self._view is None:
            return
        self._stale = False
        # Labels depend on configurations, which a run made elsewhere brings with its first event.
        lanes = make_lanes(list(self._states.values()), self.app.theme_variables)
        self._view = replace(self._view, lanes=lanes)
        if self._follow:
            at_work = [lane.index for lane in lanes if lane.state.status in ("starting", "running")]
            self._view = replace(self._view, selected=(at_work or [self._view.selected])[0])
        for panel in self.query(Panel):
            if panel.is_on_screen or panel.size.width == 0:
                panel.show(self._view)


def _names(runs: list[RunDir]) -> str:
    return ", ".join(clean(run.id) for run in runs)
