"""Handwritten digits of 8x8 pixels (Alpaydin and Kaynak 1998, doi 10.24432/C50P49)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Split, Splits
from presets import DATA
from presets.schema import Config as Base

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Config(Base, frozen=True):
    pass


def info(config: Config) -> DatasetInfo:
    return DatasetInfo(
        input_shape=(1, 8, 8), num_outputs=10, samples={"train": 1257, "val": 270, "test": 270}
    )


def build(config: Config) -> Splits:
    """Images whose pixels are scaled from 0..16 to 0..1, in splits of 70, 15 and 15 % in a fixed
    random order."""
    import numpy as np

    with np.load(DATA / "digits.npz", allow_pickle=False) as file:
        x = (file["x"][:, None] / np.float32(16)).astype(np.float32)
        y = file["y"].astype(np.int64)
    sizes = info(config).samples
    order = np.random.default_rng(0).permutation(len(x))
    train, val, test = np.split(order, [sizes["train"], sizes["train"] + sizes["val"]])
    return Splits(
        train=Split(x[train], y[train]), val=Split(x[val], y[val]), test=Split(x[test], y[test])
    )


def sample(config: Config) -> dataset_preview.Images:
    """The first images of the file, which are 0 to 9 again and again."""
    import numpy as np

    with np.load(DATA / "digits.npz", allow_pickle=False) as file:
        x, y = file["x"][: dataset_preview.MOST_IMAGES], file["y"][: dataset_preview.MOST_IMAGES]
    return dataset_preview.Images(np.minimum(x * 16.0, 255).astype(np.uint8), tuple(map(str, y)))


def picture(config: Config, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a model is given for a picture, uint8 (1, 8, 8), white on black."""
    import numpy as np

    scaled: NDArray[np.float32] = pixels.astype(np.float32) / np.float32(255)
    return scaled
