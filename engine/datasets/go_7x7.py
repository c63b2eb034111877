"""600 games of Go on 7x7: GNU Go 3.8, level 1, with itself after a few random moves."""

from __future__ import annotations

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets._games import records
from engine.games.go import Go
from presets.schema import Config as Base


class Config(Base, frozen=True):
    pass


def info(config: Config) -> DatasetInfo:
    return records.embedded().info()


def begin(config: Config) -> Go:
    """The empty board, with the komi of the games."""
    return records.embedded().begin


def build(config: Config) -> Splits:
    """Positions of whole games in each split; those of training are turned and mirrored by chance,
    anew in each epoch. The random moves at the beginning of a game are not to be learned."""
    from engine.datasets._games import boards

    return boards.splits(records.embedded())


def sample(config: Config) -> dataset_preview.Images:
    """Boards from the middle of games, with the move that was made there."""
    from engine.datasets._games import boards

    return boards.sample(records.embedded())
