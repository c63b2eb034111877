"""Parameters in groups: what decays, at which rate, and what is said of a wrong pattern."""

import pytest
import torch
from torch import nn

from engine.models._recurrent import RecurrentNetwork
from engine.models._transformer import Transformer
from engine.training.updates import build_optimizer, parameter_groups
from presets import ConfigError
from presets.schema import ParameterGroups
from support.optimizing import component, groups, model


def names(found):
    return [group["names"] for group in found]


def test_without_differences_there_is_one_group_in_the_models_order():
    net = model()
    (group,) = parameter_groups.split(net, ParameterGroups(), decays=False)
    assert group["names"] == [name for name, _ in net.named_parameters()]
    assert all(a is b for a, b in zip(group["params"], net.parameters(), strict=True))
    (group,) = parameter_groups.split(
        net, ParameterGroups(decay_norms_and_biases=True), decays=True
    )
    assert group["decay"]


def test_norms_and_biases_do_not_decay():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Conv1d(2, 2, 1), nn.LayerNorm(2))
    found = parameter_groups.split(net, ParameterGroups(), decays=True)
    kept = {name for group in found if not group["decay"] for name in group["names"]}
    assert kept == {"0.bias", "1.weight", "1.bias", "2.bias", "3.weight", "3.bias"}
    config = component("adamw", weight_decay=0.1)
    optimizer = build_optimizer.build_optimizer(config, found)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for name, weight in net.named_parameters():
        factor = 1.0 if name in kept else 1 - 1e-3 * 0.1
        torch.testing.assert_close(weight.detach(), before[name] * factor)


def test_the_first_pattern_that_matches_scales_the_rate():
    net = model()
    settings = ParameterGroups(lr_scale={"4.*": 0.1, "*.bias": 2.0})
    found = groups(net, component("sgd"), settings)
    assert names(found) == [["0.weight", "2.weight"], ["0.bias", "2.bias"], ["4.weight", "4.bias"]]
    optimizer = build_optimizer.build_optimizer(component("sgd", lr=0.5), found)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 1.0, 0.05]


def test_what_has_the_rate_itself_comes_first():
    found = groups(model(), component("adam"), ParameterGroups(lr_scale={"0.*": 0.1}))
    assert [group["lr_scale"] for group in found] == [1.0, 0.1]


def test_a_pattern_without_a_match_names_the_nearest():
    with pytest.raises(ConfigError) as caught:
        groups(model(), component("adam"), ParameterGroups(lr_scale={"4.wieght": 0.1}))
    (line,) = str(caught.value).splitlines()
    assert line.startswith("groups.lr_scale: '4.wieght' matches no parameter; nearest: 4.weight, ")


def test_frozen_parameters_are_left_out():
    net = model()
    net[0].weight.requires_grad_(False)
    (group,) = groups(net, component("adam"))
    assert "0.weight" not in group["names"]


def kinds(net):
    (group,) = groups(net, component("adam"))
    return dict(zip(group["names"], group["kinds"], strict=True))


def test_modules_tell_what_a_matrix_is_for():
    found = kinds(RecurrentNetwork(symbols=5, hidden=4, layers=1, dropout=0.0, sparse=True))
    assert found["embedding.weight"] == "sparse table"
    assert found["head.weight"] == "head"
    assert found["gru.weight_ih_l0"] == "matrix"
    assert found["gru.bias_ih_l0"] == "other"


def test_a_tied_output_layer_is_a_table_and_no_block_is_taken_for_it():
    net = Transformer(symbols=5, context_length=3, width=4, layers=2, heads=1, dropout=0.0)
    found = kinds(net)
    assert found["embedding.weight"] == found["position.weight"] == "table"
    assert found["blocks.1.projection.weight"] == "matrix"
    assert "head" not in found.values()
