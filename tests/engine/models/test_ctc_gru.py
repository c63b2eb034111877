"""The model of speech: what it costs, and that padding changes nothing."""

import math

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine import tasks
from engine.config import configure, registry
from engine.config.padding_constants import IGNORED, SILENT
from engine.models import ctc_gru
from presets import ConfigError

SHAPES = [{}, {"stride": 2, "layers": 2, "channels": 24, "hidden": 20}, {"kernel": 1, "stride": 3}]


def made(**options):
    settings = {f"model.{name}": value for name, value in options.items()}
    config = configure.resolve(recipe="spoken-digits", settings=settings)
    info = configure.dataset_info(config)
    torch.manual_seed(0)
    return config, info, registry.build("model", config.model, info)


def batch(info, size):
    x = torch.randn(size, *info.input_shape, generator=torch.Generator().manual_seed(1))
    return x, torch.arange(size * 4).reshape(size, 4) % (info.num_outputs - 1) + 1


@pytest.mark.parametrize("options", SHAPES)
def test_size_work_and_memory_are_those_of_the_built_model(options):
    config, info, model = made(**options)
    cost = ctc_gru.cost(ctc_gru.Config(**options), info)
    assert cost.num_parameters == sum(weight.numel() for weight in model.parameters())
    x, y = batch(info, 2)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        assert model(x).shape == (2, -(-info.input_shape[0] // options.get("stride", 1)), 11)
    assert cost.multiply_adds == counter.get_total_flops() // 2 // 2
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes() / tensor.element_size(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        tasks.of(config, info).loss(model.train()(x), y)
    measured = sum(numbers for numbers, _ in kept.values()) / len(x)
    assert cost.activations == pytest.approx(measured, rel=0.25)


@pytest.mark.parametrize("options", SHAPES)
@pytest.mark.parametrize("frames", [30, 31, 32, 33])
def test_padding_changes_no_output(options, frames):
    _, _, model = made(**options)
    model.eval()
    x = torch.randn(2, 40, 13)
    x[0, frames:] = math.nan
    with torch.no_grad():
        alone, together = model(x[:1, :frames]), model(x)
    inside = alone.shape[1]
    torch.testing.assert_close(together[:1, :inside], alone, rtol=1e-5, atol=1e-6)
    assert (together[0, inside:, 0] == 0).all()
    assert (together[0, inside:, 1:] == SILENT).all()
    assert (together[1] != SILENT).all()


def test_padding_changes_no_gradient():
    config, info, model = made(dropout=0.0)
    task = tasks.of(config, info)
    x, y = batch(info, 3)
    gradients = []
    for frames, symbols in ((0, 0), (9, 2)):
        model.zero_grad()
        more = torch.nn.functional.pad(x, (0, 0, 0, frames), value=math.nan)
        task.loss(model(more), torch.nn.functional.pad(y, (0, symbols), value=IGNORED)).backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-6)
    assert gradients[0].isfinite().all()


def test_a_batch_overfits():
    config, info, model = made(dropout=0.0)
    data = registry.build("dataset", config.dataset)
    task = tasks.of(config, info, data.codec)
    one = data.train.batch(np.argsort(data.train.lengths)[100:104])
    x, y = torch.from_numpy(one.x), torch.from_numpy(one.y)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        loss = task.loss(model(x), y)
        loss.backward()
        optimizer.step()
        if loss < 0.05:
            break
    assert loss < 0.05


def test_an_even_kernel_is_refused():
    with pytest.raises(ConfigError, match=r"model\.kernel|kernel: expected an odd number, got 4"):
        made(kernel=4)
