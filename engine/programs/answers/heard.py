"""What a model hears in a recording, and when."""

from collections.abc import Iterator

import numpy as np
import torch

from engine.programs.answers.loaded import LoadedRun
from engine.runs.questions import Answer, Question
from engine.tasks.speech import Speech
from presets import UserError

_WAVE_PIECES = 320


def of_recording(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """The text of a recording, with its spectrogram, its waveform and where each piece was heard.
    The input is a file, or the number of a recording of the test set."""
    if not hasattr(loaded.dataset, "hear"):
        raise UserError(f"{loaded.config.dataset.name} does not say how a recording is read")
    recording = loaded.dataset.hear(loaded.dataset_config, question.text)
    task = loaded.task
    assert isinstance(task, Speech)
    output = task.listen(loaded.model, torch.from_numpy(np.asarray(recording.x, np.float32)))
    wave: list[float] = []
    if recording.waveform is not None and len(recording.waveform):
        pieces = np.array_split(np.abs(recording.waveform), min(_WAVE_PIECES, len(recording.x[0])))
        wave = [round(float(piece.max()), 4) for piece in pieces if len(piece)]
    yield Answer(
        id=question.id,
        text=output.output,
        reference=recording.reference,
        spectrogram=output.spectrogram,
        spans=output.spans,
        waveform=wave,
        seconds=len(recording.x[0]) * recording.seconds_per_frame,
    )
