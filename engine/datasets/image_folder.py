"""A folder of images that has a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable
from importlib import util
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zlib import crc32

from msgspec import Meta

from engine.config import samples
from engine.config.registry import DatasetInfo, Split, Splits
from engine.datasets import _files
from presets import ConfigError, UserError
from presets.schema import Config as Base

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
MAX_CLASSES = 1000
MAX_IMAGES = 1_000_000

_SPLITS = ("train", "val", "test")
_PARTS = 10  # of so many, one is for validation and one for the test
Images = dict[str, list[tuple[str, int]]]
"""By split: the paths of images, relative to the folder, with the number of their class."""


class Config(Base, frozen=True):
    path: str = ""
    """The folder ROOT of files ROOT/CLASS/image.png, or ROOT/train/CLASS/image.png."""
    size: Annotated[int, Meta(ge=4, le=512)] = 32
    """Height and width to which the images are scaled, in pixels."""
    colour: Literal["grey", "rgb"] = "rgb"


def info(config: Config) -> DatasetInfo:
    if util.find_spec("PIL") is None:
        raise ConfigError("dataset: image-folder needs Pillow; pip install 'bigmodel-tui[images]'")
    classes, images = _listed(config)
    return DatasetInfo(
        input_shape=(3 if config.colour == "rgb" else 1, config.size, config.size),
        num_outputs=len(classes),
        samples={split: len(images[split]) for split in _SPLITS},
        names=tuple(classes),
    )


def build(config: Config) -> Splits:
    """Images whose channels are normalised with mean and standard deviation over the training
    images. ROOT/val and ROOT/test are used if they exist; a split without a folder gets a tenth of
    the training images, by a hash of their names."""
    import numpy as np

    info(config)  # for its errors
    root = _files.located(config.path, "a folder of images")
    _, images = _listed(config)
    pixels = {split: _load(root, images[split], config) for split in _SPLITS}
    train = pixels["train"]
    mean = train.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    deviation = train.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    deviation[deviation == 0] = 1

    def split(name: str) -> Split:
        labels = np.array([label for _, label in images[name]], dtype=np.int64)
        return Split((pixels[name].astype(np.float32) - mean) / deviation, labels)

    return Splits(train=split("train"), val=split("val"), test=split("test"))


def _load(root: Path, images: list[tuple[str, int]], config: Config) -> NDArray[np.uint8]:
    """The pixels, uint8 (images, channels, size, size)."""
    import numpy as np

    mode, channels = ("RGB", 3) if config.colour == "rgb" else ("L", 1)
    loaded = np.empty((len(images), channels, config.size, config.size), np.uint8)
    for place, (name, _) in enumerate(images):
        pixels = _pixels(root / name, mode, config.size)
        loaded[place] = pixels.reshape(config.size, config.size, channels).transpose(2, 0, 1)
    return loaded


def _pixels(path: Path, mode: str, size: int) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as image:
            small = image.convert(mode).resize((size, size), Image.Resampling.BILINEAR)
    # What Pillow raises for a file that is no image, is cut off, or is a bomb.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"dataset.path: {str(path)!r} cannot be read as an image ({reason})"
        ) from None
    return np.asarray(small)


def _listed(config: Config) -> tuple[list[str], Images]:
    """The classes, and the images of each split."""
    root = _files.located(config.path, "a folder of images")
    try:
        own = [split for split in _SPLITS if (root / split).is_dir()]
        tops = own if "train" in own else ["."]
        folders = {top: _folders(root / top) for top in tops}
        # A folder's time changes when a file is added to it or taken away.
        facts = [(top, name, *_facts(root / top / name)) for top in tops for name in folders[top]]
        key: Hashable = (__name__, root.absolute(), *facts)
        return _files.remembered_by(key, lambda: _list(root, folders))
    except OSError as error:
        raise _files.unreadable(root, error) from None


def _facts(folder: Path) -> tuple[int, int]:
    facts = folder.stat()
    return facts.st_ino, facts.st_mtime_ns


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def _list(root: Path, folders: dict[str, list[str]]) -> tuple[list[str], Images]:
    classes = next(iter(folders.values()))  # those of the training images
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ConfigError(
            f"dataset.path: {str(root)!r} has {len(classes)} folders of classes; expected 2 to "
            f"{MAX_CLASSES}"
        )
    images: Images = {split: [] for split in _SPLITS}
    for top, names in folders.items():
        for name in names:
            if name not in classes:
                raise ConfigError(
                    f"dataset.path: {str(root / top / name)!r} is a class without training images"
                )
            for file in _images(root / top / name):
                split = _split_of(f"{name}/{file}", top, folders)
                images[split].append((f"{top}/{name}/{file}", classes.index(name)))
    _check(root, images)
    return classes, images


def _images(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.name.lower().endswith(ENDINGS) and e.is_file())


def _split_of(name: str, top: str, tops: Iterable[str]) -> str:
    """The split of an image: that of its folder; the hash of a training image may put it into a
    split that has no folder."""
    if top in ("val", "test"):
        return top
    place = crc32(os.fsencode(name)) % _PARTS
    hashed = "val" if place == 0 else "test" if place == 1 else "train"
    return "train" if hashed in tops else hashed


def _check(root: Path, images: Images) -> None:
    total = sum(len(found) for found in images.values())
    if total > MAX_IMAGES:
        raise ConfigError(
            f"dataset.path: {str(root)!r} has {total} images; expected at most {MAX_IMAGES}"
        )
    for split, found in images.items():
        if len(found) < 2:
            endings = ", ".join(ENDINGS)
            raise ConfigError(
                f"dataset.path: {str(root)!r} has {total} images ({endings}), of which {split} "
                f"gets {len(found)}; expected at least 2 (more images, or images of your choice in "
                f"{split}/CLASS beside train/CLASS)"
            )


def sample(config: Config) -> samples.Images:
    """Training images of each class in turn."""
    info(config)  # for its errors
    classes, images = _listed(config)
    by_class: dict[int, list[str]] = {}
    for name, label in images["train"]:
        by_class.setdefault(label, []).append(name)
    rounds = zip_longest(*by_class.values())
    turns = ((name, label) for names in rounds for name, label in zip(names, by_class, strict=True))
    chosen = list(islice((turn for turn in turns if turn[0] is not None), samples.MOST_IMAGES))
    root = _files.located(config.path, "a folder of images")
    pixels = _load(root, chosen, config).transpose(0, 2, 3, 1)
    grey = pixels.shape[3] == 1
    labels = tuple(classes[label] for _, label in chosen)
    return samples.Images(pixels[:, :, :, 0] if grey else pixels, labels)
