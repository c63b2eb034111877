"""An environment of the package `gymnasium`: what is learned from are moves of the model's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Split, Splits
from engine.datasets._environments import facts
from presets.schema import Config as Base
from presets.schema import Count

if TYPE_CHECKING:
    from engine.datasets._environments.copies import Copies
    from engine.datasets._environments.rollouts import Rollouts
    from engine.tasks.experience import Surroundings

_VAL, _TEST = 21, 22  # random streams of seeds, apart from those of rollouts
_SHOWN = 8  # numbers of an observation in a sample


class Config(Base, frozen=True):
    environment: str = "CartPole-v1"
    """Its name with the version; actions from a list, observations of numbers."""
    copies: Annotated[int, Meta(ge=1, le=1024)] = 8
    """Copies of it that are played in turn."""
    moves: Count = 128
    """Moves in each copy before the policy learns from them."""
    passes: Count = 4
    """How often each move is learned from before the next ones are made."""
    discount: Annotated[float, Meta(gt=0, lt=1)] = 0.99
    """The weight of a reward one move later."""
    trace: Annotated[float, Meta(ge=0, le=1)] = 0.95
    """How far advantages look past the value of the next observation (lambda)."""
    episodes: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Held-out episodes in validation and in test."""


def info(config: Config) -> DatasetInfo:
    """Raises ConfigError for an environment that is absent or cannot be learned."""
    known = facts.look(config.environment)
    return DatasetInfo(
        input_shape=(known.numbers,),
        num_outputs=known.actions,
        task="control",
        samples={
            "train": config.copies * config.moves * config.passes,
            "val": config.episodes,
            "test": config.episodes,
        },
        fixed=False,
    )


def solved(config: Config) -> float | None:
    """The return at which the environment counts as solved; None where nobody said."""
    return facts.look(config.environment).solved


def copies(config: Config, count: int) -> Copies:
    """Copies of the environment to be played in."""
    from engine.datasets._environments.copies import Copies

    return Copies(config.environment, count)


def build(config: Config) -> Splits:
    """Held-out episodes: x float32 (episodes, numbers) are their first observations, y int64
    (episodes,) the seeds that they are reset with, which training never uses."""
    val, test = _held_out(config, _VAL), _held_out(config, _TEST)
    nothing = Split(val.x[:0], val.y[:0])
    return Splits(train=nothing, val=val, test=test, experience=partial(_experience, config))


def _experience(config: Config, surroundings: Surroundings) -> Rollouts:
    from engine.datasets._environments.rollouts import Play, Rollouts

    play = Play(
        moves=config.moves, passes=config.passes, discount=config.discount, trace=config.trace
    )
    return Rollouts(copies(config, config.copies), play, surroundings)


def _held_out(config: Config, stream: int) -> Split:
    import numpy as np

    seeds = np.random.SeedSequence(stream).generate_state(config.episodes).astype(np.int64)
    seeds |= 1  # those of training are even
    one = copies(config, 1)
    first = np.stack([one.reset(0, int(seed)) for seed in seeds])
    one.close()
    return Split(first, seeds)


def sample(config: Config) -> dataset_preview.Rows:
    """The first moves of an episode with actions at random: what was seen before each of them, what
    was done, and the reward."""
    import numpy as np

    known = facts.look(config.environment)
    one, random = copies(config, 1), np.random.default_rng(0)
    seen = one.reset(0, 0)
    rows: list[tuple[str, ...]] = []
    for action in random.integers(known.actions, size=dataset_preview.MOST_ROWS).tolist():
        move = one.step(0, action)
        numbers = [f"{value:.3g}" for value in seen[:_SHOWN].tolist()]
        rows.append((*numbers, str(action), f"{move.reward:g}"))
        seen = move.observation
        if move.terminated or move.truncated:
            break
    one.close()
    names = [f"seen {place + 1}" for place in range(min(_SHOWN, known.numbers))]
    return dataset_preview.Rows((*names, "action", "reward"), tuple(rows))
