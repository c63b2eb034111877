"""Draw marks of events, ticks of epochs and the crosshair over a plot; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tui.plots.axes import Axes
from tui.plots.picture import Picture
from tui.runs.points.series import Floats
from tui.runs.state.marks_and_notes import MarkKind

GLYPHS: dict[MarkKind, str] = {
    "checkpoint": "k",
    "gap": "g",
    "command": "c",
    "restart": "r",
    "non-finite": "!",
}
"""Letters on the top row by kind; where two meet, the later one in this order is shown."""
COLORS: dict[MarkKind, str] = {
    "checkpoint": "plot-ink",
    "gap": "warning",
    "command": "accent",
    "restart": "warning",
    "non-finite": "error",
}
"""Theme variables by kind."""
_RANKS = {kind: rank for rank, kind in enumerate(GLYPHS)}
_ARROW = ord("▲"), ord("^")


@dataclass(frozen=True)
class Placed:
    """A mark at its position on the x axis."""

    x: float
    kind: MarkKind
    text: str


def overlay(
    picture: Picture, marks: Iterable[Placed], axes: Axes, colors: dict[MarkKind, str]
) -> None:
    """Draw marks on a picture of `chart.draw`: a letter on the top row, and below it a faint column
    where the plot is empty, except for checkpoints, of which there are many.

    `colors` are #rrggbb by kind. Marks outside of the plot are left out.
    """
    if not axes.fits:
        return
    at: dict[int, MarkKind] = {}
    for mark in marks:
        column = axes.column(mark.x)
        if column is not None and (column not in at or _RANKS[mark.kind] > _RANKS[at[column]]):
            at[column] = mark.kind
    faint = ord(":" if axes.ascii else "┊")
    for column, kind in at.items():
        if picture.glyphs[0, column] in _ARROW:  # an outlier is never hidden
            picture.glyphs[1, column] = picture.glyphs[0, column]
            picture.styles[1, column] = picture.styles[0, column]
        picture.write(0, column, GLYPHS[kind], f"bold {colors[kind]}")
        if kind != "checkpoint":
            _fill(picture, column, slice(1, axes.canvas_height), faint, f"dim {colors[kind]}")


def marks_at(marks: Iterable[Placed], column: int, axes: Axes) -> list[Placed]:
    """The marks that a column of the picture shows, the gravest first."""
    found = [mark for mark in marks if axes.column(mark.x) == column]
    return sorted(found, key=lambda mark: -_RANKS[mark.kind])


def epochs(picture: Picture, borders: Floats, axes: Axes) -> None:
    """Draw a faint tick on the bottom row where an epoch begins, if that cell is empty."""
    if not axes.fits or not len(borders):
        return
    glyph = ord("." if axes.ascii else "╷")
    for column in {axes.column(x) for x in borders.tolist()} - {None}:
        bottom = slice(axes.canvas_height - 1, axes.canvas_height)
        _fill(picture, column, bottom, glyph, f"dim {axes.ink}")


def crosshair(picture: Picture, column: int, axes: Axes, color: str) -> None:
    """Draw a vertical line; cells of curves stay as they are, in reverse colours."""
    rows = slice(0, axes.canvas_height)
    filled = picture.glyphs[rows, column] != ord(" ")
    for row in np.flatnonzero(filled).tolist():
        style = picture.palette[picture.styles[row, column]]
        picture.styles[row, column] = picture.style(f"{style} reverse".strip())
    _fill(picture, column, rows, ord("|" if axes.ascii else "│"), color)


def _fill(picture: Picture, column: int | None, rows: slice, glyph: int, style: str) -> None:
    """Write a glyph into the empty cells."""
    if column is None:
        return
    cells = picture.glyphs[rows, column]
    empty = cells == ord(" ")
    cells[empty] = glyph
    picture.styles[rows, column][empty] = picture.style(style)
