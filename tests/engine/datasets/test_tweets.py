"""Tweets: what is announced is what is loaded, and a run on them resumes bit for bit."""

import numpy as np
import pytest

from engine.config import configure, dataset_preview, registry
from engine.datasets import tweets
from support.resuming import check_equal, interrupt


@pytest.mark.parametrize(
    ("task", "tokenizer"),
    [
        ("classification", "words"),
        ("regression", "words"),
        ("classification", "bytes"),
        ("classification", "characters"),
        ("classification", "bpe"),
    ],
)
def test_info_is_what_build_loads(tmp_path, monkeypatch, task, tokenizer):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = tweets.Config(task=task, tokenizer=tokenizer, vocabulary=1000)
    info, data = tweets.info(config), tweets.build(config)
    assert data.codec.size == info.num_symbols
    exact = tokenizer != "bpe"
    longest = max(getattr(data, split).lengths.max() for split in info.samples)
    assert longest == info.input_shape[0] or not exact
    for split, samples in info.samples.items():
        part = getattr(data, split)
        assert len(part) == samples
        assert info.tokens[split] == pytest.approx(part.lengths.sum(), rel=0 if exact else 0.3)
        batch = part.batch(np.arange(samples))
        assert batch.x.max() < info.num_symbols
        if task == "classification":
            assert set(batch.y) == {0, 1}
        else:
            assert (batch.y.shape, batch.y.dtype) == ((samples, 1), np.float32)


def test_splits_and_texts_are_those_of_the_file():
    config = tweets.Config()
    assert tweets.info(config).samples == {"train": 2725, "val": 335, "test": 372}
    assert sum(tweets.info(tweets.Config(task="regression")).samples.values()) == 4200
    test = tweets.build(config).test
    labels = test.batch(np.arange(len(test))).y
    assert max(labels.mean(), 1 - labels.mean()) == pytest.approx(0.672, abs=5e-4)
    shown = dataset_preview.of(configure.resolve(recipe="tweets-sentiment").dataset)
    assert shown.rows[2][0].startswith("We were 17 deep last night & the love")
    assert shown.rows[2][1] == "positive"


def test_a_run_that_is_killed_five_times_ends_as_if_it_were_not(tmp_path):
    settings = {
        "epochs": None,
        "steps": 14,
        "batch_size": 8,
        "evaluate_every": 5,
        "checkpoint.every_steps": 2,
        "model.width": 8,
        "schedule.warmup_steps": 3,
        "device": "cpu",
        "threads": 1,
    }
    config = configure.resolve(recipe="tweets-sentiment", settings=settings)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 1, 4, 5, 9, 13), whole)


def test_the_network_of_the_recipe_has_the_announced_size():
    config = configure.resolve(recipe="tweets-sentiment")
    info = configure.dataset_info(config)
    built = registry.build("model", config.model, info)
    assert 150_000 < sum(weight.numel() for weight in built.parameters()) < 250_000
