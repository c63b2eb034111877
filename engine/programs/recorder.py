"""The process that records a training loop of the user's; `bigmodel_tui.open_run` starts it.

It reads JSON lines from standard input and writes the run directory. A pipe that ends without a
closing message means that the loop's process died: then the recorder leaves without one, too, and
the run counts as crashed.
"""

import json
import math
import os
import select
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.runs import identity, run_directory
from engine.runs.access import open_to_append
from engine.runs.control import Command, Inbox, Refused
from engine.runs.events import CommandAnswered, Evaluation, Gap, RunStarted, Scalars, Value, number
from engine.runs.heartbeat import Heartbeat
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RECORDED, Lock, RunDir
from presets import UserError, yaml

POLL_SECONDS = 0.1
CLOSE_SECONDS = 10.0
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
    """Record the run. Raises UserError or OSError if the run directory cannot be made."""
    run = RunDir(Path(first["run"]))
    _make(run, first["config"])
    lock = Lock(run, sign=False)
    # Who works on the run is the loop; this process only holds the pen.
    run_directory.sign(lock.file, identity.of(first["pid"]))
    _redirect_output(run)
    log = LogWriter(run.events_path)
    heartbeat = Heartbeat(run, trouble=log.trouble)
    recorder = Recorder(run, first, Journal(log, heartbeat=heartbeat), reports)
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
    """The messages of a pipe as they arrive; an empty batch now and then while none does."""
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
    """A recorder of one run: it turns messages into events, and answers commands."""

    def __init__(self, run: RunDir, first: Message, journal: Journal, reports: int) -> None:
        self._first = first
        self._journal = journal
        self._reports = reports
        self._inbox = Inbox(run, POLL_SECONDS)
        self._stop: Command | None = None
        self._step = 0
        """The last step that was logged."""
        self._seconds = 0.0
        """The time of that step, in seconds since the run's start."""
        self._ended = False

    def work(self, batches: Iterable[list[Message]]) -> None:
        """Record until the loop's closing message, or until its process ended without one."""
        for batch in batches:
            for message in batch:
                try:
                    self._take(message)
                except (KeyError, TypeError, ValueError, OverflowError) as error:
                    self._journal.say(f"a record was not understood: {error!r:.200}", "warning")
            if self._ended:
                return
            self._answer_new()
        self._journal.say("the loop's process ended without a word", "error")

    def _take(self, message: Message) -> None:
        match message["kind"]:
            case "rows":
                self._rows(message["step"], message["seconds"], message["values"])
            case "start":
                self._start(message)
            case "say":
                self._journal.say(message["message"], message["level"])
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

        self._journal.emit(
            RunStarted(
                config=self._first["config"],
                device=message["device"],
                num_parameters=message["num_parameters"],
                planned_steps=self._first["steps"],
                steps_per_epoch=self._first["steps_per_epoch"],
                samples={},
                task="open",
                versions={"python": platform.python_version()},
            )
        )

    def _rows(
        self, steps: list[int], seconds: list[float], columns: dict[str, list[float]]
    ) -> None:
        """Log columns of equal length; those of an evaluation become events of their own."""
        if "grad_norm" in columns and "clip/threshold" in columns:
            columns |= clipped(columns["grad_norm"], columns["clip/threshold"])
        values: dict[str, list[Value]] = {
            name: [number(value) for value in column]
            for name, column in columns.items()
            if not name.startswith(("val/", "test/"))
        }
        if values:
            passed, self._seconds = seconds[-1] - self._seconds, seconds[-1]
            if passed > 0:
                speed = float(f"{len(set(steps)) / passed:.4g}")
                values["steps_per_second"] = [speed] * len(steps)
            self._journal.emit(Scalars(step=steps, seconds=seconds, values=values))
        for split in _SPLITS:
            evaluated = [name for name in columns if name.startswith(f"{split}/")]
            for row, step in enumerate(steps if evaluated else ()):
                per_epoch = self._first["steps_per_epoch"]
                self._journal.emit(
                    Evaluation(
                        split=split,
                        step=step,
                        epoch=round(step / per_epoch, 6) if per_epoch else 0.0,
                        seconds=seconds[row],
                        values={
                            name.removeprefix(f"{split}/"): number(columns[name][row])
                            for name in evaluated
                        },
                    )
                )
        self._step = steps[-1]
        self._journal.progress(self._step)

    def _end(self, message: Message) -> None:
        if self._stop is not None:
            looked = message["stopped"]
            reason = "" if looked else "the loop ended without reading should_stop"
            self._answer(self._stop, "applied" if looked else "rejected", reason)
        for command in self._inbox.take(at_once=True):
            reason = command.reason if isinstance(command, Refused) else "the run has ended"
            self._answer(command, "rejected", reason)
        self._journal.go_on_from(self._step, message["seconds"])
        self._journal.end(message["status"], message["reason"])
        self._ended = True

    def _answer_new(self) -> None:
        for command in self._inbox.take():
            if isinstance(command, Refused):
                self._answer(command, "rejected", command.reason)
            elif command.name != "stop":
                self._answer(command, "rejected", "this run's own loop does not take it")
            elif self._stop is not None:
                self._answer(command, "rejected", "the run was asked to stop already")
            else:
                self._stop = command
                alone = "; its process is not ours to end" if command.arguments.now else ""
                self._answer(command, "accepted", f"the loop sees it in should_stop{alone}")
                _report(self._reports, stop=command.id)

    def _answer(
        self,
        command: Command | Refused,
        outcome: Literal["accepted", "applied", "rejected"],
        reason: str = "",
    ) -> None:
        known = command if isinstance(command, Command) else None
        self._journal.emit(
            CommandAnswered(
                id=command.id,
                command=known.name if known else "",
                arguments=msgspec.to_builtins(known.arguments) if known else {},
                outcome=outcome,
                step=self._step,
                reason=reason[:500],
            )
        )


def clipped(norms: Sequence[float], limits: Sequence[float]) -> dict[str, list[float]]:
    """The norms after clipping by the global norm: scaled by min(1, limit / (norm + 1e-6)), as
    torch does (Pascanu et al. 2013, arXiv:1211.5063). NaN stays NaN."""
    after, changed = [], []
    for norm, limit in zip(norms, limits, strict=True):
        scale = limit / (norm + 1e-6)
        after.append(norm * (scale if scale < 1.0 or math.isnan(scale) else 1.0))
        changed.append(float(norm > limit))
    return {"clip/norm_after": after, "clipped": changed}
