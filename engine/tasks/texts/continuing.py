"""Texts that a person lets a language model write: token by token, with the alternatives."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import nn

from engine.tasks.task import evaluating
from engine.tasks.texts.generation import Continuation, Sampling
from presets import UserError

_WRITING = 21  # the random stream of texts that a person asks for, apart from those of `seeds`
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_LONGEST = 4  # bytes of a character in UTF-8


class Codec(Protocol):
    """Between a text and its symbols."""

    def encode(self, text: str) -> NDArray[np.int64]: ...
    def decode(self, symbols: Sequence[int]) -> str: ...


class Token(Struct, frozen=True, kw_only=True):
    """A symbol that was written."""

    text: str
    """What the text became longer by: "" where a character is not whole yet."""
    probability: float
    """Of this symbol, at temperature 1 and among all: what the model thinks."""
    alternatives: tuple[tuple[str, float], ...]
    """The likeliest symbols and their probabilities, the likeliest first, this one included."""


def write(
    model: nn.Module,
    codec: Codec,
    prompt: str,
    *,
    sampling: Sampling,
    length: int,
    seed: int,
    most: int,
    alternatives: int = 5,
    ends: int | None = None,
) -> Iterator[Token]:
    """Up to `length` tokens that follow the prompt, each as soon as it is chosen.

    The prompt, the seed and the sampling decide the text. `most` is the number of symbols that the
    model was trained to see; the symbol `ends` ends the text early. The model's mode is restored
    whenever a token is handed over. Raises UserError for a prompt that has no symbol.
    """
    device = next(model.parameters()).device
    symbols = torch.from_numpy(np.asarray(codec.encode(prompt), np.int64)).to(device)
    if not len(symbols):
        raise UserError("prompt: expected a text with at least one character that the model knows")
    entropy = np.random.SeedSequence((_WRITING, seed))
    generator = torch.Generator(device)
    generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
    text = Continuation(model, symbols, room=length, most=most)
    reader = _Reader(codec, symbols.tolist())
    for number in range(1, length + 1):
        with evaluating(model):  # not around `yield`: it would hold in the caller's code, too
            logits = text.logits()
            chosen = sampling.choose(logits, generator)
            text.append(chosen)
            probabilities = logits.softmax(dim=0)
            likeliest = probabilities.topk(min(alternatives, len(logits)))
            pairs = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
            symbol, probability = int(chosen), float(probabilities[chosen])
        if symbol == ends:
            return
        yield Token(
            text=reader.read(symbol, last=number == length),
            probability=probability,
            alternatives=tuple((codec.decode([one]), share) for one, share in pairs),
        )


class _Reader:
    """The text of symbols that come one by one. A character may take several symbols, and what a
    symbol reads as may depend on the one before it."""

    def __init__(self, codec: Codec, symbols: list[int]) -> None:
        self._codec = codec
        self._symbols = symbols
        self._known = len(symbols)  # the text of so many is out
        self._begin = max(0, self._known - _LONGEST)  # where decoding begins

    def read(self, symbol: int, *, last: bool) -> str:
        """What the text becomes longer by; `last` gives what is left, whole or not."""
        self._symbols.append(symbol)
        before = self._codec.decode(self._symbols[self._begin : self._known])
        text = self._codec.decode(self._symbols[self._begin :])
        waiting = len(self._symbols) - self._known
        if text.endswith(_UNKNOWN) and waiting < _LONGEST and not last:
            return ""
        self._begin = max(self._begin, self._known - _LONGEST, 0)
        self._known = len(self._symbols)
        return text[len(before) :]
