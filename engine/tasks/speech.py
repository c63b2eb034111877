"""Speech recognition: what is said in a recording, by connectionist temporal classification."""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.config import task_rules
from engine.config.padding_constants import IGNORED
from engine.config.registry import Codec, DatasetInfo, Samples
from engine.config.task_rule_table import RULES
from engine.runs.events import AnyEvent, Output, Outputs, Reference, Span
from engine.tasks.held_out_split import HeldOut
from engine.tasks.measures import error_rates, text_metrics
from engine.tasks.task import Split, Task, evaluating, sums
from engine.tasks.texts import ctc
from presets.schema import RunConfig

MOST_COLUMNS = 320
"""Maximum width of a spectrogram: of a longer recording, several frames make a column."""
_SHOWN = 8  # samples at most that are shown each time
_MISHEARD = 4  # others at most that were misheard


@runtime_checkable
class Drawing(Protocol):
    """A codec that knows what its frames look like."""

    def spectrogram(self, frames: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Grey values (rows, frames), the highest frequency first, of frames (frames, features)."""


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "Speech":
    """The task of a run."""
    return Speech(info, codec, shown=min(config.predictions, _SHOWN))


class Speech(Task):
    """The task of writing down what is said: frames float32 (n, t, features) padded with NaN,
    symbols int64 (n, s) padded with IGNORED, outputs float (n, u, symbols) whose first symbol is
    the blank."""

    rules = RULES["speech"]

    def __init__(self, info: DatasetInfo, codec: Codec | None, *, shown: int = _SHOWN) -> None:
        self._names = info.names or tuple(f"<{symbol}>" for symbol in range(info.num_outputs))
        self._codec = codec
        self._shown = shown
        self._measures = not task_rules.lacking("speech")
        self.remarks = text_metrics.remarks("speech")

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """-log p(text | sound) in nats per symbol of the texts; 0-dim."""
        return ctc.losses(output, y).sum() / self.weight(y)

    def weight(self, y: Tensor) -> Tensor:
        """The number of symbols, 0-dim."""
        return (y != IGNORED).sum().clamp(min=1)

    def units(self, x: Tensor, y: Tensor) -> int:
        """The number of frames."""
        return int(x[:, :, 0].isnan().logical_not().sum())

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The mean `loss` in nats per symbol, and where jiwer is installed `wer` and `cer`: the
        words and characters that are wrong, missing or too many, as parts of those that were said.
        Each frame's most likely symbol counts."""
        total, symbols = sums(1, held.device), 0
        said: list[str] = []
        heard: list[str] = []
        with evaluating(model):
            for x, y in held.chunks():
                output = model(x).float()
                total += ctc.losses(output, y).double().sum()
                symbols += int((y != IGNORED).sum())
                said += self._texts(y)
                heard += [self._text([h.symbol for h in row]) for row in ctc.greedy(output)]
        means = {"loss": total.item() / max(1, symbols)}
        return means | (error_rates.error_rates(said, heard) if self._measures else {})

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """The same samples each time and some that were misheard besides, with their spectrograms
        and where each symbol was heard; the misheard ones first."""
        if not self._shown:
            return []
        same = np.unique(np.linspace(0, len(held) - 1, self._shown).astype(np.int64))
        with evaluating(model):
            samples = self._listen(model, held, held.order[same])
            others = held.order[np.setdiff1d(np.arange(len(held)), same)]
            misheard: list[Output] = []
            for rows in np.array_split(others, -(-len(others) // 64) or 1):
                if len(misheard) >= _MISHEARD or not len(rows):
                    break
                found = self._listen(model, held, rows)
                misheard += [each for each in found if each.output != each.reference]
        samples += misheard[:_MISHEARD]
        samples.sort(key=lambda sample: sample.output == sample.reference)
        return [Outputs(split=split, step=step, samples=samples)] if samples else []

    def listen(self, model: nn.Module, x: Tensor) -> Output:
        """What the model hears in one recording, (1, t, features), and when."""
        with evaluating(model):
            output = model(x).float()
        stride = -(-x.shape[1] // output.shape[1])
        return self._output(x[0].cpu(), "", ctc.greedy(output)[0], stride)

    def alternatives(
        self, model: nn.Module, x: Tensor, *, width: int = 8, most: int = 3
    ) -> list[tuple[str, float]]:
        """The most likely texts of one recording, (1, t, features), and their probabilities, the
        best first: up to `most` out of a beam of `width`. The first may be another than what
        `listen` gives, which has the most likely symbol of each frame."""
        with evaluating(model):
            output = model(x).float().cpu()
        (end,) = ctc.lengths(output).tolist()
        found = ctc.beam_search(output[0, :end], width)[:most]
        return [(self._text(symbols), math.exp(log)) for symbols, log in found]

    def _listen(self, model: nn.Module, held: HeldOut, index: NDArray[np.int64]) -> list[Output]:
        x, y = held.samples(index)
        output = model(x).float()
        found = zip(x.cpu(), self._texts(y), ctc.greedy(output), strict=True)
        stride = -(-x.shape[1] // output.shape[1])
        return [self._output(frames, said, heard, stride) for frames, said, heard in found]

    def _output(self, x: Tensor, said: str, heard: list[ctc.Heard], stride: int) -> Output:
        frames = x[x[:, 0].isnan().logical_not()].numpy()
        pixels = self.spectrogram(frames)
        width = -(-len(frames) // MOST_COLUMNS)  # frames in a column
        spans = [
            Span(
                text=self._names[h.symbol],
                begin=h.begin * stride // width,
                end=min(-(-h.end * stride // width), pixels.shape[1]),
            )
            for h in heard
        ]
        return Output(
            source="",
            reference=said,
            output=self._text([h.symbol for h in heard]),
            spectrogram=pixels.tolist(),
            spans=spans,
        )

    def spectrogram(self, frames: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Grey values (rows, columns), the highest frequency first, of frames (t, features); at
        most 320 columns, each of which is the mean of some frames."""
        if isinstance(self._codec, Drawing):
            grey = self._codec.spectrogram(frames)
        else:
            low, high = float(frames.min()), float(frames.max())
            scaled = (frames - low) / max(high - low, 1e-12) * 255
            grey = np.rint(scaled).astype(np.uint8).T[::-1]
        width = -(-grey.shape[1] // MOST_COLUMNS)
        begins = np.arange(0, grey.shape[1], width)
        sizes = np.diff(np.append(begins, grey.shape[1]))
        means = np.add.reduceat(grey.astype(np.int64), begins, axis=1) // sizes
        return means.astype(np.uint8)

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """The best of texts that are always the same."""
        if not self._measures:
            return []
        said = [text for _, y in held.chunks() for text in self._texts(y)]
        rates = error_rates.best(said)
        return [Reference(metric=name, name="constant", value=rate) for name, rate in rates.items()]

    def _texts(self, y: Tensor) -> list[str]:
        return [self._text([s for s in row if s != IGNORED]) for row in y.tolist()]

    def _text(self, symbols: Sequence[int]) -> str:
        if self._codec is not None:
            return self._codec.decode(symbols)
        return " ".join(self._names[symbol] for symbol in symbols)
