"""Each recipe gives what its description promises. Minutes: run with `make test-slow`."""

import math
import statistics
import time

import pytest

from engine.config import configure
from engine.runs.events import Evaluation, RunEnded, SampleText, Scalars

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
