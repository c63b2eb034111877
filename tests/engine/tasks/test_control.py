"""Control: the loss against plain arithmetic, and episodes as they are played and shown."""

import numpy as np
import pytest
import torch
from torch import nn

from engine import tasks
from engine.config import configure, registry
from engine.runs.events import Episode, Evaluation, decode, encode
from engine.tasks.held_out_split import HeldOut
from engine.tasks.players.episodes import Played
from support import walking

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def walk():
    with walking.registered():
        yield


def control(environment=walking.NAME, episodes=6, **settings):
    """A task, a model for it and its validation split."""
    given = {"dataset.environment": environment, "dataset.episodes": episodes, **settings}
    config = configure.resolve(recipe="cartpole", settings={"model.hidden": [8], **given})
    info = configure.dataset_info(config)
    torch.manual_seed(0)
    model = registry.build("model", config.model, info)
    data = registry.build("dataset", config.dataset)
    return tasks.of(config, info), model, HeldOut(data.val, CPU)


class Steady(nn.Module):
    """A policy that always takes the same action, and always expects the same."""

    def __init__(self, action, value=0.0, actions=3):
        super().__init__()
        output = torch.zeros(actions + 1)
        output[action], output[-1] = 1.0, value
        self.register_buffer("output", output)

    def forward(self, x):
        return self.output.expand(len(x), -1)


def batch(size=64, actions=3):
    """Outputs and targets with ratios on both sides of the clipping range."""
    random = np.random.default_rng(0)
    output = random.normal(size=(size, actions + 1))
    y = np.stack(
        [
            random.integers(actions, size=size),
            random.normal(size=size),
            random.normal(size=size),
            -random.uniform(0.5, 2, size=size),
        ],
        axis=1,
    )
    return output, y


def by_hand(output, y):
    """Loss, gradient by the outputs, and the parts of the loss, in NumPy."""
    n = len(y)
    logits, values = output[:, :-1], output[:, -1]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    taken, (gains, returns, before) = y[:, 0].astype(int), y[:, 1:].T
    one = np.eye(logits.shape[1])[taken]
    ratio = shares[np.arange(n), taken] / np.exp(before)
    clipped = np.clip(ratio, 0.8, 1.2)
    surrogate = np.minimum(ratio * gains, clipped * gains)
    entropy = -(shares * np.log(shares)).sum(axis=1)
    loss = (-surrogate + 0.5 * (values - returns) ** 2 - 0.01 * entropy).mean()
    # Beyond the range the surrogate is flat where it would improve by going further.
    active = np.where(gains > 0, ratio < 1.2, ratio > 0.8)
    by_logits = -(active * gains * ratio)[:, None] * (one - shares)
    by_logits += 0.01 * shares * (np.log(shares) + entropy[:, None])
    gradient = np.concatenate([by_logits, (values - returns)[:, None]], axis=1) / n
    return loss, gradient, entropy.mean(), ((values - returns) ** 2).mean(), active


def test_the_loss_and_its_gradient_equal_those_by_hand():
    task, *_ = control()
    output, y = batch()
    loss, gradient, entropy, squares, active = by_hand(output, y)
    assert 5 < active.sum() < 59  # both sides of the range occur
    found = torch.tensor(output, dtype=torch.float32, requires_grad=True)
    targets = torch.tensor(y, dtype=torch.float32)
    value = task.loss(found, targets)
    value.backward()
    assert value.item() == pytest.approx(loss, abs=1e-6)
    np.testing.assert_allclose(found.grad, gradient, atol=1e-7)
    metrics = task.metrics(found, targets)
    assert metrics["entropy"].item() == pytest.approx(entropy, abs=1e-6)
    assert metrics["value_loss"].item() == pytest.approx(squares, rel=1e-6)
    assert metrics["kl"].item() >= 0


def test_parts_of_a_batch_make_the_whole():
    task, *_ = control()
    output, y = (torch.tensor(each, dtype=torch.float32) for each in batch())
    whole = task.loss(output, y)
    parts = [(task.loss(output[a:b], y[a:b]), b - a) for a, b in ((0, 10), (10, 64))]
    assert sum(loss * size for loss, size in parts) / 64 == pytest.approx(whole, abs=1e-6)


def test_moves_are_counted_once_though_they_are_learned_from_in_several_passes():
    task, *_ = control(**{"dataset.passes": 4})
    assert task.size(torch.zeros(256, 4)) == 64
    assert task.rules.unit == "moves"


def test_what_follows_is_the_discounted_mean_of_the_rewards():
    played = Played(rewards=[1.0, 2.0, 3.0], values=[0.0] * 3, after=10.0)
    expected = [0.1 * 1 + 0.9 * (0.1 * 2 + 0.9 * (0.1 * 3 + 0.9 * 10))]
    assert played.followed(0.9)[0] == pytest.approx(expected[0])
    assert played.total == 6


@pytest.mark.parametrize("episodes", [1, 6])
def test_evaluation_is_over_whole_episodes(episodes):
    """To the right it takes 4 or 5 moves to the end; still, the limit of 12 cuts it off."""
    task, _, held = control(episodes=episodes)
    means = task.evaluate(Steady(action=2), held)
    assert 3 <= means["length"] <= 6
    assert list(means) == list(task.rules.metrics)
    means = task.evaluate(Steady(action=1, value=5.0), held)
    assert (means["length"], means["return"]) == (12, 78)
    # 5 is expected again of what a cut episode would have gone on from.
    followed = Played(rewards=[*map(float, range(1, 13))], after=5.0).followed(0.99)
    assert means["loss"] == pytest.approx(np.square(followed - 5).mean(), rel=1e-6)
    logits = torch.tensor([0.0, 1.0, 0.0]).log_softmax(dim=0)
    assert means["entropy"] == pytest.approx(-(logits.exp() * logits).sum().item(), rel=1e-6)


def test_an_episode_is_the_same_whether_watched_or_evaluated():
    task, model, held = control()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)
    seeds = held.samples(range(6))[1].tolist()
    totals = [sum(f.reward for f in task.watch(model, seed, device=CPU)) for seed in seeds]
    assert task.evaluate(model, held)["return"] == pytest.approx(np.mean(totals))
    assert task.evaluate(model, held) == task.evaluate(model, held)
    assert len(set(totals)) > 1


def test_watching_gives_move_by_move_what_is_seen_done_and_expected():
    task, *_ = control()
    moves = task.watch(Steady(action=2, value=3.0), 7, device=CPU)
    first = next(moves)
    assert first.observation.tolist()[1:] == [1, 0, 0]
    assert (first.action, first.value, first.reward, first.over) == (2, 3, 1, False)
    assert sum(first.policy) == pytest.approx(1)
    rest = list(moves)
    assert [frame.over for frame in rest] == [False] * (len(rest) - 1) + [True]
    assert [frame.reward for frame in rest] == list(range(2, len(rest) + 2))


def test_pictures_show_the_first_episode_of_the_split():
    task, model, held = control()
    (shown,) = task.pictures(model, held, step=3, split="val")
    assert isinstance(shown, Episode)
    assert decode(encode(shown)[:-1]) == shown
    seed = int(held.samples([0])[1])
    played = list(task.watch(model, seed, device=CPU))
    assert (shown.length, shown.every) == (len(played), 1)
    assert shown.actions == [frame.action for frame in played]
    assert shown.total == sum(frame.reward for frame in played)
    assert (shown.environment, shown.solved) == (walking.NAME, walking.SOLVED)
    np.testing.assert_allclose(shown.observations, [f.observation for f in played], rtol=1e-4)


def test_a_long_episode_is_thinned():
    task, _, held = control(walking.LONG)
    (shown,) = task.pictures(Steady(action=1), held, step=0, split="test")
    assert (shown.length, shown.every, len(shown.actions)) == (1201, 3, 401)
    assert decode(encode(shown)[:-1]) == shown
    assert shown.solved is None


def test_a_model_that_diverged_is_evaluated_and_shown_all_the_same():
    task, model, held = control()
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(torch.nan)
    means = task.evaluate(model, held)
    assert np.isnan(means["loss"])
    (shown,) = task.pictures(model, held, step=1, split="val")
    assert decode(encode(shown)[:-1]) == shown
    assert shown.values[0] == "nan"


def test_references_are_actions_at_random_and_the_solved_return():
    task, _, held = control("CartPole-v1", episodes=100)
    random, solved = task.references(None, held)
    assert (random.metric, random.name, solved.name, solved.value) == (
        "return",
        "random",
        "solved",
        475,
    )
    assert 18 < random.value < 27
    assert task.references(None, held)[0] == random
    task, _, held = control(walking.LONG)
    assert [each.name for each in task.references(None, held)] == ["random"]


GOOD = {
    "split": "val",
    "step": 1,
    "environment": "x",
    "total": 1.0,
    "length": 3,
    "every": 2,
    "observations": [[0.0], [1.0]],
    "actions": [0, 1],
    "policies": [[0.5, 0.5], [1.0, 0.0]],
    "values": [0.0, "nan"],
}


@pytest.mark.parametrize(
    "change",
    [
        {"length": 5},
        {"actions": [0]},
        {"values": []},
        {"policies": [[1.0], [0.5, 0.5]]},
        {"observations": [[0.0], []]},
    ],
)
def test_an_episode_whose_parts_do_not_fit_is_refused(change):
    assert Episode(**GOOD).fault() == ""
    assert Episode(**{**GOOD, **change}).fault()


def test_a_policy_learns_to_stand_still(train):
    """The reward is the number of moves, so that it pays to stay on the line."""
    config = configure.resolve(
        recipe="cartpole",
        settings={
            "dataset.environment": walking.NAME,
            "dataset.episodes": 10,
            "dataset.moves": 32,
            "model.hidden": [16],
            "optimizer.lr": 1e-2,
            "batch_size": 64,
            "epochs": 12,
            "evaluate_every": 192,
            "accumulate": 3,
            "device": "cpu",
        },
    )
    events = train(config)
    (end,) = (each for each in events if isinstance(each, Evaluation) and each.split == "test")
    assert end.values["return"] > 70  # of 78
    assert any(isinstance(event, Episode) for event in events)
