"""The peak arithmetic of GPUs by the names that torch gives them."""

import pytest

from engine.config import peaks


@pytest.mark.parametrize(
    ("name", "precision", "tflops"),
    [
        ("NVIDIA H200", "bf16", 989.5),
        ("NVIDIA H200 NVL", "bf16", 835.5),
        ("NVIDIA H100 80GB HBM3", "tf32", 494.5),
        ("NVIDIA H100 PCIe", "fp32", 51),
        ("NVIDIA A100-SXM4-80GB", "fp16", 312),
        ("NVIDIA A100-PCIE-40GB", "fp16", 312),
        ("NVIDIA A100 80GB PCIe", "tf32", 156),
        ("NVIDIA L4", "bf16", 121),
        ("NVIDIA L40S", "bf16", 362),
        ("NVIDIA GeForce RTX 4090", "fp32", 82.6),
        ("Tesla V100-SXM2-16GB", "fp16", 125),
        ("Tesla V100-SXM2-16GB", "tf32", 15.7),  # as float32
        ("Tesla T4", "fp16", 65),
    ],
)
def test_known_devices(name, precision, tflops):
    assert peaks.flops(name, precision) == pytest.approx(1e12 * tflops)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("cpu", "fp32"),
        ("", "fp32"),
        ("Tesla T4", "bf16"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "fp16"),
        ("NVIDIA GeForce RTX 4090 D", "fp16"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "bf16"),
        ("NVIDIA A10G", "bf16"),
        ("NVIDIA H20", "bf16"),
        ("AMD Instinct MI300X", "bf16"),
    ],
)
def test_unknown_is_not_guessed(name, precision):
    assert peaks.flops(name, precision) is None


def test_no_peak_is_below_that_of_a_wider_format():
    for _, peak in peaks._PEAKS:
        assert peak.fp32 <= (peak.tf32 or peak.fp32) <= (peak.bf16 or peak.fp16) <= peak.fp16


def test_utilisation():
    # 6 x 124e6 x 1024 operations a sample, 500 samples a second: 38.5 % of an H100's bf16.
    assert peaks.mfu(6 * 124e6 * 1024, 500, 989.5e12) == pytest.approx(0.385, abs=5e-4)
