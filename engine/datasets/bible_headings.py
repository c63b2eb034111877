"""Passages of an English Bible, each with the heading that a commentary gives it."""

from __future__ import annotations

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _pairs
from presets import DATA
from presets.schema import Config as Base
from presets.schema import Count

_SAMPLES = {"train": 2_116, "val": 213, "test": 198}
_WORDS, _CHARACTERS = 197, 5.2  # of a passage, of a word with its blank
_LONGEST = 1_701  # words of the longest passage


class Config(Base, frozen=True):
    words: Count = 60
    """So many words of a passage are read, from its beginning."""
    tokenizer: str = "bpe"
    """`bpe`, `words`, `characters`, `bytes`, or the path of a `tokenizer.json`."""
    vocabulary: Count = 3000
    """Symbols, for `bpe` and `words`."""


def info(config: Config) -> DatasetInfo:
    words = min(config.words, _WORDS)
    facts = _pairs.Facts(
        samples=_SAMPLES,
        characters={split: round(n * words * _CHARACTERS) for split, n in _SAMPLES.items()},
        longest=round(min(config.words, _LONGEST) * _CHARACTERS),
    )
    return _pairs.info(
        "summarisation",
        facts,
        config.tokenizer,
        config.vocabulary,
        lambda: texts(config.words)["train"],
    )


def build(config: Config) -> Splits:
    """The beginnings of passages and their headings, as symbols. Every tenth chapter of a book is
    for the test, the one before it for validation."""
    return _pairs.splits(texts(config.words), config.tokenizer, config.vocabulary)


def texts(words: int) -> dict[str, list[_pairs.Pair]]:
    """The first so many words of each passage and its heading, by split, in their order."""
    import lzma

    found: dict[str, list[_pairs.Pair]] = {"train": [], "val": [], "test": []}
    with lzma.open(DATA / "bible_headings.tsv.xz", "rt", encoding="utf-8") as file:
        for line in file:
            _, split, passage, heading = line.rstrip("\n").split("\t")
            found[split].append((" ".join(passage.split()[:words]), heading))
    return found


def sample(config: Config) -> dataset_preview.Rows:
    """The first passages and their headings; the rest of the file is not unpacked."""
    import lzma

    with lzma.open(DATA / "bible_headings.tsv.xz", "rt", encoding="utf-8") as file:
        lines = [file.readline().rstrip("\n").split("\t") for _ in range(dataset_preview.MOST_ROWS)]
    rows = tuple((heading, passage) for _, _, passage, heading in lines)
    return dataset_preview.Rows(("heading", "passage"), rows)
