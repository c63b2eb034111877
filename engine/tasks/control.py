"""Control: a policy learns to act in an environment from what became of its own actions."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.config import registry
from engine.config.registry import Codec, DatasetInfo, Samples
from engine.config.task_rule_table import RULES
from engine.runs import event_bounds
from engine.runs.events import AnyEvent, Episode, Reference, number
from engine.tasks.held_out_split import HeldOut
from engine.tasks.players.episodes import Copies, Frame, frames, play, random_returns, split_output
from engine.tasks.task import Split, Task
from presets.schema import RunConfig

CLIP = 0.2
"""How far the probability of an action may move from what it was, as a ratio."""
VALUE_WEIGHT, ENTROPY_WEIGHT = 0.5, 0.01
"""The shares of the value's error and of the policy's entropy in the loss."""

_RANDOM_EPISODES, _RANDOM_MOVES = 100, 20_000
"""The random policy plays until it has done either: a second at most."""


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "Control":
    """The task of a run. The module of its data set gives the environment: `copies(config, count)`
    to play in and the return at which it counts as solved, `solved(config)`; its options the
    `discount` and the `passes` over each move."""
    return Control(
        registry.module("dataset", config.dataset.type),
        registry.config("dataset", config.dataset),
        actions=info.num_outputs,
    )


class Control(Task):
    """The task of acting: outputs float (n, actions + 1), the logits of the actions and last the
    value; targets float32 (n, 4): action, advantage, return, and the action's log-probability when
    it was taken."""

    rules = RULES["control"]

    def __init__(self, dataset: Any, options: Any, *, actions: int) -> None:
        self._dataset, self._options = dataset, options
        self._actions = actions
        self._passes: int = options.passes
        self._copies: Copies | None = None

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347, equations 7 and 9):
        the clipped surrogate, the squared error of the value and the entropy as a bonus; 0-dim."""
        logits, values = split_output(output)
        gains = y[:, 1]
        ratios = (_of_actions(logits, y) - y[:, 3]).exp()
        clipped = ratios.clamp(1 - CLIP, 1 + CLIP)
        surrogate = torch.min(ratios * gains, clipped * gains).mean()
        errors = (values - y[:, 2]).square().mean()
        return -surrogate + VALUE_WEIGHT * errors - ENTROPY_WEIGHT * _entropies(logits).mean()

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`entropy` of the policy in nats; `value_loss`, the mean squared error of the value; `kl`,
        how far the policy moved since it took these actions, in nats (Schulman 2020, "Approximating
        KL divergence", the estimate that is never negative)."""
        logits, values = split_output(output.detach())
        moved = _of_actions(logits, y) - y[:, 3]
        return {
            "entropy": _entropies(logits).mean(),
            "value_loss": (values - y[:, 2]).square().mean(),
            "kl": (moved.expm1() - moved).mean(),
        }

    def size(self, y: Tensor) -> int:
        """The number of moves in the environment that a batch stands for: each is learned from in
        several passes."""
        return max(1, round(len(y) / self._passes))

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """Means over whole episodes with the likeliest action each time: `loss`, the squared error
        of the value against the rewards that followed, a mean over moves; `return` and `length` of
        an episode; `entropy` of the policy, a mean over moves."""
        played = play(model, self._arena(), _seeds(held), device=held.device)
        discount = self._options.discount
        errors = [np.subtract(each.values, each.followed(discount)) ** 2 for each in played]
        return {
            "loss": float(np.concatenate(errors).mean()),
            "return": float(np.mean([each.total for each in played])),
            "length": float(np.mean([len(each.rewards) for each in played])),
            "entropy": float(np.concatenate([each.entropies for each in played]).mean()),
        }

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """The first episode of the split, always the same one."""
        shown = list(self.watch(model, _seeds(held)[0], device=held.device))
        every = -(-len(shown) // event_bounds.MAX_FRAMES)
        kept = shown[::every]
        return [
            Episode(
                split=split,
                step=step,
                environment=self._options.environment,
                total=number(sum(frame.reward for frame in shown)),
                solved=self._dataset.solved(self._options),
                length=len(shown),
                every=every,
                observations=[_finite(frame.observation) for frame in kept],
                actions=[frame.action for frame in kept],
                policies=[_shares(frame.policy) for frame in kept],
                values=[number(frame.value) for frame in kept],
            )
        ]

    def watch(self, model: nn.Module, seed: int, *, device: torch.device) -> Iterator[Frame]:
        """An episode as the model plays it, a move at a time: what it sees, what it does and how
        sure it is."""
        return frames(model, self._arena(), seed, device=device)

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """What actions at random reach, and the return at which the environment counts as
        solved."""
        seeds = _seeds(held)[:_RANDOM_EPISODES]
        returns = random_returns(self._arena(), seeds, self._actions, most_moves=_RANDOM_MOVES)
        found = [Reference(metric="return", name="random", value=number(float(np.mean(returns))))]
        solved = self._dataset.solved(self._options)
        if solved is not None:
            found.append(Reference(metric="return", name="solved", value=solved))
        return found

    def _arena(self) -> Copies:
        """The copies in which held-out episodes are played, made once."""
        if self._copies is None:
            self._copies = self._dataset.copies(self._options, self._options.episodes)
        return self._copies


def _of_actions(logits: Tensor, y: Tensor) -> Tensor:
    """The log-probabilities of the actions that were taken, (n,)."""
    return logits.gather(1, y[:, :1].long())[:, 0]


def _entropies(logits: Tensor) -> Tensor:
    return -(logits.exp() * logits).sum(dim=1)


def _seeds(held: HeldOut) -> list[int]:
    return [int(seed) for _, seeds in held.chunks() for seed in seeds.tolist()]


def _finite(observation: NDArray[np.float32]) -> list[float]:
    """The first numbers of an observation, five digits each."""
    some = np.nan_to_num(observation[: event_bounds.MAX_OBSERVED].astype(np.float64))
    return [float(f"{value:.5g}") for value in some]


def _shares(policy: list[float]) -> list[float]:
    """Probabilities for the log; 0 in those of a model that diverged."""
    return [
        round(share, 4) if 0 <= share <= 1 else 0.0 for share in policy[: event_bounds.MAX_ACTIONS]
    ]
