"""Texts that a language model writes, symbol by symbol: how the next one is chosen, and a memory of
what the model has seen, so that a place is computed once."""

from typing import Annotated, Any, Protocol, cast

import torch
from msgspec import Meta
from torch import Tensor, nn

from presets.schema import Config, NonNegative


class Remembering(Protocol):
    """A model that need not see a text from its beginning again for each symbol."""

    most_symbols: int | None
    """How many symbols it can see at once; None: any number."""

    def extend(self, x: Tensor, memory: Any = None) -> tuple[Tensor, Any]:
        """Map symbols int64 (n, t) that follow those in `memory` to the logits of the last of them,
        float (n, symbols), and to the memory of all; `memory` is used up."""


class Sampling(Config, frozen=True):
    """How a symbol is chosen from the logits of a model."""

    temperature: NonNegative = 0.8
    """Divides the logits: below 1, likely symbols become more likely; 0 takes the likeliest."""
    top_k: Annotated[int, Meta(ge=0)] = 0
    """Choose among so many of the likeliest symbols (Fan et al. 2018, arXiv:1805.04833); 0: all."""
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Choose among the fewest symbols whose probabilities sum up to this (Holtzman et al. 2020,
    arXiv:1904.09751)."""

    def scores(self, logits: Tensor) -> Tensor:
        """The logits at this temperature, float (symbols,), -inf where a symbol is left out. The
        softmax of these is the distribution that is sampled."""
        scores = logits / self.temperature if self.temperature else logits
        if 0 < self.top_k < len(scores):
            least = scores.topk(self.top_k).values[-1]
            scores = scores.masked_fill(scores < least, -torch.inf)
        if self.top_p < 1:
            order = scores.argsort(descending=True, stable=True)
            probabilities = scores[order].softmax(dim=0)
            out = probabilities.cumsum(dim=0) - probabilities >= self.top_p
            scores = scores.masked_fill(torch.empty_like(out).scatter(0, order, out), -torch.inf)
        return scores

    def choose(self, logits: Tensor, generator: torch.Generator) -> Tensor:
        """A symbol, int64 0-dim, for float logits (symbols,).

        It is drawn by the Gumbel-max trick (Gumbel 1954): unlike `multinomial` it does not wait for
        a GPU, and accepts the logits of a model that diverged.
        """
        if not self.temperature:
            return logits.argmax()
        uniform = torch.rand(len(logits), generator=generator, device=logits.device)
        return (self.scores(logits) - (-uniform.clamp(min=1e-20).log()).log()).argmax()


def window_begin(length: int, most: int) -> int:
    """Where the window begins that the model sees of a text of `length` symbols, at most `most`.

    When a window is full, its older half is forgotten at once. With places that are counted from
    its beginning, as the embeddings of a GPT count them, nothing that was remembered is true for a
    window that moved: so it moves seldom, and what it keeps is computed anew.
    """
    step = max(1, most // 2)
    return step * max(0, -(-(length - most) // step))


class Continuation:
    """A text that grows, and what the model expects next. With `remember` the model's memory is
    used, if it has one; the logits are the same without it, as far as rounding goes."""

    def __init__(
        self, model: nn.Module, prompt: Tensor, *, room: int, most: int, remember: bool = True
    ) -> None:
        """prompt: int64 (t,), t >= 1, on the model's device. The text will have up to `room`
        symbols more. `most` is the number of symbols that the model sees, if it does not say."""
        self._model = model
        can = remember and hasattr(model, "extend")
        self._extend = cast("Remembering", model).extend if can else None
        self._most: int | None = getattr(model, "most_symbols", most)
        self._symbols = torch.cat([prompt, prompt.new_zeros(room)])
        self._length = len(prompt)
        self._seen = (0, 0)  # the window that the memory stands for
        self._memory: Any = None

    def logits(self) -> Tensor:
        """The logits of the symbol that comes next, float32 (symbols,)."""
        end = self._length
        begin = 0 if self._most is None else window_begin(end, self._most)
        if self._extend is None:
            return cast("Tensor", self._model(self._symbols[None, begin:end])[0, -1].float())
        if self._seen[0] != begin:
            self._seen, self._memory = (begin, begin), None
        new = self._symbols[None, self._seen[1] : end]
        logits, self._memory = self._extend(new, self._memory)
        self._seen = (begin, end)
        return logits[0].float()

    def append(self, symbol: Tensor) -> None:
        """Let the text go on with a symbol, int64 0-dim, for which `room` has to be left."""
        self._symbols[self._length] = symbol
        self._length += 1

    def written(self, since: int) -> Tensor:
        """The symbols from this place on, int64."""
        return self._symbols[since : self._length]


def generate(
    model: nn.Module,
    prompt: Tensor,
    *,
    length: int,
    most: int,
    sampling: Sampling,
    generator: torch.Generator,
    remember: bool = True,
) -> Tensor:
    """The symbols that follow the prompt, int64 (length,), for a model in evaluation mode. Nothing
    waits for the device."""
    text = Continuation(model, prompt, room=length, most=most, remember=remember)
    for _ in range(length):
        text.append(sampling.choose(text.logits(), generator))
    return text.written(len(prompt))
