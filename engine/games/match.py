"""Two players against each other: many games at once, and what that says of their strength."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.games.players import Player
from engine.games.position import FIRST, SECOND, Position


@dataclass(frozen=True)
class Score:
    """The results of games, from the view of one of the two."""

    wins: int = 0
    draws: int = 0
    losses: int = 0

    @property
    def games(self) -> int:
        return self.wins + self.draws + self.losses

    @property
    def rate(self) -> float:
        """The share of games won, where a draw is half a win; NaN without a game."""
        return (self.wins + self.draws / 2) / self.games if self.games else math.nan

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """The interval of Wilson (1927) for the rate, by default at 95 %; (0, 1) without a game."""
        if not self.games:
            return 0.0, 1.0
        n, rate = self.games, self.rate
        middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def with_result(self, points: int) -> "Score":
        """The score after one more game, won (1), drawn (0) or lost (-1)."""
        return Score(
            self.wins + (points > 0), self.draws + (points == 0), self.losses + (points < 0)
        )


def openings(begin: Position, *, count: int, moves: int, seed: int) -> Iterator[Position]:
    """Positions after so many random sensible moves, in which the game goes on. Each comes twice,
    for a game with either of two players to begin."""
    chance = random.Random(seed)
    position = begin
    for number in range(count):
        if number % 2 == 0:
            position = _opening(begin, moves, chance)
        yield position


def _opening(begin: Position, moves: int, chance: random.Random) -> Position:
    """Such a position; the beginning where so many moves end nearly every game."""
    for _ in range(100):
        position = begin
        for _ in range(moves):
            if position.winner is None:
                position = position.play(chance.choice(position.sensible()))
        if position.winner is None:
            return position
    return begin


def play(
    begin: Position,
    player: Player,
    opponent: Player,
    *,
    games: int,
    opening_moves: int = 0,
    seed: int = 0,
    at_once: int = 64,
    watch: Callable[[Score, Position], None] | None = None,
) -> Score:
    """The score of `player` in so many games, of which each of the two begins every second one.

    Players who play the same position alike every time play the same two games again and again
    without `opening_moves`: the number of random moves with which a game begins, the same ones for
    both. `watch` is told of each game that ends: the score until then, and the last position.
    Games are played `at_once`, so that a network is asked for many moves in one batch; the result
    depends on the players, their seeds and these arguments alone.
    """
    score = Score()
    waiting = enumerate(openings(begin, count=games, moves=opening_moves, seed=seed))
    running: dict[int, Position] = {}
    while True:
        while len(running) < at_once and (one := next(waiting, None)) is not None:
            running[one[0]] = one[1]
        if not running:
            return score
        for who, sign in ((player, 1), (opponent, -1)):
            turns = [n for n, p in running.items() if p.to_move == sign * _side(n)]
            turns = [number for number in turns if running[number].winner is None]
            moves = who.choose([running[number] for number in turns]) if turns else []
            for number, move in zip(turns, moves, strict=True):
                running[number] = running[number].play(move)
        for number, position in [*running.items()]:
            if position.winner is not None:
                del running[number]
                score = score.with_result(position.winner * _side(number))
                if watch:
                    watch(score, position)


def _side(number: int) -> int:
    """Which of the two `player` is in game `number`."""
    return FIRST if number % 2 == 0 else SECOND
