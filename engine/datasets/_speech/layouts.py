"""Folders of speech as people publish them: which recordings there are, and what is said."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from engine.datasets import _user_files
from engine.datasets._audio import reading
from engine.datasets._speech import tables
from presets import ConfigError

SPLITS = ("train", "val", "test")
_PARTS = 10  # of so many, one is for validation and one for the test
_SPLIT_OF = {"train": "train", "dev": "val", "val": "val", "valid": "val", "validation": "val"}
_SPLIT_OF |= {"training": "train", "test": "test", "testing": "test"}
_LISTS = {"validation_list.txt": "val", "testing_list.txt": "test"}
_TABLES = ("metadata.csv", "metadata.tsv", "transcripts.tsv", "transcripts.csv")
_FILE_NAMES = ("file", "file_name", "filename", "path", "audio")
_TEXT_NAMES = ("text", "sentence", "transcription", "transcript")
_NOISE = "_background_noise_"


class Utterance(Struct, frozen=True):
    """A recording and what is said in it."""

    path: str
    """Relative to the folder."""
    text: str


Listing = dict[str, list[Utterance]]
"""The utterances of each split."""


def listed(root: Path) -> tuple[str, Listing]:
    """What a folder is in a word or two, and its utterances. A split that it does not have gets a
    tenth of the training recordings, by a hash of their names. ConfigError, in one line, if it is
    none of the known kinds or a line of a list is wrong; recordings are not opened."""
    for kind, recognised, read in _KINDS:
        if recognised(root):
            return kind, _with_all_splits(read(root))
    raise ConfigError(
        f"dataset.path: {str(root)!r} has no speech that is known; expected train.tsv and clips "
        "(Common Voice), *.trans.txt below (LibriSpeech), metadata.csv or transcripts.tsv with the "
        "columns file and text, or a folder of recordings for each word (Speech Commands)"
    )


def _with_all_splits(found: Listing) -> Listing:
    train = found["train"]
    for place, split in enumerate(("val", "test")):
        if not found[split]:
            found[split] = [one for one in train if crc32(one.path.encode()) % _PARTS == place]
            chosen = {one.path for one in found[split]}
            train = [one for one in train if one.path not in chosen]
    return {**found, "train": train}


def _empty() -> Listing:
    return {split: [] for split in SPLITS}


def _is_common_voice(root: Path) -> bool:
    return (root / "train.tsv").is_file() and (root / "clips").is_dir()


def _common_voice(root: Path) -> Listing:
    found = _empty()
    for split, name in zip(SPLITS, ("train.tsv", "dev.tsv", "test.tsv"), strict=True):
        if (root / name).is_file():
            rows = tables.rows(root / name, {"file": ("path",), "text": ("sentence",)})
            for line, row in rows:
                path = _inside(root, root / name, line, f"clips/{row['file']}")
                found[split].append(Utterance(path, row["text"]))
    return found


def _table(root: Path) -> Path | None:
    return next((root / name for name in _TABLES if (root / name).is_file()), None)


def _with_table(root: Path) -> Listing:
    table = _table(root)
    assert table is not None
    found = _empty()
    columns = {"file": _FILE_NAMES, "text": _TEXT_NAMES}
    for line, row in tables.rows(table, columns, {"split": ("split",)}):
        split = _SPLIT_OF.get(row.get("split", "train").lower())
        if split is None:
            raise ConfigError(
                f"dataset.path: {str(table)!r} line {line}: expected train, val or test in the "
                f"column split, got {row['split']!r}"
            )
        found[split].append(Utterance(_inside(root, table, line, row["file"]), row["text"]))
    return found


def _transcripts(root: Path) -> list[Path]:
    return sorted(path for path in _walk(root) if path.name.endswith(".trans.txt"))


def _is_libri_speech(root: Path) -> bool:
    return any(path.name.endswith(".trans.txt") for path in _walk(root))


def _libri_speech(root: Path) -> Listing:
    """Each line of a *.trans.txt is the name of a recording beside it and what is said in it."""
    found = _empty()
    for path in _transcripts(root):
        folder = path.parent.relative_to(root)
        top = folder.parts[0] if folder.parts else ""
        split = _SPLIT_OF.get(top.lower().partition("-")[0], "train")
        there = {name.rpartition(".")[0]: name for name in _recordings(path.parent)}
        text = _user_files.read_text(path, most=_user_files.MEBIBYTE)
        for line, said in enumerate(text.splitlines(), start=1):
            name, _, words = said.strip().partition(" ")
            if not name:
                continue
            if name not in there:
                raise ConfigError(
                    f"dataset.path: {str(path)!r} line {line}: expected a recording beside it and "
                    f"what is said, and there is no {name}.flac or another of that name"
                )
            found[split].append(Utterance((folder / there[name]).as_posix(), words))
    return found


def _words(root: Path) -> list[Path]:
    """The folders that have recordings."""
    folders = (path for path in sorted(root.iterdir()) if path.is_dir())
    kept = (
        path for path in folders if not _user_files.is_clutter(path.name) and path.name != _NOISE
    )
    return [path for path in kept if next(_recordings(path), None)]


def _is_speech_commands(root: Path) -> bool:
    return len(_words(root)) > 1


def _speech_commands(root: Path) -> Listing:
    found = _empty()
    split_of: dict[str, str] = {}
    for name, split in _LISTS.items():
        if (root / name).is_file():
            text = _user_files.read_text(root / name, most=64 * _user_files.MEBIBYTE)
            for line, entry in enumerate(text.splitlines(), start=1):
                if entry.strip():
                    split_of[_inside(root, root / name, line, entry.strip())] = split
    for folder in _words(root):
        for name in sorted(_recordings(folder)):
            path = f"{folder.name}/{name}"
            found[split_of.get(path, "train")].append(Utterance(path, folder.name))
    return found


def _recordings(folder: Path) -> Iterator[str]:
    return (
        path.name
        for path in folder.iterdir()
        if reading.is_audio(path.name) and not _user_files.is_clutter(path.name)
    )


def _walk(root: Path) -> Iterator[Path]:
    """All files below a folder; links to folders are not followed."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not _user_files.is_clutter(name))
        yield from (Path(folder, name) for name in files if not _user_files.is_clutter(name))


def _inside(root: Path, table: Path, line: int, name: str) -> str:
    """The path of a recording that a line of a table names, if it is there, in the folder."""
    path = root / name
    if ".." in Path(name).parts or Path(name).is_absolute() or not path.is_file():
        raise ConfigError(
            f"dataset.path: {str(table)!r} line {line}: expected a recording in the folder, got "
            f"{name!r}"
        )
    return Path(name).as_posix()


_KINDS: tuple[tuple[str, Callable[[Path], bool], Callable[[Path], Listing]], ...] = (
    ("Common Voice", _is_common_voice, _common_voice),
    ("a table of recordings", lambda root: _table(root) is not None, _with_table),
    ("LibriSpeech", _is_libri_speech, _libri_speech),
    ("words in folders", _is_speech_commands, _speech_commands),
)
