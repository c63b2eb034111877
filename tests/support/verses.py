"""A small data set of verses in place of the whole one."""

import pytest

from engine.datasets import _pairs, bible_en_es, bible_headings

WORDS = ["the", "light", "of", "god", "made", "day", "and", "night", "on", "waters"]
PALABRAS = ["la", "luz", "de", "dios", "hizo", "día", "y", "noche", "en", "aguas"]


def pairs(count: int, begin: int = 0) -> list[_pairs.Pair]:
    """Short sentences of different lengths, word for word in two languages."""
    found = []
    for number in range(begin, begin + count):
        chosen = [(number * 7 + place * place) % 10 for place in range(2 + number % 7)]
        source = " ".join(WORDS[each] for each in chosen)
        found.append((source, " ".join(PALABRAS[each] for each in chosen)))
    return found


def use(monkeypatch: pytest.MonkeyPatch, train: int = 40) -> None:
    """Put small sets in place of `bible-en-es` and `bible-headings`, also in forked processes."""
    texts = {"train": pairs(train), "val": pairs(9, 100), "test": pairs(7, 200)}
    samples = {split: len(part) for split, part in texts.items()}
    characters = {split: 30 * count for split, count in samples.items()}
    facts = _pairs.Facts(samples=samples, characters=characters, longest=60)
    for module in (bible_en_es, bible_headings):
        monkeypatch.setattr(module, "texts", lambda *_: texts)
    monkeypatch.setattr(bible_en_es, "_FACTS", facts)
    monkeypatch.setattr(bible_headings, "_SAMPLES", samples)
