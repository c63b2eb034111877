"""The model that acts and judges: its cost, how it begins, and that it learns."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine import tasks
from engine.config import configure, registry
from engine.config.registry import DatasetInfo
from presets import ConfigError

INFO = DatasetInfo(input_shape=(4,), num_outputs=3, task="control", samples={})


def config(**settings):
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return configure.resolve(recipe="cartpole", settings=given)


def build(given):
    torch.manual_seed(0)
    return registry.build("model", given.model, INFO)


def cost_of(given, info):
    config = registry.config("model", given.model)
    return registry.module("model", "actor_critic").cost(config, info)


@pytest.mark.parametrize("hidden", [[64, 64], [16], [8, 24, 8]])
def test_cost_is_that_of_the_built_model(hidden):
    given = config(model__hidden=hidden)
    model = build(given)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        assert model(torch.zeros(5, 4)).shape == (5, 4)
    cost = cost_of(given, INFO)
    assert cost.num_parameters == sum(weight.numel() for weight in model.parameters())
    assert cost.multiply_adds == counter.get_total_flops() // 2 // 5


def test_activations_are_what_is_kept_for_the_backward_pass():
    given = config()
    info = configure.dataset_info(given)
    model = registry.build("model", given.model, info)
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes() / tensor.element_size(), tensor)
        return tensor

    y = torch.tensor([[0.0, 1.0, 0.5, -0.7]]).expand(16, -1).contiguous()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        tasks.of(given, info).loss(model(torch.rand(16, 4)), y)
    measured = sum(numbers for numbers, _ in kept.values()) / 16
    cost = cost_of(given, info)
    assert cost.activations == pytest.approx(measured, rel=0.25)


def test_at_first_all_actions_are_about_as_likely():
    model = build(config())
    policy = model(torch.randn(100, 4))[:, :-1].softmax(dim=1)
    assert (policy - 1 / 3).abs().max() < 0.02
    weight = model.policy[2].weight  # orthogonal, with the gain of tanh's layers
    torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(64), atol=1e-4, rtol=0)


def test_it_learns_which_action_was_better():
    """Advantages say that the action is the sign of the first number."""
    given = config(model__hidden=[16])
    info = configure.dataset_info(given)
    model, task = registry.build("model", given.model, info), tasks.of(given, info)
    torch.manual_seed(0)
    x = torch.randn(256, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        actions = torch.randint(2, (256,))
        gains = torch.where(actions == (x[:, 0] > 0), 1.0, -1.0)
        before = model(x).detach()[:, :-1].log_softmax(dim=1).gather(1, actions[:, None])[:, 0]
        y = torch.stack([actions.float(), gains, x[:, 1], before], dim=1)
        optimizer.zero_grad()
        task.loss(model(x), y).backward()
        optimizer.step()
    output = model(x)
    right = output[:, :-1].argmax(dim=1) == (x[:, 0] > 0)
    assert right.float().mean() > 0.95
    assert (output[:, -1] - x[:, 1]).square().mean() < 0.2


def test_it_learns_nothing_but_control():
    with pytest.raises(ConfigError, match="actor-critic learns actions, but"):
        configure.resolve(model="actor-critic", dataset="digits")
    with pytest.raises(ConfigError, match="gymnasium has actions"):
        configure.resolve(model="mlp", dataset="gymnasium")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"loss": "mse"}, "loss: expected auto or ppo for the actions of"),
        ({"label_smoothing": 0.1}, "label_smoothing: expected 0"),
        ({"schedule__type": "range-test"}, "does not say how good they are; try learning rates in"),
        ({"batch_size": "full"}, "no full batch; give a number"),
        ({"target": "val/accuracy >= 1"}, "expected one of val/loss, val/return, val/length"),
    ],
)
def test_what_does_not_suit_it_is_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        config(**settings)
