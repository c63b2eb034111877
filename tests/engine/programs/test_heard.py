"""A model of speech is asked for a recording, by a file or by its number."""

from pathlib import Path

import pytest

from engine.config import configure
from engine.programs.answers.heard import of_recording
from engine.programs.answers.loaded import LoadedRun
from engine.runs import run_directory
from engine.runs.questions import Question
from presets import UserError
from support.forked import train

FILE = Path(__file__).parents[2] / "fixtures" / "spoken_digits" / "8_theo_11.wav"
SETTINGS = {
    "dataset.longest": 1,
    "model.hidden": 6,
    "model.channels": 8,
    "epochs": None,
    "steps": 2,
    "batch_size": 16,
    "predictions": 0,
    "device": "cpu",
    "threads": 1,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    config = configure.resolve(recipe="spoken-digits", settings=SETTINGS)
    run = run_directory.create(tmp_path_factory.mktemp("runs"), config)
    train(run)
    return LoadedRun(run.path)


def ask(loaded, text):
    (answer,) = of_recording(loaded, Question(id=1, text=text))
    return answer


def test_a_file_is_drawn_with_what_was_heard(loaded):
    answer = ask(loaded, str(FILE))
    assert answer.seconds == pytest.approx(0.375, abs=0.03)
    assert len(answer.spectrogram) == 20
    assert len(answer.waveform) == len(answer.spectrogram[0]) == 15
    assert 0 < max(answer.waveform) <= 1
    assert answer.reference == ""
    assert answer.choices[0].share >= answer.choices[-1].share
    assert all(span.end <= 15 for span in answer.spans)


def test_a_recording_of_the_test_set_says_what_was_said(loaded):
    answer = ask(loaded, "3")
    assert answer.reference in "0123456789"
    assert answer.waveform == []


@pytest.mark.parametrize("asked", ["99999", "nowhere.wav", str(Path(__file__))])
def test_one_line_for_what_is_no_recording(loaded, asked):
    with pytest.raises(UserError) as caught:
        ask(loaded, asked)
    assert len(str(caught.value).splitlines()) == 1
