"""Bits per character and per byte are of the text, whatever the vocabulary."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from engine.config.registry import DatasetInfo, Split
from engine.datasets._tokenizers.simple_codecs import Bytes, Characters
from engine.tasks.held_out_split import HeldOut
from engine.tasks.language import Language

TEXT = "Größe 大小 – naïve " * 40


class Even(nn.Module):
    """A model that finds all symbols equally likely."""

    def __init__(self, symbols):
        super().__init__()
        self.symbols = symbols

    def forward(self, x):
        return torch.zeros(*x.shape, self.symbols)


def means(codec, length):
    symbols = codec.encode(TEXT)
    rows = symbols[: len(symbols) // length * length].reshape(-1, length)
    info = DatasetInfo(
        input_shape=(length,), num_outputs=codec.size, task="language", samples={"val": len(rows)}
    )
    split = HeldOut(Split(rows, rows), torch.device("cpu"))
    return Language(info, codec).evaluate(Even(codec.size), split), rows


@pytest.mark.parametrize("length", [5, 7, 64])
def test_bytes_that_windows_cut_count_once(length):
    found, rows = means(Bytes(), length)
    written = bytes((rows - 4).astype(np.uint8).ravel()).decode("utf-8", "ignore")
    bits = math.log2(Bytes.size)
    assert found["loss"] == pytest.approx(bits * math.log(2))
    assert found["bits_per_byte"] == pytest.approx(bits)
    assert found["bits_per_char"] == pytest.approx(bits * rows.size / len(written), rel=2e-3)


def test_characters_are_characters():
    codec = Characters(TEXT)
    found, rows = means(codec, 9)
    bits = math.log2(codec.size)
    text = codec.decode(rows.ravel().tolist())
    assert found["bits_per_char"] == pytest.approx(bits)
    assert found["bits_per_byte"] == pytest.approx(bits * len(text) / len(text.encode()))


def test_byte_pairs_too(tmp_path, monkeypatch):
    pytest.importorskip("tokenizers")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from engine.datasets._tokenizers.byte_pairs import learned

    codec = learned(lambda: ["Größe und naïve Wörter " * 30], 300)
    found, rows = means(codec, 8)
    text = codec.decode(rows.ravel().tolist())
    bits = math.log2(codec.size) * rows.size
    assert rows.size < len(text.encode())
    assert found["bits_per_byte"] == pytest.approx(bits / len(text.encode()), rel=2e-3)
    assert found["bits_per_char"] == pytest.approx(bits / len(text), rel=2e-3)
