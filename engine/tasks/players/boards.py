"""Networks as players of games: what they think of positions, and the moves that they choose."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from engine.config import registry
from engine.games import games_by_name, match
from engine.games.connect_four import ConnectFour
from engine.games.planes import planes
from engine.games.players import Player, TakeOrSave, WinOrBlock
from engine.games.position import FIRST, Position
from engine.runs import events
from engine.tasks.task import evaluating
from presets import ConfigError
from presets.schema import Component

GAMES = 64
"""Games against the reference player at an evaluation."""
OPENING_MOVES = 2
"""Moves by chance at the beginning of each of them: games differ, though the model does not."""
_OPPONENT, _PICTURE = 7, 8  # the random streams, apart from those of `seeds`
_SHARP = 0.1
"""Values of moves, from -1 to 1, are shown as a policy with this temperature."""


@dataclass(frozen=True)
class Thought:
    """What a network thinks of a position."""

    policy: list[float]
    """The probability of each move, (num_moves,): 0 for those that the rules or sense forbid. NaN
    where the weights are not finite."""
    value: float
    """The expected result for the player to move, from -1 to 1."""


class Thinker(Protocol):
    """A way to read a network's outputs as thoughts."""

    def __call__(self, model: nn.Module, positions: Sequence[Position]) -> list[Thought]:
        """A thought for each position, none of which is over."""


def begin(dataset: Component) -> Position:
    """The position with which games of a data set begin. Raises ConfigError if it has none."""
    module = registry.module("dataset", dataset.type)
    if not hasattr(module, "begin"):
        raise ConfigError(f"dataset: {dataset.name} says of no game how it begins")
    position: Position = module.begin(registry.config("dataset", dataset))
    return position


def inputs(positions: Sequence[Position], model: nn.Module) -> Tensor:
    """Planes of positions, float32 (n, planes, rows, columns), on the device of the model."""
    weight = next(model.parameters())
    return torch.from_numpy(planes(positions)).to(weight.device, torch.float32)


def by_policy(model: nn.Module, positions: Sequence[Position]) -> list[Thought]:
    """Of a network with a logit for each move and, last, a value before tanh."""
    with evaluating(model):
        output = model(inputs(positions, model)).float()
    found: list[Thought] = []
    for position, logits in zip(positions, output.detach().cpu(), strict=True):
        allowed = torch.full((position.num_moves,), -torch.inf)
        moves = list(position.sensible())
        allowed[moves] = logits[moves]
        found.append(Thought(allowed.softmax(0).tolist(), float(logits[-1].tanh())))
    return found


def by_afterstates(model: nn.Module, positions: Sequence[Position]) -> list[Thought]:
    """Of a network with the value, before tanh, of a board for who has just moved there. What the
    rules know, a game that is over, is not asked."""
    after = [[position.play(move) for move in position.legal()] for position in positions]
    open_ones = [each for moves in after for each in moves if each.winner is None]
    values: list[float] = []
    if open_ones:
        with evaluating(model):
            values = model(inputs(open_ones, model)).float()[:, 0].tanh().tolist()
    answers, found = iter(values), list[Thought]()
    for position, moves in zip(positions, after, strict=True):
        mine = position.to_move
        worth = torch.full((position.num_moves,), -torch.inf)
        for each in moves:
            assert each.move is not None
            worth[each.move] = next(answers) if each.winner is None else each.winner * mine
        found.append(Thought((worth / _SHARP).softmax(0).tolist(), float(worth.max())))
    return found


class NetPlayer:
    """The player of the move that a network finds most likely, of several alike the first; of any
    sensible move where its weights are not finite."""

    def __init__(self, model: nn.Module, think: Thinker) -> None:
        self._model = model
        self._think = think

    def choose(self, positions: Sequence[Position]) -> list[int]:
        thoughts = self._think(self._model, positions)
        return [self._best(*pair) for pair in zip(positions, thoughts, strict=True)]

    def _best(self, position: Position, thought: Thought) -> int:
        policy = thought.policy
        return max(position.sensible(), key=lambda move: policy[move])


def reference(position: Position, seed: Sequence[int]) -> tuple[str, Player]:
    """The player that a model has to beat at evaluations, and its name."""
    number = random.Random(repr(tuple(seed))).getrandbits(63)
    if isinstance(position, ConnectFour):
        return "win-or-block", WinOrBlock(number)
    return "take-or-save", TakeOrSave(number)


def win_rate(player: Player, start: Position, *, seed: int) -> float:
    """The share of `GAMES` won against the reference player, a draw is half a win; the same
    openings and the same chance every time."""
    _, opponent = reference(start, (_OPPONENT, seed))
    return match.play(
        start, player, opponent, games=GAMES, opening_moves=OPENING_MOVES, seed=seed, at_once=GAMES
    ).rate


def game(
    model: nn.Module,
    think: Thinker,
    start: Position,
    *,
    step: int,
    split: Literal["val", "test"],
    seed: int,
) -> events.Game:
    """A game of the model against the reference player, in which it begins every second time."""
    chance = (_PICTURE, seed, step)
    name, opponent = reference(start, chance)
    begins = random.Random(repr(chance)).random() < 0.5
    sides: list[Player] = [NetPlayer(model, think), opponent]
    names = ["model", name]
    if not begins:
        sides.reverse()
        names.reverse()
    positions = [start]
    while positions[-1].winner is None:
        (move,) = sides[(len(positions) - 1) % 2].choose(positions[-1:])
        positions.append(positions[-1].play(move))
    return recorded(
        positions,
        think(model, positions[:-1]),
        players=(names[0], names[1]),
        step=step,
        split=split,
    )


def recorded(
    positions: Sequence[Position],
    thoughts: Sequence[Thought],
    *,
    players: tuple[str, str],
    step: int,
    split: Literal["val", "test"],
) -> events.Game:
    """The event of a game: all its positions, and what a model thought of each but the last."""
    last = positions[-1]
    moves = [
        events.Move(
            move=after.move or 0, policy=_cells(position, thought), value=_value(position, thought)
        )
        for position, after, thought in zip(positions[:-1], positions[1:], thoughts, strict=True)
    ]
    results: dict[int, Literal["first", "second", "draw"]] = {1: "first", -1: "second", 0: "draw"}
    return events.Game(
        split=split,
        step=step,
        game=games_by_name.name_of(last),
        rows=last.rows,
        columns=last.columns,
        komi=getattr(last, "komi", 0.0),
        players=players,
        moves=moves,
        result=results[last.winner or 0],
    )


def _cells(position: Position, thought: Thought) -> list[tuple[int, int]]:
    """Cells and their whole per cent; none where the weights are not finite."""
    found = []
    for move in position.legal():
        share, cell = thought.policy[move], position.cell(move)
        if cell is not None and share >= 0.01:  # a NaN is not
            found.append((cell, int(share * 100)))
    return found


def _value(position: Position, thought: Thought) -> float | None:
    """For the player who began."""
    value = thought.value * (1 if position.to_move == FIRST else -1)
    return round(max(-1.0, min(1.0, value)), 3) if math.isfinite(value) else None
