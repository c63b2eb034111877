"""A race: curves and standings, sensitivity, gradients, layers; and what can be done with it."""

from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widgets import Static

from engine.race import spec
from engine.race.directory import RaceDir
from engine.race.plan import finals
from engine.race.results import RaceReader
from engine.runs import control, launch
from engine.runs.run_directory import RunDir
from presets import ConfigError, UserError
from tui.panels.footer import FittingFooter
from tui.panels.keys import MOVE, Key, bindings, together
from tui.panels.panel import Panel
from tui.panels.prompt import Prompt, Question
from tui.panels.race.gradients import RaceGradientsPanel
from tui.panels.race.layers import RaceLayersPanel
from tui.panels.race.plot import RacePlotPanel, SensitivityPanel
from tui.panels.race.standings import StandingsPanel
from tui.plots.palette import lane_colors
from tui.races.news import RaceFeed, RaceNews
from tui.races.view import RaceView
from tui.screens.app_screen import AppScreen
from tui.text import clean, count, duration

_PAGES = ("Curves", "Rates", "Gradients", "Layers")


class RaceScreen(AppScreen):
    """Watches a race; it neither needs the screen nor notices when it goes."""

    KEYS = (
        together(
            Key("1", "page(0)", "Curves", "curves and standings"),
            Key("2", "page(1)", "Rates", "sensitivity to the learning rate"),
            Key("3", "page(2)", "Gradients", "gradient norms and clipping of all lanes"),
            Key("4", "page(3)", "Layers", "the layers of two lanes"),
        ),
        together(*MOVE, does="select a lane", shown="Up, Down, k, j"),
        together(
            Key("left", "columns(-1)", "Columns left", "columns of the standings further left"),
            Key("right", "columns(1)", "Columns right", "further right"),
        ),
        Key("x", "unit", "X axis", "over steps, samples or training seconds", footer=True),
        Key("h", "hide", "Hide", "hide the selected lane, or show it again", footer=True),
        Key("o", "solo", "Solo", "the selected lane alone, or all again", footer=True),
        Key(
            "b",
            "bands",
            "Bands",
            "quartiles of the selected lane, of all, of none; on layers: another lane beside",
            footer=True,
        ),
        Key("L", "log_y", "Log y", "logarithmic y axis, or linear"),
        Key(
            "t",
            "plane",
            "Trajectories",
            "trajectories: the lanes' weights on the plane of their principal directions",
            footer=True,
        ),
        together(
            Key("p", "pause", "Pause", "pause the race, or let it go on", footer=True),
            Key("s", "stop", "Stop", "stop it after this step", footer=True),
        ),
        Key("R", "resume", "Resume", "go on with a race that was stopped", footer=True),
        Key("e", "extend", "Seeds", "run more seeds of every lane", footer=True),
        Key("w", "report", "Report", "write the report: Markdown, CSV, LaTeX, SVG", footer=True),
        Key("enter", "watch", "Runs", "the lanes' runs of seed 0, on the dashboard", footer=True),
        Key(
            "f",
            "longer",
            "Longer run",
            "a run five times as long, with the selected lane's settings",
            footer=True,
        ),
        Key("escape", "back", "Back", "to the list of races", footer=True),
        Key("q", "app.quit", "Quit", "quit; the race goes on", footer=True),
    )
    BINDINGS = bindings(KEYS)

    class Arrived(Message):
        """The feed saw something new, or what is wrong with the race."""

        def __init__(self, news: RaceNews | str) -> None:
            super().__init__()
            self.news = news

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RaceScreen.Arrived)

    def __init__(self, race: RaceDir) -> None:
        super().__init__()
        self._race = race
        self._feed = RaceFeed(race, self._deliver)
        self._view: RaceView | None = None
        self._page = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="race-title", markup=False)
        with Container(id="race-curves", classes="race-page"):
            yield RacePlotPanel(id="race-plot")
            yield StandingsPanel(id="standings")
        yield SensitivityPanel(id="sensitivity", classes="race-page")
        yield RaceGradientsPanel(id="race-gradients", classes="race-page")
        yield RaceLayersPanel(id="race-layers", classes="race-page")
        yield Prompt()
        yield FittingFooter()

    def on_mount(self) -> None:
        self.action_page(0)
        self.app.theme_changed_signal.subscribe(
            self, lambda _: self.change_view(colors=lane_colors(self.app.theme_variables))
        )
        self._feed.start()

    def on_unmount(self) -> None:
        self._feed.close()

    def _deliver(self, news: RaceNews | str) -> None:
        """Called in the feed's thread."""
        self.post_message(self.Arrived(news))

    def on_race_screen_arrived(self, message: Arrived) -> None:
        """Show how the race is now."""
        news = message.news
        if isinstance(news, str):
            self.query_one("#race-title", Static).update(clean(news))
            return
        if self._view is None:
            self._view = RaceView(news=news)
        self.change_view(news=news, colors=lane_colors(self.app.theme_variables))

    def change_view(self, **changes: object) -> None:
        if self._view is not None:
            self._view = replace(self._view, **changes)  # type: ignore[arg-type]
            self._draw()

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        self.query_one("#race-title", Static).update(self._title(view.news))
        for panel in self.query(Panel):
            if panel.is_on_screen:
                panel.show(view)

    def _title(self, news: RaceNews) -> str:
        pages = "  ".join(
            f"[{n} {name}]" if n == self._page + 1 else f"{n} {name}"
            for n, name in enumerate(_PAGES, 1)
        )
        made = news.spec
        status = f"{news.status}: {news.reason}" if news.reason else news.status
        left = f", {duration(news.remaining)} to go" if news.remaining else ""
        runs = f"{count(news.done)} of {count(news.total)} runs{left}"
        # What may be cut off on a narrow terminal comes last.
        told = (status, runs, f"tier {made.tier}", f"{count(made.budget)} steps each")
        return f"{pages}   {clean('  '.join(told))}  {clean(self._race.id)}"

    def on_rows_panel_selected(self, message: StandingsPanel.Selected) -> None:
        if self._view is not None:
            self.change_view(selected=self._view.order[message.place])

    def action_page(self, page: int) -> None:
        """Show another page; what is hidden is not drawn."""
        self._page = page
        for index, widget in enumerate(self.query(".race-page")):
            widget.display = index == page
        self.call_after_refresh(self._draw)

    def action_move(self, by: int) -> None:
        """Select the next or previous lane of the standings."""
        if self._view is not None:
            self.change_view(selected=self._view.moved(by).selected)

    def action_columns(self, by: int) -> None:
        """Other columns of the standings."""
        self.query_one(StandingsPanel).shift(by)

    def action_unit(self) -> None:
        """The next x axis."""
        if self._view is not None:
            self.change_view(unit=self._view.next_unit().unit)

    def action_hide(self) -> None:
        """Hide or show the selected lane."""
        if self._view is not None:
            self.change_view(hidden=self._view.toggled().hidden, solo=False)

    def action_solo(self) -> None:
        """The selected lane alone, or all again."""
        if self._view is not None:
            self.change_view(solo=not self._view.solo, hidden=frozenset())

    def action_bands(self) -> None:
        """Other bands; on the page of layers another lane beside the selected one."""
        if self._view is None:
            return
        if self._page == _PAGES.index("Layers"):
            self.change_view(other=self._view.next_other().other)
        else:
            self.change_view(bands=self._view.next_bands().bands)

    def action_log_y(self) -> None:
        """Logarithmic or linear y axis."""
        if self._view is not None:
            self.change_view(log_y=not self._view.log_y)

    def action_plane(self) -> None:
        """The lanes' weights on a plane."""
        from tui.screens.race.weight_plane import PlaneScreen

        if self._view is not None:
            labels = tuple(lane.label for lane in self._view.news.lanes)
            self.app.push_screen(PlaneScreen(self._race, labels))

    def action_pause(self) -> None:
        """Pause the race, or let it go on."""
        if self._view is None:
            return
        status = self._view.news.status
        if status in ("running", "paused"):
            self._command("pause" if status == "running" else "resume")
        else:
            self.complain(f"the race is {status}; R goes on with one that was stopped")

    def action_stop(self) -> None:
        """Stop the race; R goes on with it."""
        if self._view is not None and self._view.news.status in ("running", "paused"):
            self._command("stop")

    def _command(self, name: control.CommandName) -> None:
        try:
            control.send(self._race.process, name)
        except UserError as error:
            self.complain(str(error))
        else:
            self.notify(f"{name}: the race was told", markup=False)

    def action_resume(self) -> None:
        """Go on with a race that was stopped, or that has more to do."""
        try:
            self._start()
        except UserError as error:
            self.complain(str(error))

    def _start(self) -> None:
        """Raises UserError."""
        self.host.processes.append(launch.start_process("engine.race", [self._race.process]))

    def action_extend(self) -> None:
        """Ask for the new number of seeds."""
        if self._view is None:
            return
        hint = f"more than {self._view.news.spec.seeds}; those that are done stay"
        self.query_one(Prompt).ask(Question("seeds", hint, self._extend))

    def _extend(self, text: str) -> None:
        if not text.isdecimal():
            raise ConfigError(f"seeds: expected a whole number, got {text!r}")
        self._race.write(spec.extended(self._race.spec(), {}, int(text)))
        if self._view is not None and self._view.news.status not in ("running", "paused"):
            self._start()

    @work(thread=True, exclusive=True, group="report")
    def action_report(self) -> None:
        """Write the report in a thread, for pictures take a while."""
        from tui.races import report as race_report

        folder = self._race.path / "report"
        try:
            race_report.write(self._race, RaceReader(self._race).read(self._race.spec()), folder)
        except UserError as error:
            self.app.call_from_thread(self.complain, str(error))
            return
        self.app.call_from_thread(self.notify, clean(f"written to {folder}"), markup=False)

    def action_watch(self) -> None:
        """The lanes' runs of seed 0 on the dashboard."""
        if self._view is None:
            return
        planned = [run for run in finals(self._view.news.spec) if run.number == 0]
        runs = [self._race.run(run.name) for run in planned]
        there = [run for run in runs if run.config_path.is_file()]
        if there:
            self.host.open_dashboard(there)
        else:
            self.complain("no run of seed 0 has begun yet")

    def action_longer(self) -> None:
        """The launch screen with the selected lane's settings."""
        if self._view is None:
            return
        lane = self._view.news.spec.lanes[self._view.selected]
        rate = self._view.news.lanes[self._view.selected].tuned_lr
        changes = {} if rate is None else {"optimizer__lr": rate}
        try:
            config = spec.longer(lane.run_config(**changes))
        except ConfigError as error:
            self.complain(str(error))
            return
        from tui.choices.rerun import Again

        label = f"{lane.label} of the race, made longer"
        self.host.open_again(Again(self._shown_run(), label, config, (self._shown_run(),)))

    def _shown_run(self) -> RunDir:
        """The run of seed 0 of the selected lane."""
        assert self._view is not None
        runs = finals(self._view.news.spec)
        return self._race.run(next(run.name for run in runs if run.lane == self._view.selected))

    def action_back(self) -> None:
        """To the list of races."""
        self.host.open_races()
