"""Mel spectra and mel-frequency cepstrum coefficients of a waveform, frame by frame.

A frame is the part of a waveform under a periodic Hann window. Frame k is centred on sample
k * hop; at both ends the waveform goes on as its mirror image. Mels are those of HTK (Young et al.,
The HTK Book, section 5.4): mel = 2595 log10(1 + f / 700), with triangular filters of height 1, and
not those of Slaney's Auditory Toolbox.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RANGE = 80.0
"""Decibels below the loudest number of a recording at which everything softer is cut off."""
_LEAST_POWER = 1e-10
_MOST = 2**20  # numbers of windowed frames at a time: bounds the memory of long recordings


@dataclass(frozen=True)
class Frames:
    """How a waveform is cut into frames, and what is made of each."""

    rate: int
    """Samples in a second."""
    window: int
    """Samples under the window, the length of its Fourier transform too."""
    hop: int
    """Samples from a frame to the next."""
    mels: int
    """Bands of the mel spectrum, spread from 0 to half the rate."""

    def count(self, samples: int) -> int:
        """The number of frames of so many samples."""
        return 1 + samples // self.hop


def log_mel(waveform: NDArray[np.float32], frames: Frames) -> NDArray[np.float32]:
    """The power in each mel band in decibels, float32 (frames, mels), of samples float32 (n,)
    from -1 to 1. What is more than 80 dB below the largest is raised to that."""
    edge = frames.window // 2
    padded = np.pad(waveform, edge, mode="reflect" if len(waveform) > 1 else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, frames.window)[:: frames.hop]
    windows = windows[: frames.count(len(waveform))]
    filters, hann = mel_filters(frames), _hann(frames.window)
    power = np.empty((len(windows), frames.mels), np.float32)
    chunk = max(1, _MOST // frames.window)
    for start in range(0, len(windows), chunk):
        spectrum = np.fft.rfft(windows[start : start + chunk] * hann, axis=1)
        power[start : start + chunk] = (np.abs(spectrum) ** 2) @ filters
    decibels = 10 * np.log10(np.maximum(power, _LEAST_POWER))
    loud: NDArray[np.float32] = np.maximum(decibels, decibels.max() - RANGE).astype(np.float32)
    return loud


def mfcc(waveform: NDArray[np.float32], frames: Frames, count: int) -> NDArray[np.float32]:
    """The first `count` cepstrum coefficients, float32 (frames, count): the orthonormal DCT-II of
    the mel spectrum in decibels (Davis and Mermelstein 1980)."""
    return log_mel(waveform, frames) @ cosines(frames.mels, count)


def smooth_spectrum(coefficients: NDArray[np.float32], mels: int) -> NDArray[np.float32]:
    """The mel spectrum, float32 (frames, mels) in decibels, that cepstrum coefficients
    (frames, count) still know: the inverse transform, with the coefficients that were left out as
    zeros. It may have another number of bands than the one that they were made of, up to a factor
    common to all numbers."""
    spectrum: NDArray[np.float32] = coefficients @ cosines(mels, coefficients.shape[1]).T
    return spectrum


@functools.lru_cache(maxsize=16)
def cosines(mels: int, count: int) -> NDArray[np.float32]:
    """The first columns of the orthonormal DCT-II, float32 (mels, count)."""
    angles = np.pi * np.outer(np.arange(mels) + 0.5, np.arange(count)) / mels
    matrix = np.sqrt(2 / mels) * np.cos(angles)
    matrix[:, 0] /= np.sqrt(2)
    found: NDArray[np.float32] = matrix.astype(np.float32)
    return found


@functools.lru_cache(maxsize=16)
def mel_filters(frames: Frames) -> NDArray[np.float32]:
    """The weight of each bin of the spectrum in each band, float32 (window // 2 + 1, mels)."""
    highest = 2595 * np.log10(1 + frames.rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, frames.mels + 2) / 2595) - 1)
    bins = np.linspace(0, frames.rate / 2, frames.window // 2 + 1)[:, None]
    rising = (bins - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - bins) / np.diff(corners)[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _hann(window: int) -> NDArray[np.float32]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return hann.astype(np.float32)
