"""Connectionist temporal classification (Graves et al. 2006): its loss, and texts from its outputs.

An output is float (n, frames, symbols); symbol 0 is the blank. A text is what is left of a symbol
for each frame when repetitions are joined and then blanks left out.
"""

import math
from collections import defaultdict
from typing import NamedTuple

import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

from engine.config.padding_constants import IGNORED, SILENT

BLANK = 0
_UNLIKELY = -15.0
"""Natural logarithm of the probability below which a symbol of a frame is not looked at."""


class Heard(NamedTuple):
    """A symbol and the frames of the output that it was heard in, up to but without `end`."""

    symbol: int
    begin: int
    end: int


def lengths(output: Tensor) -> Tensor:
    """The frames of each output that are no padding, int64 (n,)."""
    return (output[:, :, 1:] != SILENT).any(dim=2).sum(dim=1)


def losses(output: Tensor, y: Tensor) -> Tensor:
    """-log p(text) in nats, summed over the symbols of each text: float32 (n,). y int64 (n, s) is
    padded with IGNORED. It is 0 for a text that is too long for its frames, which nothing could
    learn."""
    logs = output.float().log_softmax(dim=2).transpose(0, 1)
    sizes = (y != IGNORED).sum(dim=1)
    return F.ctc_loss(
        logs, y.clamp(min=0), lengths(output), sizes, BLANK, reduction="none", zero_infinity=True
    )


def greedy(output: Tensor) -> list[list[Heard]]:
    """The symbols of the most likely symbol of each frame; waits for the device."""
    best = output.argmax(dim=2).tolist()
    return [_joined(row[:end]) for row, end in zip(best, lengths(output).tolist(), strict=True)]


def _joined(symbols: list[int]) -> list[Heard]:
    found: list[Heard] = []
    before = BLANK
    for place, symbol in enumerate(symbols):
        if symbol != BLANK and symbol == before:
            found[-1] = found[-1]._replace(end=place + 1)
        elif symbol != BLANK:
            found.append(Heard(symbol, place, place + 1))
        before = symbol
    return found


def beam_search(output: Tensor, width: int = 8) -> list[tuple[list[int], float]]:
    """The most likely texts of one output (frames, symbols), up to `width`, each with the logarithm
    of its probability, the best first.

    Prefix beam search (Graves and Jaitly 2014; Hannun et al. 2014, arXiv:1408.2873): a prefix is
    followed apart with a blank and with a symbol at its end, since only behind a blank is the same
    symbol another one.
    """
    logs = output.float().log_softmax(dim=1)
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    # The two: of all ways that end in a blank, and of those that end in the last symbol.
    for frame in logs.tolist():
        extended: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-math.inf, -math.inf])
        likely = [symbol for symbol, log in enumerate(frame) if log > _UNLIKELY and symbol != BLANK]
        for prefix, (blank, symbol_last) in beams.items():
            either = _add(blank, symbol_last)
            same = extended[prefix]
            same[0] = _add(same[0], either + frame[BLANK])
            if prefix:
                same[1] = _add(same[1], symbol_last + frame[prefix[-1]])
            for symbol in likely:
                before = blank if prefix and prefix[-1] == symbol else either
                longer = extended[(*prefix, symbol)]
                longer[1] = _add(longer[1], before + frame[symbol])
        ranked = sorted(extended.items(), key=lambda item: (-_add(*item[1]), item[0]))
        beams = {
            prefix: (pair[0], pair[1])
            for prefix, pair in ranked[:width]
            if max(pair) > -math.inf  # the same symbol twice, without room for a blank
        }
    return [(list(prefix), _add(*logs)) for prefix, logs in beams.items()]


def _add(first: float, second: float) -> float:
    """log(exp(first) + exp(second))."""
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
