"""The event of a game: what may stand in it, and what the rules make of it."""

import pytest
from msgspec import structs

from engine.games import games_by_name
from engine.runs.events import DamagedLineError, Game, Move, decode, encode

GAME = Game(
    split="val",
    step=3,
    game="go",
    rows=3,
    columns=3,
    players=("model", "random"),
    moves=[Move(move=4, policy=[(4, 90), (0, 10)], value=0.5), Move(move=9), Move(move=9)],
    result="first",
)


def test_a_game_comes_back_as_it_was_written():
    assert decode(encode(GAME)[:-1]) == GAME


@pytest.mark.parametrize(
    "moves",
    [
        [Move(move=10)],
        [Move(move=0, policy=[(9, 1)])],
        [Move(move=0, policy=[(1, 50), (1, 20)])],
        [Move(move=0, policy=[(1, 60), (2, 41)])],
        [Move(move=0, policy=[(1, 0)])],
        [Move(move=0, policy=[(10**6, 1)])],
        [Move(move=0, value=1.5)],
        [Move(move=-1)],
    ],
)
def test_what_does_not_fit_the_board_is_damaged(moves):
    with pytest.raises(DamagedLineError):
        decode(encode(structs.replace(GAME, moves=moves))[:-1])


@pytest.mark.parametrize("facts", [{"rows": 0}, {"rows": 26}, {"result": "both"}, {"moves": None}])
def test_a_wrong_board_is_damaged(facts):
    with pytest.raises(DamagedLineError):
        decode(encode(structs.replace(GAME, **facts))[:-1])


def test_its_moves_are_replayed_until_one_is_not_legal():
    begin = games_by_name.begin(GAME.game, GAME.rows, GAME.columns, GAME.komi)
    boards = list(games_by_name.replay(begin, [move.move for move in GAME.moves]))
    assert [sum(board.cells) for board in boards] == [0, 1, 1, 1]
    assert boards[-1].winner == 1
    assert len(list(games_by_name.replay(begin, [4, 4, 3]))) == 2
    assert games_by_name.name_of(begin) == "go"


def test_the_beginnings_of_games():
    assert games_by_name.begin("connect-four", 6, 7).num_moves == 7
    for wrong in (("go", 3, 4), ("go", 25, 25), ("connect-four", 7, 7), ("chess", 8, 8)):
        with pytest.raises(ValueError, match="is known"):
            games_by_name.begin(*wrong)
