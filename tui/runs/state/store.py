"""The state of runs, and nothing else that holds it: pure `apply(event)`, no files, no widgets."""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from engine.runs.event_bounds import MOST
from engine.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandAnswered,
    Confusion,
    Episode,
    Evaluation,
    Game,
    Gap,
    Histograms,
    Layers,
    LogLine,
    NonFinite,
    Outputs,
    Predictions,
    Profiled,
    Reference,
    References,
    Restarted,
    RunEnded,
    RunStarted,
    SampleText,
    Scalars,
    StateChanged,
    Value,
)
from engine.runs.run_directory import ENDED, Status, ended_status
from presets.schema import limit_key
from tui.runs.foreign.withdrawn import Withdrawn
from tui.runs.points.series import Series
from tui.runs.run import Run
from tui.runs.state.judging_metric import judged, larger_is_better
from tui.runs.state.marks_and_notes import Mark, Note, mark_of, note_of

MAX_LOG_LINES = 500
MAX_HISTORY = 500
MAX_PROBES = 240
"""Maximum number of histograms that are kept of each kind: more than a screen has columns."""
MAX_TEXTS = 50
MAX_OUTPUTS = 30
"""Maximum number of evaluations whose outputs are kept; they may have pictures."""
RECENT_STEPS = 100
"""Maximum number of steps over which the newest mean of a noisy metric is taken."""

Measured = TypeVar("Measured", Layers, Confusion, Predictions)


@dataclass(frozen=True)
class ClockPiece:
    """A stretch of a run between restarts, with the time of day at which its seconds are 0."""

    step: int
    """The step after which it begins."""
    zero: float
    """In seconds since the epoch."""


@dataclass
class RunState:
    """The state of one run: all that is known of it.

    Metrics have the names of the log: `train/loss`, `val/accuracy`, `grad_norm`.
    """

    run: Run
    config: dict[str, Any] = field(default_factory=dict)
    """The settings in force now, with the changes of applied commands."""
    status: Status = "queued"
    detail: str = ""
    """Details of the status, such as what killed the engine."""
    write_trouble: str = ""
    """What its engine could not write, where the log does not say it; "" if nothing."""
    given_name: str = ""
    """A name that a person gave on the runs screen."""
    started: RunStarted | None = None
    ended: RunEnded | None = None
    metrics: dict[str, Series] = field(default_factory=dict)
    inherited: dict[str, Series] = field(default_factory=dict)
    """The metrics of a fork's ancestors, up to where it begins."""
    seconds: Series = field(default_factory=Series)
    """Seconds since the start, by step; they do not count while no engine is at work."""
    clock: list[ClockPiece] = field(default_factory=list)
    """Pieces that turn `seconds` into the time of day: one for the start and each restart."""
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=MAX_LOG_LINES))
    history: deque[Note] = field(default_factory=lambda: deque(maxlen=MAX_HISTORY))
    """The lines of the log together with what happened to the run, newest last."""
    happened: deque[Note] = field(default_factory=lambda: deque(maxlen=MAX_HISTORY))
    """The same without the lines of the log: commands, checkpoints, pauses, restarts, faults."""
    marks: list[Mark] = field(default_factory=list)
    """Marks of what happened at a step, for the curves."""
    commands: list[CommandAnswered] = field(default_factory=list)
    commanded_steps: int | None = None
    """The last total of steps that a command set; None if none did."""
    checkpoints: list[CheckpointSaved] = field(default_factory=list)
    layers: Layers | None = None
    """The newest layer probe."""
    histograms: dict[str, deque[Histograms]] = field(default_factory=dict)
    """By kind, `gradient` or `weight`; oldest first."""
    confusion: Confusion | None = None
    predictions: Predictions | None = None
    """Those of the newest evaluation that had any; those of the test set once the run is done."""
    texts: deque[SampleText] = field(default_factory=lambda: deque(maxlen=MAX_TEXTS))
    outputs: deque[Outputs] = field(default_factory=lambda: deque(maxlen=MAX_OUTPUTS))
    games: deque[Game] = field(default_factory=lambda: deque(maxlen=MAX_OUTPUTS))
    episodes: deque[Episode] = field(default_factory=lambda: deque(maxlen=MAX_OUTPUTS))
    references: list[Reference] = field(default_factory=list)
    """What trivial means reach of a metric, which a model has to beat."""
    profile: Profiled | None = None
    paused: StateChanged | None = None
    """The event that says when and why it paused; None while it runs."""
    alarm: NonFinite | None = None
    """The last value that was not finite; None once training went on."""
    lost_records: int = 0
    """Number of records that the engine could not write: a gap in what is shown."""
    damaged: int = 0
    """Number of lines of the log that were skipped because they were damaged."""
    fallen: int = 0
    """Number of values that were skipped because their step lies before the one before it."""

    def apply(self, event: AnyEvent) -> None:
        """Take in one event."""
        match event:
            case Scalars():
                for name, values in event.values.items():
                    self._extend(name, event.step, values)
                self._clock(event)
            case Evaluation():
                for name, value in event.values.items():
                    self._extend(f"{event.split}/{name}", [event.step], [value])
            case RunStarted():
                self.started = event
                self.clock = [ClockPiece(0, event.time)]
                self._settle()
            case RunEnded():
                self.ended, self.paused = event, None
                self.status = ended_status(event.status, saved=not event.unsaved)
            case LogLine():
                self.log.append(event)
            case Layers() | Histograms() | Confusion() | Profiled() | References():
                self._measured(event)
            case Predictions() | SampleText() | Outputs() | Game() | Episode():
                self._answered(event)
            case (
                CommandAnswered()
                | StateChanged()
                | CheckpointSaved()
                | NonFinite()
                | Restarted()
                | Gap()
            ):
                self._happened(event)
        if note := note_of(event):
            self._remember(note, told=isinstance(event, LogLine))
        if mark := mark_of(event):
            self.marks.append(mark)

    def inherit(self, metrics: dict[str, Series], marks: list[Mark]) -> None:
        """Take over what a fork has of its ancestors: their values, and what happened to them."""
        self.inherited = metrics
        self.marks = [*marks, *self.marks]

    def _clock(self, event: Scalars) -> None:
        """Record when steps were taken, each once: in another program's log, metrics recorded by
        epochs come between those recorded by steps."""
        newest = self.seconds.last_step
        begin = 0 if newest is None else bisect_right(event.step, newest)
        self.seconds.extend(event.step[begin:], event.seconds[begin:])

    def _remember(self, note: Note, *, told: bool) -> None:
        """Keep a line of the history; `told` if it is a line of the log."""
        # An engine's log repeats some events in the same words.
        if self.history and self.history[-1].text == note.text:
            self.history.pop()
        self.history.append(note)
        if not told:
            self.happened.append(note)

    def _happened(
        self, event: CommandAnswered | StateChanged | CheckpointSaved | NonFinite | Restarted | Gap
    ) -> None:
        match event:
            case CommandAnswered():
                self.commands.append(event)
                self._obeyed(event)
            case StateChanged():
                self.paused = event if event.state == "paused" else None
                self.status = event.state
                if event.state == "running":
                    self.alarm = None
            case CheckpointSaved():
                self.checkpoints.append(event)
            case NonFinite():
                self.alarm = event if event.policy != "skip-step" else self.alarm
            case Withdrawn():
                self._withdraw(event)
            case Restarted():
                self._void_after(event.step)
                self.clock = [piece for piece in self.clock if piece.step < event.step]
                zero = event.time - (self.seconds.last or 0.0)
                self.clock.append(ClockPiece(event.step, zero))
            case Gap():
                self.lost_records += event.records

    def _measured(
        self,
        event: Layers | Histograms | Confusion | Profiled | References,
    ) -> None:
        match event:
            case Layers():
                self.layers = event
                for name, value in event.totals.items():
                    self._extend(name, [event.step], [value])
            case Histograms():
                kept = self.histograms.setdefault(event.of, deque(maxlen=MAX_PROBES))
                kept.append(event)
            case Confusion():
                self.confusion = event
            case Profiled():
                self.profile = event
            case References():
                self.references = event.values

    def _answered(self, event: Predictions | SampleText | Outputs | Game | Episode) -> None:
        """Take in what the model made of samples."""
        match event:
            case Predictions():
                self.predictions = event
            case SampleText():
                self.texts.append(event)
            case Outputs():
                self.outputs.append(event)
            case Game():
                self.games.append(event)
            case Episode():
                self.episodes.append(event)

    def _void_after(self, step: int) -> None:
        """Drop what was recorded after `step`, from which a new process goes on."""
        for series in (*self.metrics.values(), self.seconds):
            series.truncate(step)
        self.marks = [mark for mark in self.marks if mark.step <= step]
        self.commands = [command for command in self.commands if command.step <= step]
        for probes in self.histograms.values():
            while probes and probes[-1].step > step:
                probes.pop()
        for answers in (self.texts, self.outputs, self.games, self.episodes):
            while answers and answers[-1].step > step:
                answers.pop()
        self.layers = _not_after(self.layers, step)
        self.confusion = _not_after(self.confusion, step)
        self.predictions = _not_after(self.predictions, step)
        self.ended = self.paused = self.alarm = None
        self.status = "running"
        self._settle()

    def _withdraw(self, event: Withdrawn) -> None:
        """Drop what is void of another program's log."""
        if event.metrics is None:
            status = self.status
            self._void_after(event.after)
            self.status = status
            return
        for name in event.metrics:
            if name in self.metrics:
                self.metrics[name].truncate(event.after)
        ends = [each.last_step for each in self.metrics.values() if each.last_step is not None]
        self.seconds.truncate(max(ends, default=-1.0))
        self.ended = None

    def _settle(self) -> None:
        """Work out the settings in force: those at the start, changed by each applied command."""
        if self.started is None:
            return
        self.config, self.commanded_steps = self.started.config, None
        for command in self.commands:
            self._obeyed(command)

    def _obeyed(self, command: CommandAnswered) -> None:
        """Bring the settings in force up to date with one more command."""
        if self.started is None or (command.outcome, command.command) != ("applied", "set"):
            return
        if self.started.task == "open":  # it has settings of its own, by plain names
            self.config = self.config | command.arguments
        else:
            self.config = changed(self.config, command.arguments)
        steps, epochs = command.arguments.get("steps"), command.arguments.get("epochs")
        if isinstance(epochs, int) and self.started.steps_per_epoch and steps is None:
            steps = epochs * self.started.steps_per_epoch
        if isinstance(steps, int) and 1 <= steps <= MOST:
            self.commanded_steps = steps

    def _extend(self, name: str, steps: list[int], values: Sequence[Value]) -> None:
        """Add points to a metric. Other programs' logs may have late ones; an engine of ours has
        none without a restart, so that those are damage, and counted."""
        series = self.metrics.get(name)
        if series is None:
            series = self.metrics[name] = Series()
        if self.read_only:
            series.merge(steps, values)
            return
        newest = series.last_step
        begin = 0 if newest is None else bisect_left(steps, newest)
        self.fallen += begin
        series.extend(steps[begin:], values[begin:])

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def read_only(self) -> str:
        """Why nothing can be sent to it, in one line; "" for a run of ours."""
        return self.run.read_only

    @property
    def active(self) -> bool:
        """Whether an engine works on it, or will."""
        return self.status not in ENDED

    @property
    def unsaved(self) -> str:
        """What of the run could not be written, in one line; "" if all was."""
        return self.ended.unsaved if self.ended is not None else self.write_trouble

    @property
    def first_step(self) -> int:
        """Steps that were taken before this run began: a fork counts on from its parent's."""
        parent = self.started.parent if self.started else None
        return parent.step if parent else 0

    @property
    def step(self) -> int:
        """Optimizer steps taken."""
        return int(self.seconds.last_step or 0) if len(self.seconds) else self.first_step

    @property
    def planned_steps(self) -> int | None:
        """The step at which it will end, also after commands that changed it; None if unknown."""
        if self.started is None:
            return None
        commanded = self.commanded_steps
        return self.started.planned_steps if commanded is None else commanded

    @property
    def elapsed(self) -> float:
        """Seconds between the start and the newest event."""
        if self.ended is not None:
            return self.ended.seconds
        return self.seconds.last or 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds to the planned end at the pace so far."""
        done, planned = self.step - self.first_step, self.planned_steps
        if planned is None or done <= 0:
            return None
        return self.elapsed / done * max(0, planned - self.step)

    def last(self, metric: str) -> float | None:
        """The newest value of a metric."""
        series = self.metrics.get(metric)
        return series.last if series is not None else None

    def recent(self, metric: str) -> float | None:
        """The mean of a noisy metric over its last steps: an epoch, `RECENT_STEPS` at most.

        A single batch, which may have few samples, says little. A newest value that is not finite
        is returned as it is.
        """
        series = self.metrics.get(metric)
        if series is None or series.last is None or not math.isfinite(series.last):
            return series.last if series is not None else None
        per_epoch = self.started.steps_per_epoch if self.started else None
        steps = min(per_epoch or RECENT_STEPS, RECENT_STEPS)
        values = series.values[series.index_after((series.last_step or 0.0) - steps) :]
        known = values[np.isfinite(values)]
        largest = float(np.abs(known).max()) or 1.0
        return float((known / largest).mean()) * largest  # the sum of large ones would overflow

    def best(self, metric: str) -> tuple[int, float] | None:
        """Step and value at which a metric was best, as its task or else its name says."""
        series = self.metrics.get(metric)
        if series is None:
            return None
        told = (self.started.judged_by, self.started.judged_best) if self.started else ("", "")
        return series.best(largest=larger_is_better(metric, told))

    @property
    def judged_by(self) -> str:
        """The metric that says how good it is, by its task; "" if it has none."""
        return judged(self.task, self.metrics, self.started.judged_by if self.started else "")

    @property
    def task(self) -> str:
        """What is learned; "" before it began."""
        return self.started.task if self.started else ""

    def clipped_share(self, window: int = 100) -> float | None:
        """Share of the last `window` steps whose gradient was clipped."""
        series = self.metrics.get("clipped")
        if series is None or not len(series):
            return None
        return float(series.values[-window:].mean())

    def outcome(self) -> str:
        """How the run stands or ended, in one line; empty while all is well."""
        if self.ended is not None:
            unsaved = self.ended.unsaved
            return f"{unsaved}; {self.ended.reason}" if unsaved else self.ended.reason
        if self.status == "crashed":
            how = f"{self.detail}," if self.detail else "the engine died without a word"
            return f"{how} after step {self.step}"
        if self.detail:
            return self.detail
        return self.paused.reason if self.paused else ""


def _not_after(event: Measured | None, step: int) -> Measured | None:
    return event if event is not None and event.step <= step else None


def changed(config: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """A copy of a configuration with the changes of a `set` command."""
    new = dict(config)
    optimizer, clip = section(config, "optimizer"), section(config, "clip")
    for key, value in arguments.items():
        match key:
            case "lr":
                optimizer["lr"] = value
            case "lr_factor" if _are_numbers(lr := optimizer.get("lr"), value):
                optimizer["lr"] = lr * value
            case "clip_mode":
                clip["mode"] = value
            case "clip_threshold":
                clip[limit_key(str(arguments.get("clip_mode") or clip.get("mode")))] = value
            case "epochs" | "steps" if value is not None:
                new["epochs" if key == "steps" else "steps"] = None
                new[key] = value
    return new | {"optimizer": optimizer, "clip": clip}


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) for value in values)


def section(config: dict[str, Any], name: str) -> dict[str, Any]:
    """A copy of a part of a configuration; empty where a foreign log has something else there."""
    part = config.get(name)
    return dict(part) if isinstance(part, dict) else {}
