"""Language modelling: the next symbol is predicted at each place of a text."""

import math
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config.registry import Codec, DatasetInfo
from engine.config.task_rule_table import RULES
from engine.runs.events import AnyEvent, SampleText
from engine.tasks.held_out_split import HeldOut
from engine.tasks.task import Split, Task, evaluating
from engine.tasks.texts.generation import Sampling, generate
from presets.schema import RunConfig

SAMPLE_LENGTH = 200
"""Number of symbols that the model writes at an evaluation."""
PROMPT_LENGTH = 32
"""Maximum number of symbols of the split with which a sample begins."""
TEMPERATURE = 0.8
"""Divides the logits of a sample, which makes likely symbols a little more likely."""

_SAMPLE = 4  # the random stream of the samples, apart from those of `seeds`
_TOKENS = 8192  # at a time, and
_LOGITS = 2**24  # at a time: both bound the memory, whatever the vocabulary


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "Language":
    """The task of a run."""
    return Language(info, codec, smoothing=config.label_smoothing, seed=config.seed)


class Language(Task):
    """The task of predicting the next symbol: logits float (n, context_length, symbols), symbols
    int64 (n, context_length)."""

    rules = RULES["language"]

    def __init__(
        self,
        info: DatasetInfo,
        codec: Codec | None = None,
        *,
        smoothing: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Without a codec each symbol is a character, one of `info.names` if there are any."""
        self._alphabet = info.names or tuple(f"<{symbol}>" for symbol in range(info.num_outputs))
        self._codec = None if info.names else codec
        self._context_length = info.input_shape[0]
        self._at_once = max(1, min(_TOKENS, _LOGITS // info.num_outputs) // self._context_length)
        self._amounts: WeakKeyDictionary[HeldOut, _Amount] = WeakKeyDictionary()
        self._smoothing = smoothing
        self._seed = seed

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross entropy in nats per symbol, with smoothed labels; 0-dim."""
        return F.cross_entropy(output.flatten(0, 1), y.flatten(), label_smoothing=self._smoothing)

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`accuracy`, the share of symbols that have the largest logit at their place."""
        return {"accuracy": (output.argmax(dim=2) == y).float().mean()}

    def size(self, y: Tensor) -> int:
        """The number of symbols."""
        return y.numel()

    def weight(self, y: Tensor) -> int:
        """The number of symbols."""
        return y.numel()

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The mean `loss` in nats per symbol, and the same as `bits_per_char` of the text; where
        symbols are no characters also as `bits_per_byte` of it in UTF-8. These do not depend on the
        vocabulary, so that models with different ones can be compared.

        Each window stands alone, so that its first symbols are predicted from few others. All
        windows of the split count; the data set decides how many there are (see
        `datasets._windows`)."""
        with evaluating(model):
            total = torch.zeros((), dtype=torch.float64, device=held.device)
            symbols = 0
            for inputs, expected in held.chunks(self._at_once):
                logits = model(inputs).float().flatten(0, 1)
                nats = F.cross_entropy(logits, expected.flatten(), reduction="none")
                total += nats.double().sum()
                symbols += expected.numel()
            nats_of_all = total.item()
        means = {"loss": nats_of_all / symbols}
        if self._codec is None:
            return means | {"bits_per_char": means["loss"] / math.log(2)}
        amount = self._amount(held, self._codec)
        bits = nats_of_all / math.log(2)
        return means | {
            "bits_per_char": bits / amount.characters,
            "bits_per_byte": bits / amount.bytes,
        }

    def _amount(self, held: HeldOut, codec: Codec) -> "_Amount":
        """How much text the targets of a split are; always the same, so it is found once."""
        if held not in self._amounts:
            found = _Amount()
            for _, expected in held.chunks(self._at_once):
                for window in expected.tolist():
                    found.add(codec, window)
            self._amounts[held] = found
        return self._amounts[held]

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """A text that the model writes after the beginning of the split."""
        x, _ = held.samples([0])
        prompt = x[0, : min(PROMPT_LENGTH, max(1, x.shape[1] // 2))]
        entropy = np.random.SeedSequence((_SAMPLE, self._seed, step))
        generator = torch.Generator(held.device)
        generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
        with evaluating(model):
            written = generate(
                model,
                prompt,
                length=SAMPLE_LENGTH,
                most=self._context_length,
                sampling=Sampling(temperature=TEMPERATURE),
                generator=generator,
            )
        return [SampleText(step=step, prompt=self._text(prompt), text=self._text(written))]

    def _text(self, symbols: Tensor) -> str:
        if self._codec is not None:
            return self._codec.decode(symbols.tolist())
        return "".join(self._alphabet[symbol] for symbol in symbols.tolist())


class _Amount:
    """The size of a text that comes in windows."""

    def __init__(self) -> None:
        self.characters = self.bytes = 0

    def add(self, codec: Codec, window: list[int]) -> None:
        """Count the text of a window. What its borders cut in two counts where it begins: its other
        half reads as unknown, at the beginning of the next window."""
        text = codec.decode(window).lstrip("\N{REPLACEMENT CHARACTER}")
        self.characters += len(text)
        count = getattr(codec, "num_bytes", None)  # of codecs that know it of each symbol
        exactly = None if count is None else count(window)
        self.bytes += len(text.encode(errors="replace")) if exactly is None else exactly
