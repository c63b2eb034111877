"""A small environment whose episodes can be reckoned by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

NAME, ENDLESS, LONG = "test/Walk-v0", "test/Endless-v0", "test/Long-v0"
LIMIT, SOLVED = 12, 50.0


class Walk(gymnasium.Env[Any, Any]):
    """A walk on a line whose actions are 5, 6 and 7; each observation is a small matrix, each
    reward the number of moves, and a place beyond the end of the line ends it."""

    observation_space = spaces.Box(-9, 9, (2, 2), np.float64)
    action_space = spaces.Discrete(3, start=5)

    def __init__(self, reach: float = 4.0) -> None:
        self.reach = reach

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at, self.moves = float(self.np_random.uniform(-1, 1)), 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert action in self.action_space
        self.moves += 1
        self.at += int(action) - 6 + float(self.np_random.normal()) / 10
        return self._seen(), float(self.moves), abs(self.at) > self.reach, False, {}

    def _seen(self) -> Any:
        return np.array([[self.at, 1.0], [0.0, self.moves]])


@contextmanager
def registered() -> Iterator[None]:
    """Inside, gymnasium knows the walk: with a limit of moves, without, and a long one."""
    gymnasium.register(NAME, Walk, max_episode_steps=LIMIT, reward_threshold=SOLVED)
    gymnasium.register(ENDLESS, Walk)
    gymnasium.register(LONG, Walk, max_episode_steps=1201, kwargs={"reach": 99.0})
    try:
        yield
    finally:
        for name in (NAME, ENDLESS, LONG):
            gymnasium.registry.pop(name)
