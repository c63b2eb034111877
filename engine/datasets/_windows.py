"""Text as windows of symbols, for language models; without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.config.registry import Codec, Split, Splits

if TYPE_CHECKING:  # the launch screen counts windows and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

MOST_SYMBOLS = {"val": 2**16, "test": 2**18}
"""Maximum number of symbols in an evaluation, whose windows are spread evenly over the held-out
text and are the same each time. Validation happens often, the test once."""
MAX_ALPHABET = 256
"""Maximum number of different symbols: a symbol is a byte in memory until it is used."""

_OFFSET = 3  # the random stream of the offsets, apart from those of `seeds`


def needed(context_length: int) -> dict[str, int]:
    """The minimum number of symbols in each split."""
    return {"train": 2 * context_length, "val": context_length + 1, "test": context_length + 1}


def counts(lengths: Mapping[str, int], context_length: int) -> dict[str, int]:
    """The number of windows in each split; `lengths` are the symbols in the text of each."""
    whole = {split: (length - 1) // context_length for split, length in lengths.items()}
    # Room for every offset, so that all epochs have the same number.
    whole["train"] = (lengths["train"] - context_length) // context_length
    return {
        split: min(count, max(1, MOST_SYMBOLS[split] // context_length))
        if split in MOST_SYMBOLS
        else count
        for split, count in whole.items()
    }


def splits(texts: Mapping[str, str], alphabet: str, context_length: int) -> Splits:
    """The windows of the texts, which are given by split; each character is a symbol."""
    codec = Alphabet(alphabet)
    encoded = {split: codec.places(text) for split, text in texts.items()}
    sizes = counts({split: len(text) for split, text in encoded.items()}, context_length)
    return of_symbols(encoded, sizes, context_length, codec)


def of_symbols(
    encoded: Mapping[str, NDArray[Any]],
    sizes: Mapping[str, int],
    context_length: int,
    codec: Codec,
) -> Splits:
    """The windows of symbols, (length,) of any integers by split; `sizes` says how many windows,
    spread evenly. Those for training begin at another place in every epoch, which seed and epoch
    decide, so that a symbol is not always predicted from the same symbols before it."""
    import numpy as np

    def windows(split: str, offset: int) -> Split:
        whole = (len(encoded[split]) - 1 - offset) // context_length
        spread = np.arange(sizes[split]) * whole // sizes[split]
        return _windows(encoded[split], offset + spread * context_length, context_length)

    def draw_train(seed: int, epoch: int) -> Split:
        offset = int(np.random.default_rng((_OFFSET, seed, epoch)).integers(context_length))
        return windows("train", offset)

    return Splits(
        train=draw_train(0, 0),
        val=windows("val", 0),
        test=windows("test", 0),
        draw_train=draw_train,
        codec=codec,
    )


class Alphabet:
    """The characters of a text as symbols, from 0 on: a language model needs no others."""

    def __init__(self, alphabet: str) -> None:
        """The alphabet is sorted and has at most `MAX_ALPHABET` characters."""
        self._alphabet = alphabet

    @property
    def size(self) -> int:
        return len(self._alphabet)

    def places(self, text: str) -> NDArray[np.uint8]:
        """The symbols of a text that has no other characters, uint8 (len(text),)."""
        import numpy as np

        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        known = np.frombuffer(self._alphabet.encode("utf-32-le"), np.uint32)
        return np.searchsorted(known, codes).astype(np.uint8)

    def encode(self, text: str) -> NDArray[np.int64]:
        """The symbols of the characters that are known; others are left out."""
        import numpy as np

        known = "".join(sign for sign in text if sign in self._alphabet)
        return self.places(known).astype(np.int64)

    def decode(self, symbols: Sequence[int]) -> str:
        return "".join(self._alphabet[symbol] for symbol in symbols)


def _windows(symbols: NDArray[Any], starts: NDArray[np.int64], length: int) -> Split:
    """The windows that begin at `starts`: x int64 (windows, length), y the same, one place on."""
    import numpy as np

    view = np.lib.stride_tricks.sliding_window_view(symbols, length + 1)[starts].astype(np.int64)
    return Split(np.ascontiguousarray(view[:, :-1]), np.ascontiguousarray(view[:, 1:]))
