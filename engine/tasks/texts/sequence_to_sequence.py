"""What translation and summarisation have in common: a text is written from another one."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.config.padding_constants import BEGIN, IGNORED
from engine.config.registry import Codec, Samples
from engine.runs.events import AnyEvent, Output, Outputs, Reference
from engine.tasks.held_out_split import HeldOut
from engine.tasks.measures import text_metrics
from engine.tasks.measures.nearest_texts import nearest, spread
from engine.tasks.task import Split, Task, evaluating, sums
from engine.tasks.texts import beam_search

WRITTEN = 256
"""Maximum number of samples for which a text is written at an evaluation during training, evenly
spread over the split and always the same; at the end there is one for each."""
WIDTH = 4
"""Texts of each sample that beam search keeps at the end; during training it is greedy."""

_ROWS = 128  # texts that are written at once
_TOKENS = 4096  # at a time: bounds the memory of logits


class Written(Task):
    """The task of writing a text from another one: sources int64 (n, s), padded with 0, targets
    int64 (n, t), padded with -100, both with an END."""

    name: str
    """That of the task, by which its metrics are known."""

    def __init__(self, codec: Codec | None, *, smoothing: float, samples: int) -> None:
        """`samples` is the number of samples whose texts are shown."""
        self._codec = codec
        self._smoothing = smoothing
        self._samples = samples
        self.remarks = text_metrics.remarks(self.name)

    def output(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Logits, float (n, t, symbols): at each place the model sees the targets before it."""
        found: Tensor = model(x, shifted(y))
        return found

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross entropy in nats a token, with smoothed labels; 0-dim."""
        return F.cross_entropy(
            output.flatten(0, 1),
            y.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self._smoothing,
        )

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`accuracy`, the share of tokens that have the largest logit at their place."""
        return {"accuracy": (output.argmax(dim=2) == y).sum() / self.weight(y)}

    def size(self, y: Tensor) -> int:
        """The number of tokens in the targets."""
        return int(self.weight(y))

    def weight(self, y: Tensor) -> Tensor:
        """The number of tokens in the targets, 0-dim."""
        return (y != IGNORED).sum()

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The means `loss` and `accuracy` over the tokens of the whole split, with the targets
        before each given, and the metrics of the texts that the model writes by itself: greedily
        for up to 256 samples, or at the end of a run by beam search for all."""
        with evaluating(model):
            total = sums(3, held.device)
            for x, y in _pieces(held):
                logits = model(x, shifted(y)).float()
                nats = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum")
                right = (logits.argmax(dim=2) == y).sum()
                total += torch.stack([nats.double(), right, self.weight(y)])
            loss, right, tokens = total.tolist()
            means = {"loss": loss / tokens, "accuracy": right / tokens}
            if self._codec is None or len(self.rules.metrics) == len(means):
                return means
            index = spread(len(held), len(held) if held.final else WRITTEN)
            _, expected, outputs = self._texts(model, held, index)
        return means | text_metrics.measure(self.name, outputs, expected)

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """What the model writes for some samples, the same ones each time."""
        if not self._samples or self._codec is None:
            return []
        with evaluating(model):
            texts = self._texts(model, held, spread(len(held), self._samples))
        samples = [
            Output(source=source, reference=expected, output=output)
            for source, expected, output in zip(*texts, strict=True)
        ]
        return [Outputs(split=split, step=step, samples=samples)]

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """The metrics of the trivial texts, over the samples for which the model writes some."""
        if self._codec is None or text_metrics.remarks(self.name):
            return []
        index = spread(len(held), WRITTEN)
        x, y = held.samples(index)
        expected = self.decoded(y.cpu().numpy())
        trivial = self.trivial(train, self.decoded(x.cpu().numpy()))
        trivial |= {"nearest": self.decoded(nearest(train, x))}
        return [
            Reference(metric=metric, name=name, value=value)
            for name, outputs in trivial.items()
            for metric, value in text_metrics.measure(self.name, outputs, expected).items()
        ]

    def trivial(self, train: Samples, sources: list[str]) -> dict[str, list[str]]:
        """Texts that need no model, by the name of the way."""
        raise NotImplementedError

    def limits(self, x: Tensor) -> Tensor:
        """The maximum number of tokens of a text for each source int64 (n, s), int64 (n,)."""
        raise NotImplementedError

    def _texts(
        self, model: nn.Module, held: HeldOut, index: NDArray[np.int64]
    ) -> tuple[list[str], list[str], list[str]]:
        """Source, target and the model's own text of each of these samples, in their order."""
        width = WIDTH if held.final else 1
        wanted = held.order[np.isin(held.order, index)]  # those of like lengths together
        found: dict[int, tuple[str, str, str]] = {}
        for first in range(0, len(wanted), _ROWS // width):
            some = wanted[first : first + _ROWS // width]
            x, y = held.samples(some)
            written = beam_search.search(beam_search.writer(model), x, self.limits(x), width=width)
            columns = (rows.cpu().numpy() for rows in (x, y, written))
            texts = zip(*map(self.decoded, columns), strict=True)
            found |= zip(some.tolist(), texts, strict=True)
        sources, expected, outputs = zip(*(found[place] for place in index.tolist()), strict=True)
        return list(sources), list(expected), list(outputs)

    def decoded(self, rows: Iterable[NDArray[np.int64]]) -> list[str]:
        """The texts of rows of symbols; what is not positive is padding."""
        assert self._codec is not None
        return [self._codec.decode(row[row > 0].tolist()) for row in rows]


def shifted(y: Tensor) -> Tensor:
    """What a decoder is given to predict the targets int64 (n, t): BEGIN and all but the last one,
    padded with 0."""
    begin = y.new_full((len(y), 1), BEGIN)
    return torch.cat([begin, y[:, :-1].clamp(min=0)], dim=1)


def _pieces(held: HeldOut) -> Iterator[tuple[Tensor, Tensor]]:
    """The chunks of a split, in pieces of bounded memory."""
    for x, y in held.chunks():
        size = max(1, _TOKENS // max(1, y.shape[1]))
        yield from zip(x.split(size), y.split(size), strict=True)
