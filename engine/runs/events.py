"""The event types of a run and their encoding as one JSON line each, with a CRC.

A line is a JSON object whose last key, `crc`, is the CRC-32 of the object without that key, so
any JSON tool reads the log and ours notices a damaged line.
"""

import math
import time
from typing import Annotated, Any, Literal, get_args
from zlib import crc32

import msgspec
from msgspec import Meta, Struct

from engine.runs import event_bounds, lenient_json
from engine.runs.event_bounds import (
    Bins,
    Classes,
    Columns,
    Count,
    Epoch,
    Line,
    Matrix,
    Name,
    Names,
    NonFiniteText,
    Observations,
    Pixels,
    Policies,
    Power,
    Seconds,
    Share,
    Step,
    Time,
    Value,
    Values,
    Whole,
)

__all__ = ["NonFiniteText", "Step", "Time", "Value"]

_CRC = b',"crc":"%08x"}'
_CRC_LENGTH = len(_CRC % 0)


class Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The base of all events."""

    time: Time = msgspec.field(default_factory=time.time)
    """The time of recording, in seconds since the epoch."""

    def fault(self) -> str:
        """What does not fit together in it, beyond the types, in one line; "" if all does."""
        return ""


class Parent(Struct, frozen=True, kw_only=True):
    """The checkpoint that a forked run began with."""

    run: Name
    """The id of the parent run, whose directory is beside this one's."""
    checkpoint: Name
    step: Step
    """The number of steps of the parent until the checkpoint; the child counts on from there."""


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """The start of a run: the engine is about to take the first step."""

    config: dict[str, Any]
    """The resolved configuration, as `presets.schema.plain` writes it."""
    device: Name
    """The device, such as `cpu` or `cuda:0 (NVIDIA H200)`."""
    num_parameters: Whole
    planned_steps: Count | None
    """The planned total of steps; None where a training loop of the user's did not tell it."""
    steps_per_epoch: Count | None
    """The number of steps in an epoch; None as for `planned_steps`."""
    samples: dict[Name, Whole]
    """The number of samples in `train`, `val` and `test`."""
    task: Name = "classification"
    """What is learned: `classification`, `translation`, ..., PACKAGE:NAME for a plug-in's task;
    `open` for a training loop of the user's, which told `config`."""
    judged_by: Name = ""
    """The mean over the validation set that the task is judged by, such as `accuracy`; "" where
    nobody said so."""
    judged_best: Literal["max", "min", ""] = ""
    """Whether it is best large or small."""
    parameters: Annotated[list[Name], Meta(max_length=100_000)] = []
    """The names of the trained parameters, in order from the input."""
    versions: dict[Name, Name] = {}
    parent: Parent | None = None
    """The checkpoint that a forked run began with."""
    accepts: list[str] = []
    """For a loop that is not ours, the commands that it obeys: `stop`, `pause`, `lr`, ... It
    may register more later: then this event is written again, with the same time."""

    def fault(self) -> str:
        return event_bounds.plain(self.config)


class Origin(Event, frozen=True, kw_only=True, tag="origin"):
    """The SHA-256 hashes of what a run began with, which prove that a comparison is fair."""

    weights_sha256: Name
    """The hash of the initial weights."""
    data_sha256: Name
    """The hash of all samples of the data set."""
    batches_sha256: Name
    """The hash of the samples of each batch, for all planned epochs."""


class Scalars(Event, frozen=True, kw_only=True, tag="scalars"):
    """The metrics of consecutive steps as columns, with one entry a step."""

    step: list[Step]
    """Optimizer steps, counted from 1."""
    seconds: list[Seconds]
    """The time at which each step was recorded, in seconds since the run's start."""
    values: Columns
    """The columns by full name, such as `train/loss`, `grad_norm`, `lr`."""

    def __post_init__(self) -> None:
        if wrong := event_bounds.of_one_length(
            (self.seconds, *self.values.values()), len(self.step)
        ):
            raise ValueError(wrong)

    def fault(self) -> str:
        return event_bounds.rising(self.step)


class Evaluation(Event, frozen=True, kw_only=True, tag="evaluation"):
    """The means over a whole validation or test set."""

    split: Literal["val", "test"]
    step: Step
    epoch: Epoch
    seconds: Seconds
    """Seconds since the run's start."""
    training_seconds: Seconds | None = None
    """The part of `seconds` spent on steps, without evaluations, checkpoints and pauses."""
    values: Values
    """The means by name without the split: `loss`, `accuracy`."""


class LogLine(Event, frozen=True, kw_only=True, tag="log"):
    """A message for people, in one line."""

    level: Literal["info", "warning", "error"]
    message: Line


class CommandAnswered(Event, frozen=True, kw_only=True, tag="command"):
    """What became of a command to the running engine."""

    id: Name
    command: Name
    arguments: dict[str, Any] = {}
    """The arguments as they were sent, such as {"lr": 0.01}."""
    outcome: Literal["accepted", "applied", "rejected"]
    step: Step
    """The last step before the command took effect."""
    reason: Line = ""
    """Why the command was rejected, or what it changed: "lr 0.001 -> 0.01"."""

    def fault(self) -> str:
        return event_bounds.plain(self.arguments)


class StateChanged(Event, frozen=True, kw_only=True, tag="state"):
    """A pause of training, or its end."""

    state: Literal["paused", "running"]
    step: Step
    reason: Line
    """The reason in one line, such as "command" or "grad_norm is nan at step 812"."""


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A complete checkpoint on the disk."""

    name: Name
    """The name of its folder under `checkpoints`, such as `step-00001200`."""
    step: Step
    reason: Line
    """Why it was written: `interval`, `best`, `end`, `command` or `stop`."""
    bytes: Whole
    finite: bool
    """Whether all its weights are finite."""


class NonFinite(Event, frozen=True, kw_only=True, tag="non_finite"):
    """A loss or gradient norm that is NaN or infinite, found before the optimizer's step."""

    step: Step
    """The step that was not taken."""
    quantity: Literal["loss", "grad_norm"]
    value: Value
    layer: Name
    """The first parameter from the input on whose gradient is not finite; "" if there is none."""
    policy: Literal["pause", "stop", "skip-step"]
    checkpoint: Name
    """The last good checkpoint; "" if there is none."""


class Restarted(Event, frozen=True, kw_only=True, tag="restarted"):
    """A restart of the run in a new process; all that the log has of steps after `step` is void."""

    step: Step
    checkpoint: Name
    """The checkpoint that the run goes on from; "" for the beginning."""
    attempt: Whole
    """How often the run was restarted until now, counted from 1."""
    reason: Line
    """`resume`, or how the previous process died."""
    cut_bytes: Whole = 0
    """Bytes of an incomplete last line, which were cut off."""


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """A gap in the log: records that could not be written while training went on."""

    records: Whole
    first_step: Step
    last_step: Step
    """The last step whose record may be missing; both are 0 if no step's record is."""
    reason: Line

    def fault(self) -> str:
        return event_bounds.rising((self.first_step, self.last_step))


class Layers(Event, frozen=True, kw_only=True, tag="layers"):
    """The measurements of a layer probe: each layer at one step."""

    step: Step
    names: Names
    """The names of the layers, in order from the input; a layer has the parameters whose names
    begin with its name."""
    kinds: Names = []
    """The class of each layer, such as `Linear`."""
    values: Columns
    """One entry a layer: `grad_norm` before clipping, `weight_norm`, `update_ratio`, which is
    log10(|update| / |weight|), and `dead`, the share of its ReLU units that were 0 for the whole
    batch, NaN where it has none."""
    totals: Values = {}
    """Measurements of the whole model: `grad_cosine` between the gradients of this step and the one
    before, `noise_scale` in samples (McCandlish et al. 2018)."""

    def fault(self) -> str:
        kinds = [self.kinds] if self.kinds else []
        uneven = event_bounds.of_one_length((*self.values.values(), *kinds), len(self.names))
        return uneven or event_bounds.distinct(self.names)


class Histograms(Event, frozen=True, kw_only=True, tag="histograms"):
    """The distribution of |value| in each layer at one step, on a logarithmic axis."""

    step: Step
    of: Literal["gradient", "weight"]
    names: Names
    low: Power
    """log10 of the lower end of the first bin, which also counts smaller values."""
    high: Power
    """log10 of the upper end of the last bin, which also counts larger values."""
    counts: Annotated[list[Bins], Meta(max_length=event_bounds.MAX_NAMES)]
    """The counts, (layers, bins)."""

    def fault(self) -> str:
        if self.high - self.low < event_bounds.LEAST_SPAN:
            return (
                f"expected bounds {event_bounds.LEAST_SPAN} apart, got {self.low} and {self.high}"
            )
        bins = len(self.counts[0]) if self.counts else 0
        return event_bounds.table(self.counts, len(self.names), bins) or event_bounds.distinct(
            self.names
        )


class Confusion(Event, frozen=True, kw_only=True, tag="confusion"):
    """The confusion matrix of a split."""

    split: Literal["val", "test"]
    step: Step
    names: Classes
    counts: Matrix
    """The counts, (true class, predicted class)."""

    def fault(self) -> str:
        classes = len(self.names) or len(self.counts)
        return event_bounds.table(self.counts, classes, classes)


class Prediction(Struct, frozen=True, kw_only=True):
    """The prediction of the model for one sample."""

    expected: Name
    predicted: Name
    correct: bool
    confidence: Share | None = None
    """The probability of what was predicted; None if the model gives none."""
    text: Line = ""
    """The input as text; "" if it is a picture."""
    pixels: Pixels = []
    """The picture as rows of grey values from 0 to 255; empty if the input is no picture."""


class Predictions(Event, frozen=True, kw_only=True, tag="predictions"):
    """Predictions for samples of a split, the wrong ones first; about half are wrong if there are
    as many."""

    split: Literal["val", "test"]
    step: Step
    samples: Annotated[list[Prediction], Meta(max_length=event_bounds.MAX_SAMPLES)]

    def fault(self) -> str:
        return event_bounds.pictures(sample.pixels for sample in self.samples)


class Reference(Struct, frozen=True, kw_only=True):
    """What a trivial way reaches, which a model has to beat."""

    metric: Name
    """The name of the metric without the split, such as `accuracy`."""
    name: Name
    """The way in a word or two, such as "majority"."""
    value: Value


class References(Event, frozen=True, kw_only=True, tag="references"):
    """What trivial ways reach on the validation set."""

    values: Annotated[list[Reference], Meta(max_length=event_bounds.MAX_SAMPLES)]


class Span(Struct, frozen=True, kw_only=True):
    """A piece of an output and the part of the input that it was heard in."""

    text: Name
    begin: Whole
    """The first frame."""
    end: Whole
    """The frame behind the last one."""


class Output(Struct, frozen=True, kw_only=True):
    """What a model wrote for one sample."""

    source: Line
    """The input as text; "" if it is sound."""
    reference: Line
    """What was expected."""
    output: Line
    spectrogram: Pixels = []
    """The sound that was heard, rows of grey values from the highest frequency down, a frame in
    each column; empty if the input is text."""
    spans: Annotated[list[Span], Meta(max_length=event_bounds.MAX_NAMES)] = []
    """Where in the spectrogram the pieces of the output were heard, in order."""


class Outputs(Event, frozen=True, kw_only=True, tag="outputs"):
    """What the model wrote for some samples of a split, the same ones each time."""

    split: Literal["val", "test"]
    step: Step
    samples: Annotated[list[Output], Meta(max_length=event_bounds.MAX_SAMPLES)]

    def fault(self) -> str:
        for sample in self.samples:
            frames = len(sample.spectrogram[0]) if sample.spectrogram else 0
            if any(not span.begin < span.end <= frames for span in sample.spans):
                return "a span lies outside its spectrogram"
        return event_bounds.pictures(sample.spectrogram for sample in self.samples)


class Move(Struct, frozen=True, kw_only=True):
    """A move of a game, and what the model thinks of the position before it."""

    move: Whole
    """The move, in the numbers that `engine.games` has for the moves of the game."""
    policy: event_bounds.CellShares = []
    """How likely the model would take a cell: pairs of a cell, counted row by row from the top, and
    whole per cent, without cells of less than 1 %; what is left is for a pass."""
    value: event_bounds.Balance | None = None
    """The result that the model expects, from -1, a loss of who began, to 1; None if it is none."""


class Game(Event, frozen=True, kw_only=True, tag="game"):
    """A game that the model played, move by move."""

    split: Literal["val", "test"]
    step: Step
    game: Name
    """What was played, a name of `engine.games.games_by_name`: `go`, `connect-four`."""
    rows: event_bounds.Side
    columns: event_bounds.Side
    komi: float = 0.0
    """The points that the second player was given, where points are counted."""
    players: tuple[Name, Name]
    """Who began and who followed: `model` and, say, `random`."""
    moves: Annotated[list[Move], Meta(max_length=event_bounds.MAX_MOVES)]
    result: Literal["first", "second", "draw"]
    """Who won."""

    def fault(self) -> str:
        return event_bounds.moves(
            ((move.move, move.policy) for move in self.moves), self.rows * self.columns
        )


class SampleText(Event, frozen=True, kw_only=True, tag="sample_text"):
    """A text that a language model wrote."""

    step: Step
    prompt: Line
    text: Line
    """The text after the prompt."""


class Episode(Event, frozen=True, kw_only=True, tag="episode"):
    """An episode of an environment as the model played it, the same one of the split each time."""

    split: Literal["val", "test"]
    step: Step
    environment: Name
    """Its name, such as `CartPole-v1`, which says what the numbers mean."""
    total: Value
    """The return: the sum of all rewards."""
    solved: float | None = None
    """The return at which the environment counts as solved; None where nobody said."""
    length: Count
    """The number of moves."""
    every: Count = 1
    """A frame stands for this many moves, the last one perhaps for fewer."""
    observations: Observations
    """The numbers that the model saw before each move that is shown, up to 16 of them."""
    actions: Annotated[list[Whole], Meta(max_length=event_bounds.MAX_FRAMES)]
    """What it did, counted from 0."""
    policies: Policies
    """The probability of each action, of up to 64 of them."""
    values: Annotated[list[Value], Meta(max_length=event_bounds.MAX_FRAMES)]
    """The rewards to come that it expected: their discounted mean."""

    def fault(self) -> str:
        columns = (self.actions, self.policies, self.values)
        if len(self.observations) != -(-self.length // self.every):
            return "frames and length of the episode differ"
        return (
            event_bounds.of_one_length(columns, len(self.observations))
            or event_bounds.even(self.observations)
            or event_bounds.even(self.policies)
        )


class Operation(Struct, frozen=True, kw_only=True):
    """One operation of a profile."""

    name: Name
    calls: Whole
    seconds: Seconds
    """Seconds in the operation itself, on the GPU if there is one."""
    share: Share
    """The share of the time of all operations."""


class Profiled(Event, frozen=True, kw_only=True, tag="profiled"):
    """A profile of some steps: where their time went."""

    first_step: Step
    last_step: Step
    operations: Annotated[list[Operation], Meta(max_length=event_bounds.MAX_NAMES)]
    """The operations, the most expensive first."""
    trace: Name
    """The name of the trace file in the run directory, for chrome://tracing or Perfetto."""

    def fault(self) -> str:
        return event_bounds.rising((self.first_step, self.last_step))


KILLED = "killed at once: "
"""The beginning of the reason of a run whose engine was told to stop and did not within a second.
"""


class RunEnded(Event, frozen=True, kw_only=True, tag="run_ended"):
    """The last event of a run."""

    status: Literal["done", "stopped", "failed"]
    reason: Line
    """What ended the run, in one line."""
    step: Step
    seconds: Seconds
    """Seconds since the run's start."""
    unsaved: str = ""
    """What of the run could not be written, why, and what there is instead; "" if nothing."""


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
    | References
    | Outputs
    | Game
    | SampleText
    | Episode
    | Profiled
    | RunEnded
)

_decoder = msgspec.json.Decoder(AnyEvent)
_KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(AnyEvent))


class _Kind(Struct):
    """The kind of an event, of whatever version."""

    kind: str


_kind_decoder = msgspec.json.Decoder(_Kind)


class DamagedLineError(ValueError):
    """A complete line of a log that is not what was written."""


def number(value: float) -> Value:
    """A value for the log: nine significant digits, which is enough for every float32."""
    if math.isfinite(value):
        return float(f"{value:.9g}")
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def encode(event: AnyEvent) -> bytes:
    """The line of an event, with its newline."""
    body = lenient_json.encode(event)
    return body[:-1] + _CRC % crc32(body) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """The event of a line without its newline; None for a kind of event that this version does not
    know.

    Raises DamagedLineError if the line is not what `encode` wrote, or if a value in it is of the
    wrong type, out of its range, too large, or does not fit the others.
    """
    body = line[:-_CRC_LENGTH] + b"}"
    if len(line) <= _CRC_LENGTH or line[-_CRC_LENGTH:] != _CRC % crc32(body):
        raise DamagedLineError("checksum mismatch")
    try:
        event: AnyEvent = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError) and not _is_known(body):
            return None  # written by another version: an old screen reads a new log
        raise DamagedLineError(str(error)) from None
    if wrong := event.fault():
        raise DamagedLineError(wrong)
    return event


def _is_known(body: bytes) -> bool:
    """Whether this version knows the kind of an event."""
    try:
        return _kind_decoder.decode(body).kind in _KINDS
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return True
