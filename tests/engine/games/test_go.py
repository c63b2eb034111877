"""The rules of Go, on positions drawn by hand."""

import pytest

from engine.games.go import Go
from engine.games.position import FIRST, SECOND, IllegalMoveError

STONES = {"x": FIRST, "o": SECOND, ".": 0}


def drawn(*rows, to_move=FIRST, komi=0.5):
    return Go(len(rows), tuple(STONES[s] for row in rows for s in row), to_move, komi=komi)


def at(position, name):
    return next(move for move in range(position.num_moves) if position.name(move) == name)


def rows_of(position):
    signs = {stone: sign for sign, stone in STONES.items()}
    cells = [signs[cell] for cell in position.cells]
    return ["".join(cells[n : n + position.size]) for n in range(0, len(cells), position.size)]


def played(position, *names):
    for name in names:
        position = position.play(at(position, name))
    return position


def test_the_names_of_points_count_from_below_and_leave_out_i():
    board = Go(19)
    assert [board.name(move) for move in (0, 8, 18, 342, 360, 361)] == [
        "a19",
        "j19",
        "t19",
        "a1",
        "t1",
        "pass",
    ]


def test_a_group_without_liberties_is_taken_and_several_are_at_once():
    pair = drawn(".oox.", ".xx..", ".....", ".....", ".....")
    assert rows_of(played(pair, "a5"))[:2] == ["x..x.", ".xx.."]
    corner = drawn(".ox", "ox.", "x..")
    assert rows_of(played(corner, "a3")) == ["x.x", ".x.", "x.."]


def test_suicide_is_not_allowed():
    alone = drawn(".o.", "o..", "...")
    assert at(alone, "a3") not in alone.legal()
    with pytest.raises(IllegalMoveError, match=r"move 1, a3: suicide"):
        played(alone, "a3")
    of_two = drawn("x.o", "oo.", "...")
    assert at(of_two, "b3") not in of_two.legal()
    assert at(of_two.turned(SECOND), "b3") in of_two.turned(SECOND).legal()


def test_the_ko_may_be_retaken_after_another_move_only():
    ko = drawn(".xo..", "x.xo.", ".xo..", ".....", ".....", to_move=SECOND)
    taken = played(ko, "b4")
    assert rows_of(taken)[1] == "xo.o."
    assert at(taken, "c4") not in taken.legal()
    with pytest.raises(IllegalMoveError, match="the ko may not be retaken at once"):
        played(taken, "c4")
    later = played(taken, "a1", "e1")
    assert rows_of(played(later, "c4"))[1] == "x.xo."


def test_where_two_stones_were_taken_one_may_be_retaken_at_once():
    taken = played(drawn(".xxo.", "xoo..", ".....", ".....", ".....", to_move=SECOND), "a5")
    assert rows_of(taken)[0] == "o..o."
    assert rows_of(played(taken, "b5"))[0] == ".x.o."


def test_a_board_that_comes_again_ends_the_game_as_a_draw():
    moves = ("b3", "a2", "c2", "b2", "a3", "c3", "b3")
    before = played(Go(3, komi=0), *moves[:-1])
    assert before.winner is None
    again = played(before, moves[-1])
    assert again.cells == played(Go(3), *moves[:4]).cells
    assert (again.winner, again.legal(), again.passes) == (0, (), 0)


def test_two_passes_end_the_game_and_areas_count():
    board = drawn("x.xo.", "xxxo.", "oooo.", ".....", ".....")
    assert board.score() == (5 + 1) - (6 + 3 + 10) - 0.5
    over = played(board, "pass", "pass")
    assert over.winner == SECOND
    assert over.legal() == over.sensible() == ()
    with pytest.raises(IllegalMoveError, match="the game is over"):
        played(over, "pass")


@pytest.mark.parametrize(
    ("rows", "points"),
    [
        (("...", "...", "..."), 0),
        (("...", ".x.", "..."), 9),
        ((".xo", ".xo", ".xo"), 6 - 3),
        (("x.o", "x.o", "x.o"), 0),  # what touches both is nobody's
        (("xo.", "oo.", "..."), 1 - 8),
    ],
)
def test_scores(rows, points):
    assert drawn(*rows, komi=0).score() == points
    assert drawn(*rows, komi=6.5).score() == points - 6.5


def test_eyes_are_not_filled_and_one_passes_only_behind_nothing_or_in_front():
    alive = drawn(".x.x.", "xxxxx", "ooooo", "o.o.o", ".ooo.")
    assert alive.is_eye(0, FIRST)
    assert not alive.is_eye(0, SECOND)
    assert alive.sensible() == (25,)  # nothing but own eyes is left, though others are legal
    empty = drawn("...", ".x.", "...", to_move=SECOND)
    assert 9 not in empty.sensible()
    assert 9 in empty.legal()
    behind = played(drawn("...", ".x.", "..."), "pass")
    assert 9 not in behind.sensible()
    ahead = played(drawn("...", ".x.", "...", to_move=SECOND), "pass")
    assert 9 in ahead.sensible()


def test_a_false_eye_is_filled():
    false = drawn("xo...", ".x...", "xo...", ".....", ".....")
    assert not false.is_eye(at(false, "a4"), FIRST)
    middle = drawn("oxo..", "x.x..", "ox...", ".....", ".....")
    assert not middle.is_eye(at(middle, "b4"), FIRST)
    true = drawn("oxx..", "x.x..", "xxx..", ".....", ".....")
    assert true.is_eye(at(true, "b4"), FIRST)


def test_no_game_goes_on_for_ever():
    position = Go(2, komi=0)
    while position.winner is None:
        position = position.play(position.legal()[0])
    assert position.number <= 8
    assert len(position.moves()) == position.number
