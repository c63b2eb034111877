"""Where panels go on a page: in rows of twelve columns, one after another; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = 12
"""Columns of a row; a panel takes some of them."""
GUTTER = 1
"""Cells between two panels of a row."""
MIN_HEIGHT = 5
"""Least lines of a panel that shares what is left: a title and the smallest plot."""


@dataclass(frozen=True)
class Cell:
    """The place that a panel asks for."""

    span: int
    """Columns, 1 to 12."""
    lines: int = 0
    """Lines; 0 for a share of those that the other panels leave."""


@dataclass(frozen=True)
class Box:
    """The place that a panel gets, in cells."""

    x: int
    y: int
    width: int
    height: int


def flow(cells: Sequence[Cell], width: int, height: int, *, stretch: bool = True) -> list[Box]:
    """A box for each cell, in order, row by row; with `stretch` a row that is not full is widened.

    A row is as high as its highest cell, and takes a share if one of them does. Where `height` is
    too small, the boxes go on below it.
    """
    rows = _rows(cells)
    boxes: list[Box] = []
    y = 0
    for row, lines in zip(rows, _heights(rows, height), strict=True):
        columns = sum(cell.span for cell in row) if stretch else COLUMNS
        boxes += _row(row, columns, width, y, lines)
        y += lines
    return boxes


def _rows(cells: Sequence[Cell]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    free = 0
    for cell in cells:
        if cell.span > free:
            rows.append([])
            free = COLUMNS
        rows[-1].append(cell)
        free -= cell.span
    return rows


def _heights(rows: Sequence[Sequence[Cell]], height: int) -> list[int]:
    fixed = [0 if any(not c.lines for c in row) else max(c.lines for c in row) for row in rows]
    shares = fixed.count(0)
    left = max(height - sum(fixed), MIN_HEIGHT * shares)
    heights, given = [], 0
    for lines in fixed:
        if lines:
            heights.append(lines)
            continue
        given += 1  # rounded so that the shares add up to what is left
        heights.append(left * given // shares - left * (given - 1) // shares)
    return heights


def _row(row: Sequence[Cell], columns: int, width: int, y: int, height: int) -> list[Box]:
    boxes, begun = [], 0
    for cell in row:
        left = _edge(begun, columns, width)
        begun += cell.span
        boxes.append(Box(left, y, max(0, _edge(begun, columns, width) - GUTTER - left), height))
    return boxes


def _edge(column: int, columns: int, width: int) -> int:
    return round(column * (width + GUTTER) / columns)
