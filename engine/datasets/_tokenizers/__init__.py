"""Text to symbols and back: characters, bytes, words, byte pairs; without torch."""

from engine.datasets._tokenizers.kinds import Tokenizer, check, info_size, of

__all__ = ["Tokenizer", "check", "info_size", "of"]
