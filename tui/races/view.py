"""The view of a race: which lanes are shown, over which axis; pure."""

from dataclasses import dataclass, replace
from typing import Literal

from tui.plots.palette import LANE_COLORS
from tui.races.news import UNITS, LaneNews, RaceNews, Unit

Bands = Literal["selected", "all", "none"]
BANDS: tuple[Bands, ...] = ("selected", "all", "none")


@dataclass(frozen=True, kw_only=True)
class RaceView:
    """The view that the panels of a race's screen draw."""

    news: RaceNews
    colors: tuple[str, ...] = tuple(LANE_COLORS.values())
    selected: int = 0
    """Index of the selected lane in the order of the race."""
    hidden: frozenset[int] = frozenset()
    solo: bool = False
    """Whether only the selected lane is drawn."""
    unit: Unit = "steps"
    bands: Bands = "selected"
    log_y: bool = True
    """Whether the plot shows errors or losses on a logarithmic axis, or the metric as it is."""
    other: int | None = None
    """The lane beside the selected one on the page of layers; the first of the others if None."""

    @property
    def lane(self) -> LaneNews:
        """The selected lane."""
        return self.news.lanes[min(self.selected, len(self.news.lanes) - 1)]

    @property
    def order(self) -> list[int]:
        """The lanes as the standings have them."""
        return [row.lane for row in self.news.standings.rows]

    @property
    def drawn(self) -> list[int]:
        """The lanes that plots show, the selected one last and so in front."""
        if self.solo:
            return [self.selected]
        shown = [lane for lane in range(len(self.news.lanes)) if lane not in self.hidden]
        return sorted(shown, key=lambda lane: lane == self.selected)

    @property
    def beside(self) -> int:
        """The lane that the selected one is compared with."""
        if self.other is not None and self.other != self.selected:
            return self.other
        return next((lane for lane in self.order if lane != self.selected), self.selected)

    def color(self, lane: int) -> str:
        """The colour of a lane as #rrggbb; line style and label tell lanes apart too."""
        return self.colors[lane % len(self.colors)]

    def moved(self, by: int) -> "RaceView":
        """The view with another lane of the standings selected."""
        order = self.order
        at = order.index(self.selected) if self.selected in order else 0
        return replace(self, selected=order[(at + by) % len(order)])

    def toggled(self) -> "RaceView":
        """The view with the selected lane hidden, or shown again."""
        return replace(self, hidden=self.hidden ^ {self.selected}, solo=False)

    def next_unit(self) -> "RaceView":
        return replace(self, unit=UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)])

    def next_bands(self) -> "RaceView":
        return replace(self, bands=BANDS[(BANDS.index(self.bands) + 1) % len(BANDS)])

    def next_other(self) -> "RaceView":
        """The view with another lane beside the selected one."""
        order = [lane for lane in self.order if lane != self.selected]
        if not order:
            return self
        at = order.index(self.beside) if self.beside in order else 0
        return replace(self, other=order[(at + 1) % len(order)])
