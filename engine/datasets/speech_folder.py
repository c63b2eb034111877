"""A folder of recordings with what is said in them, in the layouts that people publish."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _user_files
from presets import ConfigError, UserError
from presets.schema import Config as Base
from presets.schema import Count, Positive

if TYPE_CHECKING:
    from engine.datasets._audio.features import Frames
    from engine.datasets._speech.codec import SpeechCodec
    from engine.datasets._speech.recordings import Recordings

MAX_ALPHABET = 1000
_BLANK = "<blank>"


class Config(Base, frozen=True):
    path: str = ""
    """A folder like LibriSpeech, Common Voice or Speech Commands, or one with a metadata.csv or
    transcripts.tsv of the columns file and text."""
    features: Literal["log-mel", "mfcc"] = "log-mel"
    """What is made of each frame: the mel spectrum in dB, or cepstrum coefficients of it."""
    rate: Annotated[int, Meta(ge=4000, le=48000)] = 16000
    """Samples a second to which all recordings are brought."""
    window_ms: Annotated[float, Meta(ge=5, le=200)] = 25.0
    hop_ms: Annotated[float, Meta(ge=2, le=100)] = 10.0
    """Milliseconds from a frame to the next."""
    mels: Annotated[int, Meta(ge=8, le=256)] = 40
    """Bands of the mel spectrum."""
    coefficients: Count = 13
    """Cepstrum coefficients, for `mfcc`."""
    max_seconds: Positive = 30.0
    """Longer recordings are left out."""
    text: Literal["letters", "as-is"] = "letters"
    """`letters`: small letters, digits and apostrophes alone, everything else as a space; `as-is`:
    all characters as they are written."""

    def __post_init__(self) -> None:
        if self.coefficients > self.mels:
            raise ValueError(
                f"coefficients: expected at most mels = {self.mels}, got {self.coefficients}"
            )


class _Facts(Struct, frozen=True):
    """What is known of a folder without the samples of its recordings."""

    kind: str
    utterances: dict[str, list[tuple[str, str]]]
    """Paths and texts by split."""
    lengths: dict[str, list[int]]
    """Frames of each."""
    alphabet: str
    cautions: tuple[str, ...]


def info(config: Config) -> DatasetInfo:
    facts = _facts(config)
    longest = max(max(lengths) for lengths in facts.lengths.values())
    hours = sum(map(sum, facts.lengths.values())) * config.hop_ms / 3.6e6
    number = sum(map(len, facts.lengths.values()))
    return DatasetInfo(
        input_shape=(longest, config.coefficients if config.features == "mfcc" else config.mels),
        num_outputs=1 + len(facts.alphabet),
        task="speech",
        input="frames",
        samples={split: len(lengths) for split, lengths in facts.lengths.items()},
        tokens={split: sum(lengths) for split, lengths in facts.lengths.items()},
        names=(_BLANK, *facts.alphabet),
        notes=(f"{facts.kind}: {number} recordings, {hours:.3g} hours",),
        cautions=facts.cautions,
    )


def build(config: Config) -> Splits:
    """Features are made when a batch is: the set need not fit into memory. Each feature has mean 0
    and deviation 1 over its recording."""
    facts, codec = _facts(config), _codec(config)
    splits = {split: _recordings(config, facts, split, codec) for split in facts.lengths}
    return Splits(train=splits["train"], val=splits["val"], test=splits["test"], codec=codec)


def _facts(config: Config) -> _Facts:
    """Raises ConfigError, in one line. Read again after a change in the folder or one below."""
    root = _user_files.located(config.path, "a folder of speech").absolute()
    try:
        folders = [root, *(path for path in sorted(root.iterdir()))]
        times = tuple((str(path), path.stat().st_mtime_ns) for path in folders)
    except OSError as error:
        raise _user_files.unreadable(root, error) from None
    return _user_files.remembered_by((__name__, config, times), lambda: _read_facts(config, root))


def _read_facts(config: Config, root: Path) -> _Facts:
    from engine.datasets._audio import reading, resampling
    from engine.datasets._speech import layouts

    kind, listing = layouts.listed(root)
    frames = _frames(config)
    utterances: dict[str, list[tuple[str, str]]] = {}
    lengths: dict[str, list[int]] = {}
    left_out = dict.fromkeys(("longer than dataset.max_seconds", "no text", "too much text"), 0)
    for split, found in listing.items():
        utterances[split], lengths[split] = [], []
        for one in found:
            try:
                header = reading.header(root / one.path)
            except UserError as error:
                raise ConfigError(f"dataset.path: {error}") from None
            text = _text(one.text, config)
            length = frames.count(resampling.length(header.samples, header.rate, frames.rate))
            if header.seconds > config.max_seconds:
                left_out["longer than dataset.max_seconds"] += 1
            elif not text:
                left_out["no text"] += 1
            elif len(text) > length:
                left_out["too much text"] += 1
            else:
                utterances[split].append((one.path, text))
                lengths[split].append(length)
    if empty := [split for split, found in lengths.items() if not found]:
        raise ConfigError(
            f"dataset.path: {str(root)!r} ({kind}) has no recordings for {' and '.join(empty)}; "
            "expected some for train, val and test, or about 30 or more in all"
        )
    return _Facts(
        kind=kind,
        utterances=utterances,
        lengths=lengths,
        alphabet=_alphabet(root, utterances),
        cautions=tuple(f"{n} recordings were left out: {why}" for why, n in left_out.items() if n),
    )


def _alphabet(root: Path, utterances: dict[str, list[tuple[str, str]]]) -> str:
    found = {letter for each in utterances.values() for _, text in each for letter in text}
    if len(found) > MAX_ALPHABET:
        raise ConfigError(
            f"dataset.path: {str(root)!r} has {len(found)} different characters; expected at most "
            f"{MAX_ALPHABET}"
        )
    return "".join(sorted(found))


def _text(text: str, config: Config) -> str:
    """What a model is to write."""
    text = unicodedata.normalize("NFC", text)
    if config.text == "letters":
        small = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()
        text = "".join(c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in small)
    return " ".join(text.split())


def _frames(config: Config) -> Frames:
    from engine.datasets._audio.features import Frames

    per_ms = config.rate / 1000
    window, hop = max(2, round(config.window_ms * per_ms)), max(1, round(config.hop_ms * per_ms))
    return Frames(rate=config.rate, window=window + window % 2, hop=hop, mels=config.mels)


def _codec(config: Config) -> SpeechCodec:
    import numpy as np

    from engine.datasets._speech.codec import SpeechCodec

    features = info(config).input_shape[1]
    return SpeechCodec(
        _facts(config).alphabet,
        between="",
        mean=np.zeros(features, np.float32),
        deviation=np.ones(features, np.float32),
        cepstrum=config.features == "mfcc",
    )


def _recordings(config: Config, facts: _Facts, split: str, codec: SpeechCodec) -> Recordings:
    from engine.datasets._speech.layouts import Utterance
    from engine.datasets._speech.recordings import Recordings

    return Recordings(
        _user_files.located(config.path, "a folder of speech").absolute(),
        [Utterance(path, text) for path, text in facts.utterances[split]],
        facts.lengths[split],
        frames=_frames(config),
        coefficients=config.coefficients if config.features == "mfcc" else 0,
        codec=codec,
    )


def sample(config: Config) -> dataset_preview.Images:
    """Spectrograms of the first training recordings, up to three seconds of each."""
    import numpy as np

    facts, codec = _facts(config), _codec(config)
    train = _recordings(config, facts, "train", codec)
    most = min(len(train), 6)
    grey = [codec.spectrogram(train.batch(np.array([n])).x[0])[:, :300] for n in range(most)]
    widest = max(each.shape[1] for each in grey)
    pixels = [np.pad(each, ((0, 0), (0, widest - each.shape[1]))) for each in grey]
    labels = tuple(text for _, text in facts.utterances["train"][:most])
    return dataset_preview.Images(np.stack(pixels), labels)


def hear(config: Config, source: str) -> dataset_preview.Recording:
    """What a model of this data hears of an audio file, or of a recording of the test set by its
    number from 0 on. Raises UserError, in one line."""
    from engine.datasets._speech import recordings

    codec, frames = _codec(config), _frames(config)
    path, text = Path(source).expanduser(), ""
    if source.strip().isdecimal():
        test = _facts(config).utterances["test"]
        if int(source) >= len(test):
            raise UserError(f"recording {source}: expected a number up to {len(test) - 1}")
        name, text = test[int(source)]
        path = _user_files.located(config.path, "a folder of speech").absolute() / name
    coefficients = config.coefficients if config.features == "mfcc" else 0
    waveform, x = recordings.heard(path, frames, coefficients)
    return dataset_preview.Recording(
        x=x[None],
        spectrogram=codec.spectrogram(x),
        seconds_per_frame=frames.hop / frames.rate,
        waveform=waveform,
        rate=frames.rate,
        reference=text,
    )
