"""Features are those of their formulas, resampling keeps what it may, and files are read alike."""

import math
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.datasets._audio import features, reading, resampling
from engine.datasets._audio.features import Frames
from presets import DATA, UserError

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "spoken_digits"
FRAMES = Frames(rate=8000, window=50, hop=20, mels=6)


def slow_mfcc(samples, frames, count):
    """The formulas of the module's docstring, one number at a time."""
    half = frames.window // 2
    mirrored = [*samples[half:0:-1], *samples, *samples[-2 : -half - 2 : -1]]

    def mel(hertz):
        return 2595 * math.log10(1 + hertz / 700)

    corners = np.array([mel(frames.rate / 2) * k / (frames.mels + 1) for k in range(99)])
    corners = 700 * (10 ** (corners / 2595) - 1)
    rows = []
    for start in range(0, len(samples) + 1, frames.hop):
        power = np.zeros(half + 1)
        for k in range(half + 1):
            total = 0j
            for n in range(frames.window):
                hann = math.sin(math.pi * n / frames.window) ** 2
                turn = np.exp(-2j * math.pi * k * n / frames.window)
                total += hann * mirrored[start + n] * turn
            power[k] = abs(total) ** 2
        bands = []
        for band in range(frames.mels):
            low, middle, high = corners[band : band + 3]
            total = 0.0
            for k in range(half + 1):
                hertz = k * frames.rate / frames.window
                if low <= hertz <= middle:
                    total += power[k] * (hertz - low) / (middle - low)
                elif middle < hertz <= high:
                    total += power[k] * (high - hertz) / (high - middle)
            bands.append(10 * math.log10(max(total, 1e-10)))
        rows.append(bands)
    decibels = np.array(rows)
    decibels = np.maximum(decibels, decibels.max() - 80)
    result = np.zeros((len(rows), count))
    for place in range(count):
        scale = math.sqrt((1 if place == 0 else 2) / frames.mels)
        for band in range(frames.mels):
            angle = math.pi * place * (band + 0.5) / frames.mels
            result[:, place] += scale * decibels[:, band] * math.cos(angle)
    return result


def test_coefficients_are_those_of_the_formula():
    samples = np.random.default_rng(0).normal(size=113).astype(np.float32) / 10
    samples[60:] = 0  # below the range
    found = features.mfcc(samples, FRAMES, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_mfcc(samples.astype(float), FRAMES, 4), atol=2e-3)


def test_a_long_recording_is_done_in_parts(monkeypatch):
    samples = np.random.default_rng(1).normal(size=3000).astype(np.float32)
    whole = features.log_mel(samples, FRAMES)
    assert whole.shape == (FRAMES.count(3000), 6)
    monkeypatch.setattr(features, "_MOST", 1000)
    np.testing.assert_allclose(features.log_mel(samples, FRAMES), whole, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 2, 30])
def test_the_shortest_sounds_have_frames(samples):
    sound = np.full(samples, 0.1, np.float32)
    assert np.isfinite(features.mfcc(sound, FRAMES, 3)).all()


def test_the_spectrum_comes_back_from_all_coefficients_and_smoothed_from_few():
    samples = np.random.default_rng(0).normal(size=400).astype(np.float32)
    spectrum = features.log_mel(samples, FRAMES)
    whole = features.mfcc(samples, FRAMES, FRAMES.mels)
    np.testing.assert_allclose(features.smooth_spectrum(whole, FRAMES.mels), spectrum, atol=1e-3)
    level = features.smooth_spectrum(whole[:, :1], FRAMES.mels)
    np.testing.assert_allclose(level, np.tile(spectrum.mean(axis=1)[:, None], 6), atol=1e-3)


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.wav")), ids=lambda path: path.stem)
def test_the_embedded_coefficients_are_made_again_from_the_recordings(path):
    """Up to their eight bits, and what was cut off at the ends of their range."""
    with np.load(DATA / "spoken_digits.npz", allow_pickle=False) as file:
        x, lengths, y = file["x"], file["lengths"].astype(int), file["y"]
        low, high = file["low"], file["high"]
    samples, rate = reading.read(path)
    made = features.mfcc(samples, Frames(rate=rate, window=400, hop=200, mels=128), 13)
    scaled = (made.clip(low, high) - low) / (high - low) * 255
    ends = lengths.cumsum()
    like = np.flatnonzero((lengths == len(made)) & (y == int(path.stem[0])))
    away = [np.abs(x[ends[k] - lengths[k] : ends[k]] - scaled).max() for k in like]
    assert np.sort(away)[0] < 0.6
    assert np.sort(away)[1] > 10


@pytest.mark.parametrize(
    ("old", "new"), [(44100, 16000), (48000, 8000), (8000, 16000), (22050, 16000), (16000, 16000)]
)
def test_tones_below_half_the_rate_stay_and_those_above_go(old, new):
    times = np.arange(old) / old
    low = 0.4 * min(old, new)
    tone = np.sin(2 * np.pi * low * times).astype(np.float32)
    heard = resampling.resample(tone, old, new)
    assert len(heard) == resampling.length(old, old, new) == new
    expected = np.sin(2 * np.pi * low * np.arange(new) / new)
    np.testing.assert_allclose(heard[200:-200], expected[200:-200], atol=1e-4)
    if new < old:
        above = np.sin(2 * np.pi * 0.55 * new * times).astype(np.float32)
        assert np.abs(resampling.resample(above, old, new)[200:-200]).max() < 1e-3


def test_a_constant_stays_one_at_any_rate():
    heard = resampling.resample(np.ones(3000, np.float32), 4410, 4411)
    np.testing.assert_allclose(heard[100:-100], 1, atol=1e-6)


def without_soundfile(monkeypatch):
    monkeypatch.setattr(reading, "_has_soundfile", lambda: False)


@pytest.mark.parametrize("form", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"])
def test_wav_is_read_alike_with_and_without_soundfile(tmp_path, monkeypatch, form):
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (500, 2))
    path = tmp_path / "noise.wav"
    soundfile.write(path, samples, 11025, form)
    known, told = reading.read(path), reading.header(path)
    assert known[1] == told.rate == 11025
    np.testing.assert_allclose(known[0], samples.mean(axis=1), atol=0.01)
    without_soundfile(monkeypatch)
    plain = reading.read(path)
    np.testing.assert_allclose(plain[0], known[0], atol=1e-6)
    assert (plain[1], reading.header(path)) == (11025, told)


@pytest.mark.parametrize("ending", ["flac", "mp3", "ogg"])
def test_other_formats_are_read(tmp_path, ending):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    path = tmp_path / f"tone.{ending}"
    soundfile.write(path, tone, 16000)
    heard, rate = reading.read(path)
    assert rate == 16000
    assert reading.header(path).seconds == pytest.approx(1, abs=0.1)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("with_soundfile", [True, False])
@pytest.mark.parametrize("damage", ["empty", "text", "cut", "missing", "folder", "slow", "silent"])
def test_one_line_for_a_file_that_is_no_sound(tmp_path, monkeypatch, damage, with_soundfile):
    path = tmp_path / "a\nb.wav"
    if damage == "folder":
        path.mkdir()
    elif damage in ("slow", "silent", "cut"):
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8 if damage == "slow" else 8000, 0, "NONE", ""))
            file.writeframes(b"" if damage == "silent" else bytes(2000))
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:20])
    elif damage != "missing":
        path.write_bytes(b"" if damage == "empty" else b"hello " * 20)
    if not with_soundfile:
        without_soundfile(monkeypatch)
    with pytest.raises(UserError, match=r"cannot be read as audio \(.+\)") as caught:
        reading.read(path)
    assert len(str(caught.value).splitlines()) == 1


def test_without_soundfile_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "tone.flac"
    soundfile.write(path, np.zeros(100), 16000)
    without_soundfile(monkeypatch)
    with pytest.raises(UserError, match=r"pip install 'bigmodel-tui\[audio\]'"):
        reading.header(path)
