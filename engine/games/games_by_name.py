"""The games by name, as the log of a run has them."""

from collections.abc import Iterable, Iterator

from engine.games.connect_four import COLUMNS, ROWS, ConnectFour
from engine.games.go import LARGEST, Go
from engine.games.position import IllegalMoveError, Position

NAMES = ("go", "connect-four")


def begin(name: str, rows: int, columns: int, komi: float = 0.0) -> Position:
    """The beginning of a game on a board of this size. Raises ValueError for one that there is
    not."""
    if name == "connect-four" and (rows, columns) == (ROWS, COLUMNS):
        return ConnectFour()
    if name == "go" and rows == columns and 2 <= rows <= LARGEST:
        return Go(rows, komi=komi)
    raise ValueError(f"no {name!r} on a board of {rows}x{columns} is known")


def name_of(position: Position) -> str:
    """The name of the game."""
    return "go" if isinstance(position, Go) else "connect-four"


def replay(begin: Position, moves: Iterable[int]) -> Iterator[Position]:
    """The beginning and the position after each move, until one that is not legal, as in a log that
    something else wrote."""
    yield begin
    for move in moves:
        try:
            begin = begin.play(move)
        except IllegalMoveError:
            return
        yield begin
