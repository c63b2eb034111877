"""Points of three interleaved spirals in the plane, generated; optionally new ones every epoch."""

from typing import Annotated

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Split, Splits
from presets.schema import Config as Base
from presets.schema import NonNegative, Positive

_CLASSES = 3
_TRAIN, _VAL, _TEST = range(3)  # random streams that never share a number


class Config(Base, frozen=True):
    samples: Annotated[int, Meta(ge=30, le=10_000_000)] = 1500
    """Number of training samples; validation and test have a fifth as many each."""
    noise: NonNegative = 0.1
    """Standard deviation of the angle, in radians; neighbouring arms are 2.1 radians apart."""
    turns: Positive = 1.0
    """Revolutions of each arm, from its inner to its outer end."""
    fresh: bool = False
    """Draw new training points every epoch, so that no point is seen twice."""
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    """Seed of the points; it is not the seed of the run."""


def info(config: Config) -> DatasetInfo:
    held_out = max(30, config.samples // 5)
    return DatasetInfo(
        input_shape=(2,),
        num_outputs=_CLASSES,
        samples={"train": config.samples, "val": held_out, "test": held_out},
        fixed=not config.fresh,
    )


def build(config: Config) -> Splits:
    """Points within a distance of 2 from the centre, about equally many of each class."""
    sizes = info(config).samples

    def draw_train(seed: int, epoch: int) -> Split:
        return _draw(config, sizes["train"], (_TRAIN, seed, epoch))

    return Splits(
        train=draw_train(0, 0),
        val=_draw(config, sizes["val"], (_VAL,)),
        test=_draw(config, sizes["test"], (_TEST,)),
        draw_train=draw_train if config.fresh else None,
    )


def _draw(config: Config, samples: int, stream: tuple[int, ...]) -> Split:
    """Points at radius 0.2 + 1.8 t and angle 2 pi (turns t + class / 3) + noise, t in [0, 1)."""
    import numpy as np

    random = np.random.default_rng((config.seed, *stream))
    labels = np.arange(samples) % _CLASSES
    along = random.random(samples)
    angle = 2 * np.pi * (config.turns * along + labels / _CLASSES)
    angle += config.noise * random.standard_normal(samples)
    radius = 0.2 + 1.8 * along
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return Split(points.astype(np.float32), labels.astype(np.int64))


def sample(config: Config) -> dataset_preview.Points:
    """Some training points."""
    drawn = _draw(config, min(config.samples, dataset_preview.MOST_POINTS), (_TRAIN, 0, 0))
    return dataset_preview.Points(drawn.x, drawn.y)
