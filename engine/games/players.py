"""Players that need no training: by chance, and by looking one move ahead."""

import random
from collections.abc import Sequence
from typing import Protocol

from engine.games.connect_four import ConnectFour
from engine.games.go import Go
from engine.games.position import Position


class Player(Protocol):
    """Whoever chooses moves, for many games at once."""

    def choose(self, positions: Sequence[Position]) -> list[int]:
        """A legal move for each position; none of the games is over."""


class RandomPlayer:
    """The player of any sensible move, each as likely. Seeded."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choose(self, positions: Sequence[Position]) -> list[int]:
        return [self._random.choice(position.sensible()) for position in positions]


class WinOrBlock:
    """The player of Connect Four that makes four if it can, else prevents four, else plays by
    chance. Seeded."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choose(self, positions: Sequence[Position]) -> list[int]:
        return [self._one(position) for position in positions]

    def _one(self, position: Position) -> int:
        legal = position.legal()
        if isinstance(position, ConnectFour):
            for player in (position.to_move, -position.to_move):
                for move in legal:
                    if position.wins_at(move, player):
                        return move
        return self._random.choice(legal)


class TakeOrSave:
    """The player of Go that takes what it can, else saves what would be taken, the largest group
    first, else plays any sensible move. Seeded."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choose(self, positions: Sequence[Position]) -> list[int]:
        return [self._one(position) for position in positions]

    def _one(self, position: Position) -> int:
        sensible = position.sensible()
        wanted: list[tuple[int, int]] = []
        if isinstance(position, Go):
            for stones, liberties in position.groups():
                move, point = min(liberties), min(stones)
                if len(liberties) > 1 or move not in sensible:
                    continue
                if position.cells[point] != position.to_move:
                    wanted.append((2 * len(stones) + 1, move))
                elif len(position.play(move).group(point)[1]) > 1:
                    wanted.append((2 * len(stones), move))
        return max(wanted)[1] if wanted else self._random.choice(sensible)
