"""Positions as numbers for a network: planes of a board, each (rows, columns); needs NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.games.connect_four import ConnectFour
from engine.games.go import Go
from engine.games.position import Position

if TYPE_CHECKING:  # the rules are read by what must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

GO_PLANES = 10
CONNECT_FOUR_PLANES = 2
_LIBERTIES = 3  # planes for each player: 1, 2, and 3 or more


def planes(positions: Sequence[Position]) -> NDArray[np.uint8]:
    """0 or 1, (n, planes, rows, columns).

    Go, as the player to move sees it: stones of one's own with 1, 2, and 3 or more liberties;
    those of the other in the same way; ones everywhere, which tell the edge from the padding; the
    last move; ones if that was a pass; the ko.
    Connect Four, as who has just moved sees it: one's own discs; those of the other.
    """
    import numpy as np

    first = positions[0]
    count = GO_PLANES if isinstance(first, Go) else CONNECT_FOUR_PLANES
    found = np.zeros((len(positions), count, first.rows * first.columns), np.uint8)
    for filled, position in zip(found, positions, strict=True):
        if isinstance(position, Go):
            _go(filled, position)
        elif isinstance(position, ConnectFour):
            stones = np.array(position.cells)
            filled[0] = stones == -position.to_move
            filled[1] = stones == position.to_move
    return found.reshape(len(positions), count, first.rows, first.columns)


def _go(filled: NDArray[np.uint8], position: Go) -> None:
    """Write a position into planes of zeros, (planes, points)."""
    for stones, liberties in position.groups():
        other = position.cells[next(iter(stones))] != position.to_move
        plane = min(len(liberties), _LIBERTIES) - 1 + _LIBERTIES * other
        filled[plane, list(stones)] = 1
    filled[6] = 1
    if position.passes:
        filled[8] = 1
    elif position.move is not None:
        filled[7, position.move] = 1
    if position.ko is not None:
        filled[9, position.ko] = 1
