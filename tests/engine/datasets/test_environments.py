"""Environments: which can be learned, and that what is played in them is exact."""

import math
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from engine.config import configure, dataset_preview, registry
from engine.datasets import gymnasium as dataset
from engine.datasets._environments import facts
from engine.datasets._environments.advantages import advantages
from engine.datasets._environments.copies import Copies
from engine.datasets._environments.rollouts import Play, Rollouts, draw
from engine.tasks.experience import Surroundings
from presets import ConfigError
from support import walking


@pytest.fixture(scope="module", autouse=True)
def walk():
    with walking.registered():
        yield


class Policy(nn.Module):
    """A linear policy and value."""

    def __init__(self, numbers=4, actions=3):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(numbers, actions + 1)
        self.dropout = nn.Dropout(0.5)  # off while it plays

    def forward(self, x):
        return self.dropout(self.layer(x))


PLAY = Play(moves=10, passes=3, discount=0.9, trace=0.8)


def rollouts(model, *, count=2, batch_size=7, seed=1, play=PLAY):
    around = Surroundings(model, torch.device("cpu"), seed, batch_size)
    return Rollouts(Copies("test/Walk-v0", count), play, around)


def test_info_is_what_is_built():
    config = dataset.Config(episodes=5)
    info, data = dataset.info(config), dataset.build(config)
    assert (info.input_shape, info.num_outputs, info.task) == ((4,), 2, "control")
    assert info.samples == {"train": 8 * 128 * 4, "val": 5, "test": 5}
    for split in (data.val, data.test):
        assert split.x.shape == (5, 4)
        assert (split.x.dtype, split.y.dtype) == (np.float32, np.int64)
    again = dataset.build(config)
    np.testing.assert_array_equal(data.val.x, again.val.x)
    seeds = [*data.val.y, *data.test.y]
    assert len(set(seeds)) == 10
    assert {seed % 2 for seed in seeds} == {1}
    assert dataset.solved(config) == 475


def test_info_needs_no_torch():
    code = (
        "from engine.datasets import gymnasium; gymnasium.info(gymnasium.Config());"
        "gymnasium.sample(gymnasium.Config());"
        "import sys; assert 'gymnasium' in sys.modules; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CartPol-v1", "Did you mean: `CartPole`?"),
        ("CartPole-v9", "provides versioned environments: [ `v0`, `v1` ]"),
        ("CartPole", "expected a name with its version such as CartPole-v1, got 'CartPole'"),
        ("os:CartPole-v1", "expected a name with its version"),
        ("Pendulum-v1", "expected actions from a list (Discrete), but Pendulum-v1 has Box"),
        ("FrozenLake-v1", "expected observations of numbers (Box), but FrozenLake-v1 has Discrete"),
        ("test/Endless-v0", "expected episodes that end, but test/Endless-v0 has no limit"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_one_line(name, said):
    with pytest.raises(ConfigError) as error:
        configure.resolve(recipe="cartpole", settings={"dataset.environment": name})
    assert said in str(error.value)
    assert str(error.value).startswith("dataset.environment: ")
    assert "\n" not in str(error.value)


def test_what_an_environment_lacks_is_told_in_one_line(monkeypatch):
    def make(name, **_):
        raise gymnasium.error.DependencyNotInstalled("Box2D is not installed,\nrun pip")

    monkeypatch.setattr(gymnasium, "make", make)
    with pytest.raises(ConfigError, match="LunarLander-v3 cannot be made: Box2D is not installed"):
        facts.make("LunarLander-v3")


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ConfigError, match=r"pip install 'bigmodel-tui\[games\]'"):
        facts.make("CartPole-v1")


def test_no_warning_reaches_the_screen(recwarn, capfd):
    assert facts.look("CartPole-v0").most_moves == 200  # an old version, of which it warns
    copies = Copies("CartPole-v1", 1)
    copies.reset(0, 0)
    while not copies.step(0, 0).terminated:
        pass
    copies.step(0, 0)  # beyond the end, of which it warns too
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_some_moves_are_shown_before_a_run():
    shown = dataset_preview.of(configure.resolve(recipe="cartpole").dataset)
    assert shown.names == ("seen 1", "seen 2", "seen 3", "seen 4", "action", "reward")
    assert len(shown.rows) > 5
    assert {row[4] for row in shown.rows} == {"0", "1"}


def test_copies_are_exact_and_flat_and_count_actions_from_0():
    first, second = Copies("test/Walk-v0", 1), Copies("test/Walk-v0", 3)
    np.testing.assert_array_equal(first.reset(0, 7), second.reset(2, 7))
    for _ in range(3):
        move, same = first.step(0, 2), second.step(2, 2)
        np.testing.assert_array_equal(move.observation, same.observation)
        assert move[1:] == same[1:]
    assert move.observation.shape == (4,)
    assert move.observation.dtype == np.float32
    assert move.observation[0] > 1.5  # action 2 is the environment's 7, a step to the right


def test_advantages_equal_the_sum_that_defines_them():
    random = np.random.default_rng(0)
    rewards, values, following = random.normal(size=(3, 9, 2))
    ends = random.random((9, 2)) < 0.3
    discount, trace = 0.9, 0.7
    found = advantages(rewards, values, following, ends, discount=discount, trace=trace)
    for copy in range(2):
        errors = rewards[:, copy] + discount * following[:, copy] - values[:, copy]
        for move in range(9):
            last = next((at for at in range(move, 9) if ends[at, copy]), 8)
            terms = [(discount * trace) ** (at - move) * errors[at] for at in range(move, last + 1)]
            assert found[move, copy] == pytest.approx(sum(terms))


def test_actions_are_drawn_as_often_as_they_are_likely():
    shares = np.array([0.1, 0.6, 0.3])
    noise = (np.arange(1000) + 0.5) / 1000
    drawn = draw(np.log(np.tile(shares, (1000, 1))), noise)
    assert (np.bincount(drawn) / 1000).tolist() == shares.tolist()
    assert draw(np.full((2, 3), np.nan), noise[:2]).tolist() == [0, 0]  # a model that diverged


def test_each_move_of_a_round_is_learned_from_in_every_pass():
    play = rollouts(Policy())
    steps = math.ceil(2 * 10 * 3 / 7)
    batches = [play.batch(step) for step in range(1, steps + 1)]
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert (x.shape, y.shape) == ((60, 4), (60, 4))
    rows = [tuple(row) for row in torch.cat([x, y], dim=1).tolist()]
    passes = [set(rows[20 * number :][:20]) for number in range(3)]
    assert [len(each) for each in passes] == [20, 20, 20]
    assert passes[0] == passes[1] == passes[2]
    assert not torch.equal(play.batch(steps + 1)[0], batches[0][0])  # the next round


def test_a_round_is_what_a_plain_reckoning_gives():
    """One copy, played again by hand."""
    model = Policy().eval()
    play = Play(moves=30, passes=1, discount=0.9, trace=0.8)
    x, y = rollouts(model, count=1, batch_size=30, play=play).batch(1)
    order = np.argsort(np.random.default_rng((13, 1, 0)).permutation(30))
    x, y = x[order], y[order].double()
    walk, episode, ends, following, rewards = Copies("test/Walk-v0", 1), 0, [], [], []

    def begin():
        entropy = np.random.SeedSequence((11, 1, 0, episode))
        return walk.reset(0, int(entropy.generate_state(1)[0]) // 2 * 2)  # never a held-out one

    def value(seen):
        return model(torch.from_numpy(seen[None]))[0, -1].item()

    seen = begin()
    for move in range(30):
        np.testing.assert_array_equal(x[move], seen)
        action = int(y[move, 0])
        logits = model(x[move : move + 1])[0, :-1].log_softmax(dim=0)
        assert float(y[move, 3]) == pytest.approx(logits[action].item(), abs=1e-6)
        seen, reward, terminated, truncated = walk.step(0, action)
        rewards.append(0.1 * reward)
        ends.append(terminated or truncated)
        following.append(0.0 if terminated else value(seen))
        if ends[-1]:
            episode += 1
            seen = begin()
    assert episode > 1
    columns = [np.array([each]).T for each in (rewards, [value(row) for row in x.numpy()])]
    gains = advantages(
        *columns, np.array([following]).T, np.array([ends]).T, discount=0.9, trace=0.8
    )
    np.testing.assert_allclose(y[:, 2], (gains + columns[1])[:, 0], rtol=1e-5, atol=1e-6)
    normal = (gains - gains.mean()) / gains.std()
    np.testing.assert_allclose(y[:, 1], normal[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("step", [1, 4, 9, 10, 20])
def test_rounds_go_on_exactly_after_a_restart(step):
    def changed(model, at):
        with torch.no_grad():
            model.layer.weight.add_(0.01 * at)

    model = Policy()
    whole = rollouts(model)
    for at in range(1, step + 1):
        whole.batch(at)
        changed(model, at)
    state, weights = whole.state_dict(), {k: v.clone() for k, v in model.state_dict().items()}
    other = Policy()
    other.load_state_dict(weights)
    resumed = rollouts(other)
    resumed.load_state_dict(state)
    for at in range(step + 1, step + 25):
        for first, second in zip(whole.batch(at), resumed.batch(at), strict=True):
            assert torch.equal(first, second)
        changed(model, at)
        changed(other, at)
    assert model.training


def test_a_state_of_other_rounds_is_refused():
    state = rollouts(Policy(), count=3).state_dict()
    with pytest.raises(ValueError, match="2 copies"):
        rollouts(Policy()).load_state_dict(state)
    state = rollouts(Policy()).state_dict()
    with pytest.raises(KeyError):
        rollouts(Policy()).load_state_dict({key: state[key] for key in state if key != "actions"})


def test_the_seed_of_the_run_decides():
    first, same, other = (rollouts(Policy(), seed=seed).batch(1)[0] for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_an_environment_of_a_registry_is_a_component():
    component = configure.resolve(recipe="cartpole").dataset
    assert registry.build("dataset", component).experience is not None
