"""Small models and their optimizers, for tests."""

import torch
from torch import nn

import presets
from engine.config import registry
from engine.training.updates import build_optimizer, parameter_groups
from presets.schema import Component, ParameterGroups

PRESETS = presets.names("optimizers")


def component(name, **options):
    preset = presets.load("optimizers", name)
    return Component(name=name, type=preset.type, options={**preset.options, **options})


def model(name="adam", seed=0):
    """Two hidden layers on 16 features, or on 4 sparse embeddings."""
    torch.manual_seed(seed)
    sparse = name == "sparse-adam"
    start = [nn.Embedding(9, 4, sparse=True), nn.Flatten()] if sparse else []
    hidden = [nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh()]
    return nn.Sequential(*start, *hidden, nn.Linear(16, 4))


def batch(name="adam", size=32):
    random = torch.Generator().manual_seed(1)
    y = torch.randint(0, 4, (size,), generator=random)
    if name == "sparse-adam":
        return torch.randint(0, 9, (size, 4), generator=random), y
    return torch.randn(size, 16, generator=random), y


def groups(net, config, settings=ParameterGroups()):  # noqa: B008 (it is immutable)
    decays = getattr(registry.config("optimizer", config), "weight_decay", 0.0) > 0
    return parameter_groups.split(net, settings, decays=decays)


def build(net, name, **options):
    config = component(name, **options)
    return build_optimizer.build_optimizer(config, groups(net, config))


def step(net, optimizer, x, y):
    """One step as the loop takes it; returns the loss before it."""

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward(create_graph=getattr(optimizer, "needs_graph", False))
        return loss.detach()

    if isinstance(optimizer, torch.optim.LBFGS):
        return float(optimizer.step(closure))
    loss = closure()
    optimizer.step()
    return float(loss)
