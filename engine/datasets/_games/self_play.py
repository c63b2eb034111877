"""Games of Connect Four that a model plays with itself, and what it learns from them.

The model gives the value of a board for who has just moved there, and plays the move with the
best one, sometimes one by chance. Targets are those of TD(lambda) (Sutton 1988, Tesauro 1995): the
value that the game turned out to have, of which the result is one end and the value one move later
the other. What follows a bad move by chance says nothing about the moves before it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.config.registry import Split
from engine.datasets._games import bitboards
from engine.datasets._games.bitboards import Boards
from engine.tasks.experience import Surroundings
from engine.tasks.task import evaluating

_PLAY, _DRAW, _HELD_OUT = 11, 12, 13
"""Random streams, apart from those of `training.seeds`."""
_ILLEGAL = -2.0
_GAMES = 4  # for each board that is held out: there are enough of both kinds then
_HEEDS = 0.5
"""How often a player whose games are held out wins or blocks where it can."""


class Turn(NamedTuple):
    """One move in each game that still went on."""

    games: NDArray[np.int64]
    """Which games these are, (n,)."""
    after: Boards
    """The boards after the move: the discs of who moved first."""
    best: NDArray[np.float32]
    """The value of the best move, (n,)."""
    strayed: NDArray[np.bool_]
    """Whether another move was made, by chance."""
    over: NDArray[np.bool_]
    result: NDArray[np.float32]
    """For who moved, where the game is over: 1 or 0."""


class SelfPlay:
    """The experience of a model that plays with itself; `tasks.experience.Experience`.

    Rounds of whole games are a function of (seed, step, weights), batches one of (seed, step) and
    the buffer, which the checkpoint holds.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        games: int,
        every: int,
        buffer: int,
        exploration: float,
        trace: float,
    ) -> None:
        self._around = around
        self._games, self._every, self._most = games, every, buffer
        self._exploration, self._trace = exploration, trace
        self._boards: Boards = np.zeros((0, 2), np.int64)
        self._targets = np.zeros(0, np.float32)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Boards float32 (batch, 2, ROWS, COLUMNS), half of them mirrored, and the values that they
        should have for who has just moved, float32 (batch,)."""
        around = self._around
        if (step - 1) % self._every == 0 or not len(self._targets):
            self._play(np.random.default_rng((_PLAY, around.seed, step)))
        stream = np.random.default_rng((_DRAW, around.seed, step))
        chosen = stream.integers(0, len(self._targets), around.batch_size)
        x = bitboards.planes(self._boards[chosen])
        mirrored = stream.random(len(x)) < 0.5
        x[mirrored] = x[mirrored][..., ::-1]
        y = torch.from_numpy(self._targets[chosen])
        return torch.from_numpy(x).to(around.device), y.to(around.device)

    def state_dict(self) -> dict[str, Any]:
        """The buffer."""
        return {
            "boards": torch.from_numpy(self._boards),
            "targets": torch.from_numpy(self._targets),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError if it does not fit."""
        boards, targets = state["boards"].numpy(), state["targets"].numpy()
        if boards.shape != (len(targets), 2) or boards.dtype != np.int64:
            raise ValueError("expected boards as two numbers each, with one target")
        self._boards, self._targets = boards.copy(), targets.copy()

    def _play(self, stream: np.random.Generator) -> None:
        """Play a round of games, and put its boards into the buffer in place of the oldest."""
        with evaluating(self._around.model):
            turns = list(self._turns(stream))
        boards, targets = learned(turns, self._games, self._trace)
        self._boards = np.concatenate([self._boards, boards])[-self._most :]
        self._targets = np.concatenate([self._targets, targets])[-self._most :]

    def _turns(self, stream: np.random.Generator) -> "list[Turn]":
        boards: Boards = np.zeros((self._games, 2), np.int64)
        games = np.arange(self._games)
        found: list[Turn] = []
        while len(games):
            discs = bitboards.moves(boards)
            values = worth(self._around.model, self._around.device, boards, discs)
            best = values.argmax(axis=1)
            other = np.where(discs != 0, stream.random(discs.shape), -1).argmax(axis=1)
            explores = stream.random(len(games)) < self._exploration
            chosen = np.where(explores, other, best)
            turn = _made(games, boards, discs, chosen, best=values.max(axis=1), usual=best)
            found.append(turn)
            games = games[~turn.over]
            boards = turn.after[~turn.over][:, ::-1]
        return found


def worth(
    model: nn.Module, device: torch.device, boards: Boards, discs: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The value of each move for who makes it, (n, COLUMNS): 1 for a win and 0 for a full board,
    which the rules know, what the model says of the others, and less than -1 for none."""
    after = boards[:, :1] | discs
    legal = discs != 0
    wins = bitboards.won(after) & legal
    ends = bitboards.full(after | boards[:, 1:]) & ~wins
    values = np.where(wins, 1.0, np.where(ends & legal, 0.0, _ILLEGAL)).astype(np.float32)
    rows, columns = np.nonzero(legal & ~wins & ~ends)
    if len(rows):
        asked = np.stack([after[rows, columns], boards[rows, 1]], axis=1)
        output = model(torch.from_numpy(bitboards.planes(asked)).to(device))
        values[rows, columns] = np.nan_to_num(output[:, 0].float().tanh().cpu().numpy())
    return values


def learned(turns: "list[Turn]", games: int, trace: float) -> tuple[Boards, NDArray[np.float32]]:
    """The boards of a round on which games went on, the latest first, and their targets.

    A target is minus the return of the next move, for that is the other player's; the return of a
    move is the result where it ends the game, else (1 - trace) times the value of the best move
    plus trace times its target, and just that value where chance made another move.
    """
    coming = np.zeros(games, np.float32)
    boards: list[Boards] = []
    targets: list[NDArray[np.float32]] = []
    for turn in reversed(turns):
        target = np.where(turn.over, turn.result, -coming[turn.games]).astype(np.float32)
        boards.append(turn.after[~turn.over])
        targets.append(target[~turn.over])
        gain = np.where(turn.over, turn.result, (1 - trace) * turn.best + trace * target)
        coming[turn.games] = np.where(turn.strayed, turn.best, gain)
    return np.concatenate(boards), np.concatenate(targets)


def held_out(count: int, seed: int) -> Split:
    """Boards from games of players who often, but not always, win or block where they can, on which
    the rest is plain: x as in a batch, and the result for who has just moved, float32 (count,).
    Half of them are lost, since the other wins at once; half won by two ways to make four, of which
    the other, who makes none, can block one."""
    stream = np.random.default_rng((_HELD_OUT, seed))
    boards: Boards = np.zeros((_GAMES * count, 2), np.int64)
    lost: list[Boards] = []
    won: list[Boards] = []
    while len(boards):
        discs = bitboards.moves(boards)
        fours = [bitboards.won(boards[:, who : who + 1] | discs) & (discs != 0) for who in (0, 1)]
        # The boards as who has just moved sees them; the first to move now is the other.
        wins, threats = fours[0].any(axis=1), fours[1].sum(axis=1)
        lost.append(boards[wins][:, ::-1])
        won.append(boards[~wins & (threats > 1)][:, ::-1])
        heeds = stream.random((len(boards), 1)) < _HEEDS
        liking = np.where(discs != 0, stream.random(discs.shape), -1.0)
        liking += heeds * (4.0 * fours[0] + 2.0 * fours[1])
        over, boards = _after(boards, discs, liking.argmax(axis=1))
        boards = boards[~over][:, ::-1]
    halves = [_some(np.concatenate(kind), count // 2, stream) for kind in (lost, won)]
    results = np.repeat(np.array([-1, 1], np.float32), count // 2)
    return Split(bitboards.planes(np.concatenate(halves)), results)


def _some(boards: Boards, count: int, stream: np.random.Generator) -> Boards:
    """So many of different boards, by chance."""
    distinct: Boards = np.unique(boards, axis=0)
    return distinct[stream.permutation(len(distinct))[:count]]


def _after(
    boards: Boards, discs: NDArray[np.int64], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], Boards]:
    """Whether the games are over after moves in these columns, (n,), and the boards."""
    after = boards.copy()
    after[:, 0] |= discs[np.arange(len(boards)), chosen]
    return bitboards.won(after[:, 0]) | bitboards.full(after[:, 0] | after[:, 1]), after


def _made(
    games: NDArray[np.int64],
    boards: Boards,
    discs: NDArray[np.int64],
    chosen: NDArray[np.int64],
    *,
    best: NDArray[Any],
    usual: NDArray[np.int64],
) -> Turn:
    """The turn in which these columns were chosen, (n,)."""
    over, after = _after(boards, discs, chosen)
    wins = bitboards.won(after[:, 0])
    return Turn(
        games, after, best.astype(np.float32), chosen != usual, over, wins.astype(np.float32)
    )
