"""Beam search over the symbols that a decoder writes, a batch of sources at a time."""

from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from engine.config.padding_constants import BEGIN, END, PAD


class State(Protocol):
    """What a decoder keeps between two symbols, such as keys and values: a row for each text."""

    def select(self, rows: Tensor) -> None:
        """Keep these rows, int64 (m,), in this order; a row may come more than once."""

    def reorder(self, rows: Tensor) -> None:
        """As `select`, where each row takes the place of one with the same source."""


class Writer(Protocol):
    """A model that writes symbol after symbol."""

    def encode(self, x: Tensor) -> Any:
        """The state before anything has been written, for sources x int64 (n, s)."""

    def logits(self, written: Tensor, state: Any) -> Tensor:
        """The logits, float (n, 1, symbols), after the last symbol int64 (n, 1), which the state
        takes in."""


class Forgetful:
    """A writer that has a model compute everything again for each symbol."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def encode(self, x: Tensor) -> "Prefix":
        return Prefix(x, x[:, :0])

    def logits(self, written: Tensor, state: "Prefix") -> Tensor:
        state.written = torch.cat([state.written, written], dim=1)
        found: Tensor = self._model(state.x, state.written)[:, -1:]
        return found


@dataclass
class Prefix:
    """Sources and what has been written from them, int64 (n, s) and (n, t)."""

    x: Tensor
    written: Tensor

    def select(self, rows: Tensor) -> None:
        self.x, self.written = self.x[rows], self.written[rows]

    def reorder(self, rows: Tensor) -> None:
        self.written = self.written[rows]


def writer(model: nn.Module) -> Writer:
    """The model itself if it can write symbol after symbol, else one that computes all again."""
    if hasattr(model, "encode") and hasattr(model, "logits"):
        return cast("Writer", model)
    return Forgetful(model)


@dataclass
class _Beams:
    """The texts in the making: `width` rows for each source."""

    state: State
    written: Tensor
    """int64 (n * width, t), each beginning with BEGIN."""
    scores: Tensor
    """The sum of log-probabilities, float32 (n * width,)."""
    lengths: Tensor
    """The number of symbols that count, float32 (n * width,)."""
    done: Tensor
    """Whether a text ended or is as long as it may be, bool (n * width,)."""
    sources: Tensor
    """The places of the sources in the batch, int64 (n,)."""
    limits: Tensor
    """int64 (n * width,)."""


def search(
    writer: Writer, x: Tensor, limits: Tensor, *, width: int = 4, penalty: float = 1.0
) -> Tensor:
    """The best text that beam search finds for each source, int64 (n, max(limits)): its symbols, of
    which the last is END unless the text was cut, then padding. A width of 1 is greedy decoding.

    x: sources int64 (n, s), padded with 0; limits: the maximum number of symbols of each text with
    its END, int64 (n,), at least 1.

    A text's score is its log-probability divided by length^penalty (Wu et al. 2016,
    arXiv:1609.08144, equation 14 without the constants). Ended texts stay in the beam with their
    score, until all of a source's beam ended. What is found for a source depends on it alone.
    """
    found = x.new_full((len(x), int(limits.max())), PAD)
    beams = _begin(writer, x, limits, width)
    for _ in range(found.shape[1]):
        _extend(beams, _continued(writer, beams), width, penalty)
        ended = beams.done.view(-1, width).all(dim=1)
        if ended.any():
            best = (beams.scores / beams.lengths**penalty).view(-1, width).argmax(dim=1)
            texts = beams.written.view(len(best), width, -1)[torch.arange(len(best)), best, 1:]
            found[beams.sources[ended], : texts.shape[1]] = texts[ended]
            _keep(beams, ~ended, width)
        if not len(beams.sources):
            break
    return found


def _begin(writer: Writer, x: Tensor, limits: Tensor, width: int) -> _Beams:
    rows = torch.arange(len(x), device=x.device).repeat_interleave(width)
    state = writer.encode(x)
    state.select(rows)
    scores = torch.full((len(x), width), -torch.inf, device=x.device)
    scores[:, 0] = 0.0  # the rows of a source are the same until their first symbols differ
    return _Beams(
        state=state,
        written=x.new_full((len(rows), 1), BEGIN),
        scores=scores.flatten(),
        lengths=torch.zeros(len(rows), device=x.device),
        done=torch.zeros(len(rows), dtype=torch.bool, device=x.device),
        sources=torch.arange(len(x), device=x.device),
        limits=limits[rows],
    )


def _continued(writer: Writer, beams: _Beams) -> Tensor:
    """The log-probability of each symbol after each text, float32 (n * width, symbols); a text that
    is done goes on with padding at no cost."""
    logits = writer.logits(beams.written[:, -1:], beams.state)[:, -1]
    known = logits.float().log_softmax(dim=1)
    known[:, [PAD, BEGIN]] = -torch.inf
    known[beams.done] = -torch.inf
    known[beams.done, PAD] = 0.0
    return known


def _extend(beams: _Beams, known: Tensor, width: int, penalty: float) -> None:
    """Replace the texts of each source by the best ones that are a symbol longer."""
    symbols = known.shape[1]
    scores = beams.scores[:, None] + known
    lengths = beams.lengths + ~beams.done
    ranked = (scores / lengths[:, None] ** penalty).view(-1, width * symbols)
    best = ranked.topk(width, dim=1).indices
    first = torch.arange(0, len(known), width, device=known.device)
    parents, symbol = (first[:, None] + best // symbols).flatten(), (best % symbols).flatten()
    beams.state.reorder(parents)
    beams.written = torch.cat([beams.written[parents], symbol[:, None]], dim=1)
    beams.scores = scores.view(-1, width * symbols).gather(1, best).flatten()
    beams.lengths = lengths[parents]
    full = beams.written.shape[1] > beams.limits
    beams.done = beams.done[parents] | (symbol == END) | full


def _keep(beams: _Beams, going: Tensor, width: int) -> None:
    """Drop the sources whose texts are all done; going: bool (n,)."""
    rows = going.repeat_interleave(width).nonzero()[:, 0]
    beams.state.select(rows)
    beams.sources = beams.sources[going]
    beams.written, beams.scores = beams.written[rows], beams.scores[rows]
    beams.lengths, beams.done = beams.lengths[rows], beams.done[rows]
    beams.limits = beams.limits[rows]
