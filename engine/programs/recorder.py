"""The process that records a loop which is not ours: `bigmodel_tui.open_run` starts it.

It reads JSON lines from standard input and writes the run directory. A pipe that ends without a
last word means that the loop's process died: then it leaves without one, too, and the run counts
as crashed.
"""

import json
import math
import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.programs.loop_commands import POLL_SECONDS, LoopCommands
from engine.runs import run_directory
from engine.runs.events import Evaluation, Gap, RunStarted, Scalars, Value, number
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RECORDED, Lock, RunDir
from engine.runs.safe_file_access import open_to_append
from engine.runs.signs_of_life import identity
from engine.runs.signs_of_life.heartbeat import Heartbeat
from presets import UserError, yaml

CLOSE_SECONDS = 10.0
RATE_SECONDS = 1.0
"""The shortest time over which steps a second are measured."""
_SPLITS: tuple[Literal["val", "test"], ...] = ("val", "test")
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ)

Message = dict[str, Any]


def main() -> None:
    """Record one run; ends the process with status 0, or 2 if there can be no run directory."""
    os.umask(0o077)
    for each in _IGNORED:  # they are meant for the loop, after whose end this one ends by itself
        signal.signal(each, signal.SIG_IGN)
    reports = os.dup(1)
    batches = messages(0)
    begun = next((batch for batch in batches if batch), None)
    if begun is None:
        sys.exit(0)
    first, *others = begun
    try:
        _record(first, chain([others], batches), reports)
    except UserError as error:
        _report(reports, error=str(error))
        sys.exit(2)
    except OSError as error:
        _report(reports, error=f"{error.filename or first['run']}: {error.strerror}")
        sys.exit(2)


def _record(first: Message, batches: Iterable[list[Message]], reports: int) -> None:
    """Raises UserError or OSError if the run directory cannot be had."""
    run = RunDir(Path(first["run"]))
    _make(run, first["config"])
    lock = Lock(run, sign=False)
    # Who works on the run is the loop; this process only holds the pen.
    run_directory.sign(lock.file, identity.of(first["pid"]))
    _redirect_output(run)
    log = LogWriter(run.events_path)
    heartbeat = Heartbeat(run, trouble=log.trouble)
    journal = Journal(log, heartbeat=heartbeat)
    commands = LoopCommands(run, journal, lambda report: _report(reports, **report))
    recorder = Recorder(first, journal, commands, rest=heartbeat.rest)
    try:
        recorder.work(batches)
    finally:
        log.close(CLOSE_SECONDS)
        heartbeat.close()
        lock.release()
        _report(reports, ended=True)


def _make(run: RunDir, settings: Message) -> None:
    config = {RECORDED: "bigmodel_tui", "settings": settings}
    if len(yaml.dump(config).encode()) > yaml.MAX_BYTES:
        config["settings"] = {"name": settings.get("name", "")}  # the log has them all
    run_directory.make(run, config)


def _redirect_output(run: RunDir) -> None:
    file = open_to_append(run.engine_log_path)
    for standard in (1, 2):
        os.dup2(file, standard)
    os.close(file)


def _report(pipe: int, **report: Any) -> None:
    with suppress(OSError):  # nobody is there to read it
        os.write(pipe, json.dumps(report).encode() + b"\n")


def messages(file: int) -> Iterator[list[Message]]:
    """What comes out of a pipe, as it comes; an empty batch now and then while nothing does."""
    parent, rest = os.getppid(), b""
    while True:
        ready = select.select([file], [], [], POLL_SECONDS)[0]
        data = os.read(file, 2**16) if ready else b""
        if ready and not data:
            return
        # A worker that the loop forked may hold the pipe open after the loop's death.
        if not ready and os.getppid() != parent:
            return
        *whole, rest = (rest + data).split(b"\n")
        yield [message for line in whole if (message := _decoded(line)) is not None]


def _decoded(line: bytes) -> Message | None:
    with suppress(ValueError, RecursionError):
        message = json.loads(line)  # which reads NaN and Infinity
        return message if isinstance(message, dict) else None
    return None


class Recorder:
    """Turns messages into events."""

    def __init__(
        self,
        first: Message,
        journal: Journal,
        commands: LoopCommands,
        rest: Callable[[str], object],
    ) -> None:
        """`rest` tells the watchers why no steps are to be expected."""
        self._first = first
        self._journal = journal
        self._commands = commands
        self._rest = rest
        self._started: RunStarted | None = None
        self._step = 0
        """The largest one that was logged."""
        self._measured: tuple[int, float] | None = None
        """Step and seconds up to which the speed was measured."""
        self._ended = False

    def work(self, batches: Iterable[list[Message]]) -> None:
        """Until the loop said its last word, or its process ended without."""
        for batch in batches:
            for message in batch:
                try:
                    self._take(message)
                except (KeyError, TypeError, ValueError, OverflowError) as error:
                    self._journal.say(f"a record was not understood: {error!r:.200}", "warning")
            if self._ended:
                return
            self._commands.poll()
        self._journal.say("the loop's process ended without a word", "error")

    def _take(self, message: Message) -> None:
        match message["kind"]:
            case "rows":
                self._rows(message["step"], message["seconds"], message["values"])
            case "start":
                self._start(message)
            case "say":
                self._journal.say(message["message"], message["level"])
            case "accepts":
                self._accept(message["names"])
            case "answer":
                self._commands.answered(message["id"], message["outcome"], message["reason"])
            case "state":
                self._commands.state(message["state"], message["reason"])
                self._measured = None
            case "rest":
                self._rest(message["why"])
            case "lost":
                first, last = message["first"], message["last"]
                reason = "the recorder was too slow"
                records = message["records"]
                lost = Gap(records=records, first_step=first, last_step=last, reason=reason)
                self._journal.emit(lost)
            case "end":
                self._end(message)

    def _start(self, message: Message) -> None:
        import platform

        self._started = RunStarted(
            config=self._first["config"],
            device=message["device"],
            num_parameters=message["num_parameters"],
            planned_steps=self._first["steps"],
            steps_per_epoch=self._first["steps_per_epoch"],
            samples={},
            task="open",
            versions={"python": platform.python_version()},
            accepts=self._commands.accepted,
        )
        self._journal.emit(self._started)

    def _accept(self, names: list[str]) -> None:
        """What the loop accepts; the log is told again where it has begun."""
        self._commands.accepted = names
        if self._started is not None:
            self._started = msgspec.structs.replace(self._started, accepts=names)
            self._journal.emit(self._started)

    def _rows(
        self, steps: list[int], seconds: list[float], columns: dict[str, list[float]]
    ) -> None:
        """Columns of equal length; those of an evaluation become events of their own."""
        if "grad_norm" in columns and "clip/threshold" in columns:
            columns |= clipped(columns["grad_norm"], columns["clip/threshold"])
        if "lr" in columns:
            self._commands.lr = columns["lr"][-1]
        values: dict[str, list[Value]] = {
            name: [number(value) for value in column]
            for name, column in columns.items()
            if not name.startswith(("val/", "test/"))
        }
        if values:
            self._journal.emit(Scalars(step=steps, seconds=seconds, values=values))
            self._measure(max(steps), seconds[-1])
        for split in _SPLITS:
            evaluated = [name for name in columns if name.startswith(f"{split}/")]
            for row, step in enumerate(steps if evaluated else ()):
                found = {name.removeprefix(f"{split}/"): columns[name][row] for name in evaluated}
                self._journal.emit(self._evaluation(split, step, seconds[row], found))
        self._step = self._commands.step = max(self._step, *steps)
        self._journal.progress(self._step)

    def _evaluation(
        self, split: Literal["val", "test"], step: int, seconds: float, found: dict[str, float]
    ) -> Evaluation:
        per_epoch = self._first["steps_per_epoch"]
        return Evaluation(
            split=split,
            step=step,
            epoch=round(step / per_epoch, 6) if per_epoch else 0.0,
            seconds=seconds,
            values={name: number(value) for name, value in found.items()},
        )

    def _measure(self, step: int, seconds: float) -> None:
        """The speed since it was measured last: of logs that come in a burst there is none."""
        before_step, before = self._measured or (step, seconds)
        if self._measured is None or step < before_step:
            self._measured = step, seconds
        elif seconds - before >= RATE_SECONDS:
            speed = float(f"{(step - before_step) / (seconds - before):.4g}")
            values: dict[str, list[Value]] = {"steps_per_second": [speed]}
            self._journal.emit(Scalars(step=[step], seconds=[seconds], values=values))
            self._measured = step, seconds

    def _end(self, message: Message) -> None:
        self._commands.close(stopped=message["stopped"])
        self._journal.go_on_from(self._step, message["seconds"])
        self._journal.end(message["status"], message["reason"])
        self._ended = True


def clipped(norms: Sequence[float], limits: Sequence[float]) -> dict[str, list[float]]:
    """What clipping by the global norm did: scaled by min(1, limit / (norm + 1e-6)), as torch
    does (Pascanu et al. 2013, arXiv:1211.5063). A NaN stays one."""
    after, changed = [], []
    for norm, limit in zip(norms, limits, strict=True):
        scale = limit / (norm + 1e-6)
        after.append(norm * (scale if scale < 1.0 or math.isnan(scale) else 1.0))
        changed.append(float(norm > limit))
    return {"clip/norm_after": after, "clipped": changed}
