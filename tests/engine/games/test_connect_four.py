"""The rules of Connect Four, on positions drawn by hand."""

import pytest

from engine.games.connect_four import COLUMNS, ROWS, ConnectFour
from engine.games.position import FIRST, SECOND, IllegalMoveError


def after(moves):
    """The position after moves that are written as columns from 1."""
    position = ConnectFour()
    for column in moves:
        position = position.play(int(column) - 1)
    return position


@pytest.mark.parametrize(
    ("moves", "winner"),
    [
        ("1122334", FIRST),  # from the left
        ("7766554", FIRST),  # from the right
        ("1122443", FIRST),  # from within
        ("1213141", FIRST),  # upright
        ("12233434474", FIRST),  # rising
        ("76655454414", FIRST),  # falling
        ("71122334", SECOND),
    ],
)
def test_four_in_a_row_win_and_end_the_game(moves, winner):
    before = after(moves[:-1])
    assert before.winner is None
    assert before.wins_at(int(moves[-1]) - 1, winner)
    assert not before.wins_at(int(moves[-1]) - 1, -winner)
    won = after(moves)
    assert (won.winner, won.legal(), won.to_move) == (winner, (), -winner)


def test_a_full_board_without_four_is_a_draw():
    full = after("441365675334466335442232661515577771217122")
    assert len(full.moves()) == ROWS * COLUMNS
    assert (full.winner, full.legal()) == (0, ())


def test_a_full_column_takes_no_disc():
    position = after("111111")
    assert position.legal() == tuple(range(1, COLUMNS))
    with pytest.raises(IllegalMoveError, match="move 7: column 1 takes no disc"):
        position.play(0)
    with pytest.raises(IllegalMoveError):
        position.play(7)
