"""Draw a function of two variables as coloured cells, with the paths of several lanes; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tui.plots.palette import blend
from tui.plots.picture import Picture
from tui.runs.points.series import Floats

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Letters that mark the lanes, so that colour is never the only cue."""
_BANDS = 12
"""Number of shades of the heights, whose borders are the contour lines."""
_ASCII_SHADES = " .,:;-=+*%"


@dataclass(frozen=True, kw_only=True)
class Way:
    """The path of one lane over the plane."""

    label: str
    points: Floats
    """float64 (n, 2): x and y, step by step."""
    color: str
    """As #rrggbb."""
    index: int
    """Index of its letter."""
    note: str = ""
    """A remark, such as its learning rate."""

    @property
    def letter(self) -> str:
        return LETTERS[self.index % len(LETTERS)]


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """A surface as heights on a regular grid."""

    x: tuple[float, float]
    y: tuple[float, float]
    """The lower and upper end of the axis; y grows upward."""
    heights: Floats
    """float64 (rows, columns), the first row at the lower end of y; NaN where there is none."""
    minima: tuple[tuple[float, float], ...] = ()


def draw(
    terrain: Terrain,
    ways: Sequence[Way],
    at: int,
    *,
    width: int,
    height: int,
    deep: str,
    high: str,
    plain: bool,
) -> Picture:
    """Draw the terrain in colours from `deep` to `high`, and each path up to its point `at`.

    A cell has two halves of a height each; in plain ASCII it has one, as a character.
    """
    picture = Picture.blank(width, height)
    if width < 4 or height < 2:
        return picture
    levels = _levels(terrain, width, height * (1 if plain else 2))
    if plain:
        codes = np.frombuffer(_ASCII_SHADES.encode("utf-32-le"), np.uint32)
        picture.glyphs[:] = codes[levels * (len(codes) - 1) // (_BANDS - 1)]
    else:
        _paint(picture, levels, deep, high)
    for way in ways:
        _trail(picture, terrain, way, at, plain=plain)
    for way in ways:
        if len(way.points):
            x, y = way.points[min(at, len(way.points) - 1)]
            _put(picture, terrain, (float(x), float(y)), way.letter, f"bold reverse {way.color}")
    for place in terrain.minima:  # last: that is where the ways end, and would hide it
        _put(picture, terrain, place, minimum(plain=plain), "bold reverse #ffffff")
    return picture


def minimum(*, plain: bool) -> str:
    """The character that marks a minimum."""
    return "x" if plain else "✕"


def _levels(terrain: Terrain, columns: int, rows: int) -> NDArray[np.intp]:
    """The band of each cell, (rows, columns) from the top: as many cells in each, so that steep
    walls do not leave the valley without contours."""
    heights = _resampled(terrain.heights, rows, columns)[::-1]
    known = heights[np.isfinite(heights)]
    if not len(known):
        return np.zeros((rows, columns), np.intp)
    borders = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1)[1:-1]))
    filled = np.where(np.isfinite(heights), heights, known.max())
    return np.searchsorted(borders, filled, side="right")


def _resampled(grid: Floats, rows: int, columns: int) -> Floats:
    """The grid resampled by linear interpolation, float64 (rows, columns)."""
    if grid.shape == (rows, columns):
        return grid
    across = np.linspace(0, grid.shape[1] - 1, columns)
    down = np.linspace(0, grid.shape[0] - 1, rows)
    wide = np.stack([np.interp(across, np.arange(grid.shape[1]), row) for row in grid])
    return np.stack([np.interp(down, np.arange(grid.shape[0]), column) for column in wide.T]).T


def _paint(picture: Picture, levels: NDArray[np.intp], deep: str, high: str) -> None:
    shades = [blend(high, deep, level / (_BANDS - 1)) for level in range(_BANDS)]
    upper, lower = levels[0::2], levels[1::2]
    picture.glyphs[:] = ord("▀")
    for top in range(_BANDS):
        for bottom in range(_BANDS):
            cells = (upper == top) & (lower == bottom)
            if cells.any():
                style = picture.style(f"{shades[top]} on {shades[bottom]}")
                picture.styles[cells] = style


def _cell(picture: Picture, terrain: Terrain, x: float, y: float) -> tuple[int, int] | None:
    """Row and column of a point; None outside of the terrain."""
    across = (x - terrain.x[0]) / (terrain.x[1] - terrain.x[0])
    up = (y - terrain.y[0]) / (terrain.y[1] - terrain.y[0])
    if not (0 <= across <= 1 and 0 <= up <= 1):
        return None
    row = round((1 - up) * (picture.height - 1))
    return row, round(across * (picture.width - 1))


def _put(
    picture: Picture, terrain: Terrain, place: tuple[float, float], glyph: str, style: str
) -> None:
    if (cell := _cell(picture, terrain, *place)) is not None:
        picture.write(*cell, glyph, style)


def _trail(picture: Picture, terrain: Terrain, way: Way, at: int, *, plain: bool) -> None:
    """Draw dots along the path so far, also between points that are far apart."""
    glyph = way.letter.lower() if plain else "•"
    points = way.points[: at + 1]
    span = np.array([terrain.x[1] - terrain.x[0], terrain.y[1] - terrain.y[0]])
    scale = np.array([picture.width, picture.height]) / span
    for first, last in pairwise(points):
        cells = int(min(200, np.abs((last - first) * scale).max())) + 1
        for share in np.linspace(0, 1, cells, endpoint=False):
            x, y = first + share * (last - first)
            cell = _cell(picture, terrain, float(x), float(y))
            if cell is not None:
                row, column = cell
                below = picture.palette[picture.styles[row, column]]
                ground = below.rpartition(" on ")[2] if " on " in below else ""
                picture.write(
                    row, column, glyph, f"bold {way.color}" + (f" on {ground}" * bool(ground))
                )
