"""Models: what they cost, that they learn, and what they refuse."""

import pytest
import torch
from torch import nn

from engine import configure, registry
from presets import ConfigError

PAIRS = [
    (model, data)
    for model in ("logistic", "mlp", "cnn-small")
    for data in ("digits", "fashion-mnist", "spirals")
    if (model, data) != ("cnn-small", "spirals")
]


def build(config):
    torch.manual_seed(config.seed)
    return registry.build("model", config.model, configure.dataset_info(config))


@pytest.mark.parametrize(("model", "dataset"), PAIRS)
def test_cost_is_that_of_the_built_model(model, dataset):
    config = configure.resolve(model=model, dataset=dataset)
    info = configure.dataset_info(config)
    built = build(config)
    counted = []

    def count(layer, _, output):
        places = output[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        counted.append(layer.weight.numel() * places)

    for layer in built.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    built.eval()
    assert built(torch.zeros(3, *info.input_shape)).shape == (3, info.num_outputs)
    cost = registry.module("model", config.model.type).cost(
        registry.config("model", config.model), info
    )
    assert cost.num_parameters == sum(weight.numel() for weight in built.parameters())
    assert cost.multiply_adds == sum(counted)
    assert configure.plan(config).num_parameters == cost.num_parameters


@pytest.mark.parametrize("channels", [[4], [4, 4, 4, 4, 4, 4]])
def test_cnn_of_any_depth_fits_small_and_odd_images(channels):
    settings = {"model.channels": channels}
    for dataset in ("digits", "fashion-mnist"):
        config = configure.resolve(model="cnn-small", dataset=dataset, settings=settings)
        shape = configure.dataset_info(config).input_shape
        assert build(config)(torch.zeros(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize(("model", "dataset"), PAIRS)
def test_a_batch_overfits(model, dataset):
    settings = {"model.dropout": 0.0} if model != "logistic" else {}
    config = configure.resolve(model=model, dataset=dataset, settings=settings)
    data = registry.build("dataset", config.dataset).train
    # A linear model cannot separate the spirals, but it can separate three points.
    size = 3 if (model, dataset) == ("logistic", "spirals") else 16
    x, y = torch.from_numpy(data.x[:size]), torch.from_numpy(data.y[:size])
    built = build(config)
    optimizer = torch.optim.Adam(built.parameters(), lr=0.5 if model == "logistic" else 1e-2)
    for _ in range(150):
        loss = nn.functional.cross_entropy(built(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_cnn_needs_images():
    with pytest.raises(ConfigError, match=r"model: cnn-small needs images .* shape \(2,\)"):
        configure.resolve(model="cnn-small", dataset="spirals")


@pytest.mark.parametrize(
    ("model", "settings"),
    [("mlp", {}), ("cnn-small", {"model.channels": [2, 2, 2, 2]})],
)
def test_batch_norm_of_one_value_is_refused(model, settings):
    with pytest.raises(ConfigError, match="batch_size: batch norm has no variance"):
        configure.resolve(model=model, settings={**settings, "batch_size": 1})
