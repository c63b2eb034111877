"""Text to numbers and back: characters, bytes, words, byte pairs; without torch."""

from engine.datasets._tokenizers.codec import BEGIN, END, PAD, RESERVED, UNKNOWN, Codec
from engine.datasets._tokenizers.kinds import Tokenizer, check, info_size, of

__all__ = [
    "BEGIN",
    "END",
    "PAD",
    "RESERVED",
    "UNKNOWN",
    "Codec",
    "Tokenizer",
    "check",
    "info_size",
    "of",
]
