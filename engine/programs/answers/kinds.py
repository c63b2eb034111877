"""How each task's output is told: a function for each kind of input."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.programs.answers import inputs
from engine.programs.answers.loaded import LoadedRun
from engine.runs.questions import Answer, Choice, Input, Question
from engine.tasks import sample_display
from engine.tasks.texts import continuing
from engine.tasks.texts.generation import Sampling
from engine.tasks.texts.rewriting import rewrite
from presets import UserError

_MOST_CHOICES = 10
_MOST_WORDS = 60
"""Maximum number of words of which is asked how much each speaks for the answer."""
_EVERY = 0.05
"""Seconds between partial answers; each is sent whole."""


def input_of(loaded: LoadedRun) -> Input:
    """What a person gives the model. Raises UserError where there is nothing to try."""
    info = loaded.info
    if hasattr(loaded.dataset, "begin"):
        return "game"
    if hasattr(loaded.dataset, "hear") or info.task == "speech":
        return "speech"
    if info.task == "control":
        raise UserError("a policy is not asked: its episodes are on page 3")
    if info.input == "symbols" or info.task == "language":
        return "text"
    return "image" if len(info.input_shape) == 3 else "row"


def classes(loaded: LoadedRun, logits: Tensor) -> list[Choice]:
    """The classes of logits (classes,), the most likely first."""
    shares, order = logits.softmax(dim=0).topk(min(_MOST_CHOICES, len(logits)))
    names = loaded.info.names or tuple(map(str, range(len(logits))))
    pairs = zip(order.tolist(), shares.nan_to_num().tolist(), strict=True)
    return [Choice(text=names[place], share=share) for place, share in pairs]


def judged(loaded: LoadedRun, question: Question, output: Tensor, **more: object) -> Answer:
    """An answer of classes, or of numbers; output: float (1, ...)."""
    if loaded.info.task == "regression":
        values = output[0].double()
        if hasattr(loaded.dataset, "target_scale"):
            mean, deviation = loaded.dataset.target_scale(loaded.dataset_config)
            values = values * deviation + mean
        names = loaded.info.names or ("value",)
        text = ", ".join(
            f"{name} {value:.4g}" for name, value in zip(names, values.tolist(), strict=False)
        )
        return Answer(id=question.id, text=text, **more)  # type: ignore[arg-type]
    found = classes(loaded, output[0])
    return Answer(id=question.id, text=found[0].text, choices=found, **more)  # type: ignore[arg-type]


def of_picture(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """The classes of a picture, with the picture as the model sees it."""
    pixels = inputs.picture(loaded, question)
    if not hasattr(loaded.dataset, "picture"):
        raise UserError(f"{loaded.config.dataset.name} does not say how a picture is read")
    x = torch.from_numpy(loaded.dataset.picture(loaded.dataset_config, pixels))[None]
    seen = sample_display.sample(torch.from_numpy(pixels.astype(np.float32)))["pixels"]
    yield judged(loaded, question, loaded.output(x), pixels=seen)


def of_row(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """The classes or the numbers of a row."""
    yield judged(loaded, question, loaded.output(inputs.row(loaded, question.text)))


def of_text(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """The class or the number of a text with the words that speak for it, or a text: what follows,
    or what it is in another language or in short."""
    match loaded.info.task:
        case "language":
            return _written(loaded, question, _continued(loaded, question))
        case "classification" | "regression":
            return _weighed(loaded, question)
    codec = loaded.data.codec
    if codec is None:
        raise UserError("this run's data has no vocabulary for a typed text")
    return _written(loaded, question, rewrite(loaded.model, codec, question.text))


def _continued(loaded: LoadedRun, question: Question) -> Iterator[continuing.Token]:
    codec = loaded.data.codec or Alphabet(loaded.info.names)
    return continuing.write(
        loaded.model,
        codec,
        question.text,
        sampling=Sampling(temperature=question.temperature),
        length=question.length,
        seed=question.seed,
        most=loaded.info.input_shape[0],
    )


def _written(
    loaded: LoadedRun, question: Question, tokens: Iterator[continuing.Token]
) -> Iterator[Answer]:
    """The text as it grows."""
    import time

    text, pieces, choices, told = "", list[Choice](), list[Choice](), 0.0
    for token in tokens:
        text += token.text
        pieces.append(Choice(text=token.text, share=token.probability))
        choices = [Choice(text=other, share=share) for other, share in token.alternatives]
        if (now := time.monotonic()) - told > _EVERY:
            told = now
            yield Answer(id=question.id, done=False, text=text, tokens=pieces, choices=choices)
    yield Answer(id=question.id, text=text, tokens=pieces, choices=choices)


def _weighed(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """What the model says of a text, at once; then how much each word changes that: by how much the
    probability of the class, or the number, falls without it (Li et al. 2016, arXiv:1612.08220)."""
    whole = loaded.output(inputs.symbols(loaded, [question.text]))
    answer = judged(loaded, question, whole)
    words = question.text.split()[:_MOST_WORDS]
    if len(words) < 2:
        yield answer
        return
    yield Answer(id=question.id, done=False, text=answer.text, choices=answer.choices)
    without = [" ".join(words[:at] + words[at + 1 :]) for at in range(len(words))]
    outputs = loaded.output(inputs.symbols(loaded, [question.text, *without]))
    if loaded.info.task == "classification":
        place = int(outputs[0].argmax())
        scores = outputs.softmax(dim=1)[:, place]
    else:
        scores = outputs[:, 0]
    falls = (scores[0] - scores[1:]).nan_to_num().tolist()
    weights = [Choice(text=word, share=fall) for word, fall in zip(words, falls, strict=True)]
    yield Answer(id=question.id, text=answer.text, choices=answer.choices, words=weights)


class Alphabet:
    """A codec of single characters, for data that has only their names; other ones are left out."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._place = {name: place for place, name in enumerate(names)}
        self.size = len(names)

    def encode(self, text: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.array([self._place[c] for c in text if c in self._place], np.int64)

    def decode(self, symbols: Sequence[int]) -> str:
        return "".join(self._names[symbol] for symbol in symbols)
