"""Lanes that descend a landscape, step by step: a picture that is replayed."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui.panels.footer import FittingFooter
from tui.panels.keys import Key, Keys, bindings, together
from tui.panels.panel import Panel
from tui.plots import terrain
from tui.plots.terrain import Terrain, Way
from tui.text import clean, count, number

_SPEEDS = (1, 2, 5, 10, 20, 50, 100)
"""Speeds of the replay, in points a second."""
_NARROW = 120
"""Columns below which the legend leaves more room to the picture."""
_DEEP, _HIGH = "#10203a", "#7d8a99"


class Landscape:
    """A terrain, the ways over it, and the moment that is shown."""

    def __init__(self, ground: Terrain, ways: Sequence[Way], unit: str = "step") -> None:
        self.ground = ground
        self.ways = tuple(ways)
        self.unit = unit
        self.at = 0
        self.solo: int | None = None

    @property
    def last(self) -> int:
        """The last moment of any way."""
        return max((len(way.points) - 1 for way in self.ways), default=0)

    @property
    def shown(self) -> tuple[Way, ...]:
        return self.ways if self.solo is None else (self.ways[self.solo % len(self.ways)],)


class LandscapePanel(Panel[Landscape]):
    """A picture of the terrain with the ways up to the moment."""

    HEADING = "Landscape"

    def heading(self, view: Landscape) -> Text:
        return Text(f"{view.unit} {count(view.at)} of {count(view.last)}")

    def body(self, view: Landscape, width: int, height: int) -> Sequence[Text | list[Segment]]:
        picture = terrain.draw(
            view.ground,
            view.shown,
            view.at,
            width=width,
            height=height,
            deep=_DEEP,
            high=_HIGH,
            plain=self.plain,
        )
        return list(picture.lines())


class LegendPanel(Panel[Landscape]):
    """A legend with a line a lane: its letter, its name, and a note."""

    HEADING = "Lanes"

    def body(self, view: Landscape, width: int, height: int) -> Sequence[Text]:
        lines = []
        for way in view.ways[:height]:
            line = Text(f" {way.letter} ", style=f"bold {way.color}")
            line.append(clean(way.label, 28), style="bold" if way in view.shown else "dim")
            over = len(way.points) - 1 < view.at
            note = f"  {way.note}" if way.note else ""
            line.append(f"{note}{'  left the plane' if over and way.points.size else ''}")
            line.truncate(width, overflow="ellipsis")
            lines.append(line)
        return lines


class TerrainScreen(Screen[None]):
    """A screen that replays ways over a terrain; a subclass finds them, and calls `show`."""

    KEYS: Keys = (
        Key("space", "play", "Play", "replay from here, or hold", footer=True),
        together(
            Key("left", "step(-1)", "Back", "one point back", footer=True),
            Key("right", "step(1)", "On", "one point on", footer=True),
        ),
        together(
            Key("home", "jump(0)", "Start", "to the start"),
            Key("end", "jump(1)", "End", "to the end"),
        ),
        together(
            Key("plus,equals_sign", "speed(1)", "Faster", "replay faster"),
            Key("minus", "speed(-1)", "Slower", "slower"),
        ),
        Key("o", "solo", "Solo", "one lane alone, the next one, all of them", footer=True),
        Key("escape,q", "back", "Back", "back to where you were", footer=True),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self) -> None:
        super().__init__()
        self._landscape: Landscape | None = None
        self._speed = 3
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="terrain-title", markup=False)
        with Horizontal(id="terrain"):
            yield LandscapePanel(id="landscape")
            yield LegendPanel(id="legend")
        yield Static("", id="terrain-words", markup=False)
        yield FittingFooter()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < _NARROW, "-narrow")

    def show(self, landscape: Landscape) -> None:
        """Show other ways, at their start, and let them run."""
        self._landscape = landscape
        self._draw()
        if self._timer is None:
            self.action_play()

    def say(self, title: str, words: str = "") -> None:
        """Write the title, and a line about what is shown."""
        self.query_one("#terrain-title", Static).update(clean(title))
        self.query_one("#terrain-words", Static).update(clean(words))

    def action_play(self) -> None:
        """Let it run, or hold it; at the end it begins again."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            return
        landscape = self._landscape
        if landscape is None:
            return
        if landscape.at >= landscape.last:
            landscape.at = 0
        self._timer = self.set_interval(1 / 10, self._tick)

    def _tick(self) -> None:
        if self._landscape is None or self._landscape.at >= self._landscape.last:
            if self._timer is not None:
                self._timer.stop()
                self._timer = None
            return
        self._move(max(1, _SPEEDS[self._speed] // 10))

    def action_step(self, by: int) -> None:
        """Go one point on or back, and hold the replay there."""
        if self._timer is not None:
            self.action_play()
        self._move(by)

    def action_jump(self, end: int) -> None:
        """Go to the start or the end."""
        if self._landscape is not None:
            self._move(self._landscape.last if end else -self._landscape.last)

    def action_speed(self, by: int) -> None:
        """Replay faster or slower."""
        self._speed = max(0, min(len(_SPEEDS) - 1, self._speed + by))
        self.notify(f"{number(_SPEEDS[self._speed])} points a second", timeout=2)

    def action_solo(self) -> None:
        """Show the next lane alone; after the last one, all of them."""
        if (landscape := self._landscape) is None:
            return
        following = 0 if landscape.solo is None else landscape.solo + 1
        landscape.solo = following if following < len(landscape.ways) else None
        self._draw()

    def action_back(self) -> None:
        """Leave."""
        self.app.pop_screen()

    def _move(self, by: int) -> None:
        if (landscape := self._landscape) is not None:
            landscape.at = max(0, min(landscape.last, landscape.at + by))
            self._draw()

    def _draw(self) -> None:
        if self._landscape is None:
            return
        self.query_one(LandscapePanel).show(self._landscape)
        self.query_one(LegendPanel).show(self._landscape)
