"""Codecs that need no package: characters, bytes and words; each is a `registry.Codec`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.config.padding_constants import BEGIN, END, PAD, SPECIAL, UNKNOWN

if TYPE_CHECKING:  # the launch screen reads this module and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

RESERVED = len(SPECIAL)
"""The number of special symbols; others are counted from here on."""

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]+")
_NO_BLANK_BEFORE = re.compile(r" (?=[.,;:!?)\]}%…]+(?: |$))")


def written(symbols: Sequence[int]) -> list[int]:
    """The symbols that stand for text: those before the first END, without PAD and BEGIN."""
    found = []
    for symbol in symbols:
        if symbol == END:
            break
        if symbol not in (PAD, BEGIN):
            found.append(int(symbol))
    return found


class Characters:
    """Each character is a symbol; those that training texts do not have are unknown."""

    def __init__(self, alphabet: Iterable[str]) -> None:
        self.alphabet = sorted(set(alphabet))

    @property
    def size(self) -> int:
        return RESERVED + len(self.alphabet)

    def encode(self, text: str) -> NDArray[np.int64]:
        import numpy as np

        signs = np.frombuffer(text.encode("utf-32-le", errors="replace"), np.uint32)
        known = np.array([ord(sign) for sign in self.alphabet], dtype=np.uint32)
        places = np.searchsorted(known, signs)
        found = np.take(known, places, mode="clip") == signs if len(known) else False
        return np.where(found, places + RESERVED, UNKNOWN)

    def decode(self, symbols: Sequence[int]) -> str:
        return "".join(_known(self.alphabet, symbol) for symbol in written(symbols))

    def num_bytes(self, symbols: Sequence[int]) -> int:
        """How many bytes of UTF-8 the symbols are."""
        return len(self.decode(symbols).encode(errors="replace"))


class Bytes:
    """Each byte of a text in UTF-8 is a symbol, so that nothing is unknown."""

    size = RESERVED + 256

    def encode(self, text: str) -> NDArray[np.int64]:
        import numpy as np

        data = text.encode("utf-8", errors="replace")
        return np.frombuffer(data, np.uint8).astype(np.int64) + RESERVED

    def decode(self, symbols: Sequence[int]) -> str:
        data = bytes(symbol - RESERVED for symbol in written(symbols) if symbol != UNKNOWN)
        return data.decode("utf-8", errors="replace")

    def num_bytes(self, symbols: Sequence[int]) -> int:
        """How many bytes of UTF-8 the symbols are."""
        return sum(symbol >= RESERVED for symbol in symbols)


class Words:
    """Each word in lower case, and each run of other signs, is a symbol; words that training texts
    have too seldom are unknown."""

    def __init__(self, known: Iterable[str], size: int) -> None:
        """`size` is that of the codec, which may be larger than the words need."""
        self._words = list(known)
        self._size = size
        self._places = {word: place for place, word in enumerate(self._words, RESERVED)}

    @property
    def size(self) -> int:
        return self._size

    def encode(self, text: str) -> NDArray[np.int64]:
        import numpy as np

        return np.array([self._places.get(word, UNKNOWN) for word in words(text)], dtype=np.int64)

    def decode(self, symbols: Sequence[int]) -> str:
        text = " ".join(_known(self._words, symbol) for symbol in written(symbols))
        return _NO_BLANK_BEFORE.sub("", text)


def words(text: str) -> list[str]:
    """The words of a text in lower case; signs that stand together, such as `:)`, are one."""
    return _WORD.findall(text.lower())


def frequent(texts: Iterable[str], most: int) -> list[str]:
    """The `most` words that texts have most often, in this order; equal ones by alphabet."""
    counts = Counter(word for text in texts for word in words(text))
    return sorted(counts, key=lambda word: (-counts[word], word))[:most]


def _known(symbols: list[str], symbol: int) -> str:
    return symbols[symbol - RESERVED] if RESERVED <= symbol < RESERVED + len(symbols) else _UNKNOWN
