"""The typed configuration of a run, and of a preset; bad values are rejected on construction."""

import re
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs, to_builtins

from presets.convert import convert
from presets.errors import ConfigError

Positive = Annotated[float, Meta(gt=0)]
"""A number > 0."""
NonNegative = Annotated[float, Meta(ge=0)]
"""A number >= 0."""
Fraction = Annotated[float, Meta(ge=0, lt=1)]
"""A number >= 0 and < 1."""
Count = Annotated[int, Meta(ge=1)]
"""A whole number >= 1."""
PresetName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""A file name without its ending: it becomes part of paths."""

ClipMode = Literal["none", "norm", "value"]
Loss = Literal["cross_entropy", "mse"]

_TARGET = re.compile(r"^\s*(val/(?:accuracy|loss))\s*(>=|<=)\s*(\S+)\s*$")
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d{1,3})?)$")


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that a YAML file may hold: immutable, and strict about its keys."""


class Component(Config, frozen=True):
    """A model, data set or optimizer with all its options."""

    name: PresetName
    """The preset that it came from."""
    type: str
    """The file under `engine/` that builds it."""
    options: dict[str, Any] = {}
    """Everything else; checked by the `Config` of that file."""


class Clip(Config, frozen=True):
    """Gradient clipping, between backward and update."""

    mode: ClipMode = "none"
    """`norm`: scale all gradients so that their global L2 norm is at most the threshold;
    `value`: clamp each element to [-threshold, threshold]."""
    threshold: Positive = 1.0
    """In units of the gradient; unused with mode `none`."""


class CheckpointPolicy(Config, frozen=True):
    """When checkpoints are written, besides at the best validation value and at the end."""

    every_steps: Count | None = None
    every_minutes: Positive | None = 5.0
    """Of training; whichever of the two comes first."""


class Target(Config, frozen=True):
    """Stop as soon as an evaluation satisfies `metric` `op` `value`."""

    metric: str
    op: Literal[">=", "<="]
    value: float

    def reached(self, value: float) -> bool:
        """Whether `value` satisfies the target; NaN never does."""
        return value >= self.value if self.op == ">=" else value <= self.value


class RunConfig(Config, frozen=True):
    """Everything that decides a run; the same configuration gives the same losses on one CPU."""

    model: Component
    dataset: Component
    optimizer: Component
    loss: Loss = "cross_entropy"
    """`mse` is the mean squared error between softmax probabilities and one-hot labels."""
    batch_size: Count | Literal["full"] = 32
    """Samples a step; `full` takes the whole training set."""
    epochs: Count | None = 10
    """Passes over the training set; exactly one of `epochs` and `steps` is set."""
    steps: Count | None = None
    """Optimizer steps."""
    clip: Clip = Clip()
    target: str | None = None
    """When to stop early, such as `val/accuracy >= 0.97`."""
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    """Decides the initial weights, the data order and the dropout masks."""
    device: str = "auto"
    """`auto` (the first CUDA device, else the CPU), `cpu`, `cuda` or `cuda:N`."""
    threads: Count | Literal["auto"] = "auto"
    """CPU threads of the engine; `auto` takes 1 for models under a million parameters, for which
    more threads are slower, and torch's default above."""
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    on_non_finite: Literal["pause", "stop", "skip-step"] = "stop"
    """What to do when the loss or the gradient norm is NaN or infinite, before that step is
    taken; the app asks for `pause`, since somebody is there to decide."""
    max_restarts: Annotated[int, Meta(ge=0, le=1000)] = 0
    """How often an engine that crashed is started again from the newest checkpoint; it ends when
    the same step fails twice."""
    parent: str | None = None
    """For a fork: RUN_ID/CHECKPOINT beside this run, whose weights it starts with."""
    name: Annotated[str, Meta(max_length=80)] = ""
    """A name for people; empty means that the settings name the run."""

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            given = f"epochs={self.epochs} and steps={self.steps}"
            raise ValueError(f"expected exactly one of epochs and steps, got {given}")
        if not _DEVICE.match(self.device):
            allowed = "auto, cpu, cuda or cuda:N"
            raise ValueError(f"device: expected {allowed}, got {self.device!r}")
        if self.target is not None:
            self.stop_target()

    def stop_target(self) -> Target | None:
        """The parsed `target`; ValueError says what is allowed."""
        if self.target is None:
            return None
        match = _TARGET.match(self.target)
        try:
            if match:
                op: Any = match[2]
                return Target(metric=match[1], op=op, value=float(match[3]))
        except ValueError:
            pass
        allowed = "such as 'val/accuracy >= 0.97' or 'val/loss <= 0.1'"
        raise ValueError(f"target: expected text {allowed}, got {self.target!r}")


class Preset(Config, frozen=True):
    """One YAML file of `presets/models`, `datasets` or `optimizers`."""

    description: Annotated[str, Meta(max_length=120)]
    """One line for people."""
    type: str
    """The file under `engine/` that builds it."""
    options: dict[str, Any] = {}
    """Its options with their defaults."""
    run: dict[str, Any] = {}
    """Settings of the run that it brings along, such as `batch_size: full`."""


class Recipe(Config, frozen=True):
    """One YAML file of `presets/recipes`: a complete run, its parts named as presets."""

    description: Annotated[str, Meta(max_length=120)]
    model: str
    dataset: str
    optimizer: str
    settings: dict[str, Any] = {}
    """Dotted or nested keys of a run's configuration, such as `optimizer: {lr: 1e-3}`."""


def run_config(data: Any, source: str = "") -> RunConfig:
    """A run's configuration from the plain data of `plain`; ConfigError says what is wrong."""
    if not isinstance(data, dict):
        raise ConfigError(f"{source or 'configuration'}: expected a mapping, got {data!r:.60}")
    nested = dict(data)
    for kind in ("model", "dataset", "optimizer"):
        section = nested.get(kind)
        if isinstance(section, dict):
            known = {key: section[key] for key in ("name", "type") if key in section}
            rest = {key: value for key, value in section.items() if key not in known}
            nested[kind] = {**known, "options": rest}
    try:
        return convert(nested, RunConfig)
    except ConfigError as error:
        message = str(error).replace(".options", "")
        raise ConfigError(f"{source}: {message}" if source else message) from None


def plain(config: RunConfig) -> dict[str, Any]:
    """The configuration as plain data for YAML or JSON, options beside `name` and `type`."""
    data: dict[str, Any] = {}
    for field in structs.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, Component):
            data[field.name] = {"name": value.name, "type": value.type, **value.options}
        else:
            data[field.name] = to_builtins(value)
    return data
