"""Rounds of play with the policy as it is, and the batches that it learns from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config.configure import batches_per_epoch
from engine.datasets._environments.advantages import advantages
from engine.datasets._environments.copies import Copies, Observation
from engine.tasks.experience import Surroundings
from engine.tasks.task import evaluating

_EPISODES, _ACTIONS, _ORDER = 11, 12, 13  # random streams, apart from those of `training.seeds`


@dataclass(frozen=True, kw_only=True)
class Play:
    """The extent of a round, and how far ahead it looks."""

    moves: int
    """Moves in each copy of the environment."""
    passes: int
    """How often each move is learned from before it is forgotten."""
    discount: float
    trace: float


@dataclass
class _Seat:
    """One copy's running episode: enough to play it again to where it is."""

    seen: Observation
    episode: int = 0
    """The number of this episode among those of the copy."""
    actions: list[int] = field(default_factory=list)
    """What was done in it so far."""


class Rollouts:
    """The experience of a policy: rounds of moves in several copies of an environment, which go on
    from round to round. A round is a function of (seed, number of the round, weights, where the
    copies are); the latter is restored by playing the running episodes again."""

    def __init__(self, copies: Copies, play: Play, surroundings: Surroundings) -> None:
        self._copies, self._play = copies, play
        self._model, self._device = surroundings.model, surroundings.device
        self._seed = surroundings.seed
        self._samples = len(copies) * play.moves * play.passes
        self._batch_size = min(surroundings.batch_size, self._samples)
        self._per_round = batches_per_epoch(self._samples, self._batch_size)
        self._round = -1
        self._x, self._y = torch.empty(0), torch.empty(0)
        self._order = torch.empty(0, dtype=torch.int64)
        self._seats = [_Seat(self._begin(place, 0)) for place in range(len(copies))]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Observations float32 (batch, numbers), and what became of them, float32 (batch, 4):
        action, advantage, return, and the action's log-probability at the time. A round of play
        comes first where the last one was used up. Steps are counted from 1."""
        number, place = divmod(step - 1, self._per_round)
        if number != self._round:
            x, y = self._played(number)
            self._keep(number, x, y)
        index = self._order[place * self._batch_size :][: self._batch_size]
        return self._x[index], self._y[index]

    def state_dict(self) -> dict[str, Any]:
        """The round that is being learned from, and the running episodes."""
        return {
            "round": self._round,
            "x": self._x,
            "y": self._y,
            "episodes": [seat.episode for seat in self._seats],
            "actions": [list(seat.actions) for seat in self._seats],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError if it does not fit."""
        episodes, actions = state["episodes"], state["actions"]
        if not len(episodes) == len(actions) == len(self._copies):
            raise ValueError(f"expected {len(self._copies)} copies of the environment")
        for place, (episode, done) in enumerate(zip(episodes, actions, strict=True)):
            self._seats[place] = self._again(place, int(episode), [int(each) for each in done])
        self._keep(int(state["round"]), state["x"], state["y"])

    def _keep(self, number: int, x: Tensor, y: Tensor) -> None:
        self._round, self._x, self._y = number, x.to(self._device), y.to(self._device)
        random = np.random.default_rng((_ORDER, self._seed, max(0, number)))
        passes = [random.permutation(len(x)) for _ in range(self._play.passes)]
        self._order = torch.from_numpy(np.concatenate(passes)).to(self._device)

    def _begin(self, place: int, episode: int) -> Observation:
        """Begin an episode with an even seed; those that are held out have odd ones."""
        entropy = np.random.SeedSequence((_EPISODES, self._seed, place, episode))
        return self._copies.reset(place, int(entropy.generate_state(1)[0]) & ~1)

    def _again(self, place: int, episode: int, actions: list[int]) -> _Seat:
        """Play an episode again up to where it was left."""
        seen = self._begin(place, episode)
        for action in actions:
            seen = self._copies.step(place, action).observation
        return _Seat(seen, episode, actions)

    def _played(self, number: int) -> tuple[Tensor, Tensor]:
        """Play a round: observations and what became of them, as `batch` says, move by move."""
        shape = (self._play.moves, len(self._copies))
        noise = np.random.default_rng((_ACTIONS, self._seed, number)).random(shape)
        seen = np.zeros((*shape, len(self._seats[0].seen)), np.float32)
        actions, ends = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        chances, values, following, rewards = (np.zeros(shape) for _ in range(4))
        with evaluating(self._model):
            for move in range(self._play.moves):
                seen[move] = self._seen()
                logits, values[move] = self._judged(seen[move])
                actions[move] = chosen = draw(logits, noise[move])
                chances[move] = logits[np.arange(len(chosen)), chosen]
                following[move], rewards[move], ends[move] = self._moved(chosen.tolist())
            after = self._judged(self._seen())[1]
        # What follows a move within an episode is known by now: the value before the next one.
        following = np.where(ends, following, np.concatenate([values[1:], after[None]]))
        discount = self._play.discount
        # Scaled so that values are means of the rewards to come, whatever the discount.
        rewards *= 1 - discount
        gains = advantages(
            rewards, values, following, ends, discount=discount, trace=self._play.trace
        )
        deviation = gains.std() + 1e-8
        columns = [actions, (gains - gains.mean()) / deviation, gains + values, chances]
        y = np.stack(columns, axis=2).astype(np.float32)
        return torch.from_numpy(seen.reshape(-1, seen.shape[2])), torch.from_numpy(y.reshape(-1, 4))

    def _seen(self) -> NDArray[np.float32]:
        return np.stack([seat.seen for seat in self._seats])

    def _judged(self, seen: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log-probabilities of the actions (copies, actions), and values (copies,)."""
        output = self._model(torch.from_numpy(seen).to(self._device)).double()
        logits = output[:, :-1].log_softmax(dim=1)
        return logits.cpu().numpy(), output[:, -1].cpu().numpy()

    def _moved(self, actions: list[int]) -> tuple[list[float], list[float], list[bool]]:
        """Take an action in each copy, and begin anew where that was the end.

        Returns the value of what an episode that was cut off would have gone on from, else 0; the
        rewards; and where an episode was over.
        """
        following, rewards, ends = [], [], []
        for place, action in enumerate(actions):
            seat = self._seats[place]
            move = self._copies.step(place, action)
            over = move.terminated or move.truncated
            cut = over and not move.terminated
            following.append(float(self._judged(move.observation[None])[1][0]) if cut else 0.0)
            rewards.append(move.reward)
            ends.append(over)
            if over:
                self._seats[place] = _Seat(self._begin(place, seat.episode + 1), seat.episode + 1)
            else:
                seat.seen = move.observation
                seat.actions.append(action)
        return following, rewards, ends


def draw(logits: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.int64]:
    """An action for each row of log-probabilities (n, actions), by a number of [0, 1) each; int64
    (n,)."""
    shares = np.exp(logits).cumsum(axis=1)
    chosen = (shares <= noise[:, None] * shares[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(chosen, logits.shape[1] - 1), np.int64)
