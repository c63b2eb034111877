"""How many symbols a text has, as far as that is known without its codec."""

from engine.datasets._tokenizers import codec

EXACT = ("characters", "bytes", "words")
"""The tokenizers whose symbols are counted, not estimated."""

_CHARACTERS_PER_PIECE = 3.5
"""A rough mean for pieces of words."""


def expected(text: str, tokenizer: str) -> int:
    """The number of symbols of a text; for pieces of words an estimate."""
    match tokenizer:
        case "characters":
            return len(text)
        case "bytes":
            return len(text.encode("utf-8", errors="replace"))
        case "words":
            return len(codec.words(text))
    return max(1, round(len(text) / _CHARACTERS_PER_PIECE)) if text else 0
