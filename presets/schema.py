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

ClipMode = Literal["none", "norm", "value", "parameter", "agc", "autoclip", "zclip"]
Loss = Literal["auto", "cross_entropy", "mse", "ctc", "ppo"]
ScheduleType = Literal[
    "constant",
    "linear",
    "cosine",
    "one-cycle",
    "step",
    "exponential",
    "wsd",
    "plateau",
    "inverse-sqrt",
    "range-test",
]
Precision = Literal["fp32", "tf32", "bf16", "fp16"]

VALUES = ("groups.lr_scale",)
"""Settings that are mappings: their keys are not parts of a dotted key."""

_TARGET = re.compile(r"^\s*(val/[a-z][a-z0-9_]*)\s*(>=|<=)\s*(\S+)\s*$")
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d{1,3})?)$")


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that a YAML file may hold: immutable, and strict about its keys."""


class Component(Config, frozen=True):
    """A model, data set or optimizer with all its options."""

    name: PresetName
    """The preset that it came from."""
    type: str
    """The file under `engine/` that builds it, or DISTRIBUTION:NAME of a plug-in."""
    options: dict[str, Any] = {}
    """Everything else; checked by the `Config` of that file."""


def limit_key(mode: str) -> str:
    """The name of the field of `Clip` that limits in this mode."""
    keys = {"agc": "ratio", "autoclip": "percentile", "zclip": "z_score"}
    return keys.get(mode, "threshold")


class Clip(Config, frozen=True):
    """Gradient clipping, between backward and update; each mode has a limit of its own."""

    mode: ClipMode = "none"
    """`value`: clamp each element; `norm`: scale all gradients by their global L2 norm;
    `parameter`: scale each tensor by its own norm; `agc`: scale each unit by the norm of its
    weights; `autoclip`: by norm, at a percentile of the norms so far; `zclip`: by norm, where it
    is an outlier."""
    threshold: Positive = 1.0
    """For `value`, `norm` and `parameter`, in units of the gradient."""
    ratio: Positive = 0.01
    """For `agc`: the largest ratio of a unit's gradient norm to its weight norm."""
    percentile: Annotated[float, Meta(gt=0, le=100)] = 10.0
    """For `autoclip`: the percentile of the gradient norms so far."""
    z_score: Positive = 2.5
    """For `zclip`: gradient norms this many standard deviations above their moving mean are
    clipped."""

    @property
    def limit_key(self) -> str:
        """The name of the field that limits in this mode."""
        return limit_key(self.mode)

    @property
    def limit(self) -> float:
        """The limit of this mode."""
        return float(getattr(self, self.limit_key))

    def changed(self, mode: ClipMode | None, limit: float | None) -> "Clip":
        """The same clipping with another mode, or with another limit of its mode."""
        clip = structs.replace(self, mode=mode or self.mode)
        return clip if limit is None else structs.replace(clip, **{clip.limit_key: limit})

    def __str__(self) -> str:
        return self.mode if self.mode == "none" else f"{self.mode} {self.limit:g}"


class Schedule(Config, frozen=True):
    """The learning rate over the steps, as a factor of the optimizer's `lr`."""

    type: ScheduleType = "constant"
    """`wsd`: warm up, stay, decay; `range-test`: rise from `min_lr` to `max_lr`, to find an
    `lr`."""
    warmup_steps: Annotated[int, Meta(ge=0)] = 0
    """Steps of a linear rise from 0, before everything else."""
    final_factor: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """The last factor of `linear`, `cosine` and `wsd`, and the smallest of `plateau`."""
    every_epochs: Count = 1
    """For `step` and `exponential`: a factor of `gamma` each time."""
    gamma: Annotated[float, Meta(gt=0, le=1)] = 0.1
    """For `step`, `exponential` and `plateau`."""
    decay_share: Annotated[float, Meta(gt=0, le=1)] = 0.2
    """For `wsd`: the last part of all steps, in which the learning rate falls linearly."""
    rise_share: Annotated[float, Meta(gt=0, lt=1)] = 0.3
    """For `one-cycle`: the first part of all steps, in which the learning rate rises."""
    start_factor: Annotated[float, Meta(gt=0, le=1)] = 0.04
    """For `one-cycle`: the first factor."""
    patience: Count = 3
    """For `plateau`: evaluations without a better validation loss before the learning rate
    falls."""
    min_lr: Positive = 1e-6
    """A learning rate for `range-test`."""
    max_lr: Positive = 10.0
    """A learning rate for `range-test`."""

    def __post_init__(self) -> None:
        if self.min_lr >= self.max_lr:
            raise ValueError(
                f"min_lr: expected a number < max_lr = {self.max_lr:g}, got {self.min_lr:g}"
            )


class ParameterGroups(Config, frozen=True):
    """The groups of parameters that the optimizer treats differently."""

    decay_norms_and_biases: bool = False
    """Whether weight decay also shrinks parameters of fewer than two dimensions."""
    lr_scale: dict[str, Positive] = {}
    """Factors of the learning rate by pattern of parameter names, such as {"head.*": 0.1}; the
    first match counts."""


class DiagnosticsPolicy(Config, frozen=True):
    """The interval and extent of layer probes."""

    every: Count | Literal["auto", "off"] = "auto"
    """Steps between two layer probes; `auto` finds an interval that costs less than 2 % of the
    time."""
    histograms: bool = True
    """Whether the distributions of gradients and weights are recorded too."""


class CheckpointPolicy(Config, frozen=True):
    """The times of checkpoints, besides those at the best validation value and at the end."""

    every_steps: Count | None = None
    every_minutes: Positive | None = 5.0
    """Minutes of training; whichever of the two comes first."""


class Target(Config, frozen=True):
    """A target: training stops as soon as an evaluation satisfies `metric` `op` `value`."""

    metric: str
    op: Literal[">=", "<="]
    value: float

    def reached(self, value: float) -> bool:
        """Whether `value` satisfies the target; NaN never does."""
        return value >= self.value if self.op == ">=" else value <= self.value


def parse_target(text: str) -> Target | None:
    """The target that a text such as `val/accuracy >= 0.97` asks for; None if it is none."""
    match = _TARGET.match(text)
    try:
        if match:
            op: Any = match[2]
            return Target(metric=match[1], op=op, value=float(match[3]))
    except ValueError:
        pass
    return None


class RunConfig(Config, frozen=True):
    """The configuration of a run, which decides all of it: the same one gives the same losses on
    one CPU."""

    model: Component
    dataset: Component
    optimizer: Component
    loss: Loss = "auto"
    """`auto` is that of the task: cross entropy of classes and symbols, mean squared error of
    numbers. `mse` of classes is between softmax probabilities and one-hot labels."""
    label_smoothing: Fraction = 0.0
    """The share of each label that is spread evenly over all classes (Szegedy et al. 2016)."""
    batch_size: Count | Literal["full"] = 32
    """Samples a step; `full` takes the whole training set."""
    batch_tokens: Count | None = None
    """Tokens or frames a step in place of `batch_size`, about: samples of like lengths come
    together, as many of them as make so many."""
    epochs: Count | None = 10
    """Passes over the training set; exactly one of `epochs` and `steps` is set."""
    steps: Count | None = None
    """Optimizer steps."""
    accumulate: Count = 1
    """Parts in which a batch is computed, their gradients summed: less memory, same mean."""
    schedule: Schedule = Schedule()
    groups: ParameterGroups = ParameterGroups()
    ema_decay: Fraction | None = None
    """Decay of a moving average of the weights, evaluated beside them as `val/ema_loss`, ..."""
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
    precision: Precision = "fp32"
    """`tf32`: float32 with shorter products on the device; `bf16`, `fp16`: autocast, `fp16` with a
    gradient scaler."""
    compile: bool = False
    """Compile the model with torch.compile; pays off on GPUs and in long runs."""
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them."""
    channels_last: bool = False
    """Lay images out as (n, height, width, channels) in memory."""
    data_on: Literal["auto", "device", "host"] = "auto"
    """Where the training set lies; `auto` keeps it on the device if it takes a quarter of its free
    memory at most, else batches are prefetched from pinned memory."""
    evaluate_every: Count | None = None
    """Steps between two evaluations; None for the end of each epoch."""
    diagnostics: DiagnosticsPolicy = DiagnosticsPolicy()
    predictions: Annotated[int, Meta(ge=0, le=64)] = 16
    """Sample predictions recorded at each evaluation."""
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    on_non_finite: Literal["pause", "stop", "skip-step"] = "stop"
    """What to do when the loss or the gradient norm is NaN or infinite, before that step is
    taken; the app asks for `pause`, since somebody is there to decide."""
    max_restarts: Annotated[int, Meta(ge=0, le=1000)] = 0
    """How often an engine that crashed is started again from the newest checkpoint; it ends when
    the same step fails twice."""
    fingerprint: bool = False
    """Whether hashes of the initial weights, the data and its order are put into the log: races
    prove by them that their lanes began alike."""
    keep_weights: bool = False
    """Whether all weights are kept at each evaluation, in the run's folder `weights`: a race draws
    the path of each lane from them."""
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
        if (target := parse_target(self.target)) is not None:
            return target
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


def dotted(config: RunConfig) -> dict[str, Any]:
    """The settings of a configuration with dotted keys, such as `optimizer.lr`; the names and types
    of its parts left out."""
    flat: dict[str, Any] = {}
    for key, value in plain(config).items():
        if isinstance(value, dict):
            inner = {f"{key}.{part}": told for part, told in value.items()}
            named = isinstance(getattr(config, key), Component)
            flat |= {
                k: v for k, v in inner.items() if not (named and k.endswith((".name", ".type")))
            }
        else:
            flat[key] = value
    return flat


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
