"""Audio files to waveforms: wav, flac, mp3 and ogg through `soundfile`, plain wav without it."""

import wave
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.runs.safe_file_access import open_regular
from presets import UserError

ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus")
RATES = (1000, 768_000)
"""The lowest and highest sampling rates that are read, in samples a second."""
MAX_SECONDS = 3600
_BYTES = (1, 2, 3, 4)


@dataclass(frozen=True)
class Header:
    """What the beginning of an audio file says."""

    samples: int
    rate: int
    """Samples in a second."""

    @property
    def seconds(self) -> float:
        """The length of the recording."""
        return self.samples / self.rate


def is_audio(name: str) -> bool:
    """Whether a file of this name is an audio file that can be read."""
    return name.lower().endswith(ENDINGS)


def header(path: Path) -> Header:
    """Length and rate of a file, without its samples. UserError, in one line, if it cannot be
    read as audio."""
    return _checked(path, _header_by_soundfile(path) if _has_soundfile() else _open(path)[0])


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples from -1 to 1, float32 (n,), the mean of all channels, and how many are a second.
    UserError, in one line, if it cannot be read as audio."""
    header(path)  # for its errors, before memory is taken for the samples
    samples, rate = _read_by_soundfile(path) if _has_soundfile() else _read_by_wave(path)
    if not len(samples):
        raise _unreadable(path, "it has no samples")
    if not np.isfinite(samples).all():
        raise _unreadable(path, "a sample is not finite")
    return samples.mean(axis=1, dtype=np.float32), rate


def _checked(path: Path, found: Header) -> Header:
    if not RATES[0] <= found.rate <= RATES[1]:
        raise _unreadable(
            path, f"expected {RATES[0]} to {RATES[1]} samples a second, got {found.rate}"
        )
    if not found.samples:
        raise _unreadable(path, "it has no samples")
    if found.seconds > MAX_SECONDS:
        raise _unreadable(path, f"expected at most {MAX_SECONDS} s, got {found.seconds:.0f} s")
    return found


def _has_soundfile() -> bool:
    return util.find_spec("soundfile") is not None


def _header_by_soundfile(path: Path) -> Header:
    import soundfile

    try:
        with open_regular(path) as file:
            told = soundfile.info(file)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from None
    return Header(max(0, told.frames), told.samplerate)


def _read_by_soundfile(path: Path) -> tuple[NDArray[np.float32], int]:
    import soundfile

    try:
        with open_regular(path) as file:
            samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from None
    return samples, rate


def _open(path: Path) -> tuple[Header, int, int]:
    """Of a plain wav file: its header, its channels, and the bytes of a sample."""
    try:
        with open_regular(path) as inner, wave.open(inner, "rb") as file:
            found = Header(file.getnframes(), file.getframerate())
            return found, file.getnchannels(), file.getsampwidth()
    except (OSError, EOFError, wave.Error, ValueError) as error:
        if isinstance(error, OSError):
            raise _unreadable(path, _reason(error)) from None
        raise _unreadable(
            path,
            f"{_reason(error)}; without the package soundfile only wav files of 8, 16, 24 or 32 "
            "bits are: pip install 'bigmodel-tui[audio]'",
        ) from None


def _read_by_wave(path: Path) -> tuple[NDArray[np.float32], int]:
    told, channels, width = _open(path)
    if width not in _BYTES:
        raise _unreadable(path, f"samples of {8 * width} bits")
    try:
        with open_regular(path) as inner, wave.open(inner, "rb") as file:
            data = file.readframes(told.samples)
    except (OSError, EOFError, wave.Error) as error:
        raise _unreadable(path, _reason(error)) from None
    whole = len(data) // (width * channels) * channels
    numbers = _numbers(data[: whole * width], width)
    return numbers.reshape(-1, channels), told.rate


def _numbers(data: bytes, width: int) -> NDArray[np.float32]:
    """Little-endian samples as numbers from -1 to 1; those of one byte are unsigned."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)
    # Each sample becomes the upper bytes of four.
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    numbers: NDArray[np.float32] = padded.view("<i4")[:, 0].astype(np.float32)
    return numbers / np.float32(2**31)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = str(error).partition("\n")[0].rstrip(".")
    return said.rpartition(": ")[2] or type(error).__name__


def _unreadable(path: Path, reason: str) -> UserError:
    return UserError(f"{str(path)!r} cannot be read as audio ({reason})")
