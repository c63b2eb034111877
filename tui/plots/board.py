"""The board of a game: stones, how likely each move is, the last move, a cursor; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from tui.plots.palette import blend

STONES = {1: "●", -1: "○"}
ASCII_STONES = {1: "X", -1: "O"}
CELL = 4
"""The width of a cell of the board on the screen."""
_LEAST = 0.005


@dataclass(frozen=True, kw_only=True)
class Looks:
    """The colours of a board, as #rrggbb, and whether they are of use."""

    ink: str
    stone: str
    other: str
    hot: str
    cold: str
    letters: bool = False
    """Whether shares are written as numbers, where there are no colours."""
    ascii_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Board:
    """What is on a board."""

    cells: Sequence[int]
    """Row by row from the top: 1, -1 or 0."""
    columns: int
    shares: Mapping[int, float] = field(default_factory=dict)
    """The probability of a move, by cell."""
    last: int | None = None
    """The cell of the last stone,"""
    cursor: int | None = None
    """and the one that a person is at."""


def lines(board: Board, looks: Looks) -> list[Text]:
    """A line for each row."""
    cells, columns = len(board.cells), board.columns
    return [
        _row(board, range(begin, begin + columns), looks)
        for begin in range(0, cells - columns + 1, columns)
    ]


def _row(board: Board, row: range, looks: Looks) -> Text:
    stones = ASCII_STONES if looks.ascii_only else STONES
    line = Text(end="")
    for cell in row:
        share, stone = board.shares.get(cell, 0.0), board.cells[cell]
        mark = stones.get(stone, "")
        color = {1: looks.stone, -1: looks.other}.get(stone, looks.ink)
        if not mark:
            mark = f"{min(99, round(share * 100))}" if share >= _LEAST else "."
        around = "[]" if cell == board.cursor else "()" if cell == board.last else "  "
        style = f"{'bold ' if stone or cell == board.cursor else ''}{color}"
        if share >= _LEAST and not looks.letters and not looks.ascii_only:
            style += f" on {blend(looks.hot, looks.cold, min(1.0, share) ** 0.5 * 0.6)}"
        line.append(f"{around[0]}{mark:>{CELL - 2}}{around[1]}", style=style)
    return line


def value_bar(value: float | None, width: int, *, ascii_only: bool) -> str:
    """A bar of this width that is full where who began is sure to win, and empty where the other
    is; "" if nothing is known."""
    if value is None or width < 1:
        return ""
    filled = round((max(-1.0, min(1.0, value)) + 1) / 2 * width)
    done, rest = ("#", "-") if ascii_only else ("█", "░")
    return done * filled + rest * (width - filled)
