"""Imitation: the move that somebody made in a position of a game, and who won."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config.padding_constants import IGNORED
from engine.config.registry import Codec, DatasetInfo, Samples, Split
from engine.config.task_rule_table import RULES
from engine.games.players import Player, RandomPlayer
from engine.games.position import Position
from engine.runs.events import AnyEvent, Reference
from engine.tasks.held_out_split import HeldOut
from engine.tasks.players import boards
from engine.tasks.players.boards import NetPlayer, Thought
from engine.tasks.task import Split as Name
from engine.tasks.task import Task, evaluating, outputs, sums
from presets.schema import RunConfig

VALUE_WEIGHT = 0.5
"""The weight of the squared error of the value beside the cross entropy of the moves."""
_TOP = 3
_AT_ONCE = 4096


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "Imitation":
    """The task of a run."""
    return Imitation(
        boards.begin(config.dataset), smoothing=config.label_smoothing, seed=config.seed
    )


class Imitation(Task):
    """The task of a policy and a value: outputs float (n, moves + 1), logits and last the value
    before tanh; targets int64 (n, 2), the move and the result for who makes it."""

    rules = RULES["imitation"]

    def __init__(self, begin: Position, *, smoothing: float = 0.0, seed: int = 0) -> None:
        self.begin = begin
        """The position with which games begin."""
        self._smoothing = smoothing
        self._seed = seed

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross entropy of the moves in nats, with smoothed labels, and half the squared error of
        the value; 0-dim. Games without a known result count as zero in the second."""
        moves = F.cross_entropy(output[:, :-1], y[:, 0], label_smoothing=self._smoothing)
        return moves + VALUE_WEIGHT * _squared_error(output, y).mean()

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`accuracy`, the share of positions whose move has the largest logit."""
        return {"accuracy": (output[:, :-1].argmax(dim=1) == y[:, 0]).float().mean()}

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The means `loss`; `accuracy` and `top3`, the shares of positions whose move is the
        likeliest, or among the three likeliest; `value_mse`, over positions with a known result;
        and `win_rate` in games against the reference player."""
        with evaluating(model):
            total = sums(5, held.device)
            for output, y in outputs(model, held):
                logits, move = output[:, :-1], y[:, :1]
                hits = logits.topk(min(_TOP, logits.shape[1]), dim=1).indices == move
                errors = _squared_error(output, y).double()
                nats = F.cross_entropy(logits, y[:, 0], reduction="none").double()
                parts = (nats.sum(), hits[:, 0].sum(), hits.sum(), errors.sum())
                total += torch.stack([*parts, (y[:, 1] != IGNORED).sum()])
            nats_, first, three, squares, results = total.tolist()
        count = len(held)
        return {
            "loss": (nats_ + VALUE_WEIGHT * squares) / count,
            "accuracy": first / count,
            "top3": three / count,
            "value_mse": squares / max(1.0, results),
            "win_rate": boards.win_rate(self.player(model), self.begin, seed=self._seed),
        }

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Name
    ) -> list[AnyEvent]:
        """A game against the reference player."""
        return [
            boards.game(
                model, boards.by_policy, self.begin, step=step, split=split, seed=self._seed
            )
        ]

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """The most frequent move of the training games, a move by chance, and what a player by
        chance wins against the reference player."""
        chance_wins = boards.win_rate(RandomPlayer(self._seed), self.begin, seed=self._seed)
        moves = self.begin.num_moves
        frequent = int(np.bincount(_moves(train), minlength=moves).argmax())
        hits, chance = 0, 0.0
        for x, y in held.chunks():
            hits += int((y[:, 0] == frequent).sum())
            empty = x.shape[2] * x.shape[3] - x[:, :6].sum(dim=(1, 2, 3))
            chance += float((1 / (empty + 1)).sum())
        count = len(held)
        return [
            Reference(metric="accuracy", name="most frequent move", value=hits / count),
            Reference(metric="accuracy", name="empty point by chance", value=chance / count),
            Reference(metric="win_rate", name="random", value=chance_wins),
        ]

    def player(self, model: nn.Module) -> Player:
        """The model as a player."""
        return NetPlayer(model, boards.by_policy)

    def thoughts(self, model: nn.Module, positions: Sequence[Position]) -> list[Thought]:
        """What the model thinks of positions, none of which is over."""
        return boards.by_policy(model, positions)


def _squared_error(output: Tensor, y: Tensor) -> Tensor:
    """Of the value for each position, (n,); 0 where nobody knows the result."""
    known = y[:, 1] != IGNORED
    return torch.where(known, (output[:, -1].tanh() - y[:, 1]).square(), 0.0)


def _moves(samples: Samples) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """All moves of a split, int64 (n,)."""
    if isinstance(samples, Split):
        return np.asarray(samples.y[:, 0])
    parts = [
        samples.batch(np.arange(first, min(first + _AT_ONCE, len(samples)))).y[:, 0]
        for first in range(0, len(samples), _AT_ONCE)
    ]
    return np.concatenate(parts)
