"""Strings of spoken English digits, joined from recordings of the Free Spoken Digit Dataset."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from presets import DATA, UserError
from presets.schema import Config as Base
from presets.schema import NonNegative

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.datasets._sequences import Sequences
    from engine.datasets._speech.codec import SpeechCodec

RATE, WINDOW, HOP, MELS, COEFFICIENTS = 8000, 400, 200, 128, 13
"""How the embedded coefficients were made: `_audio.features` makes the same of a recording, up to
their eight bits (a test compares them)."""

_DIGITS = tuple("0123456789")
_RECORDINGS = {"train": 2400, "val": 300, "test": 300}
_READINGS = {"train": 1, "val": 4, "test": 8}  # of each recording, about, in all strings of a split
_FRAMES = 18  # of a recording, in the mean
_LONG_FRAMES = 26  # of a recording; strings of n digits are hardly longer than n + 1 of them
_STRINGS, _HELD_OUT = 6, 7  # random streams, apart from those of `seeds` and `order`
_DECIBEL = math.sqrt(MELS)
"""By so much the first coefficient rises when a recording gets 1 dB louder."""


class Config(Base, frozen=True):
    longest: Annotated[int, Meta(ge=1, le=20)] = 7
    """Digits in the longest strings; there are as many strings of each length from 1 on."""
    loudness: NonNegative = 3.0
    """Standard deviation in dB by which training strings are made louder or softer at random."""


def info(config: Config) -> DatasetInfo:
    strings = {split: config.longest * _each(config, split) for split in _RECORDINGS}
    return DatasetInfo(
        input_shape=(_LONG_FRAMES * (config.longest + 1), COEFFICIENTS),
        num_outputs=1 + len(_DIGITS),
        task="speech",
        input="frames",
        samples=strings,
        tokens={split: _FRAMES * n * (config.longest + 1) // 2 for split, n in strings.items()},
        fixed=False,
        names=("<blank>", *_DIGITS),
    )


def _each(config: Config, split: str) -> int:
    """The number of strings of each length."""
    digits = config.longest * (config.longest + 1) // 2
    return -(-_RECORDINGS[split] * _READINGS[split] // digits)


class _Recordings(NamedTuple):
    frames: list[NDArray[np.float32]]
    """Of each recording (t, 13), in decibels."""
    digits: NDArray[np.int64]
    split: dict[str, NDArray[np.int64]]
    """The numbers of the recordings of each split."""


def build(config: Config) -> Splits:
    """Strings whose recordings are drawn anew for each epoch. Those of validation and test are
    always the same, and made of 300 recordings each that no training string has; speakers are not
    told apart. Coefficients are normalised with mean and deviation of the training recordings."""
    import numpy as np

    recordings, codec = _recordings(), _codec()

    def draw_train(seed: int, epoch: int) -> Sequences:
        return _strings(config, "train", np.random.default_rng((_STRINGS, seed, epoch)))

    def held_out(split: str, number: int) -> Sequences:
        return _strings(config, split, np.random.default_rng((_HELD_OUT, number)))

    assert len(recordings.frames) == sum(_RECORDINGS.values())
    return Splits(
        train=draw_train(0, 0),
        val=held_out("val", 1),
        test=held_out("test", 2),
        draw_train=draw_train,
        codec=codec,
    )


def _strings(config: Config, split: str, stream: np.random.Generator) -> Sequences:
    """As many strings of each length, of recordings that come again only after all were used."""
    import numpy as np

    from engine.datasets._sequences import Sequences

    recordings, codec = _recordings(), _codec()
    lengths = stream.permutation(np.repeat(np.arange(config.longest) + 1, _each(config, split)))
    total, own = int(lengths.sum()), recordings.split[split]
    rounds = [stream.permutation(own) for _ in range(-(-total // len(own)))]
    chosen = np.split(np.concatenate(rounds)[:total], lengths.cumsum()[:-1])
    x = []
    for numbers in chosen:
        frames = np.concatenate([recordings.frames[number] for number in numbers])
        if split == "train" and config.loudness:
            frames[:, 0] += _DECIBEL * config.loudness * stream.standard_normal()
        x.append(codec.normalised(frames))
    # Symbol 0 is the blank.
    return Sequences(x, [recordings.digits[numbers] + 1 for numbers in chosen])


@lru_cache(maxsize=1)
def _recordings() -> _Recordings:
    import numpy as np

    with np.load(DATA / "spoken_digits.npz", allow_pickle=False) as file:
        scaled, ends = file["x"].astype(np.float32), file["lengths"].astype(np.int64).cumsum()
        low, high, digits = file["low"], file["high"], file["y"].astype(np.int64)
    frames = np.split(scaled / 255 * (high - low) + low, ends[:-1])
    order = np.random.default_rng(0).permutation(len(digits))
    cuts = np.cumsum(list(_RECORDINGS.values()))[:-1]
    parts = dict(zip(_RECORDINGS, np.split(order, cuts), strict=True))
    return _Recordings(frames, digits, parts)


@lru_cache(maxsize=1)
def _codec() -> SpeechCodec:
    import numpy as np

    from engine.datasets._speech.codec import SpeechCodec

    recordings = _recordings()
    train = np.concatenate([recordings.frames[number] for number in recordings.split["train"]])
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return SpeechCodec(_DIGITS, between=" ", mean=mean, deviation=deviation, cepstrum=True)


def sample(config: Config) -> dataset_preview.Images:
    """Spectrograms of a training recording of each digit, then of another of each."""
    import numpy as np

    recordings, codec = _recordings(), _codec()
    train = recordings.split["train"]
    digits = recordings.digits[train]
    chosen = [train[digits == digit][turn] for turn in range(2) for digit in range(len(_DIGITS))]
    shown = [codec.spectrogram(codec.normalised(recordings.frames[number])) for number in chosen]
    widest = max(grey.shape[1] for grey in shown)
    pixels = [np.pad(grey, ((0, 0), (0, widest - grey.shape[1]))) for grey in shown]
    labels = tuple(_DIGITS[recordings.digits[number]] for number in chosen)
    return dataset_preview.Images(np.stack(pixels), labels)


def hear(config: Config, source: str) -> dataset_preview.Recording:
    """What a model of this data hears of an audio file, or of a string of the test set by its
    number from 0 on. Raises UserError, in one line.

    A file is resampled to 8 kHz. Where its loudest frame is softer or louder than that of 90 % of
    the training recordings, the whole is brought to the nearer end of these.
    """
    import numpy as np

    from engine.datasets._audio import features, reading, resampling

    codec = _codec()
    if source.strip().isdecimal():
        test = _strings(config, "test", np.random.default_rng((_HELD_OUT, 2)))
        number = int(source)
        if number >= len(test):
            raise UserError(f"recording {number}: expected a number up to {len(test) - 1}")
        one = test.batch(np.array([number]))
        return dataset_preview.Recording(
            x=one.x,
            spectrogram=codec.spectrogram(one.x[0]),
            seconds_per_frame=HOP / RATE,
            reference=codec.decode(one.y[0].tolist()),
        )
    samples, rate = reading.read(Path(source).expanduser())
    waveform = resampling.resample(samples, rate, RATE)
    how = features.Frames(rate=RATE, window=WINDOW, hop=HOP, mels=MELS)
    frames = features.mfcc(waveform, how, COEFFICIENTS)
    loudest = [each[:, 0].max() for each in _recordings().frames]
    usual = np.percentile(loudest, (5, 95))
    frames[:, 0] += np.clip(frames[:, 0].max(), *usual) - frames[:, 0].max()
    x = codec.normalised(frames)
    return dataset_preview.Recording(
        x=x[None],
        spectrogram=codec.spectrogram(x),
        seconds_per_frame=HOP / RATE,
        waveform=waveform,
        rate=RATE,
    )
