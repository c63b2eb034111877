"""The event types of a run and their encoding as one JSON line each, with a CRC.

A line is a JSON object whose last key, `crc`, is the CRC-32 of the object without that key, so
any JSON tool reads the log and ours notices a damaged line.
"""

import math
import time
from typing import Annotated, Any, Literal
from zlib import crc32

import msgspec
from msgspec import Meta, Struct

NonFiniteText = Literal["nan", "inf", "-inf"]
Value = float | NonFiniteText
"""A number; NaN and infinities, which JSON lacks, are texts."""
Time = Annotated[float, Meta(ge=0, lt=250e9)]
"""Seconds since the epoch, until the year 9892: what a clock can show."""
Step = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of optimizer steps, exact as a float64."""
Count = Annotated[int, Meta(ge=1, le=2**53)]
"""A whole number >= 1."""

_CRC = b',"crc":"%08x"}'
_CRC_LENGTH = len(_CRC % 0)


class Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all events."""

    time: Time = msgspec.field(default_factory=time.time)
    """When it was recorded, in seconds since the epoch."""


class Parent(Struct, frozen=True, kw_only=True):
    """Where a forked run comes from."""

    run: str
    """The id of the run, which stands beside this one."""
    checkpoint: str
    step: Step
    """The parent's steps until then; the child counts on from there."""


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """The engine is about to take the first step."""

    config: dict[str, Any]
    """The resolved configuration, as `presets.schema.plain` writes it."""
    device: str
    """Where it runs, such as `cpu` or `cuda:0 (NVIDIA H200)`."""
    num_parameters: int
    planned_steps: Count | None
    """None where a loop that is not ours did not say it."""
    steps_per_epoch: Count | None
    """Likewise."""
    samples: dict[str, int]
    """The number of samples in `train`, `val` and `test`."""
    task: str = "classification"
    """What is learned: `classification`, `regression` or `language`; `open` where the loop is not
    ours and `config` is what it told."""
    parameters: list[str] = []
    """The names of the parameters that are trained, from the input on."""
    versions: dict[str, str] = {}
    parent: Parent | None = None
    """The checkpoint that a forked run began with."""


class Origin(Event, frozen=True, kw_only=True, tag="origin"):
    """What a run began with, as SHA-256: by these a comparison proves that it is fair."""

    weights_sha256: str
    """Of the initial weights."""
    data_sha256: str
    """Of all samples of the data set."""
    batches_sha256: str
    """Of the samples in each batch, for all planned epochs."""


class Scalars(Event, frozen=True, kw_only=True, tag="scalars"):
    """Columns of metrics: one entry a step in each list."""

    step: list[Step]
    """Optimizer steps, counted from 1."""
    seconds: list[float]
    """When each step was recorded, in seconds since the run's start."""
    values: dict[str, list[Value]]
    """By complete name: `train/loss`, `grad_norm`, `lr`."""

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.values.values()}
        if not self.step or lengths - {len(self.step)} or len(self.seconds) != len(self.step):
            raise ValueError("expected columns of one length > 0")


class Evaluation(Event, frozen=True, kw_only=True, tag="evaluation"):
    """Means over a whole validation or test set."""

    split: Literal["val", "test"]
    step: Step
    epoch: float
    seconds: float
    """Since the run's start."""
    training_seconds: float | None = None
    """Of these, those spent on steps: without evaluations, checkpoints and pauses."""
    values: dict[str, Value]
    """Without the split: `loss`, `accuracy`."""


class LogLine(Event, frozen=True, kw_only=True, tag="log"):
    """A line for people."""

    level: Literal["info", "warning", "error"]
    message: str


class Command(Event, frozen=True, kw_only=True, tag="command"):
    """What became of a command to the running engine."""

    id: str
    command: str
    arguments: dict[str, Any] = {}
    """As they were given, such as {"lr": 0.01}."""
    outcome: Literal["accepted", "applied", "rejected"]
    step: Step
    """The last step before the command took effect."""
    reason: str = ""
    """Why it was rejected, or what changed: "lr 0.001 -> 0.01"."""


class StateChanged(Event, frozen=True, kw_only=True, tag="state"):
    """Training pauses or goes on."""

    state: Literal["paused", "running"]
    step: Step
    reason: str
    """One line, such as "command" or "grad_norm is nan at step 812"."""


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A complete checkpoint is on the disk."""

    name: str
    """Its folder under `checkpoints`, such as `step-00001200`."""
    step: Step
    reason: str
    """`interval`, `best`, `end`, `command` or `stop`."""
    bytes: int
    finite: bool
    """Whether all its weights are finite."""


class NonFinite(Event, frozen=True, kw_only=True, tag="non_finite"):
    """A loss or gradient norm that is NaN or infinite, found before the optimizer's step."""

    step: Step
    """The step that was not taken."""
    quantity: Literal["loss", "grad_norm"]
    value: Value
    layer: str
    """The parameter whose gradient is the first that is not finite, from the input on; or ""."""
    policy: Literal["pause", "stop", "skip-step"]
    checkpoint: str
    """The last good checkpoint, or ""."""


class Restarted(Event, frozen=True, kw_only=True, tag="restarted"):
    """The run goes on in a new process; what the log holds of steps after `step` is void."""

    step: Step
    checkpoint: str
    """What it goes on from, or "" from the beginning."""
    attempt: int
    """How often it was restarted until now, counted from 1."""
    reason: str
    """`resume`, or how the process before died."""
    cut_bytes: int = 0
    """Of a torn last line, which was cut off."""


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """Records that could not be written; training went on."""

    records: int
    first_step: Step
    last_step: Step
    """The steps whose records are missing, at most; 0 where none was a step's."""
    reason: str


class Layers(Event, frozen=True, kw_only=True, tag="layers"):
    """A look at each layer at one step."""

    step: Step
    names: list[str]
    """Of the layers, from the input on; each holds the parameters whose names begin with it."""
    kinds: list[str] = []
    """What each of them is, such as `Linear`."""
    values: dict[str, list[Value]]
    """One entry a layer: `grad_norm` before clipping, `weight_norm`, `update_ratio`, which is
    log10(|update| / |weight|), and `dead`, the share of its ReLU units that were 0 for the whole
    batch, NaN where it has none."""
    totals: dict[str, Value] = {}
    """Of the whole model: `grad_cosine` between the gradients of this step and the one before,
    `noise_scale` in samples (McCandlish et al. 2018)."""


class Histograms(Event, frozen=True, kw_only=True, tag="histograms"):
    """The distribution of |value| in each layer at one step, on a logarithmic axis."""

    step: Step
    of: Literal["gradient", "weight"]
    names: list[str]
    low: float
    """log10 of the lower end of the first bin, which also counts what is smaller."""
    high: float
    """log10 of the upper end of the last bin, which also counts what is larger."""
    counts: list[list[int]]
    """(layers, bins)."""


class Confusion(Event, frozen=True, kw_only=True, tag="confusion"):
    """How often each class was taken for each."""

    split: Literal["val", "test"]
    step: Step
    names: list[str]
    counts: list[list[int]]
    """(true class, predicted class)."""


class Prediction(Struct, frozen=True, kw_only=True):
    """What the model makes of one sample."""

    expected: str
    predicted: str
    correct: bool
    confidence: float | None = None
    """The probability that it gives to what it predicted, if it gives one."""
    text: str = ""
    """The input in words, where it is no picture."""
    pixels: list[list[int]] = []
    """Rows of grey values 0 to 255; empty where the input is no picture."""


class Predictions(Event, frozen=True, kw_only=True, tag="predictions"):
    """Samples of a split: wrong ones first, about half of them if there are as many."""

    split: Literal["val", "test"]
    step: Step
    samples: list[Prediction]


class SampleText(Event, frozen=True, kw_only=True, tag="sample_text"):
    """What a language model writes."""

    step: Step
    prompt: str
    text: str
    """What follows the prompt."""


class Operation(Struct, frozen=True, kw_only=True):
    """A line of a profile."""

    name: str
    calls: int
    seconds: float
    """Spent in itself, on the device where there is one."""
    share: float
    """Of all operations."""


class Profiled(Event, frozen=True, kw_only=True, tag="profiled"):
    """Where the time of some steps went."""

    first_step: Step
    last_step: Step
    operations: list[Operation]
    """The most expensive first."""
    trace: str
    """The file in the run directory, for chrome://tracing or Perfetto."""


class RunEnded(Event, frozen=True, kw_only=True, tag="run_ended"):
    """The last event of a run."""

    status: Literal["done", "stopped", "failed"]
    reason: str
    """One line: what ended it."""
    step: Step
    seconds: float
    """Since the run's start."""
    unsaved: str = ""
    """What of the run could not be written, why, and what there is instead; "" if nothing."""


AnyEvent = (
    RunStarted
    | Origin
    | Scalars
    | Evaluation
    | LogLine
    | Command
    | StateChanged
    | CheckpointSaved
    | NonFinite
    | Restarted
    | Gap
    | Layers
    | Histograms
    | Confusion
    | Predictions
    | SampleText
    | Profiled
    | RunEnded
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


class DamagedLineError(ValueError):
    """A complete line that is not what was written."""


def number(value: float) -> Value:
    """A value for the log: nine significant digits, which is enough for every float32."""
    if math.isfinite(value):
        return float(f"{value:.9g}")
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def encode(event: AnyEvent) -> bytes:
    """One line, newline included."""
    body = _encoder.encode(event)
    return body[:-1] + _CRC % crc32(body) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """Read a line without its newline; None for an event kind that this version does not know.

    Raises DamagedLineError if the line is not what `encode` wrote.
    """
    body = line[:-_CRC_LENGTH] + b"}"
    if len(line) <= _CRC_LENGTH or line[-_CRC_LENGTH:] != _CRC % crc32(body):
        raise DamagedLineError("checksum mismatch")
    try:
        event: AnyEvent = _decoder.decode(body)
    except msgspec.ValidationError:
        return None  # written by another version: an old screen reads a new log
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise DamagedLineError(str(error)) from None
    return event
