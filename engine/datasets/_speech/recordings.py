"""Recordings that are read when a batch is made of them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.config.padding_constants import IGNORED
from engine.config.registry import Split
from engine.datasets import _user_files
from engine.datasets._audio import features, reading, resampling
from engine.datasets._audio.features import Frames
from engine.datasets._speech.codec import SpeechCodec
from engine.datasets._speech.layouts import Utterance
from presets import UserError

_KEPT_BYTES = 2**28  # of features, so that a small set is read once


class Recordings:
    """The utterances of a split as frames and symbols; a `Source`."""

    def __init__(
        self,
        root: Path,
        utterances: Sequence[Utterance],
        lengths: Sequence[int],
        *,
        frames: Frames,
        coefficients: int,
        codec: SpeechCodec,
    ) -> None:
        """`lengths` are the frames of each by its header; `coefficients` those of the cepstrum, 0
        for the mel spectrum itself."""
        self.lengths: NDArray[np.int64] = np.array(lengths, dtype=np.int64)
        self._root = root
        self._utterances = utterances
        self._frames, self._coefficients = frames, coefficients
        self._codec = codec
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._kept_bytes = 0

    def __len__(self) -> int:
        return len(self._utterances)

    def batch(self, index: NDArray[np.int64]) -> Split:
        """These recordings, padded to the longest of them. UserError if one cannot be read."""
        x = [self._read(int(number)) for number in index]
        y = [self._codec.encode(self._utterances[int(number)].text) for number in index]
        return Split(_padded(x, np.nan), _padded(y, IGNORED))

    def _read(self, number: int) -> NDArray[np.float32]:
        if (kept := self._kept.get(number)) is not None:
            return kept
        path = self._root / self._utterances[number].path
        try:
            _, found = heard(path, self._frames, self._coefficients)
        except UserError as error:
            raise UserError(f"dataset.path: {error}") from None
        if self._kept_bytes + found.nbytes <= _KEPT_BYTES:
            self._kept[number] = found
            self._kept_bytes += found.nbytes
        return found

    def fingerprint(self) -> str:
        """SHA-256 of names, texts, sizes and times of change; the files are not read."""
        digest = hashlib.sha256()
        for one in self._utterances:
            try:
                facts = (self._root / one.path).stat()
            except OSError as error:
                raise _user_files.unreadable(self._root / one.path, error) from None
            told = f"{one.path}\t{one.text}\t{facts.st_size}\t{facts.st_mtime_ns}\n"
            digest.update(told.encode())
        return digest.hexdigest()


def heard(
    path: Path, frames: Frames, coefficients: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The waveform of a file at the rate of `frames`, float32 (n,), and its features, float32
    (frames, features), each of mean 0 and deviation 1 over the recording, whatever its loudness
    and its microphone. UserError if it cannot be read."""
    samples, rate = reading.read(path)
    waveform = resampling.resample(samples, rate, frames.rate)
    if coefficients:
        found = features.mfcc(waveform, frames, coefficients)
    else:
        found = features.log_mel(waveform, frames)
    deviation = found.std(axis=0)
    deviation[deviation < 1e-3] = 1  # silence
    normalised: NDArray[np.float32] = ((found - found.mean(axis=0)) / deviation).astype(np.float32)
    return waveform, normalised


def _padded(arrays: Sequence[NDArray[np.generic]], padding: float) -> NDArray[np.generic]:
    longest = max(map(len, arrays), default=0)
    shape = (len(arrays), longest, *arrays[0].shape[1:])
    filled = np.full(shape, padding, dtype=arrays[0].dtype)
    for row, array in zip(filled, arrays, strict=True):
        row[: len(array)] = array
    return filled
