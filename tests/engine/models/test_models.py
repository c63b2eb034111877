"""Models: what they cost, that they learn, and what they refuse."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import presets
from engine import tasks
from engine.config import configure, padding_constants, registry, task_rules
from engine.config.registry import DatasetInfo, Split
from engine.models import gpt
from presets import ConfigError
from support.held import held

SPECIAL = len(padding_constants.SPECIAL)
TEXT_MODELS = ("gru-char", "gpt-mini")
PAIRS = [
    *(
        (model, data)
        for model in ("logistic", "mlp", "cnn-small", "cnn")
        for data in ("digits", "fashion-mnist", "spirals")
        if data != "spirals" or not model.startswith("cnn")
    ),
    *((model, "bible-en") for model in TEXT_MODELS),
    ("text-cnn", "tweets"),
]
OWN_TESTS = ("control", "speech", "translation")
"""Tasks whose models have tests of their own beside this file."""
REGRESSION = DatasetInfo(input_shape=(1, 8, 8), num_outputs=3, task="regression", samples={})
TINY_GPT = {"model.width": 32, "model.layers": 2}


def build(config, info=None):
    torch.manual_seed(config.seed)
    return registry.build("model", config.model, info or configure.dataset_info(config))


def batch(info, size):
    """Random inputs, and what is to be predicted of them."""
    torch.manual_seed(0)
    if info.task == "language":
        symbols = torch.randint(info.num_outputs, (size, info.input_shape[0] + 1))
        return symbols[:, :-1].contiguous(), symbols[:, 1:].contiguous()
    x = torch.rand(size, *info.input_shape)
    if info.input == "symbols":
        x = torch.randint(SPECIAL, info.num_symbols, x.shape)
    if info.task == "self-play":
        return x, torch.rand(size)
    if info.task == "regression":
        return x, torch.randn(size, info.num_outputs)
    return x, torch.arange(size) % info.num_outputs


def cost_of(config, info):
    options = registry.config("model", config.model)
    return registry.module("model", config.model.type).cost(options, info)


@pytest.mark.parametrize(("model", "dataset"), PAIRS)
def test_size_and_work_are_those_of_the_built_model(model, dataset):
    config = configure.resolve(model=model, dataset=dataset)
    info = configure.dataset_info(config)
    built = build(config).eval()
    x, _ = batch(info, 3)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        output = built(x)
    shape = (*x.shape, info.num_outputs) if info.task == "language" else (3, info.num_outputs)
    assert output.shape == shape
    cost = cost_of(config, info)
    assert cost.num_parameters == sum(weight.numel() for weight in built.parameters())
    assert cost.multiply_adds == counter.get_total_flops() // 2 // 3
    assert configure.plan(config).num_parameters == cost.num_parameters


@pytest.mark.parametrize("model", presets.names("models"))
@pytest.mark.parametrize("settings", [{}, {"model.dropout": 0.0}, {"model.dropout": 0.3}])
def test_activations_are_what_is_kept_for_the_backward_pass(model, settings):
    component = registry.module("model", presets.load("models", model).type)
    text = getattr(component, "TASKS", ())
    if set(text) & set(OWN_TESTS):
        return
    dataset = task_rules.suited_data(presets.load("models", model).type)
    small = {"model.width": 48, "model.layers": 3} if model.startswith("gpt") else {}
    if model in ("logistic", "board-net") and settings:
        return
    config = configure.resolve(model=model, dataset=dataset, settings={**small, **settings})
    info = configure.dataset_info(config)
    built = build(config).train()
    x, y = batch(info, 16)
    weights = {weight.untyped_storage().data_ptr() for weight in built.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            # The tensor, too: or its memory would be used again.
            kept[storage.data_ptr()] = (storage.nbytes() / tensor.element_size(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        tasks.of(config, info).loss(built(x), y)
    measured = sum(numbers for numbers, _ in kept.values()) / len(x)
    assert cost_of(config, info).activations == pytest.approx(measured, rel=0.25)


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
    if dataset == "bible-en":
        settings |= {"dataset.context_length": 24}
    config = configure.resolve(model=model, dataset=dataset, settings=settings)
    data = registry.build("dataset", config.dataset).train
    # A linear model cannot separate the spirals, but it can separate three points.
    size = 3 if (model, dataset) == ("logistic", "spirals") else 16
    some = data if isinstance(data, Split) else data.batch(np.arange(size))
    x, y = torch.from_numpy(some.x[:size]), torch.from_numpy(some.y[:size])
    if dataset == "bible-en":
        x, y = x[:1], y[:1]  # many windows begin alike and go on differently
    built = build(config)
    task = tasks.of(config, configure.dataset_info(config))
    lr = {"logistic": 0.5, "gpt-mini": 1e-3}.get(model, 1e-2)
    optimizer = torch.optim.Adam(built.parameters(), lr=lr)
    for _ in range(150):
        loss = task.loss(built(x), y)
        if loss.item() < 0.05:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


@pytest.mark.parametrize("model", ["logistic", "mlp", "cnn-small"])
def test_numbers_of_a_batch_overfit(model):
    config = configure.resolve(
        model=model, settings={} if model == "logistic" else {"model.dropout": 0.0}
    )
    built, task = build(config, REGRESSION), tasks.of(config, REGRESSION)
    x, y = batch(REGRESSION, 8)
    assert built(x).shape == y.shape
    optimizer = torch.optim.Adam(built.parameters(), lr=1e-2)
    for _ in range(400):
        loss = task.loss(built(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert task.evaluate(built.train(), held(x, y)).keys() == {"loss", "mae", "r2"}


@pytest.mark.parametrize("model", ["cnn-small", "cnn"])
def test_cnn_needs_images(model):
    with pytest.raises(ConfigError, match=rf"model: {model} needs images .* shape \(2,\)"):
        configure.resolve(model=model, dataset="spirals")


@pytest.mark.parametrize(
    ("model", "settings"),
    [("mlp", {}), ("cnn-small", {"model.channels": [2, 2, 2, 2]})],
)
def test_batch_norm_of_one_value_is_refused(model, settings):
    with pytest.raises(ConfigError, match="batch_size: batch norm has no variance"):
        configure.resolve(model=model, settings={**settings, "batch_size": 1})


@pytest.mark.parametrize(
    ("model", "symbols", "context", "expected"),
    [
        ("gpt2-124m", 50_257, 1024, 124_439_808),  # as GPT-2 small itself
        ("gpt-10m", 79, 64, 10_702_464),
        ("gpt-mini", 79, 64, 811_648),
    ],
)
def test_published_sizes(model, symbols, context, expected):
    info = DatasetInfo(input_shape=(context,), num_outputs=symbols, task="language", samples={})
    options = registry.convert(presets.load("models", model).options, gpt.Config)
    assert gpt.cost(options, info).num_parameters == expected
    with torch.device("meta"):
        built = gpt.build(options, info)
    assert sum(weight.numel() for weight in built.parameters()) == expected


@pytest.mark.parametrize("model", TEXT_MODELS)
def test_what_comes_later_does_not_change_what_was_told(model):
    config = configure.resolve(model=model, dataset="bible-en")
    built = build(config).eval()
    x, _ = batch(configure.dataset_info(config), 2)
    for place in (1, 20, 63):
        other = x.clone()
        other[:, place:] = (other[:, place:] + 1) % 79
        with torch.no_grad():
            torch.testing.assert_close(built(x)[:, :place], built(other)[:, :place])
            assert not torch.allclose(built(x)[:, place:], built(other)[:, place:])
            torch.testing.assert_close(built(x)[:, :place], built(x[:, :place]))


def test_attention_equals_its_formula():
    from engine.models._transformer import Attention

    torch.manual_seed(0)
    layer, x = Attention(12, 3, 0.0).double(), torch.randn(2, 5, 12).double()
    q, k, v = (part.view(2, 5, 3, 4) for part in layer.qkv(x).split(12, dim=2))
    mixed = torch.zeros(2, 5, 3, 4).double()
    for head in range(3):
        for t in range(5):
            scores = (k[:, : t + 1, head] * q[:, t : t + 1, head]).sum(dim=2) / 2
            weights = scores.softmax(dim=1)[..., None]
            mixed[:, t, head] = (weights * v[:, : t + 1, head]).sum(dim=1)
    torch.testing.assert_close(layer(x), layer.projection(mixed.flatten(2)))


def test_gpt_begins_as_gpt_2_does():
    config = configure.resolve(model="gpt-mini", dataset="bible-en")
    built = build(config)
    residual = 0.02 / math.sqrt(2 * 4)
    for name, weight in built.named_parameters():
        if weight.dim() == 2:
            expected = residual if "projection" in name else 0.02
            assert weight.std().item() == pytest.approx(expected, rel=0.05), name
            assert abs(weight.mean().item()) < expected / 20
        else:
            value = 1.0 if "norm" in name and "weight" in name else 0.0
            assert torch.equal(weight, torch.full_like(weight, value)), name
    assert len(built.blocks) == 4
    x, y = batch(configure.dataset_info(config), 8)
    loss = nn.functional.cross_entropy(built(x).flatten(0, 1), y.flatten())
    assert loss.item() == pytest.approx(math.log(79), rel=0.02)


def test_dropout_of_gpt_is_for_training_only():
    settings = {**TINY_GPT, "model.dropout": 0.5}
    config = configure.resolve(model="gpt-mini", dataset="bible-en", settings=settings)
    built = build(config)
    x, _ = batch(configure.dataset_info(config), 1)
    assert not torch.equal(built.train()(x), built(x))
    assert torch.equal(built.eval()(x), built(x))


def test_width_is_a_multiple_of_the_heads():
    with pytest.raises(ConfigError, match=r"model.width: expected a multiple of model.heads = 4"):
        configure.resolve(model="gpt-mini", dataset="bible-en", settings={"model.width": 30})


def test_gru_has_sparse_gradients_where_it_is_told_to():
    config = configure.resolve(
        model="gru-char", dataset="bible-en", settings={"model.sparse": True, "model.hidden": 8}
    )
    info = configure.dataset_info(config)
    built = build(config)
    x, y = batch(info, 2)
    tasks.of(config, info).loss(built(x), y).backward()
    assert built.embedding.weight.grad.is_sparse
    assert not built.head.weight.grad.is_sparse
