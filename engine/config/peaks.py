"""The peak arithmetic of GPUs, and the share of it that a model uses; without torch."""

import re

from msgspec import Struct

from presets.schema import Precision


class Peak(Struct, frozen=True):
    """The dense peaks of a GPU in TFLOP/s: half of what vendors print for sparse matrices. None
    where it has no such units. Half precision has sums in float32, as in torch."""

    fp32: float
    """The peak of float32 outside the tensor cores."""
    tf32: float | None
    bf16: float | None
    fp16: float


# From NVIDIA's data sheets of these products, and of the GeForce and RTX cards from the
# appendices of the white papers of their architectures (GA102, Ada, RTX Blackwell). The patterns
# have to match all that follows the maker's name, so that cut-down cards (Laptop, D, MIG) and
# those not listed are unknown instead of wrong.
_PEAKS: tuple[tuple[str, Peak], ...] = (
    (r"V100-SXM[23]-\d+GB(-LS)?", Peak(15.7, None, None, 125)),
    (r"V100-PCIE-\d+GB", Peak(14, None, None, 112)),
    (r"T4", Peak(8.1, None, None, 65)),
    (r"A10", Peak(31.2, 62.5, 125, 125)),
    (r"A30", Peak(10.3, 82, 165, 165)),
    (r"A40", Peak(37.4, 74.8, 149.7, 149.7)),
    (r"A100[- ](SXM4|PCIE|PCIe|80GB)[- ]?(\d+GB|PCIe)?", Peak(19.5, 156, 312, 312)),
    (r"L4", Peak(30.3, 60, 121, 121)),
    (r"L40", Peak(90.5, 90.5, 181, 181)),
    (r"L40S", Peak(91.6, 183, 362, 362)),
    (r"RTX 3080", Peak(29.8, 29.8, 59.5, 59.5)),
    (r"RTX 3090", Peak(35.6, 35.6, 71, 71)),
    (r"RTX 4080", Peak(48.7, 48.7, 97.5, 97.5)),
    (r"RTX 4090", Peak(82.6, 82.6, 165.2, 165.2)),
    (r"RTX 5090", Peak(104.8, 104.8, 209.5, 209.5)),
    (r"RTX A6000", Peak(38.7, 77.4, 154.8, 154.8)),
    (r"RTX 6000 Ada Generation", Peak(91.1, 182.1, 364.2, 364.2)),
    (r"H100 PCIe", Peak(51, 378, 756, 756)),
    (r"H100 NVL", Peak(60, 417.5, 835.5, 835.5)),
    (r"H100 (80GB HBM3|SXM5.*)", Peak(67, 494.5, 989.5, 989.5)),
    (r"GH200 (480|144|120)GB.*", Peak(67, 494.5, 989.5, 989.5)),
    (r"H200", Peak(67, 494.5, 989.5, 989.5)),
    (r"H200 NVL", Peak(60, 417.5, 835.5, 835.5)),
    (r"B200", Peak(75, 1100, 2250, 2250)),
    (r"GB200", Peak(80, 1250, 2500, 2500)),
)
_MAKER = re.compile(r"^(NVIDIA |Tesla |GeForce )+")


def flops(device_name: str, precision: Precision) -> float | None:
    """The peak of a GPU in dense FLOP/s, by the name that torch gives it, such as `NVIDIA H200`;
    None where it is not known, as for CPUs.

    A GPU without units for TF32 computes it as float32; one without units for bf16 has no peak for
    it.
    """
    name = _MAKER.sub("", device_name.strip())
    found = next((peak for pattern, peak in _PEAKS if re.fullmatch(pattern, name)), None)
    if found is None:
        return None
    tflops = getattr(found, precision)
    if tflops is None and precision == "tf32":
        tflops = found.fp32
    return None if tflops is None else 1e12 * tflops


def mfu(flops_per_sample: float, samples_per_second: float, peak: float) -> float:
    """Model FLOP utilisation: the share of the peak that the model's own arithmetic takes
    (Chowdhery et al. 2022, arXiv:2204.02311, appendix B)."""
    return flops_per_sample * samples_per_second / peak
