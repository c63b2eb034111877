"""All races: opened, begun, and set beside each other as performance profiles."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.segment import Segment
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.race import directory, standings, statistics
from engine.race.directory import RaceDir
from presets import UserError
from tui.panels.footer import FittingFooter
from tui.panels.keys import Key, bindings
from tui.panels.panel import Panel
from tui.plots import chart
from tui.plots.axes import Axes
from tui.plots.chart import Curve, line_sample
from tui.plots.palette import lane_colors
from tui.races.news import Watcher
from tui.runs.points.series import Floats
from tui.screens.app_screen import BACK, LEAVE, AppScreen
from tui.text import clean, counted

FACTORS = np.geomspace(1.0, 8.0, 60)
"""Factors of the best lane's cost at which the profiles are drawn."""
Profiles = dict[str, Floats]


class ProfilesPanel(Panel[Profiles]):
    """A plot of performance profiles: the share of races in which a lane needs at most so many
    times what the best one needs. Further up and left is better (Dolan and More 2002)."""

    HEADING = "Performance profiles"

    def heading(self, view: Profiles) -> Text:
        colors = lane_colors(self.app.theme_variables)
        text = Text()
        for index, name in enumerate(view):
            text.append(
                line_sample(index, ascii_only=self.plain), style=colors[index % len(colors)]
            )
            text.append(f" {clean(name, 20)}  ")
        return text

    def body(self, view: Profiles, width: int, height: int) -> list[Text | list[Segment]]:
        if not view:
            words = "races over the same lanes, with a target and over, appear here together"
            return [Text(f" {words}", style=self.color("plot-ink"))]
        colors = lane_colors(self.app.theme_variables)
        curves = [
            Curve(x=FACTORS, y=share, color=colors[index % len(colors)], lane=index)
            for index, share in enumerate(view.values())
        ]
        axes = Axes(
            width=width,
            height=height,
            low=1.0,
            high=float(FACTORS[-1]),
            ink=self.color("plot-ink"),
            log_x=True,
            markers="ascii" if self.plain else "braille",
        )
        picture = chart.draw(curves, axes, 1.0)
        picture.write(height - 1, 0, "times ", axes.ink)
        return list(picture.lines())


class RacesScreen(AppScreen):
    """The screen of all races, a line each, newest first."""

    KEYS = (
        Key("enter", "open", "Open", "watch the race", footer=True),
        Key("up,down", "", does="choose a race"),
        Key("n", "new", "New race", "set up and start a race", footer=True),
        Key(
            "d",
            "descent",
            "Descents",
            "watch optimizers descend a surface of two variables",
            footer=True,
        ),
        BACK,
        replace(LEAVE, does="quit; races go on, and what becomes of other runs is asked"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._races: list[RaceDir] = []

    def compose(self) -> ComposeResult:
        yield Static("Races", id="race-title", markup=False)
        yield OptionList(id="races", markup=False)
        yield ProfilesPanel(id="profiles")
        yield FittingFooter()

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._read()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        rows: list[tuple[RaceDir, str]] = []
        workloads: list[dict[str, float]] = []
        try:
            found = directory.list_races(self._root)[::-1]
        except UserError as error:
            self.app.call_from_thread(self._show, [], {}, str(error))
            return
        for race in found:
            try:
                news = Watcher(race).read()
            except UserError as error:
                rows.append((race, str(error)))
                continue
            lanes = counted(len(news.lanes), "lane")
            verdict = news.reason or news.standings.verdict
            rows.append((race, f"{race.id}  {news.status:<8} {lanes}: {verdict}"))
            if news.standings.final and news.goal is not None:
                workloads.append({row.label: _cost(row) for row in news.standings.rows})
        shown = statistics.profile(workloads, FACTORS.tolist()) if len(workloads) > 1 else {}
        self.app.call_from_thread(self._show, rows, shown, "")

    def _show(self, rows: list[tuple[RaceDir, str]], profiles: Profiles, trouble: str) -> None:
        self._races = [race for race, _ in rows]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options(Option(Text(clean(line, 300), no_wrap=True)) for _, line in rows)
        title = "Races" if rows else "Races: none yet; n sets one up, d shows optimizers descend"
        self.query_one("#race-title", Static).update(clean(trouble) or title)
        self.query_one(ProfilesPanel).show(profiles)
        if rows:
            listed.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.host.open_race(self._races[event.option_index])

    def action_open(self) -> None:
        """Watch the highlighted race."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._races):
            self.host.open_race(self._races[at])

    def action_new(self) -> None:
        """Set up a race."""
        from tui.screens.race.setup import RaceSetupScreen

        self.app.push_screen(RaceSetupScreen())

    def action_descent(self) -> None:
        """Optimizers descend a surface."""
        from tui.screens.race.surface_descent import DescentScreen

        self.app.push_screen(DescentScreen())


def _cost(row: standings.Row) -> float:
    return row.steps.median if row.steps is not None else math.inf
