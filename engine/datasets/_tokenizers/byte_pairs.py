"""Byte pairs (Sennrich et al. 2016, arXiv:1508.07909; over bytes, as in GPT-2), by `tokenizers`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.datasets import _user_files
from engine.datasets._tokenizers.simple_codecs import RESERVED, written
from engine.runs import safe_file_access
from presets import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import tokenizers
    from numpy.typing import NDArray

LEAST = RESERVED + 256
"""The minimum size of a vocabulary: all bytes are in it, so that nothing is unknown."""
MAX_BYTES = 256 * _user_files.MEBIBYTE

_FORMAT = 1  # of what is kept in the cache folder: another one is learned anew


class BytePairs:
    """A tokenizer of `tokenizers`, with its symbols counted from `reserved` on."""

    def __init__(self, tokenizer: tokenizers.Tokenizer, *, reserved: int, size: int) -> None:
        self._tokenizer = tokenizer
        self._reserved = reserved
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def encode(self, text: str) -> NDArray[np.int64]:
        import numpy as np

        found = self._tokenizer.encode(text, add_special_tokens=False)
        return np.array(found.ids, dtype=np.int64) + self._reserved

    def encode_all(self, texts: list[str]) -> NDArray[np.int64]:
        """The symbols of texts, one behind the other, int64 (length,); on all cores where
        TOKENIZERS_PARALLELISM says so."""
        import numpy as np

        found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [np.array(each.ids, dtype=np.int64) for each in found]
        return np.concatenate([np.empty(0, np.int64), *ids]) + self._reserved

    def decode(self, symbols: Sequence[int]) -> str:
        found = written(symbols) if self._reserved else map(int, symbols)
        known = [each - self._reserved for each in found if each >= self._reserved]
        text: str = self._tokenizer.decode(known, skip_special_tokens=False)
        return text

    def num_bytes(self, symbols: Sequence[int]) -> int | None:
        """How many bytes of UTF-8 the symbols are; None unless they are pieces of bytes."""
        from tokenizers import decoders

        if not isinstance(self._tokenizer.decoder, decoders.ByteLevel):
            return None
        # Such a tokenizer writes each byte as a character.
        names = (self._tokenizer.id_to_token(each - self._reserved) for each in symbols)
        return sum(len(name) for name in names if name is not None)

    def to_json(self) -> str:
        """What a `tokenizer.json` of it holds."""
        content: str = self._tokenizer.to_str()
        return content


def learned(texts: Callable[[], Iterable[str]], vocabulary: int) -> BytePairs:
    """The pairs that these texts have most often. Learned once: the user's cache folder keeps them
    by what they were learned from.

    A symbol is a piece of a word, with the blank before it. Raises ConfigError.
    """
    check_size(vocabulary)
    _one_thread()
    path = _kept(texts(), vocabulary)
    tokenizer = _load_kept(path)
    if tokenizer is None:
        tokenizer = _learn(texts(), vocabulary)
        with suppress(OSError):  # without a cache they are learned at every start
            path.parent.mkdir(parents=True, exist_ok=True)
            safe_file_access.replace_file(path, tokenizer.to_str().encode())
    return BytePairs(tokenizer, reserved=RESERVED, size=vocabulary)


def check_size(vocabulary: int) -> None:
    """Raises ConfigError for a vocabulary that cannot hold all bytes."""
    if vocabulary < LEAST:
        raise ConfigError(
            f"dataset.vocabulary: expected at least {LEAST} for byte pairs, got {vocabulary}"
        )


def from_file(path: str, *, reserved: int, key: str) -> BytePairs:
    """The tokenizer of a `tokenizer.json`. Raises ConfigError, in one line."""
    tokenizer = _user_files.remembered(
        _read, _user_files.located(path, "a tokenizer.json", key=key), key
    )
    return BytePairs(tokenizer, reserved=reserved, size=_symbols(tokenizer) + reserved)


def file_size(path: str, *, reserved: int, key: str) -> int:
    """The size of the codec of a `tokenizer.json`."""
    return from_file(path, reserved=reserved, key=key).size


def _symbols(tokenizer: tokenizers.Tokenizer) -> int:
    """One more than the largest symbol: files may leave numbers out."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def _read(path: Path, key: str) -> tokenizers.Tokenizer:
    import tokenizers

    _one_thread()
    text = _user_files.read_text(path, most=MAX_BYTES, key=key)
    try:
        tokenizer = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the package raises no narrower one
        said = " ".join(str(error).split())
        raise ConfigError(f"{key}: {str(path)!r} is no tokenizer.json ({said:.120})") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _learn(texts: Iterable[str], vocabulary: int) -> tokenizers.Tokenizer:
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - RESERVED,
        special_tokens=[],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _kept(texts: Iterable[str], vocabulary: int) -> Path:
    """The file that has what is learned from these texts."""
    import tokenizers
    from platformdirs import user_cache_path

    digest = hashlib.sha256(f"{_FORMAT} {tokenizers.__version__} {vocabulary}\n".encode())
    for text in texts:
        data = text.encode("utf-8", errors="replace")
        digest.update(b"%d\n" % len(data) + data)
    folder = user_cache_path("bigmodel-tui", appauthor=False) / "tokenizers"
    return folder / f"{digest.hexdigest()[:32]}.json"


def _load_kept(path: Path) -> tokenizers.Tokenizer | None:
    """What an earlier start learned; None if there is nothing, or nothing whole."""
    import tokenizers

    try:
        with safe_file_access.open_regular(path) as file:
            return tokenizers.Tokenizer.from_str(file.read().decode())
    except Exception:  # the package raises no narrower one
        return None


def _one_thread() -> None:
    """Threads of the package would take the cores of the training, and warn after a fork."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
