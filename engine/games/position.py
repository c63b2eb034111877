"""The interface of games to those who play, learn and draw them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

FIRST, SECOND, EMPTY = 1, -1, 0
"""A cell's stone: of the player who begins (Black, in Go), of the other one, or none."""

Cells = tuple[int, ...]
"""The cells of a board, row by row from the top."""


class IllegalMoveError(ValueError):
    """A move that the rules do not allow; says which and why, in one line."""


class Position(ABC):
    """A position of a game for two with all in sight. It never changes: a move gives another one.

    Moves are whole numbers from 0 to `num_moves` - 1, the same ones in every position of a game, so
    that a policy has an entry for each.
    """

    __slots__ = ("cells", "columns", "move", "number", "previous", "rows", "to_move")

    def __init__(
        self,
        rows: int,
        columns: int,
        cells: Cells,
        to_move: int,
        *,
        previous: Self | None = None,
        move: int | None = None,
    ) -> None:
        self.rows, self.columns = rows, columns
        self.cells = cells
        self.to_move = to_move
        """FIRST or SECOND."""
        self.previous = previous
        self.move = move
        """The move that led here from `previous`; None at the beginning."""
        self.number: int = previous.number + 1 if previous else 0
        """How many moves were made."""

    @property
    @abstractmethod
    def num_moves(self) -> int:
        """The number of different moves, legal here or not."""

    @property
    @abstractmethod
    def winner(self) -> int | None:
        """FIRST, SECOND or 0 for a draw; None while the game goes on."""

    @abstractmethod
    def legal(self) -> tuple[int, ...]:
        """The legal moves, ascending; none when the game is over."""

    @abstractmethod
    def play(self, move: int) -> Self:
        """The position after a move. Raises IllegalMoveError."""

    @abstractmethod
    def cell(self, move: int) -> int | None:
        """The cell where the stone of a legal move comes to lie; None for a pass."""

    @abstractmethod
    def name(self, move: int) -> str:
        """A move in words of the game, such as `d4` or `pass`."""

    def sensible(self) -> tuple[int, ...]:
        """The legal moves that one looks at, at least one until the game is over."""
        return self.legal()

    def moves(self) -> list[int]:
        """The moves from the beginning until here."""
        found: list[int] = []
        position: Position | None = self
        while position is not None and position.move is not None:
            found.append(position.move)
            position = position.previous
        return found[::-1]
