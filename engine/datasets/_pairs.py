"""Pairs of texts, of which the second is to be written from the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config.padding_constants import END
from engine.config.registry import Codec, DatasetInfo, Splits
from engine.datasets import _tokenizers

if TYPE_CHECKING:  # the launch screen reads this module and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

    from engine.datasets._sequences import Sequences

Pair = tuple[str, str]
"""A source and its target."""

_CHARACTERS_OF_WORD = 5.5  # with the blank before it


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of pairs before they are read as symbols."""

    samples: dict[str, int]
    characters: dict[str, int]
    """Those of the longer text of each pair, by split."""
    longest: int
    """The characters of the longest text."""


def info(
    task: str,
    facts: Facts,
    tokenizer: str,
    vocabulary: int,
    train: Callable[[], Sequence[Pair]],
) -> DatasetInfo:
    """What is known of such pairs. The numbers of tokens are estimated from those of characters:
    nothing is learned from the texts yet. `train` gives the training pairs, for which it is asked
    only if their characters are the symbols. Raises ConfigError for a tokenizer that cannot be
    used."""
    size = _tokenizers.info_size(
        tokenizer, vocabulary, lambda: {sign for pair in train() for sign in "".join(pair)}
    )
    each = _characters_of_symbol(tokenizer, size)
    tokens = {
        split: facts.samples[split] + round(count / each)  # each text has an end
        for split, count in facts.characters.items()
    }
    return DatasetInfo(
        input_shape=(1 + math.ceil(facts.longest / each),),
        num_outputs=size,
        task=task,
        input="symbols",
        num_symbols=size,
        tokens=tokens,
        samples=facts.samples,
    )


def _characters_of_symbol(tokenizer: str, size: int) -> float:
    """About how many characters a symbol stands for. A byte pair for more the more of them there
    are: measured: 3.0 with 2,000 for English and Spanish
    together, and 3.6 for English alone."""
    match tokenizer:
        case "characters" | "bytes":
            return 1.0
        case "words":
            return _CHARACTERS_OF_WORD
    return 1 + 1.1 * math.log(max(size, 260) / 260)


def splits(texts: Mapping[str, Sequence[Pair]], tokenizer: str, vocabulary: int) -> Splits:
    """The pairs of each split as symbols, each text with an END. One codec, learned from both sides
    of the training pairs, writes both."""
    codec = _tokenizers.of(
        tokenizer, vocabulary, lambda: (text for pair in texts["train"] for text in pair)
    )
    found = {split: _sequences(pairs, codec) for split, pairs in texts.items()}
    return Splits(train=found["train"], val=found["val"], test=found["test"], codec=codec)


def _sequences(pairs: Sequence[Pair], codec: Codec) -> Sequences:
    """Batches are made by the longer text of each pair."""
    import numpy as np

    from engine.datasets._sequences import Sequences

    def ended(text: str) -> NDArray[np.int64]:
        return np.append(codec.encode(text), END)

    x, y = [ended(source) for source, _ in pairs], [ended(target) for _, target in pairs]
    lengths = np.array([max(map(len, both)) for both in zip(x, y, strict=True)], dtype=np.int64)
    return Sequences(x, y, lengths)
