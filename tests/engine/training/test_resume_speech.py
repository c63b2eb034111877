"""A model of speech that was killed goes on exactly, and a batch in parts is the whole batch."""

import numpy as np
import pytest
import torch

from engine import tasks
from engine.config import configure, registry
from engine.training.passes import Passes
from engine.training.preparation.assemble import assemble
from support.resuming import check_equal, interrupt

SMALL = {
    "dataset.longest": 2,
    "model.hidden": 6,
    "model.channels": 8,
    "batch_size": 200,
    "epochs": None,
    "evaluate_every": 9,
    "predictions": 2,
    "checkpoint.every_steps": 3,
    "device": "cpu",
    "threads": 1,
}


def resolved(**settings):
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return configure.resolve(recipe="spoken-digits", settings={**SMALL, **given})


def test_killed_at_five_places(tmp_path):
    """An epoch has 8 steps; a checkpoint is written every 3."""
    config = resolved(steps=18)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 2, 7, 8, 12, 17), whole)


@pytest.mark.parametrize("accumulate", [2, 5])
def test_the_gradient_of_parts_is_that_of_one_big_batch(accumulate):
    """Strings of different lengths: a mean of means would be another number."""
    gradients = []
    for parts in (1, accumulate):
        config = resolved(steps=1, accumulate=parts, model__dropout=0.0)
        info, plan = configure.dataset_info(config), configure.plan(config)
        data = registry.build("dataset", config.dataset)
        one = data.train.batch(np.arange(12))
        x, y = torch.from_numpy(one.x), torch.from_numpy(one.y)
        training = assemble(config, plan, torch.device("cpu"))
        task = tasks.of(config, info, data.codec)
        passes = Passes(config, training, task, torch.device("cpu"))
        loss = passes.again(x, y)
        grads = [weight.grad.flatten() for weight in training.model.parameters()]
        gradients.append(torch.cat([loss[None], *grads]))
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-6, atol=1e-6)
    assert gradients[0].abs().max() > 0.01
