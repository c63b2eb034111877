"""An English Bible, character by character: the text of its chapters, without their numbers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _windows
from presets import DATA
from presets.schema import Config as Base

ALPHABET = "\n !%(),-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWYZabcdefghijklmnopqrstuvwxyz—‘’“”"
_LENGTHS = {"train": 3_602_200, "val": 194_272, "test": 189_682}  # in characters
_EVERY, _VAL, _TEST = 20, 19, 9  # of 1,189 chapters


class Config(Base, frozen=True):
    context_length: Annotated[int, Meta(ge=2, le=4096)] = 64
    """Number of characters that the model sees at once."""


def info(config: Config) -> DatasetInfo:
    return DatasetInfo(
        input_shape=(config.context_length,),
        num_outputs=len(ALPHABET),
        task="language",
        samples=_windows.counts(_LENGTHS, config.context_length),
        fixed=False,
        names=tuple(ALPHABET),
    )


def build(config: Config) -> Splits:
    """Windows of the text. Of every 20 chapters the tenth is for the test, the twentieth for
    validation; the others, in order, are one text. A verse ends with a newline, a chapter with one
    more."""
    return _windows.splits(texts(), ALPHABET, config.context_length)


def texts() -> dict[str, str]:
    """The text of each split."""
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number, chapter in enumerate(chapters().values()):
        place = number % _EVERY
        split = "val" if place == _VAL else "test" if place == _TEST else "train"
        parts[split].append(chapter)
    return {split: "".join(chapters) for split, chapters in parts.items()}


def chapters() -> dict[str, str]:
    """The text of each chapter by its name, such as "Genesis 1", in their order."""
    import lzma

    with lzma.open(DATA / "bible_en_es.tsv.xz", "rt", encoding="utf-8") as file:
        lines = [line.split("\t") for line in file.read().split("\n")]
    verses: dict[str, list[str]] = {}
    for reference, english, _ in lines:
        verses.setdefault(reference.rpartition(":")[0], []).append(english + "\n")
    return {chapter: "".join(texts) + "\n" for chapter, texts in verses.items()}


def sample(config: Config) -> dataset_preview.Passage:
    """The first verses; the rest of the file is not unpacked."""
    import lzma

    text = ""
    with lzma.open(DATA / "bible_en_es.tsv.xz", "rt", encoding="utf-8") as file:
        while len(text) < dataset_preview.MOST_CHARACTERS and (line := file.readline()):
            text += line.split("\t")[1] + "\n"
    return dataset_preview.Passage(text)
