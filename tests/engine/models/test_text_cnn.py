"""The convolutional network over symbols: padding is nothing to it, and dropout is for training."""

import torch

from engine.config.padding_constants import PAD, UNKNOWN
from engine.config.registry import DatasetInfo
from engine.models import text_cnn

INFO = DatasetInfo(
    input_shape=(9,), num_outputs=3, input="symbols", num_symbols=20, samples={}, tokens={}
)


def built(**options):
    torch.manual_seed(0)
    config = text_cnn.Config(width=8, channels=5, kernel_sizes=(1, 2, 4), **options)
    model = text_cnn.build(config, INFO).double()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight)  # or places that see nothing would give nothing
    return model


def test_padding_changes_nothing():
    model = built().eval()
    for length in (1, 2, 3, 7):
        text = torch.randint(4, 20, (1, length))
        alone = model(text)
        for more in (1, 5, 30):
            padded = torch.cat([text, torch.full((1, more), PAD)], dim=1)
            torch.testing.assert_close(model(padded), alone, rtol=0, atol=1e-12)
            longer = torch.randint(4, 20, (1, length + more))
            torch.testing.assert_close(model(torch.cat([padded, longer]))[:1], alone)


def test_a_batch_equals_its_formula():
    model = built().eval()
    text = torch.tensor([[5, 9, 7]])
    h = model.embedding.weight[text[0]]
    found = []
    for size, layer in zip((1, 2, 4), model.convolutions, strict=True):
        zeros = torch.zeros(size - 1, 8).double()
        around = torch.cat([zeros, h, zeros])
        places = [
            (layer.weight * around[first : first + size].T).sum(dim=(1, 2)) + layer.bias
            for first in range(len(around) - size + 1)
        ]
        found.append(torch.stack(places).amax(dim=0).clamp(min=0))
    torch.testing.assert_close(model(text)[0], model.head(torch.cat(found)))


def test_dropped_words_are_unknown_ones_and_only_in_training():
    model = built(dropout=0.0, word_dropout=0.999999)
    text = torch.tensor([[5, 9, 7, PAD], [6, 6, 5, 4]])
    unknown = torch.tensor([[UNKNOWN] * 3 + [PAD], [UNKNOWN] * 4])
    torch.testing.assert_close(model.train()(text), model.eval()(unknown))
    assert not torch.allclose(model.eval()(text), model.eval()(unknown))
