"""Folders of speech in the layouts that people publish: each is written here with tones for it."""

import math

import numpy as np
import pytest
import soundfile

from engine.config import configure, dataset_preview
from engine.datasets import speech_folder
from engine.datasets._speech import recordings
from engine.datasets.speech_folder import Config
from engine.runs.events import Evaluation
from presets import ConfigError, UserError
from presets.schema import Component

PITCHES = {"a": 400, "b": 900, "c": 1600, " ": 0, "'": 2500}


def say(path, text, rate=16000):
    """A tone of 80 ms for each letter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(int(0.08 * rate)) / rate
    tones = [0.3 * np.sin(2 * math.pi * PITCHES.get(c, 3000) * times) for c in text.lower()]
    soundfile.write(path, np.concatenate(tones), rate)


def texts(count):
    return ["".join("abc"[(n // 3**k + k) % 3] for k in range(2 + n % 3)) for n in range(count)]


def libri_speech(root):
    for split, count in (("train-clean-5", 8), ("dev-clean", 3), ("test-clean", 2)):
        folder = root / split / "19" / "198"
        lines = []
        for number, text in enumerate(texts(count)):
            say(folder / f"19-198-{number:04}.flac", text)
            lines.append(f"19-198-{number:04} {text.upper()}")
        (folder / "19-198.trans.txt").write_text("\n".join(lines) + "\n")


def common_voice(root):
    for name, count in (("train", 8), ("dev", 3), ("test", 2)):
        rows = ["client_id\tpath\tsentence\tup_votes"]
        for number, text in enumerate(texts(count)):
            say(root / "clips" / f"{name}_{number}.mp3", text, 32000)
            rows.append(f'x\t{name}_{number}.mp3\t"{text.capitalize()}.\t2')
        (root / f"{name}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def speech_commands(root):
    for word in ("ab", "ba", "cab"):
        for number in range(4):
            say(root / word / f"{number}_nohash_0.wav", word)
    say(root / "_background_noise_" / "hum.wav", "aaaaaaaa")
    (root / "validation_list.txt").write_text("ab/0_nohash_0.wav\nba/1_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("cab/2_nohash_0.wav\n")


def with_table(root, name="metadata.csv", header="file,text,split"):
    comma = "," if name.endswith("csv") else "\t"
    rows = [header.replace(",", comma)]
    for split, count in (("train", 8), ("valid", 3), ("test", 2)):
        for number, text in enumerate(texts(count)):
            say(root / "wavs" / f"{split}{number}.wav", text, 8000)
            rows.append(comma.join((f"wavs/{split}{number}.wav", text, split)))
    (root / name).write_text("\n".join(rows) + "\n")


LAYOUTS = {
    "LibriSpeech": (libri_speech, {"train": 8, "val": 3, "test": 2}),
    "Common Voice": (common_voice, {"train": 8, "val": 3, "test": 2}),
    "words in folders": (speech_commands, {"train": 9, "val": 2, "test": 1}),
    "a table of recordings": (with_table, {"train": 8, "val": 3, "test": 2}),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_each_layout_is_read(tmp_path, kind):
    write, samples = LAYOUTS[kind]
    write(tmp_path)
    config = Config(path=str(tmp_path))
    info, data = speech_folder.info(config), speech_folder.build(config)
    assert info.samples == samples
    assert info.notes[0].startswith(f"{kind}: {sum(samples.values())} recordings")
    assert info.names == ("<blank>", "a", "b", "c")
    assert info.cautions == ()
    for split, number in samples.items():
        source = getattr(data, split)
        batch = source.batch(np.arange(number))
        inside = ~np.isnan(batch.x[:, :, 0])
        # The header of an mp3 tells of a little more than there is.
        np.testing.assert_allclose(inside.sum(axis=1), source.lengths, atol=8)
        assert batch.x.dtype == np.float32
        assert batch.x.shape[2] == 40
        said = {data.codec.decode([s for s in row if s > 0]) for row in batch.y.tolist()}
        assert all(set(text) <= set("abc") for text in said)
        np.testing.assert_allclose(np.nanmean(batch.x, axis=1), 0, atol=1e-3)
    assert data.train.fingerprint() != data.val.fingerprint()


def test_names_of_columns_and_tabs(tmp_path):
    with_table(tmp_path, "transcripts.tsv", "file_name,transcription,split")
    config = Config(path=str(tmp_path), features="mfcc", rate=8000, mels=20)
    assert speech_folder.info(config).samples["val"] == 3
    assert speech_folder.build(config).train.batch(np.array([0])).x.shape[2] == 13


def test_splits_that_are_missing_are_a_tenth_each(tmp_path):
    rows = ["file,text"]
    for number, text in enumerate(texts(60)):
        say(tmp_path / f"{number}.wav", text, 4000)
        rows.append(f"{number}.wav,{text}")
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    samples = speech_folder.info(Config(path=str(tmp_path))).samples
    assert sum(samples.values()) == 60
    assert min(samples["val"], samples["test"]) > 1
    assert samples["train"] > 40


def test_letters_are_made_small_and_others_spaces_unless_all_is_to_stay(tmp_path):
    with_table(tmp_path)
    path = tmp_path / "metadata.csv"
    path.write_text(path.read_text().replace("wavs/train0.wav,ab", 'wavs/train0.wav,"A, B’s!"'))
    names = {}
    for kept in ("letters", "as-is"):
        names[kept] = speech_folder.info(Config(path=str(tmp_path), text=kept)).names
    assert names["letters"] == ("<blank>", " ", "'", "a", "b", "c", "s")
    assert {"A", ",", "!", "’"} <= set(names["as-is"])


def test_what_cannot_be_learned_from_is_left_out_and_said(tmp_path):
    with_table(tmp_path)
    path = tmp_path / "metadata.csv"
    text = path.read_text().replace("wavs/train1.wav,", "wavs/train1.wav,...")
    say(tmp_path / "wavs" / "long.wav", "abc" * 20)
    text += f"wavs/long.wav,abc,train\nwavs/train0.wav,{'ab' * 40},train\nwavs/train0.wav,!,train\n"
    path.write_text(text)
    info = speech_folder.info(Config(path=str(tmp_path), max_seconds=2))
    assert info.samples["train"] == 8
    assert info.cautions == (
        "1 recordings were left out: longer than dataset.max_seconds",
        "1 recordings were left out: no text",
        "1 recordings were left out: too much text",
    )


def damage(root, what):
    table = root / "metadata.csv"
    if what == "header":
        table.write_text("file,words\n")
    elif what == "cells":
        table.write_text(table.read_text() + "wavs/train0.wav\n")
    elif what == "missing":
        table.write_text(table.read_text() + "wavs/nobody.wav,abc,train\n")
    elif what == "outside":
        table.write_text(table.read_text() + "../secret.wav,abc,train\n")
    elif what == "split":
        table.write_text(table.read_text() + "wavs/train0.wav,abc,some\n")
    elif what == "sound":
        (root / "wavs" / "train3.wav").write_bytes(b"no sound at all")
    else:
        table.unlink()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("header", "metadata.csv' line 1: expected a column text or sentence or"),
        ("cells", "metadata.csv' line 15: expected 3 cells, got 1"),
        ("missing", "metadata.csv' line 15: expected a recording in the folder, got 'wavs/nobody"),
        ("outside", "metadata.csv' line 15: expected a recording in the folder, got '../secret"),
        ("split", "metadata.csv' line 15: expected train, val or test in the column split"),
        ("sound", "train3.wav' cannot be read as audio"),
        ("table", "has no speech that is known; expected train.tsv"),
    ],
)
def test_one_line_for_a_folder_that_cannot_be_used(tmp_path, what, said):
    with_table(tmp_path)
    damage(tmp_path, what)
    with pytest.raises(ConfigError) as caught:
        speech_folder.info(Config(path=str(tmp_path)))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_transcript_without_its_recording_is_named(tmp_path):
    libri_speech(tmp_path)
    (tmp_path / "dev-clean" / "19" / "198" / "19-198-0001.flac").unlink()
    with pytest.raises(ConfigError, match=r"19-198\.trans\.txt' line 2: expected a recording"):
        speech_folder.info(Config(path=str(tmp_path)))


def test_a_recording_that_is_damaged_later_is_named(tmp_path):
    with_table(tmp_path)
    data = speech_folder.build(Config(path=str(tmp_path)))
    (tmp_path / "wavs" / "train0.wav").write_bytes(b"")
    with pytest.raises(UserError, match=r"dataset\.path: .*train0\.wav' cannot be read as audio"):
        data.train.batch(np.arange(8))
    (tmp_path / "wavs" / "train0.wav").unlink()
    with pytest.raises(UserError, match=r"train0\.wav' cannot be read \(No such file"):
        data.train.fingerprint()


def test_tones_are_learned_and_a_file_is_heard(tmp_path, train):
    with_table(tmp_path)
    settings = {
        "dataset.path": str(tmp_path),
        "dataset.hop_ms": 20,
        "model.stride": 2,
        "model.hidden": 8,
        "model.channels": 16,
        "epochs": 60,
        "batch_size": 4,
        "evaluate_every": 120,
        "device": "cpu",
    }
    config = configure.resolve(recipe="spoken-digits", dataset="speech-folder", settings=settings)
    events = train(config)
    (test,) = [e for e in events if isinstance(e, Evaluation) and e.split == "test"]
    assert test.values["cer"] < 0.5
    options = speech_folder.Config(path=str(tmp_path), hop_ms=20)
    heard = speech_folder.hear(options, str(tmp_path / "wavs" / "test1.wav"))
    again = speech_folder.hear(options, "1")
    np.testing.assert_array_equal(heard.x, again.x)
    assert (heard.reference, again.reference) == ("", texts(2)[1])
    assert heard.spectrogram.shape == (20, heard.x.shape[1])


def test_samples_are_shown(tmp_path):
    with_table(tmp_path)
    options = {"path": str(tmp_path)}
    component = Component(name="speech-folder", type="speech_folder", options=options)
    found = dataset_preview.of(component)
    assert found.labels == tuple(texts(8)[:6])


def test_a_set_that_does_not_fit_into_memory_is_read_again(tmp_path, monkeypatch):
    with_table(tmp_path)
    kept, again = (speech_folder.build(Config(path=str(tmp_path))).train for _ in range(2))
    first = kept.batch(np.array([3, 0, 5])).x
    monkeypatch.setattr(recordings, "_KEPT_BYTES", 0)
    for source in (kept, kept, again, again):
        np.testing.assert_array_equal(source.batch(np.array([3, 0, 5])).x, first)
    assert len(kept._kept) == 3
    assert not again._kept
