"""Copies of an environment that are played side by side, exactly the same again on demand."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.datasets._environments import facts

Observation = NDArray[np.float32]
"""The numbers that a policy sees, float32 (numbers,)."""


class Move(NamedTuple):
    """What came of an action."""

    observation: Observation
    reward: float
    terminated: bool
    """Whether the episode came to its own end."""
    truncated: bool
    """Whether it was cut off, at its limit of moves: it would have gone on."""


class Copies:
    """Copies of one environment, by place. Random numbers in an episode follow from the seed that
    it was reset with."""

    def __init__(self, name: str, count: int) -> None:
        """Raises ConfigError if there is no such environment."""
        self._first = facts.look(name).first_action
        self._all = [facts.make(name) for _ in range(count)]

    def __len__(self) -> int:
        return len(self._all)

    def reset(self, place: int, seed: int) -> Observation:
        """Begin an episode; returns its first observation."""
        seen, _ = self._all[place].reset(seed=seed)
        return _flat(seen)

    def step(self, place: int, action: int) -> Move:
        """Take an action, counted from 0."""
        seen, reward, terminated, truncated, _ = self._all[place].step(action + self._first)
        return Move(_flat(seen), float(reward), bool(terminated), bool(truncated))

    def close(self) -> None:
        """Let go of what the copies hold."""
        for each in self._all:
            each.close()


def _flat(seen: Any) -> Observation:
    return np.asarray(seen, np.float32).reshape(-1)
