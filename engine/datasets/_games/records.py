"""Records of games of Go: those that come along, and a person's SGF files."""

from __future__ import annotations

import lzma
import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from engine.config.registry import DatasetInfo
from engine.datasets import _user_files
from engine.games import sgf
from engine.games.go import Go
from engine.games.planes import GO_PLANES
from engine.games.position import FIRST, SECOND
from presets import DATA, ConfigError

SPLITS = ("train", "val", "test")
MAX_POSITIONS = 400_000
MAX_FILES = 100_000
_MAX_BYTES = 2**26  # of one file
_HELD_OUT = 10  # of so many games one is for validation and one for the test


class Game(Struct, frozen=True):
    """A game to learn from; all its moves are legal."""

    record: sgf.Record
    skipped: int = 0
    """How many of the first moves were made by chance, and teach nothing."""


class Games(Struct, frozen=True):
    """The games of a data set, all on boards of one size."""

    splits: dict[str, list[Game]]
    begin: Go
    """The empty board, with the komi of most games."""
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def info(self) -> DatasetInfo:
        """The facts of the data set: one sample for each position."""
        size = self.begin.size
        return DatasetInfo(
            input_shape=(GO_PLANES, size, size),
            num_outputs=size**2 + 2,
            task="imitation",
            input="board",
            samples={
                split: sum(len(game.record.moves) - game.skipped for game in games)
                for split, games in self.splits.items()
            },
            fixed=False,
            notes=self.notes,
            cautions=self.cautions,
        )


def embedded() -> Games:
    """The games that come along."""
    return _user_files.remembered(_embedded, DATA / "go7_games.txt.xz")


def listed(path: str) -> Games:
    """The games of a file or folder of SGF. Raises ConfigError, in one line with file and place,
    for what cannot be read. Read again only after a file has changed."""
    root = _user_files.located(path, "a folder or file of SGF game records").absolute()
    files = _listed(root)
    try:
        facts = tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    except OSError as error:
        raise _user_files.unreadable(root, error) from None
    return _user_files.remembered_by(("sgf", facts), lambda: _read(root, files))


def _embedded(path: Path) -> Games:
    """Lines of a result, the number of random moves at the beginning, and all moves as two letters,
    column and row, where tt is a pass."""
    begin, found = Go(7, komi=0.5), list[Game]()
    with lzma.open(path, "rt", encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            result, skipped, letters = line.split()
            moves = [_move(letters[at : at + 2], begin.size) for at in range(0, len(letters), 2)]
            turns = [(FIRST, SECOND)[turn % 2] for turn in range(len(moves))]
            winner = FIRST if float(result) > 0 else SECOND
            played = list(zip(turns, moves, strict=True))
            found.append(Game(sgf.Record(begin, played, winner, number), int(skipped)))
    return Games(_divided(found), begin)


def _move(letters: str, size: int) -> int:
    column, row = (ord(letter) - ord("a") for letter in letters)
    return size**2 if letters == "tt" else row * size + column


def _listed(root: Path) -> list[Path]:
    """The file itself, or all SGF files of a folder and the folders in it, by name."""
    if root.is_file():
        return [root]
    found: list[Path] = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not _user_files.is_clutter(name))
        kept = (name for name in sorted(files) if not _user_files.is_clutter(name))
        found += [Path(folder, name) for name in kept if name.lower().endswith(".sgf")]
        if len(found) > MAX_FILES:
            raise ConfigError(f"dataset.path: {str(root)!r} has more than {MAX_FILES:,} SGF files")
    if not found:
        raise ConfigError(f"dataset.path: {str(root)!r} has no file that ends in .sgf")
    return found


def _read(root: Path, files: list[Path]) -> Games:
    records: list[sgf.Record] = []
    positions = 0
    for file in files:
        try:
            found = [_played(record) for record in sgf.read(_text(file))]
        except sgf.SgfError as error:
            raise ConfigError(f"dataset.path: {str(file)!r}, {error}") from None
        records += [record for record in found if record.moves]
        positions += sum(len(record.moves) for record in found)
        if positions > MAX_POSITIONS:
            break
    cautions = [f"of {len(files)} files those after {file.name} were left out: enough moves"]
    cautions *= positions > MAX_POSITIONS
    sizes = Counter(record.begin.size for record in records)
    size = sizes.most_common(1)[0][0] if sizes else 0
    games = [Game(record) for record in records if record.begin.size == size]
    if others := len(records) - len(games):
        cautions.append(f"{others} games on other boards than {size}x{size} were left out")
    if len(games) < len(SPLITS):
        raise ConfigError(
            f"dataset.path: {str(root)!r} has {len(games)} games on boards of one size; expected "
            f"{len(SPLITS)} or more, one for each split"
        )
    komi, _ = Counter(game.record.begin.komi for game in games).most_common(1)[0]
    notes = (f"{len(games)} games of Go on {size}x{size}, most with a komi of {komi:g}",)
    return Games(_divided(games), Go(size, komi=komi), notes, tuple(cautions))


def _played(record: sgf.Record) -> sgf.Record:
    """The record until the rules say that the game is over. Raises SgfError for an illegal move."""
    played = sum(1 for _ in record.positions())
    return replace(record, moves=record.moves[:played])


def _text(file: Path) -> str:
    """The text of a file; letters of names and comments in another encoding do not matter."""
    try:
        return _user_files.read_text(file, most=_MAX_BYTES)
    except ConfigError as error:
        if "is not UTF-8" not in str(error):
            raise
    return _user_files.beginning(file, most=_MAX_BYTES)


def _divided(games: list[Game]) -> dict[str, list[Game]]:
    """The games of each split, by chance: positions of one game are never in two."""
    mixed = list(games)
    random.Random(0).shuffle(mixed)
    held = max(1, len(mixed) // _HELD_OUT)
    return {"train": mixed[2 * held :], "val": mixed[:held], "test": mixed[held : 2 * held]}
