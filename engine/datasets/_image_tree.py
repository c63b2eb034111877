"""Folders of images as people keep them: which folder is for which split and class, without
opening an image."""

import os
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from engine.datasets import _user_files
from presets import ConfigError

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm"),
)
MAX_CLASSES = 1000
MAX_IMAGES = 2_000_000  # ImageNet has 1.3 million
SPLITS = ("train", "val", "test")

_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""Names of a split's folder, in any case."""
_SPLIT_OF_NAME = {name: split for split, names in _NAMES.items() for name in names}
_PICKLES = frozenset({"data_batch_1", "test_batch", "batches.meta"})
"""Files of CIFAR-10 in its version for Python."""
_PARTS = 10  # of so many, one is for validation and one for the test
_REMEMBERED = 4  # folders; the launch screen asks for the same one at every key


class Listing(Struct, frozen=True):
    """The images of a folder."""

    classes: list[str]
    images: dict[str, list[tuple[str, int]]]
    """By split: paths, relative to the folder, with the number of their class."""
    notes: tuple[str, ...]
    """What was made of the folders, a line each."""
    cautions: tuple[str, ...]
    """What was left out, or may be meant otherwise, a line each."""


class _Found(Struct):
    """What a walk through the folders has met."""

    folders: dict[Path, tuple[int, int]]
    """Those that were listed, with the facts that change when an entry comes or goes."""
    others: list[str]
    """Files that are no images by their names."""
    nested: list[str]
    """Folders below a class that have images."""


_known: dict[Path, tuple[dict[Path, tuple[int, int]], Listing | ConfigError]] = {}


def listed(path: str) -> Listing:
    """The classes, and the images of each split; ConfigError, in one line, if they cannot be used.

    Listed again only after a folder has changed.
    """
    root = _user_files.located(path, "a folder of images").absolute()
    if root not in _known or not _unchanged(_known[root][0]):
        while len(_known) >= _REMEMBERED:
            del _known[next(iter(_known))]
        found = _Found({}, [], [])
        try:
            listing: Listing | ConfigError = _list(root, found)
        except ConfigError as error:
            listing = error
        except OSError as error:
            raise _user_files.unreadable(root, error) from None
        _known[root] = (found.folders, listing)
    listing = _known[root][1]
    if isinstance(listing, ConfigError):
        raise ConfigError(str(listing))
    return listing


def _unchanged(folders: dict[Path, tuple[int, int]]) -> bool:
    try:
        return all(_facts(folder) == facts for folder, facts in folders.items())
    except OSError:
        return False


def _facts(folder: Path) -> tuple[int, int]:
    facts = folder.stat()
    return facts.st_ino, facts.st_mtime_ns


def _list(root: Path, found: _Found) -> Listing:
    names, loose = _entries(root, found)
    _refuse_pickles(root, found.others)
    tops, notes, cautions = _tops(root, names)
    folders = {}
    for split, top in tops.items():
        folders[split], more = _entries(root / top, found) if top != "." else (names, [])
        loose += [f"{top}/{name}" for name in more]
    classes = folders["train"]
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ConfigError(
            f"dataset.path: {str(root)!r} has {len(classes)} folders of classes; expected 2 to "
            f"{MAX_CLASSES}"
        )
    images: dict[str, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    for split, top in tops.items():
        for name in folders[split]:
            if name not in classes:
                raise ConfigError(
                    f"dataset.path: {str(root / top / name)!r} is a class without training images"
                )
            for file in sorted(_walk(root / top / name, "", found, set())):
                own = _split_of(f"{name}/{file}", split, tops)
                images[own].append((f"{top}/{name}/{file}", classes.index(name)))
                if sum(map(len, images.values())) > MAX_IMAGES:
                    raise ConfigError(
                        f"dataset.path: {str(root)!r} has more than {MAX_IMAGES} images, the most "
                        "allowed"
                    )
    _check(root, images)
    return Listing(
        classes,
        images,
        (*notes, *_said_of(found)),
        (*cautions, *_doubts(loose, found, classes, images)),
    )


def _refuse_pickles(root: Path, files: list[str]) -> None:
    """CIFAR's own files hold code that loading them would run."""
    if _PICKLES.intersection(files):
        raise ConfigError(
            f"dataset.path: {str(root)!r} has pickles of CIFAR, which are not opened, for they may "
            "run code; expected PNG files in train/CLASS and test/CLASS: with Pillow, "
            "Image.fromarray(row.reshape(3, 32, 32).transpose(1, 2, 0)).save(FILE) of each row of "
            "`data`"
        )


def _tops(root: Path, names: list[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """The folder of each split that has one, with notes and cautions; without one for training,
    the folder itself has the classes."""
    own: dict[str, list[str]] = {}
    for name in names:
        split = _SPLIT_OF_NAME.get(name.lower())
        # A class may be called `train` as well: it has images and no folders.
        if split and _entries(root / name, _Found({}, [], []))[0]:
            own.setdefault(split, []).append(name)
    if "train" not in own:
        return {"train": "."}, ["val and test are a tenth of the images each"], []
    for split, several in own.items():
        if len(several) > 1:
            raise ConfigError(
                f"dataset.path: {str(root)!r} has {' and '.join(several)}; expected one folder "
                f"for {split}"
            )
    tops = {split: own[split][0] for split in SPLITS if split in own}
    notes = [
        f"{split} is read from {tops[split]}/" if split in tops else f"{split} is a tenth of train/"
        for split in SPLITS[1:]
    ]
    unused = [name for name in names if name not in tops.values()]
    cautions = [f"not used: {_some([f'{name}/' for name in unused])}"] if unused else []
    return tops, notes, cautions


def _entries(folder: Path, found: _Found) -> tuple[list[str], list[str]]:
    """The folders and the images in a folder, sorted; clutter is no part of it."""
    found.folders[folder] = _facts(folder)
    folders, images = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _user_files.is_clutter(entry.name):
                continue
            if entry.is_dir():
                folders.append(entry.name)
            elif entry.name.lower().endswith(ENDINGS) and entry.is_file():
                images.append(entry.name)
            else:
                found.others.append(entry.name)
    return sorted(folders), sorted(images)


def _walk(folder: Path, below: str, found: _Found, seen: set[tuple[int, int]]) -> Iterator[str]:
    """The images in a folder and those inside it, relative to it. Links are followed, but no folder
    is entered twice."""
    facts = folder.stat()
    if (facts.st_dev, facts.st_ino) in seen:
        return
    seen.add((facts.st_dev, facts.st_ino))
    folders, images = _entries(folder, found)
    if below and images:
        found.nested.append(f"{folder.parent.name}/{folder.name}")
    yield from (below + name for name in images)
    for name in folders:
        yield from _walk(folder / name, f"{below}{name}/", found, seen)


def _split_of(name: str, split: str, tops: dict[str, str]) -> str:
    """The split of an image: that of its folder; of a training image, a hash decides whether it
    is for a split that has no folder."""
    if split != "train":
        return split
    place = crc32(os.fsencode(name)) % _PARTS
    hashed = "val" if place == 0 else "test" if place == 1 else "train"
    return "train" if hashed in tops else hashed


def _check(root: Path, images: dict[str, list[tuple[str, int]]]) -> None:
    total = sum(len(found) for found in images.values())
    for split, found in images.items():
        if len(found) < 2:
            endings = ", ".join(ENDINGS)
            raise ConfigError(
                f"dataset.path: {str(root)!r} has {total} images ({endings}), of which {split} "
                f"gets {len(found)}; expected at least 2 (more images, or images of your choice in "
                f"{split}/CLASS beside train/CLASS)"
            )


def _said_of(found: _Found) -> list[str]:
    notes = []
    if found.nested:
        notes.append(f"folders below a class count for the class: {_some(found.nested)}")
    if found.others:
        notes.append(f"no images by their names, passed over: {_some(found.others)}")
    return notes


def _doubts(
    loose: list[str],
    found: _Found,
    classes: list[str],
    images: dict[str, list[tuple[str, int]]],
) -> list[str]:
    doubts = []
    if loose:
        doubts.append(f"images in no class's folder, passed over: {_some(loose)}")
    mixed = [name for name in found.nested if name.rpartition("/")[2].lower() in _SPLIT_OF_NAME]
    if mixed:
        doubts.append(
            f"{_some(mixed)} would be a split as SPLIT/CLASS; below a class it is part of the class"
        )
    trained = {label for _, label in images["train"]}
    if empty := [name for number, name in enumerate(classes) if number not in trained]:
        doubts.append(f"classes without training images: {_some(empty)}")
    return doubts


def _some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
