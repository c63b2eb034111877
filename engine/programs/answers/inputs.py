"""What a person typed, drew or named, as what a model is given."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config.padding_constants import PAD
from engine.datasets import image_folder
from engine.programs.answers.loaded import LoadedRun
from engine.runs.questions import Question
from presets import UserError


def picture(loaded: LoadedRun, question: Question) -> NDArray[np.uint8]:
    """The picture of a question in the size of the data's, uint8 (channels, height, width): drawn
    pixels, or a file. A file of dark strokes on white is turned round for data that is bright on
    black. Raises UserError."""
    channels, height, width = loaded.info.input_shape
    if question.pixels:
        grey = np.array(question.pixels, np.uint8)
        if grey.shape != (height, width):
            raise UserError(f"picture: expected {height} rows of {width} pixels")
        return np.repeat(grey[None], channels, axis=0)
    path = Path(question.text).expanduser()
    if not path.is_file():
        raise UserError(f"{question.text}: expected the path of an image file")
    mode = "RGB" if channels == 3 else "L"
    pixels = image_folder.pixels_of(path, mode, height, width).reshape(height, width, channels)
    turned = pixels.transpose(2, 0, 1)
    borders = np.concatenate([turned[:, 0].ravel(), turned[:, -1].ravel()])
    on_black = loaded.config.dataset.type in ("digits", "fashion_mnist")
    return 255 - turned if on_black and borders.mean() > 127 else turned


def symbols(loaded: LoadedRun, texts: list[str]) -> Tensor:
    """Texts as symbols, int64 (n, t), padded. Raises UserError for one without a symbol."""
    codec = loaded.data.codec
    if codec is None:
        raise UserError("this run's data has no vocabulary for a typed text")
    longest = loaded.info.input_shape[0]
    rows = [codec.encode(text)[:longest] for text in texts]
    if not len(rows[0]):
        raise UserError("input: expected a text with at least one character that the model knows")
    padded = np.full((len(rows), max(map(len, rows))), PAD, np.int64)
    for row, found in zip(padded, rows, strict=True):
        row[: len(found)] = found
    return torch.from_numpy(padded)


def row(loaded: LoadedRun, text: str) -> Tensor:
    """A row of a table, `a=1, b=x` or the values in order, float32 (1, features). Raises
    UserError."""
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    if hasattr(loaded.dataset, "row"):
        names = columns(loaded)
        if all("=" in part for part in parts):
            cells = {k.strip(): v.strip() for k, _, v in (part.partition("=") for part in parts)}
        elif len(parts) == len(names):
            cells = dict(zip(names, parts, strict=True))
        else:
            raise UserError(f"row: expected {len(names)} values: {', '.join(names)}")
        return torch.from_numpy(loaded.dataset.row(loaded.dataset_config, cells))
    try:
        values = [float(part) for part in parts]
    except ValueError:
        raise UserError(f"row: expected numbers separated by commas, got {text!r:.80}") from None
    (features,) = loaded.info.input_shape
    if len(values) != features:
        raise UserError(f"row: expected {features} numbers, got {len(values)}")
    return torch.tensor([values], dtype=torch.float32)


def columns(loaded: LoadedRun) -> list[str]:
    """The names of the values of a row."""
    if hasattr(loaded.dataset, "columns"):
        found: list[str] = loaded.dataset.columns(loaded.dataset_config)
        return found
    (features,) = loaded.info.input_shape
    return ["x", "y"] if features == 2 else [f"x{number}" for number in range(1, features + 1)]
