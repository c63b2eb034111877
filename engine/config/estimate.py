"""Estimates of what a run needs before it starts: memory by its parts, and arithmetic; without
torch."""

import math
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, structs

from engine.config import configure, registry
from engine.config.registry import Cost, DatasetInfo
from presets.schema import RunConfig

DEFAULT_STATE_TENSORS = 2
"""State tensors of an optimizer whose module has no `STATE_TENSORS`: as many as Adam keeps."""
KEPT_WITH_CHECKPOINTING = 0.25
"""Rough share of the activations that a model still keeps with activation checkpointing: the
inputs of its blocks, and everything inside the one that is computed again."""
RUNTIME_BYTES = 600 << 20
"""Memory that torch itself takes on a device, with the workspaces of its libraries; a rough
value."""

_FLOAT, _HALF, _INTEGER = 4, 2, 8  # bytes of a number; torch's labels and symbols are int64
_LOGITS = 3
"""Arrays as large as the logits besides the probabilities, which count as activations: the logits,
and two gradients of the cross entropy; also with autocast, where its loss is of full precision."""
_FLOPS_PER_MULTIPLY_ADD = 6
_ASK_SECONDS = 3.0
_REMEMBER_SECONDS = 10.0
_MEMORY = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_GROUPS = Path("/proc/self/cgroup")
_LIMITS = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""The files that say how much memory a control group may take and takes, of both versions."""

_asked: dict[str, tuple[float, int | None]] = {}


class Memory(Struct, frozen=True, kw_only=True):
    """Memory on the device at the moment of highest use, where the backward pass begins, in
    bytes."""

    parameters: int
    """The parameters; with autocast also their copies of lower precision."""
    gradients: int
    optimizer: int
    ema: int
    activations: int
    """The activations of the samples that are computed at once."""
    outputs: int = 0
    """The logits of a language model and the gradients of its loss by them, which are larger than
    all else where the vocabulary is large; of other models they are next to nothing."""
    data: int
    """The samples of all splits that lie on the device; 0 where they differ in length or
    stay on the disk."""

    @property
    def total(self) -> int:
        return sum(structs.astuple(self))


def memory(config: RunConfig, free: int | None = None) -> Memory:
    """The memory that `config` needs on its device, from formulas of its components.

    `free` bytes decide with `data_on: auto` whether the training set lies on the device; None
    means that it does. Without: torch itself (`RUNTIME_BYTES`), and what diagnostics, clipping and
    profiling hold for a moment. Raises ConfigError for components that do not exist.
    """
    cost, data, plan = _cost(config), configure.dataset_info(config), configure.plan(config)
    half = config.precision in ("bf16", "fp16")
    weights = _FLOAT * cost.num_parameters
    at_once = -(-plan.batch_size // config.accumulate)
    kept = KEPT_WITH_CHECKPOINTING if config.activation_checkpointing else 1.0
    activations = cost.activations * at_once * (_HALF if half else _FLOAT)
    return Memory(
        parameters=weights + (_HALF * cost.num_parameters if half else 0),
        gradients=weights,
        optimizer=weights * _state_tensors(config),
        ema=weights if config.ema_decay is not None else 0,
        activations=math.ceil(kept * activations),
        outputs=_LOGITS * _FLOAT * at_once * _logits(data),
        data=_data_bytes(config, data, free),
    )


def flops_per_sample(config: RunConfig) -> int:
    """Floating-point operations of one sample's forward and backward pass.

    Two for each multiply-add of the forward pass and four in the backward pass, for the gradients
    of inputs and of weights (Kaplan et al. 2020, arXiv:2001.08361, section 2.1). What activation
    checkpointing computes again does not count, as in model FLOP utilisation (Chowdhery et al.
    2022, arXiv:2204.02311, appendix B). A sample of a language model is a whole context.
    """
    return _FLOPS_PER_MULTIPLY_ADD * _cost(config).multiply_adds


def fits(needed: Memory, free: int | None) -> bool | None:
    """Whether the run fits into `free` bytes, torch itself included; None if `free` is unknown."""
    return None if free is None else needed.total + RUNTIME_BYTES <= free


def needed_bytes(config: RunConfig, free: int | None = None) -> int:
    """All memory that the run needs on its device, torch itself included. Raises ConfigError."""
    return memory(config, free).total + RUNTIME_BYTES


def free_memory(device: str) -> int | None:
    """Free bytes of a device as a configuration names it; None where they cannot be known.

    `auto` is the first CUDA device that the driver tells of, else the CPU. May wait some seconds
    for the driver, so a screen asks from a thread; answers are good for ten seconds.
    """
    if device == "cpu":
        return _host_memory()
    name = _driver_name(int(device.partition(":")[2] or 0))
    free = None if name is None else _remembered(name)
    return _host_memory() if free is None and device == "auto" else free


def _cost(config: RunConfig) -> Cost:
    options = registry.config("model", config.model)
    cost: Cost = registry.module("model", config.model.type).cost(
        options, configure.dataset_info(config)
    )
    return cost


def _logits(data: DatasetInfo) -> int:
    """The number of logits of a sample of a language model, else 0."""
    return math.prod(data.input_shape) * data.num_outputs if data.task == "language" else 0


def _state_tensors(config: RunConfig) -> int:
    module = registry.module("optimizer", config.optimizer.type)
    return int(getattr(module, "STATE_TENSORS", DEFAULT_STATE_TENSORS))


def _data_bytes(config: RunConfig, data: DatasetInfo, free: int | None) -> int:
    if data.tokens or data.on_disk:  # read from the host, a batch at a time
        return 0
    inputs = math.prod(data.input_shape)
    if data.task == "language":
        sample = 2 * _INTEGER * inputs
    elif data.task == "regression":
        sample = _FLOAT * (inputs + data.num_outputs)
    else:
        sample = _FLOAT * inputs + _INTEGER
    train = sample * data.samples["train"]
    too_large = config.data_on == "auto" and free is not None and 4 * train > free
    if config.data_on == "host" or too_large:
        train = 0
    return train + sample * (data.samples["val"] + data.samples["test"])


def _driver_name(index: int) -> str | None:
    """CUDA's device `index` as the driver calls it, as far as CUDA_VISIBLE_DEVICES tells: a number
    or an identifier; None if it is hidden."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        return str(index)
    names = [name.strip() for name in listed.split(",")]
    return names[index] if index < len(names) and names[index] not in ("", "-1") else None


def _remembered(name: str) -> int | None:
    asked, free = _asked.get(name, (-math.inf, None))
    if time.monotonic() - asked >= _REMEMBER_SECONDS:
        free = _ask_driver(name)
        _asked[name] = (time.monotonic(), free)
    return free


def _ask_driver(name: str) -> int | None:
    """The free bytes that nvidia-smi reports, in whole MiB; None if it does not answer."""
    query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            ["nvidia-smi", *query, "-i", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
        )
        return int(done.stdout.splitlines()[0]) << 20
    # Absent, too slow, no such device, or a device that only says "[N/A]".
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _host_memory() -> int:
    """Free memory of the system in bytes, within the limits of the container and of the control
    groups of this process if there are any."""
    free = _available()
    for group in cgroups():
        for names in _LIMITS:
            with suppress(OSError, ValueError):  # no limit reads "max"
                limit, used = (int((group / name).read_text()) for name in names)
                free = min(free, max(0, limit - used + _reclaimable(group)))
    return free


def _available() -> int:
    """Bytes that can be had without swapping, as the kernel estimates them."""
    with suppress(OSError, ValueError, IndexError):
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    import psutil  # elsewhere than on Linux; it takes a while to load

    return int(psutil.virtual_memory().available)


def cgroups() -> list[Path]:
    """The folders of the control groups that this process is in, the innermost first."""
    found: list[Path] = []
    with suppress(OSError, ValueError):
        for line in _GROUPS.read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers in ("", "memory"):
                root = _CGROUP / controllers
                inner = root / name.strip("/")
                found += [path for path in (inner, *inner.parents) if path.is_relative_to(root)]
    return list(dict.fromkeys([*found, _CGROUP]))


def _reclaimable(group: Path) -> int:
    """Bytes of cached files of a control group, which the kernel frees when memory runs short."""
    with suppress(OSError, ValueError, KeyError):
        lines = (group / "memory.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["inactive_file"])
    return 0
