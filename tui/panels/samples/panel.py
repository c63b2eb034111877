"""The model's answers to single samples, in the way that suits what the run has."""

from collections.abc import Sequence

from rich.text import Text
from textual.actions import SkipAction

from tui.panels.keys import MOVE, Key, bindings, together
from tui.panels.panel import Panel
from tui.panels.samples.episodes import EpisodesKind
from tui.panels.samples.games import GamesKind
from tui.panels.samples.kind import Kind
from tui.panels.samples.outputs import OutputsKind
from tui.panels.samples.predictions import PredictionsKind
from tui.panels.samples.texts import TextsKind
from tui.plots.lane_view import View

_KINDS: tuple[type[Kind], ...] = (
    GamesKind,
    EpisodesKind,
    OutputsKind,
    TextsKind,
    PredictionsKind,
)
"""The kinds; of several that a run has, the first is shown."""


class SamplesPanel(Panel):
    """A panel of single samples: predictions, texts, outputs beside their references,
    games, episodes."""

    HEADING = "Samples"
    KEYS = (
        *MOVE,
        together(
            Key("pagedown", "turn(1)", "Earlier", "go to what was made before"),
            Key("pageup", "turn(-1)", "Later", "go to what was made after"),
            Key("home", "turn(-1000000)", "Newest"),
            Key("end", "turn(1000000)", "Oldest"),
            does="on samples: go to those of the evaluation before; Page Up to those after it",
            shown="Page Down",
        ),
        together(
            Key("left", "along(-1)", "Step back", "go a step back"),
            Key("right", "along(1)", "Step on", "go a step on"),
            does="on games and episodes: a move back; Right a move on",
            shown="Left",
        ),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._kinds = [kind(self) for kind in _KINDS]

    def _kind(self, view: View) -> Kind | None:
        """The kind that the run at hand has; None if it has no samples yet."""
        return next((kind for kind in self._kinds if kind.of(view.focus.state)), None)

    def action_move(self, by: int) -> None:
        """Show other lines."""
        if self._view is not None and (kind := self._kind(self._view)) is not None:
            kind.move(self._view.focus.state, by)
            self._redraw()

    def action_turn(self, by: int) -> None:
        """Go to an earlier or later evaluation, or scroll by the height of the panel."""
        if self._view is not None and (kind := self._kind(self._view)) is not None:
            kind.turn(self._view.focus.state, by)
            self._redraw()

    def action_along(self, by: int) -> None:
        """Go on within a sample, where it has parts."""
        kind = self._kind(self._view) if self._view is not None else None
        if kind is None or self._view is None or not kind.along(self._view.focus.state, by):
            raise SkipAction
        self._redraw()

    def heading(self, view: View) -> Text:
        kind = self._kind(view)
        return kind.heading(view.focus.state) if kind is not None else Text()

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        state = view.focus.state
        if (kind := self._kind(view)) is not None:
            return kind.body(state, width, height)
        return [Text(" come with the first evaluation" if state.active else " none were recorded")]
