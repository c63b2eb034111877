"""Matches, simple players and intervals."""

import math

import pytest

from engine.games import gnugo, match
from engine.games.connect_four import ConnectFour
from engine.games.go import Go
from engine.games.match import Score
from engine.games.players import RandomPlayer, TakeOrSave, WinOrBlock


class Leftmost:
    """The player of the first legal move; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def choose(self, positions):
        self.asked.append(len(positions))
        return [position.legal()[0] for position in positions]


def test_win_or_block():
    player = WinOrBlock(0)
    wins = ConnectFour()
    for column in (0, 6, 1, 6, 2, 6):  # both could make four: the win comes first
        wins = wins.play(column)
    assert player.choose([wins]) == [3]
    blocks = wins.play(4)
    assert player.choose([blocks]) == [6]


def test_take_or_save():
    """Two stones can be taken; else one of one's own would be; else it is chance."""
    cells = dict.fromkeys(range(25), 0) | {0: -1, 1: -1, 5: 1, 6: 1}
    cells |= {12: 1, 7: -1, 11: -1, 13: -1}
    takes = Go(5, tuple(cells.values()))
    assert TakeOrSave(0).choose([takes]) == [2]
    saves = Go(5, tuple((cells | {0: 0, 1: 0}).values()))
    assert TakeOrSave(0).choose([saves]) == [17]
    lost = dict.fromkeys(range(25), 0) | {0: 1, 5: -1, 6: -1, 2: -1}  # it would have one liberty
    chosen = {TakeOrSave(seed).choose([Go(5, tuple(lost.values()))])[0] for seed in range(60)}
    assert len(chosen) > 10


def test_take_or_save_beats_chance():
    score = match.play(Go(7), TakeOrSave(0), RandomPlayer(0), games=40)
    assert score.rate > 0.7


def test_each_begins_every_second_game_and_openings_come_twice():
    ended = []
    match.play(
        ConnectFour(),
        RandomPlayer(0),
        RandomPlayer(1),
        games=8,
        opening_moves=3,
        seed=5,
        watch=lambda score, position: ended.append((score.games, position.moves()[:3])),
    )
    assert [games for games, _ in ended] == list(range(1, 9))
    beginnings = [tuple(moves) for _, moves in ended]
    assert all(beginnings.count(one) % 2 == 0 for one in beginnings)
    assert len(set(beginnings)) > 2


def test_a_match_is_a_function_of_its_seeds():
    def result(seed):
        return match.play(
            Go(5), RandomPlayer(seed), RandomPlayer(1), games=20, opening_moves=1, seed=seed
        )

    assert result(3) == result(3)
    assert result(3).games == 20


def test_the_score_is_that_of_the_first_player():
    strong = match.play(ConnectFour(), WinOrBlock(0), RandomPlayer(0), games=60)
    weak = match.play(ConnectFour(), RandomPlayer(0), WinOrBlock(0), games=60)
    assert strong.rate > 0.85
    assert weak.rate < 0.15


def test_games_are_played_at_once_but_not_more_than_asked():
    player = Leftmost()
    score = match.play(ConnectFour(), player, RandomPlayer(0), games=30, at_once=8)
    assert score.games == 30
    assert max(player.asked) <= 8
    assert sum(player.asked) > 3 * len(player.asked)


def test_an_opening_that_ends_every_game_is_left_out():
    over = Go(2).play(4)
    (only,) = match.openings(over, count=1, moves=50, seed=0)
    assert only is over


@pytest.mark.parametrize("score", [Score(90, 0, 10), Score(45, 0, 55), Score(3, 2, 1)])
def test_the_interval_of_wilson_holds_the_rates_that_the_score_does_not_contradict(score):
    """At its ends the score is 1.96 standard deviations of the binomial away."""
    for end in score.interval():
        assert abs(score.rate - end) == pytest.approx(
            1.96 * math.sqrt(end * (1 - end) / score.games)
        )


def test_the_interval_stays_between_0_and_1():
    assert Score(wins=20).interval()[1] == 1
    assert Score(losses=20).interval()[0] == pytest.approx(0)
    assert Score().interval() == (0, 1)


def test_a_draw_is_half_a_win():
    score = Score().with_result(1).with_result(0).with_result(-1).with_result(0)
    assert (score, score.rate) == (Score(wins=1, draws=2, losses=1), 0.5)


@pytest.mark.skipif(gnugo.program() is None, reason="gnugo is not installed")
def test_gnu_go_plays_on_the_board_that_it_is_shown():
    with gnugo.GnuGo(level=1) as player:
        other = Go(5).play(12)
        answer = player.choose([other])[0]
        assert answer in other.legal()
        after = other.play(answer)
        assert player.choose([after.play(after.legal()[0])])[0] != 12
        with pytest.raises(gnugo.GnuGoError, match="no other game"):
            player.choose([ConnectFour()])


def test_a_missing_gnu_go_is_one_line(monkeypatch):
    monkeypatch.setattr(gnugo, "program", lambda: None)
    with pytest.raises(gnugo.GnuGoError, match="gnugo is not installed"):
        gnugo.GnuGo()
