"""A picture of shares as coloured half blocks, such as a spectrogram; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from tui.plots import heat
from tui.plots.palette import blend
from tui.runs.points.series import Floats
from tui.text import cells, cut

_LEVELS = 24
"""Number of colours: more are not told apart, and each takes bytes on the way to the terminal."""


def resampled(pixels: Sequence[Sequence[int]], height: int, width: int) -> Floats:
    """The picture as shares from 0 to 1, (height, width): means of what falls together, or the same
    value several times.

    pixels: whole rows of grey values from 0 to 255, the top one first.
    """
    shares = np.asarray(pixels, np.float64) / 255
    return _along(_along(shares, height).T, width).T


def _along(values: Floats, size: int) -> Floats:
    """Means over the rows, so that there are `size` of them."""
    edges = np.linspace(0, len(values), size + 1)
    first = np.floor(edges[:-1] + 1e-9).astype(np.intp)
    last = np.maximum(first + 1, np.ceil(edges[1:] - 1e-9).astype(np.intp))
    sums = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
    means: Floats = (sums[last] - sums[first]) / (last - first)[:, None]
    return means


def lines(shares: Floats, *, hot: str, cold: str, letters: bool) -> list[Text]:
    """Two rows of shares (rows, columns) in a line, with colours from `cold` to `hot`; with
    `letters` a character for both, where there are no colours."""
    if len(shares) % 2:
        shares = np.concatenate([shares, shares[-1:]])
    made = []
    for upper, lower in zip(shares[::2], shares[1::2], strict=True):
        line = Text(end="")
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            if letters:
                line.append(heat.grey_letter((above + below) / 2))
            else:
                line.append("▀", style=f"{_color(above, hot, cold)} on {_color(below, hot, cold)}")
        made.append(line)
    return made


def _color(share: float, hot: str, cold: str) -> str:
    return blend(hot, cold, round(max(0.0, min(1.0, share)) * _LEVELS) / _LEVELS)


@dataclass(frozen=True)
class Stretch:
    """An axis of `units`, such as frames, over a number of cells."""

    units: int
    cells: int

    def cell(self, unit: float) -> int:
        """The cell in which a unit begins, within the axis."""
        return max(0, min(self.cells, round(unit / max(1, self.units) * self.cells)))

    def placed(self, spans: Sequence[tuple[str, float, float]], *, ascii_only: bool) -> str:
        """A line with each text between the marks of its begin and its end. A text that is longer
        than its span goes on up to the next one, as far as there is room."""
        left, right = "<>" if ascii_only else "‹›"
        line = ""
        ordered = sorted(spans, key=lambda span: span[1])
        for at, (text, begin, end) in enumerate(ordered):
            first = max(self.cell(begin), cells(line))
            following = self.cell(ordered[at + 1][1]) if at + 1 < len(ordered) else self.cells
            room = following - first
            words = cut(text, room - 2) if room > 2 else ""
            if not words:
                words = cut(text, room)
                line += " " * (first - cells(line)) + words
                continue
            width = max(cells(words), min(self.cell(end), following) - first - 2)
            line += " " * (first - cells(line)) + left + _centred(words, width) + right
        return line


def _centred(text: str, width: int) -> str:
    blanks = width - cells(text)
    return " " * (blanks // 2) + text + " " * (blanks - blanks // 2)
