"""What is known of an environment before anything is played in it; without torch."""

from __future__ import annotations

import functools
import importlib
import math
import re
import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from presets import ConfigError, NotInstalledError

# No "module:" before it: that would import whatever a run's configuration names.
_NAME = re.compile(r"^([\w.-]+/)?[\w.-]+-v\d+$")
_KEY = "dataset.environment"


@dataclass(frozen=True)
class Facts:
    """The spaces and limits of an environment."""

    numbers: int
    """Numbers of an observation, flattened."""
    actions: int
    """The number of actions to choose from."""
    first_action: int
    """What the environment calls the first one, mostly 0."""
    most_moves: int
    """Moves after which an episode is cut off."""
    solved: float | None
    """The return at which the environment counts as solved; None where nobody said."""


def package() -> ModuleType:
    """The package `gymnasium`, which says nothing on the screen. Raises NotInstalledError."""
    try:
        found = importlib.import_module("gymnasium")
    except ImportError:
        raise NotInstalledError(
            "dataset: gymnasium is not installed; pip install 'bigmodel-tui[games]'"
        ) from None
    found.logger.min_level = found.logger.ERROR
    return found


def make(name: str) -> Any:
    """A `gymnasium.Env` of this name. Raises ConfigError, in one line, if there is none."""
    if not _NAME.match(name):
        raise ConfigError(
            f"{_KEY}: expected a name with its version such as CartPole-v1, got {name!r:.80}"
        )
    gym = package()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return gym.make(name, disable_env_checker=True)
        except Exception as error:  # environments come from packages of all kinds
            said = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(f"{_KEY}: {name} cannot be made: {said:.200}") from None


@functools.cache  # the launch screen asks at every key
def look(name: str) -> Facts:
    """The facts about an environment. Raises ConfigError, in one line, for one that cannot be
    learned: actions have to be one of a few, observations numbers, and episodes have an end."""
    gym = package()
    environment = make(name)
    try:
        actions, seen = environment.action_space, environment.observation_space
        spec = environment.spec
    finally:
        environment.close()
    if not isinstance(actions, gym.spaces.Discrete):
        raise ConfigError(f"{_KEY}: expected actions from a list (Discrete), {_has(name, actions)}")
    if not isinstance(seen, gym.spaces.Box):
        raise ConfigError(f"{_KEY}: expected observations of numbers (Box), {_has(name, seen)}")
    if spec.max_episode_steps is None:
        raise ConfigError(f"{_KEY}: expected episodes that end, but {name} has no limit of moves")
    return Facts(
        numbers=math.prod(seen.shape),
        actions=int(actions.n),
        first_action=int(actions.start),
        most_moves=int(spec.max_episode_steps),
        solved=None if spec.reward_threshold is None else float(spec.reward_threshold),
    )


def _has(name: str, space: object) -> str:
    return f"but {name} has {type(space).__name__}"
