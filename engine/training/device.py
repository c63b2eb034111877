"""Choose the device and the number of CPU threads of a run."""

from typing import Literal

import torch

from presets import UserError

_DEFAULT_THREADS = torch.get_num_threads()


def pick(name: str) -> torch.device:
    """The device of this name: `auto` (the first CUDA device, else the CPU), `cpu`, `cuda` or
    `cuda:N`. Raises UserError if this machine has no such device."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if count else "cpu"
    device = torch.device(name)
    if device.type == "cpu":
        return device
    index = device.index or 0
    if index >= count:
        allowed = ", ".join(["auto", "cpu", *(f"cuda:{i}" for i in range(count))])
        seen = f"torch sees {count} CUDA device{'s' * (count != 1)}"
        raise UserError(f"device: {name} is not available here ({seen}); allowed: {allowed}")
    return torch.device("cuda", index)


def describe(device: torch.device) -> str:
    """The device in words: `cpu`, or for example `cuda:0 (NVIDIA H200)`."""
    if device.type == "cpu":
        return "cpu"
    return f"{device} ({torch.cuda.get_device_name(device)})"


def set_threads(threads: int | Literal["auto"], num_parameters: int) -> int:
    """Set the number of CPU threads of this process and return it.

    `auto` takes 1 for less than a million parameters: to distribute so little work costs more than
    to do it.
    """
    if threads == "auto":
        threads = 1 if num_parameters < 1_000_000 else _DEFAULT_THREADS
    torch.set_num_threads(threads)
    return threads
