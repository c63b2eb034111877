"""A race: curves and standings, sensitivity, gradients, layers; and what can be done with it."""

from collections.abc import Callable
from dataclasses import replace
from subprocess import Popen

from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from engine.race.directory import RaceDir
from presets import UserError
from tui.panels.footer import FittingFooter
from tui.panels.keys import MOVE, Key, bindings, together
from tui.panels.prompt import Prompt, Question
from tui.plots.palette import lane_colors
from tui.races.news import RaceFeed, RaceNews
from tui.races.view import RaceView
from tui.screens.app_screen import BACK, LEAVE, RACES, AppScreen
from tui.screens.race import watch_or_lengthen
from tui.screens.race.commands import RaceCommands
from tui.screens.race.pages import PAGES, RacePages, title
from tui.text import clean


class RaceScreen(AppScreen):
    """The screen of a race, which neither needs it nor notices when it is closed."""

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
        RACES,
        BACK,
        replace(LEAVE, does="quit; the race goes on, and what becomes of other runs is asked"),
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
        self._pages = RacePages()
        self._commands = RaceCommands(race, self._keep)

    def compose(self) -> ComposeResult:
        yield Static("", id="race-title", markup=False)
        yield self._pages
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

    def _keep(self, process: Popen[bytes]) -> None:
        self.host.processes.append(process)

    def _deliver(self, news: RaceNews | str) -> None:
        """Called in the feed's thread."""
        self.post_message(self.Arrived(news))

    def on_race_screen_arrived(self, message: Arrived) -> None:
        """Show how the race is now."""
        news = message.news
        if isinstance(news, str):
            self.query_one("#race-title", Static).update(clean(news))
            return
        colors = lane_colors(self.app.theme_variables)
        if self._pages.view is None:
            self._pages.begin(RaceView(news=news, colors=colors))
        else:
            self.change_view(news=news, colors=colors)
        self._show_title()
        self.refresh_bindings()

    @property
    def _view(self) -> RaceView | None:
        return self._pages.view

    def change_view(self, **changes: object) -> None:
        self._pages.change_view(**changes)

    def _show_title(self) -> None:
        if self._view is not None:
            self.query_one("#race-title", Static).update(title(self._view.news, self._pages.page))

    def offered(self, action: str, name: str) -> str:
        """A race that is over is not paused, nor stopped; one at work is not gone on with."""
        status = self._view.news.status if self._view is not None else "running"
        at_work = status in ("running", "paused")
        if action in ("pause", "stop") and not at_work:
            return ""
        if action == "resume" and (at_work or status == "done"):
            return ""
        return "Go on" if action == "pause" and status == "paused" else name

    def action_page(self, page: int) -> None:
        """Show another page."""
        self._pages.show_page(page)
        self._show_title()

    def action_move(self, by: int) -> None:
        """Select the next or previous lane of the standings."""
        self._pages.turn(lambda view: view.moved(by))

    def action_columns(self, by: int) -> None:
        """Other columns of the standings."""
        self._pages.shift_columns(by)

    def action_unit(self) -> None:
        """The next x axis."""
        self._pages.turn(RaceView.next_unit)

    def action_hide(self) -> None:
        """Hide or show the selected lane."""
        self._pages.turn(RaceView.toggled)

    def action_solo(self) -> None:
        """The selected lane alone, or all again."""
        self._pages.turn(lambda view: replace(view, solo=not view.solo, hidden=frozenset()))

    def action_bands(self) -> None:
        """Other bands; on the page of layers another lane beside the selected one."""
        on_layers = self._pages.page == PAGES.index("Layers")
        self._pages.turn(RaceView.next_other if on_layers else RaceView.next_bands)

    def action_log_y(self) -> None:
        """Logarithmic or linear y axis."""
        self._pages.turn(lambda view: replace(view, log_y=not view.log_y))

    def action_plane(self) -> None:
        """The lanes' weights on a plane."""
        from tui.screens.race.weight_plane import PlaneScreen

        if self._view is not None:
            labels = tuple(lane.label for lane in self._view.news.lanes)
            self.app.push_screen(PlaneScreen(self._race, labels))

    def action_pause(self) -> None:
        """Pause the race, or let it go on."""
        self._command(lambda view: self._commands.pause(view.news.status))

    def action_stop(self) -> None:
        """Stop the race; R goes on with it."""
        self._command(lambda view: self._commands.stop(view.news.status))

    def action_resume(self) -> None:
        """Go on with a race that was stopped, or that has more to do."""
        self._command(lambda view: self._commands.start())

    def action_extend(self) -> None:
        """Ask for the new number of seeds."""

        def extend(text: str) -> None:
            if self._view is not None:
                self._commands.extend(text, self._view.news.status)

        if self._view is not None:
            hint = f"more than {self._view.news.spec.seeds}; those that are done stay"
            self.query_one(Prompt).ask(Question("seeds", hint, extend))

    @work(thread=True, exclusive=True, group="report")
    def action_report(self) -> None:
        """Write the report in a thread, for pictures take a while."""
        try:
            folder = self._commands.report()
        except UserError as error:
            self.app.call_from_thread(self.complain, str(error))
        else:
            self.app.call_from_thread(self.notify, clean(f"written to {folder}"), markup=False)

    def action_watch(self) -> None:
        """The lanes' runs of seed 0 on the dashboard."""
        self._command(
            lambda view: self.host.open_dashboard(watch_or_lengthen.begun(self._race, view))
        )

    def action_longer(self) -> None:
        """The launch screen with the selected lane's settings."""
        self._command(lambda view: self.host.open_again(watch_or_lengthen.longer(self._race, view)))

    def _command(self, carry_out: Callable[[RaceView], str | None]) -> None:
        """Carry out what a key asks for, once the race is known; say what it answers."""
        if self._view is None:
            return
        try:
            said = carry_out(self._view)
        except UserError as error:
            self.complain(str(error))
        else:
            if said:
                self.notify(said, markup=False)
