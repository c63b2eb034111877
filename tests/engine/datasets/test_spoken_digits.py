"""Strings of digits: held-out recordings stay held out, and a wav file is heard like them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.config import dataset_preview, registry
from engine.datasets import spoken_digits
from engine.datasets._audio import resampling
from engine.datasets.spoken_digits import Config
from presets import UserError
from presets.schema import Component

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "spoken_digits"


@pytest.fixture(scope="module")
def data():
    return spoken_digits.build(Config())


def rows(source):
    one = source.batch(np.arange(len(source)))
    return one.x[~np.isnan(one.x[:, :, 0])]


@pytest.mark.parametrize("longest", [1, 3, 7])
def test_there_are_as_many_strings_of_each_length(longest):
    config = Config(longest=longest)
    info, data = spoken_digits.info(config), spoken_digits.build(config)
    for split, samples in info.samples.items():
        source = getattr(data, split)
        assert len(source) == samples
        y = source.batch(np.arange(samples)).y
        counts = np.bincount((y > 0).sum(axis=1), minlength=longest + 1)
        assert counts.tolist() == [0, *[samples // longest] * longest]
        assert info.tokens[split] == pytest.approx(source.lengths.sum(), rel=0.05)
    # Longer ones are rare.
    assert np.percentile(data.train.lengths, 98) < info.input_shape[0]


def test_no_held_out_recording_is_in_training():
    config = Config(loudness=0)
    data = spoken_digits.build(config)
    known = {}
    for split in ("val", "test"):
        known[split] = {row.tobytes() for row in rows(getattr(data, split))}
    assert not known["val"] & known["test"]
    train = {row.tobytes() for row in rows(data.draw_train(0, 1))}
    for split in known.values():
        assert len(split & train) < 5  # two different recordings may have a silent frame alike


def test_an_epoch_is_a_function_of_seed_and_epoch(data):
    def drawn(seed, epoch):
        return data.draw_train(seed, epoch).fingerprint()

    assert drawn(1, 2) == drawn(1, 2)
    assert len({drawn(1, 2), drawn(1, 3), drawn(2, 2)}) == 3
    again = spoken_digits.build(Config())
    assert again.val.fingerprint() == data.val.fingerprint()
    assert again.test.fingerprint() == data.test.fingerprint()


def test_every_training_recording_comes_once_before_any_comes_again():
    data = spoken_digits.build(Config(loudness=0, longest=1))
    assert len({row.tobytes() for row in rows(data.draw_train(3, 1))}) > 0.99 * len(
        rows(data.draw_train(3, 1))
    )
    np.testing.assert_allclose(rows(data.train).mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(rows(data.train).std(axis=0), 1, atol=1e-3)


def test_loudness_moves_the_first_coefficient_alone():
    loud, plain = (spoken_digits.build(Config(loudness=db)).val for db in (9, 0))
    assert loud.fingerprint() == plain.fingerprint()  # held-out strings stay as they are
    trained = spoken_digits.build(Config(loudness=9)).train
    x = trained.batch(np.arange(len(trained))).x
    level = np.nanmean(x[:, :, 0], axis=1)
    assert level.std() > 0.5
    np.testing.assert_allclose(np.nanmean(x, axis=(0, 1))[1:], 0, atol=0.05)


def test_the_codec_goes_both_ways(data):
    assert data.codec.decode(data.codec.encode("3 1 4")) == "3 1 4"
    assert data.codec.encode("3 x 4").tolist() == [4, 5]
    assert data.codec.size == spoken_digits.info(Config()).num_outputs == 11


def test_a_string_of_the_test_set_by_its_number(data):
    heard = spoken_digits.hear(Config(), "5")
    one = data.test.batch(np.array([5]))
    np.testing.assert_array_equal(heard.x, one.x)
    assert heard.reference == data.codec.decode(one.y[0].tolist())
    assert heard.spectrogram.shape == (20, heard.x.shape[1])
    with pytest.raises(UserError, match=r"recording 9999: expected a number up to 601"):
        spoken_digits.hear(Config(), "9999")


def test_a_file_is_heard_like_the_recording_that_it_is(tmp_path):
    """0_george_0.wav is among the embedded recordings: its features are those of its file, at
    another sampling rate too."""
    path = RECORDINGS / "0_george_0.wav"
    heard = spoken_digits.hear(Config(), str(path))
    recordings, codec = spoken_digits._recordings(), spoken_digits._codec()
    away = [
        np.abs(codec.normalised(frames) - heard.x[0]).mean()
        for frames in recordings.frames
        if frames.shape == heard.x[0].shape
    ]
    assert min(away) < 0.02
    assert heard.seconds_per_frame * heard.x.shape[1] == pytest.approx(
        len(heard.waveform) / heard.rate, abs=0.025
    )
    faster = resampling.resample(heard.waveform, 8000, 44100)
    soundfile.write(tmp_path / "faster.flac", faster, 44100)
    again = spoken_digits.hear(Config(), str(tmp_path / "faster.flac"))
    assert np.corrcoef(again.x[0, :12].ravel(), heard.x[0, :12].ravel())[0, 1] > 0.97


def test_a_soft_file_is_made_as_loud_as_those_that_were_learned_from(tmp_path):
    samples, rate = soundfile.read(RECORDINGS / "3_jackson_7.wav")
    soundfile.write(tmp_path / "soft.wav", samples / 300, rate, "FLOAT")
    soft = spoken_digits.hear(Config(), str(tmp_path / "soft.wav")).x[0]
    usual = spoken_digits.hear(Config(), str(RECORDINGS / "3_jackson_7.wav")).x[0]
    assert np.abs(soft - usual)[:, 1:].max() < 0.3
    assert abs(soft[:, 0].max() - usual[:, 0].max()) < 2


def test_one_line_for_a_file_that_is_no_sound(tmp_path):
    (tmp_path / "notes.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"notes\.wav' cannot be read as audio"):
        spoken_digits.hear(Config(), str(tmp_path / "notes.wav"))


def test_samples_are_spectrograms_with_what_is_said():
    component = Component(name="spoken-digits", type="spoken_digits")
    found = dataset_preview.of(component)
    assert isinstance(found, dataset_preview.Images)
    assert found.labels == tuple("0123456789") * 2
    assert len(found.pixels) == 20
    assert found.pixels.dtype == np.uint8
    assert registry.module("dataset", "spoken_digits") is spoken_digits
