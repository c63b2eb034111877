"""Devices: picked by name, or refused in one line."""

import pytest
import torch

from engine.training import device
from presets import UserError


def test_pick_without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.pick("auto") == device.pick("cpu") == torch.device("cpu")
    assert device.describe(device.pick("auto")) == "cpu"
    with pytest.raises(UserError) as caught:
        device.pick("cuda:0")
    assert str(caught.value) == (
        "device: cuda:0 is not available here (torch sees 0 CUDA devices); allowed: auto, cpu"
    )


def test_pick_with_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H200")
    assert str(device.pick("auto")) == str(device.pick("cuda")) == "cuda:0"
    assert device.describe(device.pick("cuda:1")) == "cuda:1 (NVIDIA H200)"
    with pytest.raises(
        UserError, match=r"cuda:2 .* 2 CUDA devices\); .*: auto, cpu, cuda:0, cuda:1"
    ):
        device.pick("cuda:2")


def test_threads():
    assert device.set_threads("auto", 999_999) == torch.get_num_threads() == 1
    default = device.set_threads("auto", 1_000_000)
    assert default == torch.get_num_threads() >= 1
    assert device.set_threads(2, 10) == torch.get_num_threads() == 2
