"""Model FLOP utilisation: the share of a device's peak that a model's own operations use."""

import torch

from engine.config import configure, estimate, peaks
from engine.config.task_rule_table import Unit
from presets.schema import RunConfig


def of_one_unit(config: RunConfig, unit: Unit, device: torch.device) -> float | None:
    """The share of the device's peak that a throughput of one `unit` a second would use; None on a
    CPU, and where the peak is unknown."""
    if device.type == "cpu":
        return None
    peak = peaks.flops(torch.cuda.get_device_name(device), config.precision)
    data = configure.dataset_info(config)
    units: float = data.input_shape[0] if unit == "tokens" else 1
    if data.tokens:
        units = data.tokens["train"] / data.samples["train"]
    return None if peak is None else estimate.flops_per_sample(config) / units / peak
