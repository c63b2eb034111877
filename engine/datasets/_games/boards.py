"""Positions of games as samples for a network, some of them turned and mirrored."""

import hashlib
from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from engine.config import dataset_preview
from engine.config.padding_constants import IGNORED
from engine.config.registry import Split, Splits
from engine.datasets._games.records import Game, Games
from engine.games.go import Go
from engine.games.planes import planes

SYMMETRIES = 8
_AT_ONCE = 1024  # positions: bounds the memory while they become planes


class Boards:
    """Positions with the move that was made and the result of the game, a `Source`.

    Planes are kept as bits. Samples: x float32 (n, planes, rows, columns); y int64 (n, 2): the
    move, and the result for the player to move, 1, 0 or -1, or IGNORED where it is not known.
    """

    lengths = None

    def __init__(
        self,
        bits: NDArray[np.uint8],
        targets: NDArray[np.int64],
        shape: tuple[int, ...],
        symmetry: NDArray[np.int64] | None = None,
    ) -> None:
        """`bits` are packed planes (n, bytes) of this `shape`; `symmetry` says for each sample how
        it is turned, 0 to 7, where 0 is as it was played."""
        self._bits, self._targets, self._shape = bits, targets, shape
        self._symmetry = np.zeros(len(targets), np.int64) if symmetry is None else symmetry

    def __len__(self) -> int:
        return len(self._targets)

    def turned(self, seed: int, epoch: int) -> "Boards":
        """The same positions, each turned by chance: a function of (seed, epoch)."""
        stream = np.random.default_rng((_TURNS, seed, epoch))
        symmetry = stream.integers(0, SYMMETRIES, len(self))
        return Boards(self._bits, self._targets, self._shape, symmetry)

    def batch(self, index: NDArray[np.int64]) -> Split:
        """These samples."""
        symmetry = self._symmetry[index]
        channels, size, _ = self._shape
        numbers = channels * size * size
        x = np.unpackbits(self._bits[index], axis=1, count=numbers)
        sources, places = _tables(size)
        x = np.take_along_axis(
            x.reshape(len(index), channels, size * size), sources[symmetry][:, None], axis=2
        )
        y = self._targets[index].copy()
        y[:, 0] = places[symmetry, y[:, 0]]
        return Split(x.reshape(len(index), *self._shape).astype(np.float32), y)

    def fingerprint(self) -> str:
        """SHA-256 of all samples."""
        digest = hashlib.sha256(repr(self._shape).encode())
        for array in (self._bits, self._targets, self._symmetry):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


_TURNS = 6
"""The random stream of symmetries, apart from those of `training.seeds`."""


def sample(games: Games) -> dataset_preview.Images:
    """The middle of training games as pictures: black stones dark, white ones bright; with the move
    that was made there."""
    found: list[tuple[Go, int]] = []
    for game in games.splits["train"][: dataset_preview.MOST_IMAGES]:
        middle = (game.skipped + len(game.record.moves)) // 2
        found.append(next(islice(game.record.positions(), middle, None)))
    cells = np.array([position.cells for position, _ in found], dtype=np.int64)
    greys = np.array([127, 0, 255], dtype=np.uint8)[cells]  # by 0, 1 and, from the end, -1
    size = games.begin.size
    names = tuple(position.name(move) for position, move in found)
    return dataset_preview.Images(greys.reshape(-1, size, size), names)


def splits(games: Games) -> Splits:
    """The positions of each split; those of training turned by chance in each epoch."""
    train, val, test = (of(games.splits[split]) for split in ("train", "val", "test"))
    return Splits(train=train, val=val, test=test, draw_train=train.turned)


def of(games: Sequence[Game]) -> Boards:
    """The positions of games of Go, in order, without the first `skipped` ones of each."""
    waiting: list[Go] = []
    bits: list[NDArray[np.uint8]] = []
    targets: list[tuple[int, int]] = []
    shape: tuple[int, ...] = ()
    for game in games:
        result = game.record.result
        for number, (position, move) in enumerate(game.record.positions()):
            if number >= game.skipped:
                waiting.append(position)
                targets.append((move, IGNORED if result is None else result * position.to_move))
        if waiting and (len(waiting) >= _AT_ONCE or game is games[-1]):
            found = planes(waiting)
            shape = found.shape[1:]
            bits.append(np.packbits(found.reshape(len(found), -1), axis=1))
            waiting = []
    return Boards(np.concatenate(bits), np.array(targets, dtype=np.int64), shape)


def _tables(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each symmetry, int64: which point comes to lie at each place, (8, points); and at which
    place each move comes to lie, (8, points + 1), where a pass stays one."""
    points = np.arange(size * size).reshape(size, size)
    turned = [np.rot90(points, quarter) for quarter in range(4)]
    sources = np.stack([way.reshape(-1) for one in turned for way in (one, one[:, ::-1])])
    passes = np.full((SYMMETRIES, 1), size * size)
    return sources, np.concatenate([np.argsort(sources, axis=1), passes], axis=1)
