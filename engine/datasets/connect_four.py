"""Connect Four, learned without data: the games come from the model as it learns."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.config.registry import DatasetInfo, Split, Splits
from engine.games.connect_four import COLUMNS, ROWS, ConnectFour
from engine.games.planes import CONNECT_FOUR_PLANES
from presets.schema import Config as Base
from presets.schema import Count, Fraction

EPOCH = 2**16
"""Positions that count as an epoch, for there is no set that would be through."""
HELD_OUT = 2000


class Config(Base, frozen=True):
    games: Count = 96
    """Games that the model plays with itself, at once."""
    every: Count = 24
    """Steps from one such round to the next."""
    buffer: Annotated[int, Meta(ge=1000, le=10**7)] = 20_000
    """Positions of the latest games, from which batches are drawn."""
    exploration: Fraction = 0.3
    """Probability of a move by chance."""
    trace: Annotated[float, Meta(ge=0, le=1)] = 0.8
    """Lambda of TD(lambda) (Sutton 1988): 0 learns from the value one move later, 1 from the result
    of the game."""


def info(config: Config) -> DatasetInfo:
    return DatasetInfo(
        input_shape=(CONNECT_FOUR_PLANES, ROWS, COLUMNS),
        num_outputs=1,
        task="self-play",
        input="board",
        samples={"train": EPOCH, "val": HELD_OUT, "test": HELD_OUT},
        fixed=False,
    )


def begin(config: Config) -> ConnectFour:
    """The empty board."""
    return ConnectFour()


def build(config: Config) -> Splits:
    """No training samples. Those that are held out are boards, always the same, on which it is
    plain who wins, with the result for who has just moved there."""
    import numpy as np

    from engine.datasets._games import bitboards, self_play
    from engine.tasks.experience import Surroundings

    val, test = (self_play.held_out(HELD_OUT, seed) for seed in (0, 1))
    none = Split(bitboards.planes(np.zeros((0, 2), np.int64)), np.zeros(0, np.float32))

    def experience(around: Surroundings) -> self_play.SelfPlay:
        return self_play.SelfPlay(
            around,
            games=config.games,
            every=config.every,
            buffer=config.buffer,
            exploration=config.exploration,
            trace=config.trace,
        )

    return Splits(train=none, val=val, test=test, experience=experience)
