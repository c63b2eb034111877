"""Forward and backward passes: in parts, computed again, in other layouts, the same numbers."""

import pytest
import torch
from torch import nn

from engine import tasks
from engine.config import configure
from engine.runs.events import LogLine, Scalars
from engine.training.passes import Passes, Tally
from engine.training.preparation.assemble import assemble
from presets import ConfigError, UserError
from support.forked import of

CPU = torch.device("cpu")


def prepared(config):
    training = assemble(config, configure.plan(config), CPU)
    task = tasks.of(config, configure.dataset_info(config))
    return training, Passes(config, training, task, CPU), task


def one_pass(config, x, y):
    """Recorded values and gradients of a first step."""
    training, passes, task = prepared(config)
    tally = Tally()
    for part_x, part_y, share in passes.parts(x, y):
        output, loss = passes.forward(part_x, part_y)
        passes.backward(loss, share)
        tally.add(share, loss, task.metrics(output, part_y))
    return tally.take(), [p.grad for p in training.parameters], (training, passes)


def points(samples, generator=torch.manual_seed):
    generator(1)
    return torch.randn(samples, 2), torch.randint(0, 3, (samples,))


@pytest.mark.parametrize(("accumulate", "samples"), [(2, 12), (5, 12), (12, 12), (4, 3)])
def test_parts_of_a_batch_give_its_gradient(tiny, accumulate, samples):
    settings = {"model__batch_norm": False, "model__dropout": 0.0, "batch_size": 12}
    x, y = points(samples)
    whole, expected, _ = one_pass(tiny(**settings), x, y)
    values, gradients, _ = one_pass(tiny(**settings, accumulate=accumulate), x, y)
    assert values.keys() == whole.keys() == {"train/loss", "train/accuracy"}
    for name, value in whole.items():
        assert values[name].item() == pytest.approx(value.item(), rel=1e-6)
    for found, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-7)


def test_batch_norm_never_sees_a_single_sample(tiny):
    _, passes, _ = prepared(tiny(model__batch_norm=True, batch_size=8, accumulate=8))
    x, y = points(8)
    assert [len(part) for part, _, _ in passes.parts(x, y)] == [2, 2, 2, 2]
    assert [len(part) for part, _, _ in passes.parts(x[:3], y[:3])] == [3]


def test_a_second_look_at_a_batch_is_its_gradient_again(tiny):
    settings = {"model__batch_norm": False, "model__dropout": 0.0}
    x, y = points(12)
    whole, expected, (training, passes) = one_pass(tiny(**settings, accumulate=3), x, y)
    again = passes.again(x, y)
    torch.testing.assert_close(again, whole["train/loss"])
    for parameter, wanted in zip(training.parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, wanted)


def test_images_can_lie_with_their_channels_last():
    config = configure.resolve(model="cnn-small", settings={"device": "cpu", "channels_last": True})
    _, passes, _ = prepared(config)
    ((x, _, _),) = passes.parts(torch.randn(4, 3, 8, 8), torch.zeros(4, dtype=torch.long))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert not x.is_contiguous()
    with pytest.raises(ConfigError, match="channels_last: spirals has no images"):
        configure.resolve(dataset="spirals", settings={"channels_last": True})


def test_activations_that_are_computed_again_change_nothing(tiny):
    torch.manual_seed(0)

    class Blocks(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Dropout(0.5)) for _ in range(3)
            )
            self.head = nn.Linear(2, 3)

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    def gradients(config):
        training, _, task = prepared(tiny())
        torch.manual_seed(3)
        training.model = Blocks()
        passes = Passes(config, training, task, CPU)
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
            _, loss = passes.forward(*points(6))
        passes.backward(loss, 1.0)
        return len(kept), [p.grad for p in training.model.parameters()]

    few, again = gradients(tiny(activation_checkpointing=True))
    many, expected = gradients(tiny())
    assert few < many
    assert all(map(torch.equal, again, expected))


@pytest.mark.parametrize(
    ("batch_norm", "message"),
    [(True, "batch norm would see each batch twice"), (False, "mlp has no blocks")],
)
def test_models_whose_activations_cannot_be_computed_again(tiny, batch_norm, message):
    with pytest.raises(UserError, match=message):
        prepared(tiny(model__batch_norm=batch_norm, activation_checkpointing=True))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_where_parts_do_not_give_the_gradient_of_the_batch_the_log_says_so(train, tiny, batch_norm):
    """The case accumulate-bn: with batch norm the first losses differ, without it they do not."""
    settings = {"model__batch_norm": batch_norm, "model__dropout": 0.0, "steps": 1}
    said, losses = [], []
    for accumulate in (1, 8):
        events = train(tiny("sgd", accumulate=accumulate, **settings))
        lines = [event.message for event in of(LogLine, events)]
        said.append([line for line in lines if line.startswith("accumulate 8: batch norm")])
        losses.append(of(Scalars, events)[0].values["train/loss"][0])
    assert [len(lines) for lines in said] == [0, batch_norm]
    assert (losses[0] == pytest.approx(losses[1], rel=1e-5)) != batch_norm
