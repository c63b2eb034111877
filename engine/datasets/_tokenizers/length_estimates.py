"""How many symbols a text has, as far as that is known without its codec."""

import math

from engine.datasets._tokenizers import simple_codecs

EXACT = ("characters", "bytes", "words")
"""The tokenizers whose symbols are counted, not estimated."""

_BYTES = 260
_PER_PIECE = 3.5
"""Characters in a piece of a tokenizer.json, roughly."""


def expected(text: str, tokenizer: str, vocabulary: int) -> int:
    """The number of symbols of a text; for pieces of words an estimate: they are the longer the
    more of them there are (measured on tweets: 2.6 characters with 1,000, 3.9 with 8,000)."""
    match tokenizer:
        case "characters":
            return len(text)
        case "bytes":
            return len(text.encode("utf-8", errors="replace"))
        case "words":
            return len(simple_codecs.words(text))
    learned = tokenizer == "bpe"
    each = 1 + 0.95 * math.log(max(vocabulary, _BYTES) / _BYTES) if learned else _PER_PIECE
    return math.ceil(len(text) / each)
