"""Connect Four: discs fall into columns, and four in a row win."""

from __future__ import annotations

from engine.games.position import EMPTY, FIRST, Cells, IllegalMoveError, Position

ROWS, COLUMNS, IN_A_ROW = 6, 7, 4
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


class ConnectFour(Position):
    """A position of Connect Four. A move is a column, from 0 at the left."""

    __slots__ = ("_winner",)

    def __init__(
        self,
        cells: Cells = (EMPTY,) * (ROWS * COLUMNS),
        to_move: int = FIRST,
        *,
        previous: ConnectFour | None = None,
        move: int | None = None,
        winner: int | None = None,
    ) -> None:
        super().__init__(ROWS, COLUMNS, cells, to_move, previous=previous, move=move)
        self._winner = winner

    @property
    def num_moves(self) -> int:
        return COLUMNS

    @property
    def winner(self) -> int | None:
        return self._winner

    def legal(self) -> tuple[int, ...]:
        if self._winner is not None:
            return ()
        return tuple(column for column in range(COLUMNS) if not self.cells[column])

    def cell(self, move: int) -> int:
        """The lowest empty cell of a column that is not full."""
        below = range(move + (ROWS - 1) * COLUMNS, -1, -COLUMNS)
        return next(cell for cell in below if not self.cells[cell])

    def play(self, move: int) -> ConnectFour:
        if move not in self.legal():
            raise IllegalMoveError(f"move {self.number + 1}: column {move + 1} takes no disc")
        landed, cells = self.cell(move), list(self.cells)
        cells[landed] = self.to_move
        won = _wins(cells, landed)
        winner = self.to_move if won else None if EMPTY in cells[:COLUMNS] else 0
        return ConnectFour(tuple(cells), -self.to_move, previous=self, move=move, winner=winner)

    def wins_at(self, move: int, player: int) -> bool:
        """Whether a disc of `player` in this column, which is not full, would make four."""
        landed, cells = self.cell(move), list(self.cells)
        cells[landed] = player
        return _wins(cells, landed)

    def name(self, move: int) -> str:
        return f"column {move + 1}"


def _wins(cells: list[int], landed: int) -> bool:
    """Whether the disc that just landed is one of four in a row."""
    row, column = divmod(landed, COLUMNS)
    player = cells[landed]
    for down, right in _DIRECTIONS:
        length = 1
        for way in (1, -1):
            y, x = row + way * down, column + way * right
            while 0 <= y < ROWS and 0 <= x < COLUMNS and cells[y * COLUMNS + x] == player:
                length, y, x = length + 1, y + way * down, x + way * right
        if length >= IN_A_ROW:
            return True
    return False
