"""Each recipe gives what its description promises. Minutes: run with `make test-slow`."""

import math
import statistics
import time

import pytest

from engine.config import configure
from engine.runs.events import Evaluation, RunEnded, SampleText, Scalars
from support.resuming import check_equal, interrupt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def follow(train):
    """The events of a recipe's run on the CPU."""

    def follow_it(recipe, **settings):
        given = {key.replace("__", "."): value for key, value in settings.items()}
        config = configure.resolve(recipe=recipe, settings={"device": "cpu", **given})
        return train(config)

    return follow_it


def on_test_set(events):
    """The means over the test set, printed for those who watch."""
    (means,) = [e.values for e in events if isinstance(e, Evaluation) and e.split == "test"]
    print({name: round(value, 4) for name, value in means.items()}, end=" ")
    return means


def losses(events):
    """Of every step, as numbers."""
    return [
        float(loss)
        for event in events
        if isinstance(event, Scalars)
        for loss in event.values["train/loss"]
    ]


@pytest.mark.parametrize(
    ("recipe", "least"),
    [
        ("quickstart", 0.95),
        ("digits-cnn", 0.98),
        ("spirals-mlp", 0.99),
        ("fashion-mlp", 0.83),
    ],
)
def test_median_of_three_seeds(follow, recipe, least):
    found = [on_test_set(follow(recipe, seed=seed))["accuracy"] for seed in range(3)]
    assert statistics.median(found) >= least


def test_fashion_cnn(follow):
    assert on_test_set(follow("fashion-cnn"))["accuracy"] >= 0.875


def test_bible_gpt(follow):
    events = follow("bible-gpt")
    means = on_test_set(events)
    assert means["loss"] <= 1.75
    assert means["bits_per_char"] == pytest.approx(means["loss"] / math.log(2), rel=1e-6)
    samples = [event for event in events if isinstance(event, SampleText)]
    assert len(samples[-1].text) == 200
    assert samples[-1].text.count(" ") > 15  # words by now


def test_gradient_explosion_is_what_clipping_prevents(follow):
    free = follow("gradient-explosion", clip__mode="none")
    clipped = follow("gradient-explosion")
    begin = losses(clipped)[0]
    assert losses(free)[0] == begin
    worst = max((loss if math.isfinite(loss) else math.inf) for loss in losses(free))
    ended = [event for event in free if isinstance(event, RunEnded)]
    assert worst > 2 * begin or ended[-1].status == "failed"
    assert statistics.mean(losses(free)[-50:]) > 0.9 * begin or ended[-1].status == "failed"
    assert statistics.mean(losses(clipped)[-50:]) < 0.5 * begin
    assert on_test_set(clipped)["loss"] < 0.5 * begin


@pytest.mark.figure("cartpole, three seeds", asked="median return >= 475 of 500")
def test_recipe_cartpole(follow, measured):
    seconds = time.process_time()
    found = [on_test_set(follow("cartpole", seed=seed))["return"] for seed in range(3)]
    seconds = (time.process_time() - seconds) / 3
    measured(f"{', '.join(f'{each:g}' for each in found)}; {seconds:.0f} s of a core each")
    assert statistics.median(found) >= 475


def written(follow, recipe, names):
    """The medians of these metrics over three seeds, and what to say of them."""
    seconds = time.process_time()
    found = [on_test_set(follow(recipe, seed=seed)) for seed in range(3)]
    seconds = (time.process_time() - seconds) / 3
    told = [" / ".join(f"{means[name]:.1f}" for name in names) for means in found]
    medians = [statistics.median(means[name] for means in found) for name in names]
    return medians, f"{', '.join(told)}; {seconds:.0f} s of a core each"


@pytest.mark.timeout(7200)
@pytest.mark.figure("bible-translation, three seeds", asked="median BLEU >= 10, chrF >= 30")
def test_recipe_bible_translation(follow, measured):
    (bleu, chrf), said = written(follow, "bible-translation", ("bleu", "chrf"))
    measured(said)
    assert bleu >= 10
    assert chrf >= 30


@pytest.mark.timeout(3600)
@pytest.mark.figure("passage-headings, three seeds", asked="median ROUGE-1 >= 19, ROUGE-L >= 18")
def test_recipe_passage_headings(follow, measured):
    (first, longest), said = written(follow, "passage-headings", ("rouge1", "rougel"))
    measured(said)
    assert first >= 19
    assert longest >= 18


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("bible-translation", {"dataset__vocabulary": 600, "model__width": 32}),
        ("passage-headings", {"model__width": 32}),
    ],
)
def test_recipe_killed_at_five_places(tmp_path, recipe, settings):
    """On the whole data set, with a small model."""
    small = {"steps": 30, "evaluate_every": 15, "schedule__warmup_steps": 5, **settings}
    given = {key.replace("__", "."): value for key, value in small.items()}
    usual = {"device": "cpu", "threads": 1, "checkpoint.every_steps": 4}
    config = configure.resolve(recipe=recipe, settings={**usual, **given})
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 3, 9, 14, 20, 29), whole)


@pytest.mark.figure("spoken-digits, three seeds", asked="median WER <= 3 % in 60 s of a core")
def test_recipe_spoken_digits(follow, measured):
    seconds = time.process_time()
    found = [on_test_set(follow("spoken-digits", seed=seed))["wer"] for seed in range(3)]
    seconds = (time.process_time() - seconds) / 3
    measured(f"{', '.join(f'{each:.1%}' for each in found)}; {seconds:.0f} s of a core each")
    assert statistics.median(found) <= 0.03


@pytest.mark.figure("tweets-sentiment, three seeds", asked="median accuracy >= 85 % in 30 s of CPU")
def test_recipe_tweets_sentiment(follow, measured):
    began = time.process_time()
    found = sorted(
        on_test_set(follow("tweets-sentiment", seed=seed))["accuracy"] for seed in range(3)
    )
    seconds = (time.process_time() - began) / 3
    measured(
        f"median {found[1]:.1%}, from {found[0]:.1%} to {found[2]:.1%}; {seconds:.0f} s of CPU"
    )
    assert found[1] >= 0.85
