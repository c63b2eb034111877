"""Many positions of Connect Four at once: two 64-bit numbers each, one bit a cell.

A column has seven bits, from its lowest cell up; the seventh stays empty, so that no row of bits
goes on in the next column. A test compares all this with `engine.games.connect_four`.
"""

import numpy as np
from numpy.typing import NDArray

from engine.games.connect_four import COLUMNS, ROWS

Boards = NDArray[np.int64]
"""(n, 2): the discs of one player and of the other."""

_HEIGHT = ROWS + 1
_BOTTOM = np.array([1 << _HEIGHT * column for column in range(COLUMNS)], dtype=np.int64)
_COLUMN = _BOTTOM * ((1 << ROWS) - 1)
_FULL = _COLUMN.sum()
_CELLS = np.array(
    [_HEIGHT * column + ROWS - 1 - row for row in range(ROWS) for column in range(COLUMNS)]
)
"""The bit of each cell, row by row from the top."""
_DIRECTIONS = (1, _HEIGHT - 1, _HEIGHT, _HEIGHT + 1)


def moves(boards: Boards) -> NDArray[np.int64]:
    """The disc that each column would take, (n, COLUMNS); 0 where it is full."""
    return ((boards[:, :1] | boards[:, 1:]) + _BOTTOM) & _COLUMN


def won(discs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether these discs of one player hold four in a row."""
    found = np.zeros(discs.shape, bool)
    for shift in _DIRECTIONS:
        pairs = discs & (discs >> shift)
        found |= (pairs & (pairs >> 2 * shift)) != 0
    return found


def full(discs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether these discs of both players fill the board."""
    whole: NDArray[np.bool_] = discs == _FULL
    return whole


def planes(boards: Boards) -> NDArray[np.float32]:
    """The cells, (n, 2, ROWS, COLUMNS), as `engine.games.planes` has them."""
    bits = (boards[:, :, None] >> _CELLS) & 1
    cells: NDArray[np.float32] = bits.astype(np.float32)
    return cells.reshape(len(boards), 2, ROWS, COLUMNS)
