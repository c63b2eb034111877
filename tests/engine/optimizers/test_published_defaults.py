"""A preset's settings are the published defaults: those of the class that it builds, or of the
source that is named here."""

import inspect

import pytest

import presets
from support.optimizing import PRESETS, build, model

ELSEWHERE = {
    # Without a published default: what learns the built-in data sets.
    "gd": {"lr": 0.5},
    # The CIFAR-10 rate of He et al. 2016, arXiv:1512.03385, section 4.2.
    "sgd": {"lr": 0.1},
    # Torch's default rate and momentum are no use: 1e-3 and none. The moving average has steps of
    # 1 - beta, so its rate is larger.
    "momentum": {"lr": 0.3, "beta": 0.9},
    # The example in torch.optim's documentation.
    "momentum-classic": {"lr": 0.01, "momentum": 0.9},
    "nesterov": {"lr": 0.01, "momentum": 0.9},
    # Nocedal and Wright 2006, algorithm 7.5; torch's own steps have no line search.
    "lbfgs": {"line_search_fn": "strong_wolfe"},
    # github.com/KellerJordan/Muon: SingleDeviceMuonWithAuxAdam, and its README for the decay.
    "muon": {
        "lr": 0.02,
        "adjust_lr_fn": "original",
        "weight_decay": 0.01,
        "adamw_lr": 3e-4,
        "adamw_betas": [0.9, 0.95],
        "adamw_eps": 1e-10,
    },
    # torch-optimizer's Shampoo, and the interval of Gupta et al. 2018, section 5.
    "shampoo": {"lr": 0.1, "preconditioning_compute_steps": 20, "matrix_eps": 1e-4},
}


def of_class(name):
    """What the class takes by default."""
    built = build(model(name), name)
    kind = type(getattr(built, "parts", [built])[0])
    layers = [c for c in kind.__mro__ if c.__module__.split(".")[0] not in ("engine", "builtins")]
    signature = inspect.signature(layers[0].__init__)
    return {key: parameter.default for key, parameter in signature.parameters.items()}


def plain(value):
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", PRESETS)
def test_settings_are_the_published_ones(name):
    theirs = {key: plain(value) for key, value in of_class(name).items()}
    expected = ELSEWHERE.get(name, {})
    for key, value in presets.load("optimizers", name).options.items():
        wanted = expected[key] if key in expected else theirs[key]
        assert plain(value) == wanted, key


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_where_it_comes_from(name):
    """An author with a year, or a paper's number."""
    described = presets.load("optimizers", name).description
    assert "arXiv:" in described or any(
        word.strip("():;,.").isdecimal() for word in described.split()
    )
