"""The moving average of the weights equals its formula."""

import numpy as np
import pytest
import torch

from engine.training.updates.ema import MovingAverage


def test_formula_and_swap():
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(4))]
    average = MovingAverage(parameters, 0.9)
    expected = [p.detach().numpy().copy() for p in parameters]
    for _ in range(5):
        for index, parameter in enumerate(parameters):
            parameter.data.add_(torch.randn_like(parameter))
            expected[index] = 0.9 * expected[index] + 0.1 * parameter.detach().numpy()
        average.update()
    trained = [p.detach().clone() for p in parameters]
    with average.in_place():
        inside = [p.detach().numpy().copy() for p in parameters]
    for found, value in zip(inside, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-6)
    assert all(map(torch.equal, parameters, trained))


def test_averages_of_another_model_are_refused():
    average = MovingAverage([torch.nn.Parameter(torch.zeros(2))], 0.9)
    average.load([torch.ones(2)])
    assert average.averages[0].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="shapes"):
        average.load([torch.ones(3)])
