"""Self-play: the value of boards in games that the model plays with itself."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config.registry import Codec, DatasetInfo, Samples
from engine.config.task_rule_table import RULES
from engine.games.players import Player, RandomPlayer
from engine.games.position import Position
from engine.runs.events import AnyEvent, Reference
from engine.tasks.held_out_split import HeldOut
from engine.tasks.players import boards
from engine.tasks.players.boards import NetPlayer, Thought
from engine.tasks.task import Split, Task, evaluating, outputs, sums
from presets.schema import RunConfig


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "SelfPlay":
    """The task of a run."""
    return SelfPlay(boards.begin(config.dataset), seed=config.seed)


class SelfPlay(Task):
    """The task of the value of a board for who has just moved there: outputs float (n, 1), before
    tanh; targets float32 (n,), from -1 to 1."""

    rules = RULES["self-play"]

    def __init__(self, begin: Position, *, seed: int = 0) -> None:
        self.begin = begin
        """The position with which games begin."""
        self._seed = seed

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The mean squared error of the value; 0-dim."""
        return F.mse_loss(output[:, 0].tanh(), y)

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The means `loss`, and `accuracy`, the share of boards with a winner whose value has the
        right sign; and `win_rate` in games against the reference player."""
        with evaluating(model):
            total = sums(3, held.device)
            for output, y in outputs(model, held):
                value = output[:, 0].tanh()
                right = ((value > 0) == (y > 0)) & (y != 0)
                squares = (value - y).double().square().sum()
                total += torch.stack([squares, right.sum(), (y != 0).sum()])
            loss, right_, decided = total.tolist()
        return {
            "loss": loss / len(held),
            "accuracy": right_ / max(1.0, decided),
            "win_rate": boards.win_rate(self.player(model), self.begin, seed=self._seed),
        }

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """A game against the reference player."""
        return [
            boards.game(
                model, boards.by_afterstates, self.begin, step=step, split=split, seed=self._seed
            )
        ]

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """What a player by chance wins against the reference player, and how often a guess gives
        the right sign."""
        rate = boards.win_rate(RandomPlayer(self._seed), self.begin, seed=self._seed)
        wins = sum(int((y > 0).sum()) for _, y in held.chunks())
        decided = sum(int((y != 0).sum()) for _, y in held.chunks())
        share = wins / max(1, decided)
        return [
            Reference(metric="win_rate", name="random", value=rate),
            Reference(metric="accuracy", name="majority", value=max(share, 1 - share)),
        ]

    def player(self, model: nn.Module) -> Player:
        """The model as a player."""
        return NetPlayer(model, boards.by_afterstates)

    def thoughts(self, model: nn.Module, positions: Sequence[Position]) -> list[Thought]:
        """What the model thinks of positions, none of which is over."""
        return boards.by_afterstates(model, positions)
