"""Which files are for which split."""

from __future__ import annotations

import os
import re
from pathlib import Path

from engine.datasets import _user_files
from presets import ConfigError

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
SPLITS = ("train", "val", "test")
_NAMES = {
    "train": ("train", "training"),
    "val": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
_SPLIT = re.compile(
    r"(?:^|[^a-z])(" + "|".join(name for names in _NAMES.values() for name in names) + r")(?![a-z])"
)


def files(path: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The files of each split that has some, with what is said of them; a file without a split in
    its name is for training, from which the splits that have none are taken. Raises ConfigError.

    A folder has `train.csv`, `dev.csv` and the like, or folders `train/` and `test/` of files, also
    in a folder `data`.
    """
    if not path.is_dir():
        beside = sorted(other.name for other in _data_files(path.parent) if split_of(other.name))
        more = len(beside) > 1 and bool(split_of(path.name))
        said = f"{path.name} alone is used; its folder has {', '.join(beside[:4])}"
        return {"train": [path]}, [said] if more else []
    try:
        found = _by_split(path)
        if not found and (path / "data").is_dir():
            found = _by_split(path / "data")
    except OSError as error:
        raise _user_files.unreadable(path, error) from None
    if "train" not in found:
        endings = ", ".join(ENDINGS)
        raise ConfigError(
            f"dataset.path: {str(path)!r} has no file of training rows, such as train.csv "
            f"({endings})"
        )
    kinds = {file.suffix.lower() for several in found.values() for file in several}
    if len(kinds) > 1:
        raise ConfigError(
            f"dataset.path: {str(path)!r} has files of several kinds ({', '.join(sorted(kinds))}); "
            "expected one"
        )
    notes = [f"{split} is read from {_some(found[split])}" for split in SPLITS if split in found]
    return found, notes


def split_of(name: str) -> str:
    """The split that a file's or folder's name says, "" if none."""
    match = _SPLIT.search(Path(name.lower()).name)
    if match is None:
        return ""
    return next(split for split, names in _NAMES.items() if match[1] in names)


def _by_split(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    plain = _data_files(folder)
    for file in plain:
        if split := split_of(file.name):
            found.setdefault(split, []).append(file)
    for inner in sorted(os.scandir(folder), key=lambda entry: entry.name):
        split = split_of(inner.name)
        usable = split and inner.is_dir() and not _user_files.is_clutter(inner.name)
        if usable and (inside := _data_files(Path(inner.path))):
            found.setdefault(split, []).extend(inside)
    return found or ({"train": plain} if plain else {})


def _data_files(folder: Path) -> list[Path]:
    return sorted(
        Path(entry.path)
        for entry in os.scandir(folder)
        if entry.name.lower().endswith(ENDINGS)
        and not _user_files.is_clutter(entry.name)
        and entry.is_file()
    )


def _some(files: list[Path]) -> str:
    names = ", ".join(file.name for file in files[:3])
    return names + (f" and {len(files) - 3} more" if len(files) > 3 else "")
