"""The loss is that of all alignments, texts the most likely ones, and padding is nothing."""

import itertools
import math

import numpy as np
import pytest
import torch

from engine.config.padding_constants import IGNORED, SILENT
from engine.tasks.texts import ctc
from engine.tasks.texts.ctc import Heard


def collapsed(path):
    joined = [symbol for symbol, _ in itertools.groupby(path)]
    return tuple(symbol for symbol in joined if symbol)


def every_text(output):
    """The probability of each text of an output (frames, symbols): all alignments, one by one."""
    shares = output.double().softmax(dim=1).numpy()
    found = {}
    for path in itertools.product(range(shares.shape[1]), repeat=len(shares)):
        text = collapsed(path)
        share = math.prod(shares[frame, symbol] for frame, symbol in enumerate(path))
        found[text] = found.get(text, 0.0) + share
    return found


@pytest.fixture
def output():
    return torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))


def test_the_loss_sums_over_all_alignments(output):
    y = torch.tensor([[1, 2, 2], [1, IGNORED, IGNORED]])
    expected = [-math.log(every_text(output[0])[1, 2, 2]), -math.log(every_text(output[1])[1,])]
    np.testing.assert_allclose(ctc.losses(output, y), expected, rtol=1e-5)


def padded(output, frames):
    silence = torch.full((len(output), frames, output.shape[2]), SILENT)
    silence[:, :, 0] = 0
    return torch.cat([output, silence], dim=1)


def test_padding_changes_neither_loss_nor_gradient_nor_text(output):
    y = torch.tensor([[1, 2, 2], [1, IGNORED, IGNORED]])
    output.requires_grad_()
    losses = ctc.losses(output, y)
    (gradient,) = torch.autograd.grad(losses.sum(), output)
    more = ctc.losses(padded(output, 4), torch.nn.functional.pad(y, (0, 2), value=IGNORED))
    (again,) = torch.autograd.grad(more.sum(), output)
    torch.testing.assert_close(more, losses, rtol=1e-6, atol=0)
    torch.testing.assert_close(again, gradient, rtol=1e-6, atol=1e-7)
    assert ctc.greedy(padded(output, 4)) == ctc.greedy(output)
    assert ctc.lengths(padded(output, 4)).tolist() == [5, 5]


def test_a_text_that_does_not_fit_has_no_loss(output):
    y = torch.tensor([[1, 1, 1, 1], [1, 2, 1, 2]])  # a repetition needs a blank between
    losses = ctc.losses(output, y)
    assert losses[0] == 0
    assert losses[1] > 0


def test_a_model_that_diverged_has_a_loss_that_is_no_number(output):
    assert ctc.losses(output * math.nan, torch.tensor([[1], [2]])).isnan().all()


def test_symbols_are_heard_in_the_frames_of_their_runs():
    path = torch.tensor([[0, 1, 1, 0, 1, 2, 2, 0]])
    output = torch.nn.functional.one_hot(path, 3) * 9.0
    assert ctc.greedy(output) == [[Heard(1, 1, 3), Heard(1, 4, 5), Heard(2, 5, 7)]]
    assert ctc.greedy(output[:, :1]) == [[]]


def test_the_beam_finds_the_most_likely_text_where_no_frame_shows_it(output):
    for one in output:
        truth = sorted(every_text(one).items(), key=lambda item: -item[1])
        found = ctc.beam_search(one, width=100)
        assert [tuple(text) for text, _ in found] == [text for text, _ in truth]
        logs = [math.exp(log) for _, log in found]
        np.testing.assert_allclose(logs, [share for _, share in truth], rtol=1e-5)
    # The most likely path is all blanks, with 0.36; texts of one symbol have 0.48.
    blurred = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    assert ctc.greedy(blurred[None]) == [[]]
    assert ctc.beam_search(blurred, width=2)[0][0] == [1]
