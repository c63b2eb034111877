"""The symbols of what is said, and pictures of how it sounds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.datasets._audio import features

BLANK = "<blank>"
ROWS = 20
"""Height of a spectrogram."""


class SpeechCodec:
    """A vocabulary for connectionist temporal classification: symbol 0 is the blank, which no text
    has; begin, end and unknown symbols are not needed."""

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        between: str,
        mean: NDArray[np.float32],
        deviation: NDArray[np.float32],
        cepstrum: bool,
    ) -> None:
        """`between` stands between two symbols of a text: " " if they are words, "" if they are
        characters. `mean` and `deviation`, float32 (features,), are those by which frames of
        `cepstrum` coefficients, or else of mel bands, were normalised."""
        self.names = (BLANK, *symbols)
        self._between = between
        self._mean, self._deviation = mean, deviation
        self._cepstrum = cepstrum
        self._number = {name: number for number, name in enumerate(self.names)}

    @property
    def size(self) -> int:
        """The number of symbols, the blank included."""
        return len(self.names)

    def encode(self, text: str) -> NDArray[np.int64]:
        """The symbols of a text, int64 (n,); those that the vocabulary lacks are left out."""
        parts = text.split(self._between) if self._between else text
        known = [self._number[part] for part in parts if part in self._number and part != BLANK]
        return np.array(known, dtype=np.int64)

    def decode(self, symbols: Sequence[int]) -> str:
        """The text of symbols, without blanks."""
        return self._between.join(self.names[symbol] for symbol in symbols if symbol)

    def normalised(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames (t, features) as a model sees them."""
        scaled: NDArray[np.float32] = (frames - self._mean) / self._deviation
        return scaled

    def spectrogram(self, frames: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Grey values (20, frames), the highest frequency first, of frames as a model sees them; 0
        is 80 dB, or what there is less, below the loudest."""
        decibels = frames * self._deviation + self._mean
        if self._cepstrum:
            decibels = features.smooth_spectrum(decibels, ROWS)
        bands = np.array_split(decibels, min(ROWS, decibels.shape[1]), axis=1)
        rows = np.stack([band.mean(axis=1) for band in bands][::-1])
        low = max(rows.min(), rows.max() - features.RANGE)
        scaled = (rows - low) / max(rows.max() - low, 1e-6) * 255
        grey: NDArray[np.uint8] = np.rint(scaled.clip(0, 255)).astype(np.uint8)
        return grey
