"""Text as windows of symbols, for language models; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.config.registry import Split, Splits

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
    """The windows of the texts, which are given by split. Those for training begin at another place
    in every epoch, which seed and epoch decide, so that a symbol is not always predicted from the
    same symbols before it."""
    import numpy as np

    encoded = {split: _encode(text, alphabet) for split, text in texts.items()}
    sizes = counts({split: len(text) for split, text in encoded.items()}, context_length)

    def draw_train(seed: int, epoch: int) -> Split:
        offset = int(np.random.default_rng((_OFFSET, seed, epoch)).integers(context_length))
        starts = offset + context_length * np.arange(sizes["train"])
        return _windows(encoded["train"], starts, context_length)

    def held_out(split: str) -> Split:
        whole = (len(encoded[split]) - 1) // context_length
        spread = np.arange(sizes[split]) * whole // sizes[split]
        return _windows(encoded[split], spread * context_length, context_length)

    return Splits(
        train=draw_train(0, 0), val=held_out("val"), test=held_out("test"), draw_train=draw_train
    )


def _encode(text: str, alphabet: str) -> NDArray[np.uint8]:
    """The places of the symbols in the alphabet, uint8 (len(text),); the alphabet is sorted."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    known = np.frombuffer(alphabet.encode("utf-32-le"), np.uint32)
    return np.searchsorted(known, codes).astype(np.uint8)


def _windows(symbols: NDArray[np.uint8], starts: NDArray[np.int64], length: int) -> Split:
    """The windows that begin at `starts`: x int64 (windows, length), y the same, one place on."""
    import numpy as np

    view = np.lib.stride_tricks.sliding_window_view(symbols, length + 1)[starts].astype(np.int64)
    return Split(np.ascontiguousarray(view[:, :-1]), np.ascontiguousarray(view[:, 1:]))
