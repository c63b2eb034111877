"""Summarisation: a long text becomes a short one, such as a heading."""

import numpy as np
from torch import Tensor

from engine.config.padding_constants import PAD
from engine.config.registry import Codec, DatasetInfo, Samples, Split
from engine.tasks.measures.nearest_texts import spread
from engine.tasks.texts.sequence_to_sequence import Written
from presets.schema import RunConfig

_LOOKED_AT = 1000  # targets, for their mean length
_LEAST, _MOST = 24, 160  # tokens of a summary


class Summarisation(Written):
    """The task of writing a shorter text that says the same."""

    name = "summarisation"

    def trivial(self, train: Samples, sources: list[str]) -> dict[str, list[str]]:
        """The first words of the source, as many as training targets have in the mean."""
        count = len(train.y) if isinstance(train, Split) else len(train)
        index = spread(count, _LOOKED_AT)
        y = train.y[index] if isinstance(train, Split) else train.batch(index).y
        words = [len(text.split()) for text in self.decoded(y)]
        most = round(float(np.mean(words)))
        return {"lead words": [" ".join(source.split()[:most]) for source in sources]}

    def limits(self, x: Tensor) -> Tensor:
        """Half as many tokens as the source has, but from 24 to 160."""
        return ((x != PAD).sum(dim=1) // 2).clamp(_LEAST, _MOST)


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> Summarisation:
    """The task of a run; see `engine.tasks.of`."""
    return Summarisation(codec, smoothing=config.label_smoothing, samples=config.predictions)
