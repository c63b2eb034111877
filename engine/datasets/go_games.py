"""Games of Go to imitate: 600 on 7x7 that come along, or records in SGF."""

from __future__ import annotations

from engine.config.registry import DatasetInfo, Splits
from engine.datasets._games import records
from engine.games.go import Go
from engine.games.planes import GO_PLANES
from presets.schema import Config as Base


class Config(Base, frozen=True):
    path: str = ""
    """A file or folder of SGF game records, on boards of one size; empty: the games that come
    along."""


def info(config: Config) -> DatasetInfo:
    games = records.listed(config.path)
    size = games.begin.size
    return DatasetInfo(
        input_shape=(GO_PLANES, size, size),
        num_outputs=size**2 + 2,
        task="imitation",
        input="board",
        samples=games.samples(),
        fixed=False,
        notes=games.notes,
        cautions=games.cautions,
    )


def begin(config: Config) -> Go:
    """The empty board, with the komi of most games."""
    return records.listed(config.path).begin


def build(config: Config) -> Splits:
    """Positions of whole games in each split; those of training are turned and mirrored by chance,
    anew in each epoch. Moves that were made by chance, at the beginning of the games that come
    along, are not to be learned."""
    from engine.datasets._games import boards

    train, val, test = (
        boards.of(records.listed(config.path).splits[split]) for split in records.SPLITS
    )
    return Splits(train=train, val=val, test=test, draw_train=train.turned)
