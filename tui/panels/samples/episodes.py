"""An episode of an environment as the model played it: its return, and the pole in motion."""

import math
from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Episode
from tui.panels.panel import Panel
from tui.panels.samples.kind import Kind, Place
from tui.plots import chart
from tui.runs.state.store import RunState
from tui.text import clean, count, number

_TRACK = 2.4
"""The end of the track of CartPole, in metres from the middle (gymnasium's `CartPole-v1`)."""
_POLE_LINES = 6


class EpisodesKind(Kind):
    """The episode of an evaluation, frame by frame: Left and Right step, Page Down goes to that of
    an earlier evaluation."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._place = Place()
        self._frame = 0

    def of(self, state: RunState) -> bool:
        return bool(state.episodes)

    def heading(self, state: RunState) -> Text:
        events = _newest_first(state)
        episode = events[self._place.at(events)]
        words = f"step {count(episode.step)}: return {number(float(episode.total))}"
        if episode.solved is not None:
            words += f", solved at {number(episode.solved)}"
        return Text(words).append(self._place.told(events), style=self.color("plot-ink"))

    def body(self, state: RunState, width: int, height: int) -> Sequence[Text]:
        self.height = height
        episode = self._episode(state)
        self._frame = max(0, min(self._frame, len(episode.observations) - 1))
        ink = self.color("plot-ink")
        where = f"{clean(episode.environment, 40)}, move {self._frame * episode.every + 1} of "
        lines = [
            Text(f" {where}{count(episode.length)}, Left and Right step", style=ink),
            self._returns(state, width),
        ]
        observation = [float(value) for value in episode.observations[self._frame]]
        if episode.environment.startswith("CartPole") and len(observation) == 4:
            lines += self._pole(observation, width)
        numbers = ", ".join(number(value, 3) for value in observation)
        shares = " ".join(f"{share:.0%}" for share in episode.policies[self._frame][:12])
        lines += [
            Text(f" it sees {numbers}"),
            Text(f" it does {episode.actions[self._frame]}, of {shares}; expects "),
        ]
        lines[-1].append(number(float(episode.values[self._frame]), 3)).append(" more")
        return lines[:height]

    def along(self, state: RunState, by: int) -> bool:
        self._frame = max(0, min(self._frame + by, len(self._episode(state).observations) - 1))
        return True

    def move(self, state: RunState, by: int) -> None:
        self.along(state, by)

    def turn(self, state: RunState, by: int) -> None:
        self._place.turn(_newest_first(state), by)
        self._frame = 0

    def _episode(self, state: RunState) -> Episode:
        events = _newest_first(state)
        return events[self._place.at(events)]

    def _returns(self, state: RunState, width: int) -> Text:
        """The returns of all episodes that are kept, oldest first."""
        import numpy as np

        totals = np.array([float(each.total) for each in state.episodes][-max(1, width - 12) :])
        totals = np.nan_to_num(totals, posinf=0.0, neginf=0.0)
        low, high = min(0.0, float(totals.min())), float(totals.max())
        shares = (totals - low) / ((high - low) or 1.0)
        strip = chart.strip(shares, ascii_only=self.panel.plain)
        return Text(" returns ", style=self.color("plot-ink")).append(
            strip, style=self.color("lane-0")
        )

    def _pole(self, observation: Sequence[float], width: int) -> list[Text]:
        """The cart on its track with the pole, as text: place in metres, angle in radians."""
        place, _, angle, _ = observation
        if not (math.isfinite(place) and math.isfinite(angle)):
            return []
        cells = max(20, min(width - 2, 72))
        middle = round((max(-_TRACK, min(_TRACK, place)) + _TRACK) / (2 * _TRACK) * (cells - 1))
        glyph, cart, track = ("#", "[==]", "-") if self.panel.plain else ("█", "▐██▌", "─")
        lines = []
        for row in range(_POLE_LINES):
            high = _POLE_LINES - row
            at = max(0, min(cells - 1, round(middle + math.tan(angle) * high * 2)))
            lines.append(Text(" " + " " * at + glyph, style=self.color("accent")))
        begin = max(0, min(cells - len(cart), middle - len(cart) // 2))
        lines.append(Text(" " + " " * begin + cart, style=f"bold {self.color('foreground')}"))
        lines.append(Text(" " + track * cells, style=self.color("plot-ink")))
        return lines


def _newest_first(state: RunState) -> list[Episode]:
    return list(reversed(state.episodes))
