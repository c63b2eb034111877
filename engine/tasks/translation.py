"""Translation: a text in one language becomes one in another."""

from torch import Tensor

from engine.config.padding_constants import PAD
from engine.config.registry import Codec, DatasetInfo, Samples
from engine.tasks.texts.sequence_to_sequence import Written
from presets.schema import RunConfig


class Translation(Written):
    """The task of writing a source in another language."""

    name = "translation"

    def trivial(self, train: Samples, sources: list[str]) -> dict[str, list[str]]:
        """Copying the source."""
        return {"copying": sources}

    def limits(self, x: Tensor) -> Tensor:
        """Half as many tokens again as the source has, and 10."""
        return (x != PAD).sum(dim=1) * 3 // 2 + 10


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> Translation:
    """The task of a run; see `engine.tasks.of`."""
    return Translation(codec, smoothing=config.label_smoothing, samples=config.predictions)
