"""Sequence-to-sequence models: size and work, padding, writing symbol by symbol, copying."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.config.registry import DatasetInfo
from engine.models import pointer_generator, seq2seq
from engine.models._encoder_decoder import sinusoids

MODELS = [seq2seq, pointer_generator]
SYMBOLS, LENGTH = 50, 12
INFO = DatasetInfo(input_shape=(LENGTH,), num_outputs=SYMBOLS, task="translation", samples={})


def build(module, **options):
    torch.manual_seed(0)
    return module.build(module.Config(**{"width": 32, "heads": 4, "layers": 2, **options}), INFO)


def batch(size, length=LENGTH):
    torch.manual_seed(1)
    x = torch.randint(4, SYMBOLS, (size, length))
    written = torch.cat([torch.ones(size, 1, dtype=torch.long), x[:, 1:].flip(1)], dim=1)
    return x, written


@pytest.mark.parametrize("module", MODELS)
@pytest.mark.parametrize(("width", "layers"), [(32, 2), (48, 1)])
def test_size_and_work_are_those_of_the_built_model(module, width, layers):
    built = build(module, width=width, layers=layers).eval()
    x, written = batch(3)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        assert built(x, written).shape == (3, LENGTH, SYMBOLS)
    cost = module.cost(module.Config(width=width, layers=layers), INFO)
    assert cost.num_parameters == sum(weight.numel() for weight in built.parameters())
    assert cost.multiply_adds == counter.get_total_flops() // 2 // 3


@pytest.mark.parametrize("module", MODELS)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_activations_are_what_is_kept_for_the_backward_pass(module, dropout):
    info = DatasetInfo(input_shape=(40,), num_outputs=500, task="translation", samples={})
    config = module.Config(width=64, layers=3, heads=4, dropout=dropout)
    built = module.build(config, info).train()
    x, written = batch(8, 40)
    weights = {weight.untyped_storage().data_ptr() for weight in built.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            # The tensor, too: or its memory would be used again.
            kept[storage.data_ptr()] = (storage.nbytes() / tensor.element_size(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        nn.functional.cross_entropy(built(x, written).flatten(0, 1), x.flatten())
    measured = sum(numbers for numbers, _ in kept.values()) / len(x)
    assert module.cost(config, info).activations == pytest.approx(measured, rel=0.25)


@pytest.mark.parametrize("module", MODELS)
def test_padding_changes_nothing(module):
    built = build(module).double().eval()
    x, written = batch(2)
    short, shorter = x[:, :7], written[:, :5]
    padded = torch.cat([short, short.new_zeros(2, 6)], dim=1)
    longer = torch.cat([shorter, shorter.new_zeros(2, 3)], dim=1)
    alone = built(short, shorter)
    torch.testing.assert_close(built(padded, shorter), alone)
    torch.testing.assert_close(built(padded, longer)[:, :5], alone)
    assert not torch.allclose(built(short[:, :6], shorter), alone)


@pytest.mark.parametrize("module", MODELS)
def test_gradients_of_padding_are_none(module):
    built = build(module, dropout=0.0).double()
    x, written = batch(2)
    gradients = []
    for extra in (0, 4):
        built.zero_grad()
        longer = torch.cat([x, x.new_zeros(2, extra)], dim=1)
        built(longer, written).square().mean().backward()
        gradients.append([weight.grad.clone() for weight in built.parameters()])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("module", MODELS)
def test_symbol_by_symbol_equals_all_at_once(module):
    built = build(module).double().eval()
    x, written = batch(3)
    x[1, 8:] = 0
    whole = built(x, written)
    state = built.encode(x)
    for place in range(LENGTH):
        logits = built.logits(written[:, place : place + 1], state)
        torch.testing.assert_close(logits[:, 0], whole[:, place])


@pytest.mark.parametrize("module", MODELS)
def test_what_comes_later_does_not_change_what_was_told(module):
    built = build(module).double().eval()
    x, written = batch(2)
    other = written.clone()
    other[:, 6:] = (other[:, 6:] + 1) % SYMBOLS
    torch.testing.assert_close(built(x, written)[:, :6], built(x, other)[:, :6])
    assert not torch.allclose(built(x, written)[:, 6:], built(x, other)[:, 6:])


@pytest.mark.parametrize("module", MODELS)
def test_a_batch_overfits(module):
    built = build(module, dropout=0.0)
    x, written = batch(8)
    y = torch.cat([written[:, 1:], torch.full((8, 1), 2)], dim=1)
    optimizer = torch.optim.Adam(built.parameters(), lr=5e-3)
    for _ in range(100):
        loss = nn.functional.cross_entropy(built(x, written).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_the_pointer_copies_what_its_vocabulary_never_writes():
    built = build(pointer_generator).double().eval()
    x, written = batch(2)
    with torch.no_grad():
        built.share.weight.zero_()
        built.share.bias.fill_(-30.0)  # the share of the vocabulary is 1e-13
        probabilities = built(x, written).exp()
    present = torch.zeros(2, SYMBOLS, dtype=torch.bool).scatter(1, x, value=True)
    torch.testing.assert_close(
        probabilities.sum(dim=2), torch.ones(2, LENGTH).double(), atol=1e-6, rtol=0
    )
    assert (probabilities.amax(dim=1) > 1e-3)[present].any()
    assert (probabilities.amax(dim=1)[~present] < 1e-7).all()


def test_probabilities_of_vocabulary_and_pointer_sum_to_one():
    built = build(pointer_generator).double().eval()
    x, written = batch(4)
    x[2, 5:] = 0
    total = built(x, written).exp().sum(dim=2)
    torch.testing.assert_close(total, torch.ones(4, LENGTH).double(), atol=1e-6, rtol=0)


def test_places_are_told_by_sinusoids():
    found = sinusoids(torch.tensor([0, 3]), 4)
    expected = torch.tensor([[0.0, 0, 1, 1], [0.14112, 0.03, -0.98999, 0.99955]])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
