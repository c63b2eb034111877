"""An extract of Fashion-MNIST: clothes of 28x28 pixels (Xiao et al. 2017, arXiv:1708.07747)."""

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
        input_shape=(1, 28, 28), num_outputs=10, samples={"train": 9000, "val": 1000, "test": 2000}
    )


def build(config: Config) -> Splits:
    """Images whose pixels are normalised with mean and standard deviation of the training split;
    the last 1,000 training samples, in a fixed random order, are the validation split."""
    import numpy as np

    with np.load(DATA / "fashion_mnist_10k_2k.npz", allow_pickle=False) as file:
        x, y, test_x, test_y = (file[key] for key in ("train_x", "train_y", "test_x", "test_y"))
    order = np.random.default_rng(0).permutation(len(x))
    train, val = np.split(order, [info(config).samples["train"]])
    mean, deviation = x[train].mean(), x[train].std()

    def split(pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
        scaled = (pixels[:, None].astype(np.float32) - np.float32(mean)) / np.float32(deviation)
        return Split(scaled, labels.astype(np.int64))

    return Splits(
        train=split(x[train], y[train]), val=split(x[val], y[val]), test=split(test_x, test_y)
    )


def sample(config: Config) -> dataset_preview.Images:
    """The first image of each class, then the second of each."""
    import numpy as np

    with np.load(DATA / "fashion_mnist_10k_2k.npz", allow_pickle=False) as file:
        x, y = file["test_x"], file["test_y"].astype(int)
    places = [np.flatnonzero(y == label)[turn] for turn in range(3) for label in range(10)]
    chosen = places[: dataset_preview.MOST_IMAGES]
    return dataset_preview.Images(x[chosen], tuple(map(str, y[chosen])))


def picture(config: Config, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a model is given for a picture, uint8 (1, 28, 28), bright on black."""
    import numpy as np

    train, _ = _parts()
    scaled: NDArray[np.float32] = (pixels.astype(np.float32) - train.mean()) / train.std()
    return scaled.astype(np.float32)


def _parts() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pixels of the training and the validation split."""
    import numpy as np

    with np.load(DATA / "fashion_mnist_10k_2k.npz", allow_pickle=False) as file:
        x = file["train_x"]
    order = np.random.default_rng(0).permutation(len(x))
    first = info(Config()).samples["train"]
    return x[order[:first]], x[order[first:]]
