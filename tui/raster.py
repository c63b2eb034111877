"""Lines to dots and dots to characters, in arrays; pure.

plotext draws a line dot by dot in Python: 22 ms for one noisy curve and 208 ms for twenty on a
canvas of 72x13 cells, where a key should be answered within 30 ms by all plots together. Here the
twenty take about 2 ms, and no dot is lost to the length of a series.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tui.plotview import Markers
from tui.series import Floats

Rows = NDArray[np.int16]
DASHES: tuple[tuple[int, ...], ...] = ((), (5, 3), (1, 3), (6, 3, 1, 3))
"""Lengths of what is drawn and left out in turn, in columns of dots, by line style."""
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
_BLOCK = np.array([[1, 2], [4, 8]], np.uint8)
_QUADRANTS = np.array([ord(c) for c in " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"], np.uint32)


@dataclass(frozen=True)
class Dots:
    """How many dots a cell has."""

    across: int
    down: int


DOTS: dict[Markers, Dots] = {"braille": Dots(2, 4), "block": Dots(2, 2), "ascii": Dots(1, 1)}


@dataclass(frozen=True)
class Spans:
    """For each column of dots the rows, from `top` to `bottom`, that a line goes through; where
    it has none, bottom < top. Rows outside of the canvas are -1 and its height."""

    top: Rows
    bottom: Rows


def spans(x: Floats, y: Floats, columns: int, rows: int) -> Spans:
    """The columns of a line through points, float64 (n,), in dots from the top left; x never falls.

    A column shows the whole range of its points, so that no extreme is lost; neighbours whose
    ranges do not touch are joined halfway.
    """
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    if len(x):
        centres = np.arange(columns) + 0.5
        between = slice(*np.searchsorted(centres, (x[0], x[-1])))
        low[between] = high[between] = np.interp(centres[between], x, y)
        begin, end = np.searchsorted(x, (0.0, float(columns)))
        if end > begin:
            at = x[begin:end].astype(np.intp)
            first = np.concatenate(([0], np.flatnonzero(np.diff(at)) + 1))
            low[at[first]] = np.minimum.reduceat(y[begin:end], first)
            high[at[first]] = np.maximum.reduceat(y[begin:end], first)
    drawn = low <= high
    top = np.clip(np.floor(np.where(drawn, low, rows)), -1, rows).astype(np.int16)
    bottom = np.clip(np.floor(np.where(drawn, high, -1)), -1, rows).astype(np.int16)
    return _joined(top, bottom, drawn)


def _joined(top: Rows, bottom: Rows, drawn: NDArray[np.bool_]) -> Spans:
    """Neighbours that are apart go towards each other."""
    both = drawn[:-1] & drawn[1:]
    falls = both & (top[1:] - bottom[:-1] > 1)
    rises = both & (top[:-1] - bottom[1:] > 1)
    new_top, new_bottom = top.copy(), bottom.copy()
    middle = (bottom[:-1] + top[1:]) // 2
    new_bottom[:-1][falls] = middle[falls]
    new_top[1:][falls] = middle[falls] + 1
    middle = (bottom[1:] + top[:-1]) // 2
    new_top[:-1][rises] = middle[rises] + 1
    new_bottom[1:][rises] = np.maximum(new_bottom[1:], middle)[rises]
    return Spans(new_top, new_bottom)


def dashed(line: Spans, style: int, rows: int) -> Spans:
    """A line with the gaps of its style, except where it is steep or has its extremes: the gaps
    stay in place while a curve grows, and hide no peak."""
    pattern = DASHES[style % len(DASHES)]
    drawn = line.bottom >= line.top
    if not pattern or drawn.sum() < 2:
        return line
    marks = np.repeat(np.arange(len(pattern)) % 2, pattern)
    gap = marks[np.arange(len(line.top)) % len(marks)] == 1
    gap &= drawn & (line.bottom - line.top <= 1)
    gap[np.argmin(np.where(drawn, line.top, rows))] = False
    gap[np.argmax(np.where(drawn, line.bottom, -1))] = False
    return Spans(np.where(gap, rows, line.top), np.where(gap, -1, line.bottom))


def cells(lines: Sequence[Spans], markers: Markers, height: int) -> NDArray[np.uint8]:
    """uint8 (lines, height, width): which dots of each cell a line has, as bits."""
    dots = DOTS[markers]
    top = np.stack([line.top for line in lines])[:, None, :]
    bottom = np.stack([line.bottom for line in lines])[:, None, :]
    rows = np.arange(height * dots.down, dtype=np.int16)[None, :, None]
    mask = ((rows >= top) & (rows <= bottom)).view(np.uint8)
    weights = _BRAILLE if markers == "braille" else _BLOCK
    found = np.zeros((len(lines), height, mask.shape[2] // dots.across), np.uint8)
    for row in range(dots.down):
        for column in range(dots.across):
            found |= mask[:, row :: dots.down, column :: dots.across] * weights[row, column]
    return found


def glyphs(bits: NDArray[np.uint8], markers: Markers) -> NDArray[np.uint32]:
    """The characters of cells with these dots, for braille and blocks."""
    if markers == "block":
        return _QUADRANTS[bits]
    return np.where(bits > 0, bits.astype(np.uint32) + 0x2800, ord(" ")).astype(np.uint32)
