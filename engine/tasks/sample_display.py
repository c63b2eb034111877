"""Samples for people: the choice of them, and an input as grey values or in words."""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

from engine.config.registry import Codec
from engine.runs.events import AnyEvent, Prediction, Predictions
from engine.tasks.task import Split

MAX_PIXELS = 28
"""Maximum width and height of a picture; larger images are scaled down."""
MAX_TEXT = 2000
"""Maximum number of characters of an input that is shown."""
_WORDS = 8  # numbers of an input that is no image
_IMAGE_DIMENSIONS = 3


def choose(correct: Tensor, count: int) -> Tensor:
    """Indices of `count` samples, in order: the first wrong and the first right ones, half of
    each if there are enough.

    correct: bool (n,); the result is int64 (min(count, n),).
    """
    wrong, right = (~correct).nonzero()[:, 0], correct.nonzero()[:, 0]
    # Where one kind is too few, the other one fills the places.
    wrong = wrong[: max(count // 2, count - len(right))]
    right = right[: count - len(wrong)]
    return torch.cat([wrong, right]).sort().values


def predictions(samples: list[Prediction], step: int, split: Split) -> list[AnyEvent]:
    """The event of these samples, in a list that is empty if there are none."""
    return [Predictions(split=split, step=step, samples=samples)] if samples else []


def sample(x: Tensor, codec: Codec | None = None) -> dict[str, Any]:
    """The fields of a `Prediction` that show its input x, in host memory: `pixels` of an image
    (channels, height, width), else `text`: of symbols what they stand for, of others numbers."""
    if x.dim() == _IMAGE_DIMENSIONS:
        return {"pixels": _pixels(x)}
    if codec is not None and not x.is_floating_point():
        text = codec.decode(x.tolist())
        return {"text": text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"}
    return {"text": _words(x)}


def finite(value: float) -> float | None:
    """The value, or None for NaN and infinities, for which JSON has no number."""
    return round(value, 6) if math.isfinite(value) else None


def _pixels(image: Tensor) -> list[list[int]]:
    """Rows of grey values from the top, 0 for the darkest pixel and 255 for the brightest."""
    grey = image.float().mean(dim=0)
    factor = -(-max(grey.shape) // MAX_PIXELS)
    if factor > 1:
        grey = F.avg_pool2d(grey[None], factor, ceil_mode=True)[0]
    low, high = grey.min(), grey.max()
    scaled = (grey - low) / (high - low).clamp(min=1e-12) * 255
    rows: list[list[int]] = scaled.nan_to_num().round().clamp(0, 255).int().tolist()
    return rows


def _words(x: Tensor) -> str:
    values = x.flatten()
    words = ", ".join(f"{value:.3g}" for value in values[:_WORDS].tolist())
    return f"{words}, ... ({len(values)} numbers)" if len(values) > _WORDS else words
