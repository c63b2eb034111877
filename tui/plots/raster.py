"""Turn lines into dots and dots into characters, in arrays; pure.

plotext draws a line dot by dot in Python: 6 ms for one noisy curve and 87 ms for twenty on a canvas
of 72x13 cells, where all plots together should answer a key within 30 ms. Here the twenty take
1 ms (`tests/benchmarks/bench_plots.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tui.plots.plot_view import Markers
from tui.runs.points.series import Floats

Rows = NDArray[np.int16]
DASHES: tuple[tuple[int, ...], ...] = (
    (),
    (5, 3),
    (1, 3),
    (6, 3, 1, 3),
    (12, 4),
    (1, 7),
    (6, 2, 1, 2, 1, 2),
    (12, 3, 4, 3),
)
"""Lengths of dashes and gaps in turn, in columns of dots, by line style."""
BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
"""The bits of the dots in a braille character, (4, 2)."""
_BLOCK = np.array([[1, 2], [4, 8]], np.uint8)
_QUADRANTS = np.array([ord(c) for c in " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"], np.uint32)


@dataclass(frozen=True)
class Dots:
    """The number of dots in a cell."""

    across: int
    down: int


DOTS: dict[Markers, Dots] = {"braille": Dots(2, 4), "block": Dots(2, 2), "ascii": Dots(1, 1)}


@dataclass(frozen=True)
class Spans:
    """The rows, from `top` to `bottom`, that lines go through in each column of dots, both (lines,
    columns). Where a line has no dot, bottom < top; rows outside of the canvas are -1 and its
    height."""

    top: Rows
    bottom: Rows


def spans(lines: Sequence[tuple[Floats, Floats]], columns: int, rows: int) -> Spans:
    """Lines through points, each x and y float64 (n,) in dots from the top left; x never falls.

    A column shows the whole range of its points, so that no extreme is lost; neighbours whose
    ranges do not touch are joined halfway.
    """
    low: Floats = np.full((len(lines), columns), np.inf)
    high: Floats = np.full(low.shape, -np.inf)
    centres: Floats = np.arange(columns, dtype=np.float64) + 0.5
    for (x, y), lows, highs in zip(lines, low, high, strict=True):
        if len(x):
            _fill(x, y, centres, (lows, highs))
    drawn = low <= high
    top = np.clip(np.floor(np.where(drawn, low, rows)), -1, rows).astype(np.int16)
    bottom = np.clip(np.floor(np.where(drawn, high, -1)), -1, rows).astype(np.int16)
    return _joined(top, bottom, drawn)


def _fill(x: Floats, y: Floats, centres: Floats, ends: tuple[Floats, Floats]) -> None:
    """Write the rows of one line in each column: those of its points, else of the way between."""
    low, high = ends
    between = slice(*np.searchsorted(centres, (x[0], x[-1])))
    low[between] = high[between] = np.interp(centres[between], x, y)
    begin, end = np.searchsorted(x, (0.0, float(len(centres))))
    if end > begin:
        at = x[begin:end].astype(np.intp)
        first = np.concatenate(([0], np.flatnonzero(at[1:] != at[:-1]) + 1))
        low[at[first]] = np.minimum.reduceat(y[begin:end], first)
        high[at[first]] = np.maximum.reduceat(y[begin:end], first)


def _joined(top: Rows, bottom: Rows, drawn: NDArray[np.bool_]) -> Spans:
    """Join neighbouring columns whose rows are apart."""
    both = drawn[:, :-1] & drawn[:, 1:]
    falls = both & (top[:, 1:] - bottom[:, :-1] > 1)
    rises = both & (top[:, :-1] - bottom[:, 1:] > 1)
    new_top, new_bottom = top.copy(), bottom.copy()
    middle = (bottom[:, :-1] + top[:, 1:]) // 2
    new_bottom[:, :-1][falls] = middle[falls]
    new_top[:, 1:][falls] = middle[falls] + 1
    middle = (bottom[:, 1:] + top[:, :-1]) // 2
    new_top[:, :-1][rises] = np.minimum(new_top[:, :-1], middle + 1)[rises]
    new_bottom[:, 1:][rises] = np.maximum(new_bottom[:, 1:], middle)[rises]
    return Spans(new_top, new_bottom)


def dashed(lines: Spans, styles: Sequence[int], rows: int) -> Spans:
    """Lines with the gaps of their styles, except where they are steep or have their extremes:
    the gaps stay in place while a curve grows, and hide no peak."""
    drawn = lines.bottom >= lines.top
    columns = drawn.shape[1]
    gaps = np.stack([_gaps(style % len(DASHES), columns) for style in styles])
    gaps &= drawn & (lines.bottom - lines.top <= 1)
    gaps[drawn.sum(axis=1) < 2] = False
    each = np.arange(len(styles))
    gaps[each, np.argmin(np.where(drawn, lines.top, rows), axis=1)] = False
    gaps[each, np.argmax(np.where(drawn, lines.bottom, -1), axis=1)] = False
    top, bottom = np.where(gaps, rows, lines.top), np.where(gaps, -1, lines.bottom)
    return Spans(top.astype(np.int16), bottom.astype(np.int16))


@lru_cache(maxsize=32)
def _gaps(style: int, columns: int) -> NDArray[np.bool_]:
    """Mask of the columns that a style leaves out."""
    pattern = DASHES[style] or (1,)
    marks = np.repeat(np.arange(len(pattern)) % 2 == 1, pattern)
    return np.resize(marks, columns)


def cells(lines: Spans, markers: Markers, height: int) -> NDArray[np.uint8]:
    """uint8 (lines, height, width): which dots of each cell a line has, as bits."""
    dots = DOTS[markers]
    top, bottom = lines.top[:, None, :], lines.bottom[:, None, :]
    rows = np.arange(height * dots.down, dtype=np.int16)[None, :, None]
    mask = ((rows >= top) & (rows <= bottom)).view(np.uint8)
    weights = BRAILLE if markers == "braille" else _BLOCK
    found = np.zeros((len(mask), height, mask.shape[2] // dots.across), np.uint8)
    for row in range(dots.down):
        for column in range(dots.across):
            found |= mask[:, row :: dots.down, column :: dots.across] * weights[row, column]
    return found


def glyphs(bits: NDArray[np.uint8], markers: Markers) -> NDArray[np.uint32]:
    """The characters of cells with these dots, for braille and blocks."""
    if markers == "block":
        return _QUADRANTS[bits]
    return np.where(bits > 0, bits.astype(np.uint32) + 0x2800, ord(" ")).astype(np.uint32)
