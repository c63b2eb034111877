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

from engine.runs import plain_json

NonFiniteText = Literal["nan", "inf", "-inf"]
Value = float | NonFiniteText
"""A number of a metric; NaN and infinities, which JSON lacks, are texts."""
Time = Annotated[float, Meta(ge=0, lt=250e9)]
"""Seconds since the epoch, up to the year 9892, which `datetime` can still show."""
Step = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of optimizer steps, exact as a float64."""
Count = Annotated[int, Meta(ge=1, le=2**53)]
"""A whole number >= 1."""

_CRC = b',"crc":"%08x"}'
_CRC_LENGTH = len(_CRC % 0)


class Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The base of all events."""

    time: Time = msgspec.field(default_factory=time.time)
    """The time of recording, in seconds since the epoch."""


class Parent(Struct, frozen=True, kw_only=True):
    """The checkpoint that a forked run began with."""

    run: str
    """The id of the parent run, whose directory is beside this one's."""
    checkpoint: str
    step: Step
    """The number of steps of the parent until the checkpoint; the child counts on from there."""


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """The start of a run: the engine is about to take the first step."""

    config: dict[str, Any]
    """The resolved configuration, as `presets.schema.plain` writes it."""
    device: str
    """The device, such as `cpu` or `cuda:0 (NVIDIA H200)`."""
    num_parameters: int
    planned_steps: Count | None
    """The planned total of steps; None where a training loop of the user's did not tell it."""
    steps_per_epoch: Count | None
    """The number of steps in an epoch; None as for `planned_steps`."""
    samples: dict[str, int]
    """The number of samples in `train`, `val` and `test`."""
    task: str = "classification"
    """What is learned: `classification`, `regression` or `language`; `open` for a training loop of
    the user's, which told `config`."""
    parameters: list[str] = []
    """The names of the trained parameters, in order from the input."""
    versions: dict[str, str] = {}
    parent: Parent | None = None
    """The checkpoint that a forked run began with."""


class Origin(Event, frozen=True, kw_only=True, tag="origin"):
    """The SHA-256 hashes of what a run began with, which prove that a comparison is fair."""

    weights_sha256: str
    """The hash of the initial weights."""
    data_sha256: str
    """The hash of all samples of the data set."""
    batches_sha256: str
    """The hash of the samples of each batch, for all planned epochs."""


class Scalars(Event, frozen=True, kw_only=True, tag="scalars"):
    """The metrics of consecutive steps as columns, with one entry a step."""

    step: list[Step]
    """Optimizer steps, counted from 1."""
    seconds: list[float]
    """The time at which each step was recorded, in seconds since the run's start."""
    values: dict[str, list[Value]]
    """The columns by full name, such as `train/loss`, `grad_norm`, `lr`."""

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.values.values()}
        if not self.step or lengths - {len(self.step)} or len(self.seconds) != len(self.step):
            raise ValueError("expected columns of one length > 0")


class Evaluation(Event, frozen=True, kw_only=True, tag="evaluation"):
    """The means over a whole validation or test set."""

    split: Literal["val", "test"]
    step: Step
    epoch: float
    seconds: float
    """Seconds since the run's start."""
    training_seconds: float | None = None
    """The part of `seconds` spent on steps, without evaluations, checkpoints and pauses."""
    values: dict[str, Value]
    """The means by name without the split: `loss`, `accuracy`."""


class LogLine(Event, frozen=True, kw_only=True, tag="log"):
    """A message for people, in one line."""

    level: Literal["info", "warning", "error"]
    message: str


class CommandAnswered(Event, frozen=True, kw_only=True, tag="command"):
    """What became of a command to the running engine."""

    id: str
    command: str
    arguments: dict[str, Any] = {}
    """The arguments as they were sent, such as {"lr": 0.01}."""
    outcome: Literal["accepted", "applied", "rejected"]
    step: Step
    """The last step before the command took effect."""
    reason: str = ""
    """Why the command was rejected, or what it changed: "lr 0.001 -> 0.01"."""


class StateChanged(Event, frozen=True, kw_only=True, tag="state"):
    """A pause of training, or its end."""

    state: Literal["paused", "running"]
    step: Step
    reason: str
    """The reason in one line, such as "command" or "grad_norm is nan at step 812"."""


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A complete checkpoint on the disk."""

    name: str
    """The name of its folder under `checkpoints`, such as `step-00001200`."""
    step: Step
    reason: str
    """Why it was written: `interval`, `best`, `end`, `command` or `stop`."""
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
    """The first parameter from the input on whose gradient is not finite; "" if there is none."""
    policy: Literal["pause", "stop", "skip-step"]
    checkpoint: str
    """The last good checkpoint; "" if there is none."""


class Restarted(Event, frozen=True, kw_only=True, tag="restarted"):
    """A restart of the run in a new process; all that the log has of steps after `step` is void."""

    step: Step
    checkpoint: str
    """The checkpoint that the run goes on from; "" for the beginning."""
    attempt: int
    """How often the run was restarted until now, counted from 1."""
    reason: str
    """`resume`, or how the previous process died."""
    cut_bytes: int = 0
    """Bytes of an incomplete last line, which were cut off."""


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """A gap in the log: records that could not be written while training went on."""

    records: int
    first_step: Step
    last_step: Step
    """The last step whose record may be missing; both are 0 if no step's record is."""
    reason: str


class Layers(Event, frozen=True, kw_only=True, tag="layers"):
    """The measurements of a layer probe: each layer at one step."""

    step: Step
    names: list[str]
    """The names of the layers, in order from the input; a layer has the parameters whose names
    begin with its name."""
    kinds: list[str] = []
    """The class of each layer, such as `Linear`."""
    values: dict[str, list[Value]]
    """One entry a layer: `grad_norm` before clipping, `weight_norm`, `update_ratio`, which is
    log10(|update| / |weight|), and `dead`, the share of its ReLU units that were 0 for the whole
    batch, NaN where it has none."""
    totals: dict[str, Value] = {}
    """Measurements of the whole model: `grad_cosine` between the gradients of this step and the one
    before, `noise_scale` in samples (McCandlish et al. 2018)."""


class Histograms(Event, frozen=True, kw_only=True, tag="histograms"):
    """The distribution of |value| in each layer at one step, on a logarithmic axis."""

    step: Step
    of: Literal["gradient", "weight"]
    names: list[str]
    low: float
    """log10 of the lower end of the first bin, which also counts smaller values."""
    high: float
    """log10 of the upper end of the last bin, which also counts larger values."""
    counts: list[list[int]]
    """The counts, (layers, bins)."""


class Confusion(Event, frozen=True, kw_only=True, tag="confusion"):
    """The confusion matrix of a split."""

    split: Literal["val", "test"]
    step: Step
    names: list[str]
    counts: list[list[int]]
    """The counts, (true class, predicted class)."""


class Prediction(Struct, frozen=True, kw_only=True):
    """The prediction of the model for one sample."""

    expected: str
    predicted: str
    correct: bool
    confidence: float | None = None
    """The probability of what was predicted; None if the model gives none."""
    text: str = ""
    """The input as text; "" if it is a picture."""
    pixels: list[list[int]] = []
    """The picture as rows of grey values from 0 to 255; empty if the input is no picture."""


class Predictions(Event, frozen=True, kw_only=True, tag="predictions"):
    """Predictions for samples of a split, the wrong ones first; about half are wrong if there are
    as many."""

    split: Literal["val", "test"]
    step: Step
    samples: list[Prediction]


class SampleText(Event, frozen=True, kw_only=True, tag="sample_text"):
    """A text that a language model wrote."""

    step: Step
    prompt: str
    text: str
    """The text after the prompt."""


class Operation(Struct, frozen=True, kw_only=True):
    """One operation of a profile."""

    name: str
    calls: int
    seconds: float
    """Seconds in the operation itself, on the GPU if there is one."""
    share: float
    """The share of the time of all operations."""


class Profiled(Event, frozen=True, kw_only=True, tag="profiled"):
    """A profile of some steps: where their time went."""

    first_step: Step
    last_step: Step
    operations: list[Operation]
    """The operations, the most expensive first."""
    trace: str
    """The name of the trace file in the run directory, for chrome://tracing or Perfetto."""


class RunEnded(Event, frozen=True, kw_only=True, tag="run_ended"):
    """The last event of a run."""

    status: Literal["done", "stopped", "failed"]
    reason: str
    """What ended the run, in one line."""
    step: Step
    seconds: float
    """Seconds since the run's start."""


AnyEvent = (
    RunStarted
    | Origin
    | Scalars
    | Evaluation
    | LogLine
    | CommandAnswered
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

_decoder = msgspec.json.Decoder(AnyEvent)


class DamagedLineError(ValueError):
    """A complete line of a log that is not what was written."""


def number(value: float) -> Value:
    """A value for the log: nine significant digits, which is enough for every float32."""
    if math.isfinite(value):
        return float(f"{value:.9g}")
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def encode(event: AnyEvent) -> bytes:
    """The line of an event, with its newline."""
    body = plain_json.encode(event)
    return body[:-1] + _CRC % crc32(body) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """The event of a line without its newline; None for a kind of event that this version does not
    know.

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
