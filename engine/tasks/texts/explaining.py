"""What a classifier makes of one text, and which of its words speak for that and against it."""

import math
import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.config.padding_constants import PAD, UNKNOWN
from engine.config.registry import Codec
from engine.tasks.task import evaluating

MAX_WORDS = 256
"""Words of a text whose effect is computed; those after them have none."""
_CHUNK = 64
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Judgement:
    """A text as a model of classification or regression sees it."""

    label: str
    """The most probable class, or the predicted number."""
    confidence: float | None
    """The probability of the class; None for a number."""
    words: list[tuple[str, float]]
    """The words of the text in order, each with its effect: how much larger the log-odds of the
    class (or the number) are with the word than without it. Words that speak for it are positive.
    """


def judge(
    model: nn.Module, codec: Codec, text: str, names: tuple[str, ...], *, max_length: int = 2**16
) -> Judgement:
    """The judgement of a model from symbols (n, t) to logits (n, len(names)); with one name to a
    number (n, 1). `max_length` is the number of symbols that it is given at most.

    Each word is left out in turn (Li et al. 2016, arXiv:1612.08220). The mode of the model is
    restored; random streams are left as they are.
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    told = spans[:MAX_WORDS]
    texts = [text, *(text[:begin] + text[end:] for begin, end in told)]
    symbols = [codec.encode(each)[:max_length] for each in texts]
    with evaluating(model):
        outputs = [
            model(_padded(symbols[first : first + _CHUNK]).to(_device(model))).float()
            for first in range(0, len(symbols), _CHUNK)
        ]
    output = torch.cat(outputs).double().cpu()
    place = int(output[0].argmax()) if len(names) > 1 else 0
    scores = _log_odds(output, place) if len(names) > 1 else output[:, 0]
    effects = (scores[0] - scores[1:]).tolist() + [0.0] * (len(spans) - len(told))
    words = [text[begin:end] for begin, end in spans]
    number = f"{output[0, 0].item():.3g}"
    sure = output[0].softmax(dim=0)[place].item()
    return Judgement(
        label=names[place] if len(names) > 1 else number,
        confidence=sure if len(names) > 1 and math.isfinite(sure) else None,
        words=list(zip(words, effects, strict=True)),
    )


def _log_odds(logits: Tensor, place: int) -> Tensor:
    """log(p / (1 - p)) of a class, (n,), from logits (n, classes)."""
    others = torch.cat([logits[:, :place], logits[:, place + 1 :]], dim=1)
    return logits[:, place] - others.logsumexp(dim=1)


def _padded(symbols: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]) -> Tensor:
    """Symbols (n, longest); a text without any is one unknown symbol."""
    longest = max(1, *map(len, symbols))
    filled = torch.full((len(symbols), longest), PAD)
    for row, each in zip(filled, symbols, strict=True):
        row[: len(each)] = torch.from_numpy(each)
        if not len(each):
            row[0] = UNKNOWN
    return filled


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
