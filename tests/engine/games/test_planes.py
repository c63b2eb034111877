"""Positions as planes: what a network sees is what lies on the board."""

import random

import numpy as np

from engine.datasets._games import bitboards
from engine.games.connect_four import ConnectFour
from engine.games.go import Go
from engine.games.planes import planes
from engine.games.position import SECOND


def test_stones_by_their_liberties_and_the_rest_of_the_board():
    cells = [0] * 25
    for point, stone in {0: 1, 1: -1, 12: 1, 13: 1, 24: -1}.items():
        cells[point] = stone
    position = Go(5, tuple(cells), SECOND, ko=20)
    (seen,) = planes([position]).reshape(1, 10, 25)
    filled = {plane: np.flatnonzero(seen[plane]).tolist() for plane in range(10)}
    assert filled == {
        **{0: [], 1: [1, 24], 2: []},  # White, to move: both have two liberties
        **{3: [0], 4: [], 5: [12, 13]},
        6: list(range(25)),
        **{7: [], 8: [], 9: [20]},
    }


def test_the_last_move_and_a_pass():
    moved = Go(5).play(7)
    seen = planes([moved, moved.play(25)]).reshape(2, 10, 25)
    assert np.flatnonzero(seen[0, 7]).tolist() == [7]
    assert not seen[0, 8].any()
    assert not seen[1, 7].any()
    assert seen[1, 8].all()


def test_many_boards_of_connect_four_at_once_follow_the_same_rules():
    chance = random.Random(0)
    for _ in range(60):
        position = ConnectFour()
        boards = np.zeros((1, 2), np.int64)
        while position.winner is None:
            discs = bitboards.moves(boards)
            assert tuple(np.flatnonzero(discs[0])) == position.legal()
            move = chance.choice(position.legal())
            position = position.play(move)
            boards[0, 0] |= discs[0, move]
            assert np.array_equal(bitboards.planes(boards), planes([position]))
            wins = bool(bitboards.won(boards[:, 0])[0])
            full = bool(bitboards.full(boards[:, 0] | boards[:, 1])[0])
            assert wins == (position.winner not in (None, 0))
            assert (wins or full) == (position.winner is not None)
            boards = boards[:, ::-1].copy()
