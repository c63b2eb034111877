"""Samples of different lengths in memory, padded when a batch is made of them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.config.padding_constants import IGNORED, PAD
from engine.config.registry import Split


class Ragged:
    """Arrays of different lengths, one behind the other: (length, *rest) each."""

    def __init__(self, arrays: Sequence[NDArray[np.generic]], padding: float) -> None:
        """`padding` fills the places behind the end of a shorter one."""
        self.lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        self._flat = np.concatenate(arrays) if len(arrays) else np.empty(0)
        self._begins = np.cumsum(self.lengths) - self.lengths
        self._padding = padding

    def __len__(self) -> int:
        return len(self.lengths)

    def rows(self, index: NDArray[np.int64]) -> NDArray[np.generic]:
        """These arrays, (len(index), longest of them, *rest)."""
        lengths = self.lengths[index]
        longest = int(lengths.max(initial=0))
        shape = (len(index), longest, *self._flat.shape[1:])
        filled = np.full(shape, self._padding, dtype=self._flat.dtype)
        inside = np.arange(longest) < lengths[:, None]
        places = self._begins[index][:, None] + np.arange(longest)
        filled[inside] = self._flat[places[inside]]
        return filled

    def fingerprint(self) -> str:
        """SHA-256 of all arrays and their lengths."""
        digest = hashlib.sha256(self.lengths.tobytes())
        digest.update(np.ascontiguousarray(self._flat).data)
        return digest.hexdigest()


class Sequences:
    """Samples whose inputs differ in length, and perhaps their targets too; a `Source`."""

    def __init__(
        self,
        x: Sequence[NDArray[np.generic]],
        y: Sequence[NDArray[np.int64]] | NDArray[np.generic],
        lengths: NDArray[np.int64] | None = None,
    ) -> None:
        """x: int64 symbols (length,) each, or float32 frames (length, features); y: one array of
        targets (n, ...), or int64 (length,) for each sample. `lengths` are those by which batches
        are made; None: those of the inputs."""
        frames = len(x) > 0 and np.issubdtype(x[0].dtype, np.floating)
        self._x = Ragged(x, np.nan if frames else PAD)
        self._y = y if isinstance(y, np.ndarray) else Ragged(y, IGNORED)
        self.lengths = self._x.lengths if lengths is None else lengths

    def __len__(self) -> int:
        return len(self._x)

    def batch(self, index: NDArray[np.int64]) -> Split:
        """These samples, padded to the longest of them."""
        y = self._y[index] if isinstance(self._y, np.ndarray) else self._y.rows(index)
        return Split(self._x.rows(index), y)

    def fingerprint(self) -> str:
        """SHA-256 of all samples."""
        digest = hashlib.sha256(self._x.fingerprint().encode())
        if isinstance(self._y, np.ndarray):
            digest.update(np.ascontiguousarray(self._y).data)
        else:
            digest.update(self._y.fingerprint().encode())
        return digest.hexdigest()
