"""Waveforms at another sampling rate."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

_ZEROS = 48  # zero crossings of the sinc on each side
_ROLL_OFF = 0.96  # where the low-pass ends, as a part of the lower rate's half
_BETA = 9.0  # of the Kaiser window: some 90 dB of attenuation
_AT_ONCE = 2**16  # samples: bounds the memory


def length(samples: int, old: int, new: int) -> int:
    """The number of samples that so many become."""
    return -(-samples * new // old)


def resample(waveform: NDArray[np.float32], old: int, new: int) -> NDArray[np.float32]:
    """The waveform float32 (n,) of `old` samples a second at `new` samples a second, float32
    (ceil(n new / old),).

    Band-limited interpolation (Smith and Gossett 1984): each sample is a sum of those around its
    time, weighted by a sinc under a Kaiser window that lets through nothing above half of the lower
    rate.
    """
    if old == new:
        return waveform
    common = math.gcd(old, new)
    up, down = new // common, old // common
    filters = _filters(up, down)
    reach = filters.shape[1] // 2
    padded = np.pad(waveform, reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach)
    result = np.empty(length(len(waveform), old, new), np.float32)
    for start in range(0, len(result), _AT_ONCE):
        places = np.arange(start, min(start + _AT_ONCE, len(result)), dtype=np.int64) * down
        # The window at place k begins with sample k - reach; its middle two are k - 1 and k.
        part = windows[places // up + 1]
        result[start : start + len(places)] = np.einsum("ij,ij->i", part, filters[places % up])
    return result


@functools.lru_cache(maxsize=4)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """For each of the `up` places between two samples the weights of the samples around it,
    float32 (up, 2 reach); each row sums to 1."""
    cutoff = _ROLL_OFF * min(1.0, up / down)  # as a part of half the old rate
    reach = math.ceil(_ZEROS / cutoff)
    distance = np.arange(1 - reach, reach + 1) - np.arange(up)[:, None] / up
    inside = np.maximum(0, 1 - (distance / reach) ** 2)
    weights = np.sinc(cutoff * distance) * np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)
