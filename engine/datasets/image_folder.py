"""A folder of images, one folder inside for each class."""

from __future__ import annotations

import functools
import struct
from contextlib import suppress
from importlib import util
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Split, Splits
from engine.datasets import _image_tree, _user_files
from presets import ConfigError, UserError
from presets.schema import Config as Base

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MAX_16_BITS = 2**16 - 1


class Config(Base, frozen=True):
    path: str = ""
    """ROOT of ROOT/CLASS/image.png, or of ROOT/train/CLASS/image.png, with ROOT/val (or valid,
    validation, dev) and ROOT/test. Folders below a class are part of it."""
    size: Annotated[int, Meta(ge=4, le=512)] = 32
    """Height and width to which the images are scaled, in pixels."""
    colour: Literal["grey", "rgb"] = "rgb"


def info(config: Config) -> DatasetInfo:
    if util.find_spec("PIL") is None:
        raise ConfigError("dataset: image-folder needs Pillow; pip install 'bigmodel-tui[images]'")
    found = _image_tree.listed(config.path)
    return DatasetInfo(
        input_shape=(3 if config.colour == "rgb" else 1, config.size, config.size),
        num_outputs=len(found.classes),
        samples={split: len(found.images[split]) for split in _image_tree.SPLITS},
        names=tuple(found.classes),
        notes=found.notes,
        cautions=found.cautions,
    )


def build(config: Config) -> Splits:
    """Each channel normalised with its mean and deviation over the training images. ROOT/val and
    ROOT/test are used where they are; a split that has no folder gets a tenth of the images, by a
    hash of their names."""
    import numpy as np

    info(config)  # for its errors
    root = _user_files.located(config.path, "a folder of images")
    images = _image_tree.listed(config.path).images
    pixels = {split: _load(root, images[split], config) for split in _image_tree.SPLITS}
    train = pixels["train"]
    mean = train.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    deviation = train.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    deviation[deviation == 0] = 1

    def split(name: str) -> Split:
        labels = np.array([label for _, label in images[name]], dtype=np.int64)
        return Split((pixels[name].astype(np.float32) - mean) / deviation, labels)

    return Splits(train=split("train"), val=split("val"), test=split("test"))


def picture(config: Config, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a model is given for a picture, uint8 (channels, size, size)."""
    import numpy as np

    mean, deviation = _statistics(config)
    return ((pixels.astype(np.float32) - mean) / deviation).astype(np.float32)


@functools.lru_cache(maxsize=1)
def _statistics(config: Config) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation of each channel over the training images, (channels, 1, 1)."""
    import numpy as np

    root = _user_files.located(config.path, "a folder of images")
    train = _load(root, _image_tree.listed(config.path).images["train"], config)
    mean = train.mean(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)
    deviation = train.std(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)
    deviation[deviation == 0] = 1
    return mean[:, None, None], deviation[:, None, None]


def _load(root: Path, images: list[tuple[str, int]], config: Config) -> NDArray[np.uint8]:
    """(images, channels, size, size), values 0 to 255."""
    import numpy as np

    mode, channels = ("RGB", 3) if config.colour == "rgb" else ("L", 1)
    loaded = np.empty((len(images), channels, config.size, config.size), np.uint8)
    for place, (name, _) in enumerate(images):
        pixels = pixels_of(root / name, mode, config.size, config.size)
        loaded[place] = pixels.reshape(config.size, config.size, channels).transpose(2, 0, 1)
    return loaded


def pixels_of(path: Path, mode: str, height: int, width: int) -> NDArray[np.uint8]:
    """An image file in this size, (height, width) grey (L) or (height, width, 3) in colour (RGB),
    as a viewer shows it. Raises UserError, in one line."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as image:
            shown = _as_shown(image)
            small = shown.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
    # What Pillow raises for a file that is no image, is cut off, or is a bomb.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"dataset.path: {str(path)!r} cannot be read as an image ({reason})"
        ) from None
    return np.asarray(small)


def _as_shown(image: Image) -> Image:
    """What a viewer shows of an image: turned as its EXIF data says, 16 bits as 8, and over white
    where it is transparent. ValueError for pixels whose black and white nobody knows."""
    import numpy as np
    from PIL import Image, ImageOps

    with suppress(SyntaxError, ValueError, KeyError, TypeError, struct.error):  # damaged EXIF data
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "F":
        raise ValueError("its pixels are real numbers; expected 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > MAX_16_BITS:
            raise ValueError("its pixels have 32 bits; expected 8 or 16")
        return Image.fromarray(np.rint(values / (MAX_16_BITS / 255)).astype(np.uint8))
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, "white")
        return Image.alpha_composite(white, layers).convert("RGB")
    return image


def sample(config: Config) -> dataset_preview.Images:
    """Training images of each class in turn."""
    info(config)  # for its errors
    found = _image_tree.listed(config.path)
    by_class: dict[int, list[str]] = {}
    for name, label in found.images["train"]:
        by_class.setdefault(label, []).append(name)
    rounds = zip_longest(*by_class.values())
    turns = ((name, label) for names in rounds for name, label in zip(names, by_class, strict=True))
    chosen = list(
        islice((turn for turn in turns if turn[0] is not None), dataset_preview.MOST_IMAGES)
    )
    root = _user_files.located(config.path, "a folder of images")
    pixels = _load(root, chosen, config).transpose(0, 2, 3, 1)
    grey = pixels.shape[3] == 1
    labels = tuple(found.classes[label] for _, label in chosen)
    return dataset_preview.Images(pixels[:, :, :, 0] if grey else pixels, labels)
