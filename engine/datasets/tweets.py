"""4,200 tweets with the mean of 20 people's ratings (Hutto and Gilbert 2014, ICWSM)."""

from __future__ import annotations

import html
from itertools import islice
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from engine.config import dataset_preview
from engine.config.registry import Codec, DatasetInfo, Splits
from engine.datasets import _tokenizers, _user_files
from engine.datasets._tokenizers import length_estimates
from presets import DATA
from presets.schema import Config as Base
from presets.schema import Count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("negative", "positive")
NEUTRAL = 0.5
"""Tweets whose mean rating, from -4 to 4, is nearer to 0 have no class."""
SPLITS = ("train", "val", "test")


class Config(Base, frozen=True):
    task: Literal["classification", "regression"] = "classification"
    """`classification`: negative or positive, without the tweets that are rated about neutral;
    `regression`: the mean rating of every tweet."""
    tokenizer: str = "words"
    """`words`, `characters`, `bytes`, `bpe`, or the path of a tokenizer.json."""
    vocabulary: Count = 2600
    """Number of different symbols, for words and byte pairs: the most frequent ones of the training
    tweets."""


class _Tweet(Struct, frozen=True):
    split: str
    rating: float
    text: str


def info(config: Config) -> DatasetInfo:
    tweets = _tweets(config.task)
    size = _tokenizers.info_size(config.tokenizer, config.vocabulary, lambda: _training(config))
    symbols = {
        split: [
            length_estimates.expected(tweet.text, config.tokenizer, config.vocabulary)
            for tweet in tweets[split]
        ]
        for split in SPLITS
    }
    return DatasetInfo(
        input_shape=(max(map(max, symbols.values())),),
        num_outputs=1 if config.task == "regression" else len(NAMES),
        task=config.task,
        input="symbols",
        num_symbols=size,
        tokens={split: sum(counts) for split, counts in symbols.items()},
        samples={split: len(tweets[split]) for split in SPLITS},
        names=("rating",) if config.task == "regression" else NAMES,
    )


def build(config: Config) -> Splits:
    """80, 10 and 10 % of the tweets, by a hash of their text. The rating has mean 0 and deviation 1
    over the training tweets."""
    import numpy as np

    from engine.datasets._sequences import Sequences

    tweets = _tweets(config.task)
    codec: Codec = _tokenizers.of(config.tokenizer, config.vocabulary, lambda: _training(config))
    trained = np.array([tweet.rating for tweet in tweets["train"]])

    def targets(split: str) -> NDArray[np.generic]:
        ratings = np.array([tweet.rating for tweet in tweets[split]])
        if config.task == "classification":
            return (ratings > 0).astype(np.int64)
        scaled: NDArray[np.float64] = (ratings - trained.mean()) / trained.std()
        return scaled.astype(np.float32)[:, None]

    train, val, test = (
        Sequences([codec.encode(tweet.text) for tweet in tweets[split]], targets(split))
        for split in SPLITS
    )
    return Splits(train=train, val=val, test=test, codec=codec)


def _training(config: Config) -> list[str]:
    return [tweet.text for tweet in _tweets(config.task)["train"]]


def _tweets(task: str) -> dict[str, list[_Tweet]]:
    """The tweets of a task by split."""
    found: dict[str, list[_Tweet]] = {split: [] for split in SPLITS}
    for tweet in _user_files.remembered_by((__name__,), _read):
        if task == "regression" or abs(tweet.rating) >= NEUTRAL:
            found[tweet.split].append(tweet)
    return found


def _read() -> list[_Tweet]:
    """All tweets in the order of the file, with signs such as `&amp;` as they were written."""
    import lzma

    with lzma.open(DATA / "tweets_sentiment.tsv.xz", "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    return [_Tweet(split, float(rating), html.unescape(text)) for _, split, rating, text in lines]


def sample(config: Config) -> dataset_preview.Rows:
    """The first training tweets."""
    tweets = islice(_tweets(config.task)["train"], dataset_preview.MOST_ROWS)
    told = NAMES if config.task == "classification" else ()
    rows = tuple(
        (tweet.text, told[tweet.rating > 0] if told else f"{tweet.rating:+.2f}") for tweet in tweets
    )
    return dataset_preview.Rows(("text", "label" if told else "rating"), rows)
