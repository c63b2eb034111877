"""Every way to take a step: each optimizer with each way to clip."""

from itertools import product
from typing import Any

from support.optimizing import PRESETS

CLIPS: dict[str, dict[str, Any]] = {
    "none": {},
    "norm": {"clip__threshold": 0.5},
    "value": {"clip__threshold": 0.01},
    "parameter": {"clip__threshold": 0.1},
    "agc": {"clip__ratio": 0.01},
    "autoclip": {"clip__percentile": 50},
    "zclip": {"clip__z_score": 0.5},
}
"""Limits that some steps exceed."""
PAIRS = list(product(PRESETS, CLIPS))
OWN: dict[str, dict[str, Any]] = {
    "gd": {"batch_size": "full"},
    "lbfgs": {"optimizer__max_iter": 4},
    "sparse-adam": {"model": "gru-char", "dataset": "bible-en", "batch_size": 4},
}
"""What an optimizer needs."""
MLP = {"model__batch_norm": True, "model__dropout": 0.3}
SPARSE_GRU = {"model__sparse": True, "model__hidden": 8, "model__dropout": 0.3}


def settings_of(optimizer: str, clip: str) -> dict[str, Any]:
    """The settings with which a small model with batch norm and dropout takes such steps."""
    model = SPARSE_GRU if optimizer == "sparse-adam" else MLP
    usual = {"batch_size": 32, "clip__mode": clip}
    return {**usual, **model, **CLIPS[clip], **OWN.get(optimizer, {})}


def is_quick(optimizer: str, clip: str) -> bool:
    """One of each optimizer and some of each way to clip; all others are slow tests."""
    return (PRESETS.index(optimizer) - list(CLIPS).index(clip)) % len(CLIPS) == 0
