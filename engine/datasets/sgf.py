"""Games of Go of a person's own to imitate, records in SGF."""

from __future__ import annotations

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets._games import records
from engine.games.go import Go
from presets.schema import Config as Base


class Config(Base, frozen=True):
    path: str = ""
    """A file of SGF game records, or a folder of such files."""


def info(config: Config) -> DatasetInfo:
    return records.listed(config.path).info()


def begin(config: Config) -> Go:
    """The empty board of the games, with the komi that most of them have."""
    return records.listed(config.path).begin


def build(config: Config) -> Splits:
    """Positions of whole games in each split, a tenth of the games for validation and a tenth for
    the test; those of training are turned and mirrored by chance, anew in each epoch."""
    from engine.datasets._games import boards

    return boards.splits(records.listed(config.path))


def sample(config: Config) -> dataset_preview.Images:
    """Boards from the middle of games, with the move that was made there."""
    from engine.datasets._games import boards

    return boards.sample(records.listed(config.path))
