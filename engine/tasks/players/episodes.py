"""Episodes of an environment, played by a model: all held-out ones at once, or one move by move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.tasks.task import evaluating

Observation = NDArray[np.float32]


class Move(Protocol):
    """What came of an action."""

    @property
    def observation(self) -> Observation: ...
    @property
    def reward(self) -> float: ...
    @property
    def terminated(self) -> bool: ...
    @property
    def truncated(self) -> bool: ...


class Copies(Protocol):
    """Copies of one environment, by place, as a data set of the task `control` makes them."""

    def __len__(self) -> int: ...
    def reset(self, place: int, seed: int) -> Observation: ...
    def step(self, place: int, action: int) -> Any: ...
    def close(self) -> None: ...


class Frame(NamedTuple):
    """One move of an episode, as it is decided."""

    observation: Observation
    action: int
    policy: list[float]
    """The probability of each action."""
    value: float
    """What the model expects: the discounted mean of the rewards to come."""
    reward: float
    over: bool
    """Whether the episode ends with this move."""


@dataclass
class Played:
    """An episode that was played to its end; a number for each move."""

    rewards: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    after: float = 0.0
    """The value of what it would have gone on from, if it was cut off."""

    @property
    def total(self) -> float:
        """The return of the episode: all its rewards, not discounted."""
        return sum(self.rewards)

    def followed(self, discount: float) -> NDArray[np.float64]:
        """What `values` estimate: the discounted mean of the rewards that followed, (moves,)."""
        found = np.zeros(len(self.rewards))
        later = self.after
        for move in reversed(range(len(found))):
            later = (1 - discount) * self.rewards[move] + discount * later
            found[move] = later
        return found


def split_output(output: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities float32 (n, actions) and values float32 (n,) of a model's output, float
    (n, actions + 1)."""
    output = output.float()
    return output[:, :-1].log_softmax(dim=1), output[:, -1]


def frames(model: nn.Module, copies: Copies, seed: int, *, device: torch.device) -> Iterator[Frame]:
    """One episode in the first copy, move by move: the likeliest action each time."""
    seen, over = copies.reset(0, seed), False
    while not over:
        with evaluating(model):
            logits, values = split_output(model(torch.from_numpy(seen[None]).to(device)))
        action = int(logits[0].argmax())
        move = copies.step(0, action)
        over = move.terminated or move.truncated
        policy = [float(share) for share in logits[0].exp()]
        yield Frame(seen, action, policy, float(values[0]), move.reward, over)
        seen = move.observation


def play(
    model: nn.Module, copies: Copies, seeds: Sequence[int], *, device: torch.device
) -> list[Played]:
    """All these episodes, side by side, with the likeliest action each time."""
    played: list[Played] = []
    for begin in range(0, len(seeds), len(copies)):
        played += _side_by_side(model, copies, seeds[begin : begin + len(copies)], device)
    return played


def _side_by_side(
    model: nn.Module, copies: Copies, seeds: Sequence[int], device: torch.device
) -> list[Played]:
    played = [Played() for _ in seeds]
    seen = {place: copies.reset(place, seed) for place, seed in enumerate(seeds)}
    cut: dict[int, Observation] = {}
    with evaluating(model):
        while seen:
            logits, values = _judged(model, seen, device)
            entropies = -(logits.exp() * logits).sum(dim=1)
            columns = (logits.argmax(dim=1), values, entropies)
            decided = zip(*(column.tolist() for column in columns), strict=True)
            for place, (action, value, entropy) in zip(list(seen), decided, strict=True):
                move = copies.step(place, action)
                episode = played[place]
                episode.rewards.append(move.reward)
                episode.values.append(value)
                episode.entropies.append(entropy)
                seen[place] = move.observation
                if move.terminated or move.truncated:
                    last = seen.pop(place)
                    if not move.terminated:
                        cut[place] = last
        if cut:
            for place, value in zip(cut, _judged(model, cut, device)[1].tolist(), strict=True):
                played[place].after = value
    return played


def _judged(
    model: nn.Module, seen: dict[int, Observation], device: torch.device
) -> tuple[Tensor, Tensor]:
    return split_output(model(torch.from_numpy(np.stack([*seen.values()])).to(device)))


def random_returns(
    copies: Copies, seeds: Sequence[int], actions: int, *, most_moves: int
) -> list[float]:
    """The returns of episodes with actions drawn evenly; no further one is begun after
    `most_moves` moves of all of them."""
    random = np.random.default_rng(seeds[:1])
    returns: list[float] = []
    moves = 0
    for seed in seeds:
        copies.reset(0, seed)
        total, over = 0.0, False
        while not over:
            move = copies.step(0, int(random.integers(actions)))
            total += move.reward
            moves += 1
            over = move.terminated or move.truncated
        returns.append(total)
        if moves >= most_moves:
            break
    return returns
