"""A Bible in English and Spanish: verses of at most 30 words in both languages."""

from __future__ import annotations

from typing import Literal

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _pairs
from presets import DATA
from presets.schema import Config as Base
from presets.schema import Count

_MOST_WORDS = 30
_EVERY, _VAL, _TEST = 10, 9, 0  # of the chapters of each book, by their numbers
_VAL_SHARE = 5  # evaluation takes one of so many verses, so that it is short
_FACTS = _pairs.Facts(
    samples={"train": 18_953, "val": 412, "test": 1_727},
    characters={"train": 1_982_811, "val": 42_496, "test": 178_141},
    longest=208,
)


class Config(Base, frozen=True):
    direction: Literal["en-es", "es-en"] = "en-es"
    """From which language into which."""
    tokenizer: str = "bpe"
    """`bpe`, `words`, `characters`, `bytes`, or the path of a `tokenizer.json`."""
    vocabulary: Count = 2000
    """Symbols of both languages together, for `bpe` and `words`."""


def info(config: Config) -> DatasetInfo:
    return _pairs.info("translation", _FACTS, config.tokenizer, config.vocabulary, _train)


def build(config: Config) -> Splits:
    """The verses as symbols. Every tenth chapter of a book is for the test; of the one before it,
    every fifth verse is for validation."""
    return _pairs.splits(texts(config.direction), config.tokenizer, config.vocabulary)


def texts(direction: Literal["en-es", "es-en"] = "en-es") -> dict[str, list[_pairs.Pair]]:
    """The verses of each split, in their order."""
    import lzma

    found: dict[str, list[_pairs.Pair]] = {"train": [], "val": [], "test": []}
    with lzma.open(DATA / "bible_en_es.tsv.xz", "rt", encoding="utf-8") as file:
        for line in file:
            reference, english, spanish = line.rstrip("\n").split("\t")
            if max(len(text.split()) for text in (english, spanish)) > _MOST_WORDS:
                continue
            pair = (english, spanish) if direction == "en-es" else (spanish, english)
            found[_split(reference)].append(pair)
    found["val"] = found["val"][::_VAL_SHARE]
    return found


def _train() -> list[_pairs.Pair]:
    return texts()["train"]


def _split(reference: str) -> str:
    """The split of a verse, such as "Genesis 1:1"."""
    chapter = int(reference.rpartition(" ")[2].partition(":")[0])
    return {_VAL: "val", _TEST: "test"}.get(chapter % _EVERY, "train")


def sample(config: Config) -> dataset_preview.Rows:
    """The first verses; the rest of the file is not unpacked."""
    import lzma

    with lzma.open(DATA / "bible_en_es.tsv.xz", "rt", encoding="utf-8") as file:
        lines = [file.readline().rstrip("\n").split("\t") for _ in range(dataset_preview.MOST_ROWS)]
    rows = tuple((english, spanish) for _, english, spanish in lines)
    if config.direction == "es-en":
        return dataset_preview.Rows(("Spanish", "English"), tuple(pair[::-1] for pair in rows))
    return dataset_preview.Rows(("English", "Spanish"), rows)
