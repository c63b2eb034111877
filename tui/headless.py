"""Train without the app: start an engine, say on plain output how it goes and how it ends."""

import json
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from engine import control, health, launch, rundir
from engine.configure import Plan
from engine.events import AnyEvent, Evaluation, LogLine
from engine.rundir import RunDir
from presets import UserError
from presets.schema import RunConfig
from tui import follow, logout, summary
from tui.oneline import INTERRUPTED, say
from tui.store import RunState
from tui.text import clean, count, duration, number

SUCCESS = ("done", "stopped")
POLL_SECONDS = 0.1
REFUSED = 2
"""Exit status of an engine that began nothing."""
EXIT_SECONDS = 10.0
"""How long an engine that has said its last word may take to leave."""


class Reporter(ABC):
    """Tells a person or a program how one run goes."""

    @abstractmethod
    def started(self, run: RunDir, config: RunConfig, plan: Plan) -> None: ...
    @abstractmethod
    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None: ...
    @abstractmethod
    def ended(self, state: RunState, reason: str) -> None: ...


class JsonLines(Reporter):
    """One JSON object a line, ASCII throughout."""

    def started(self, run: RunDir, config: RunConfig, plan: Plan) -> None:
        self._write(
            "started",
            id=run.id,
            path=str(run.path.absolute()),
            planned_steps=plan.steps,
            steps_per_epoch=plan.steps_per_epoch,
            batch_size=plan.batch_size,
            num_parameters=plan.num_parameters,
            samples=dict(plan.samples),
        )

    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Evaluation):
                self._write(
                    "evaluation",
                    split=event.split,
                    step=event.step,
                    epoch=event.epoch,
                    seconds=event.seconds,
                    **event.values,
                )

    def ended(self, state: RunState, reason: str) -> None:
        facts = summary.summary(state, pid=None)
        kept = ("id", "path", "status", "steps", "seconds", "best", "last", "test", "damaged")
        self._write("ended", **{key: facts[key] for key in kept}, reason=reason)

    def _write(self, event: str, **fields: Any) -> None:
        click.echo(json.dumps({"event": event, **fields}))


class Lines(Reporter):
    """A line at the start, one an evaluation, two at the end."""

    def started(self, run: RunDir, config: RunConfig, plan: Plan) -> None:
        parts = (config.model.name, config.dataset.name, config.optimizer.name)
        click.echo(
            f"{clean(run.id)}: {clean(' + '.join(parts))}, {count(plan.num_parameters)} parameters,"
            f" {count(plan.steps)} steps of {count(plan.batch_size)} samples"
        )

    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Evaluation):
                values = ", ".join(
                    f"{event.split} {clean(name)} {number(float(value))}"
                    for name, value in event.values.items()
                )
                where = f"step {event.step}, epoch {number(event.epoch, 3)}"
                click.echo(f"{where}, {duration(event.seconds)}: {values}")
            elif isinstance(event, LogLine) and event.level == "warning":
                click.echo(f"warning: {clean(event.message)}")

    def ended(self, state: RunState, reason: str) -> None:
        test = summary.summary(state, pid=None)["test"]
        values = [f"test {clean(name)} {number(float(value))}" for name, value in test.items()]
        took = f"step {state.step}, {duration(state.elapsed)}"
        # Why a run failed is said once, on standard error.
        why = f" ({clean(reason)})" if state.status in SUCCESS else ""
        click.echo(f"{state.status}{why}: {', '.join([took, *values])}")
        click.echo(clean(str(state.run.path)))


class Bar(Lines):
    """One line of a terminal that is drawn again and again."""

    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None:
        width = shutil.get_terminal_size().columns - 1  # the last column would wrap the line
        click.echo("\r" + bar(state, width, _blocks()), nl=False)

    def ended(self, state: RunState, reason: str) -> None:
        click.echo()
        super().ended(state, reason)


def _blocks() -> str:
    """A full and an empty cell that the terminal's encoding has."""
    return "█░" if "utf" in (sys.stdout.encoding or "").lower() else "#."


def bar(state: RunState, width: int, blocks: str) -> str:
    """Exactly `width` characters: how far the run is, and its newest values as far as they fit."""
    planned = state.planned_steps or 0
    share = min(1.0, state.step / planned) if planned else 0.0
    words = [f"step {state.step}/{planned or '?'}"]
    if state.started and state.started.steps_per_epoch:
        words.append(f"epoch {state.step / state.started.steps_per_epoch:.1f}")
    words += [f"{name} {number(state.last(name))}" for name in ("train/loss", "val/accuracy")]
    while len(words) > 1 and sum(len(word) + 2 for word in words) + 10 > width:
        words.pop()
    text = "  ".join(words)
    cells = max(0, min(30, width - len(text) - 2))
    filled = round(cells * share)
    drawn = blocks[0] * filled + blocks[1] * (cells - filled)
    return f"{drawn}  {text}"[:width].ljust(width) if cells else text[:width].ljust(width)


def detach(
    run: RunDir, config: RunConfig, plan: Plan, *, as_json: bool, resume: bool = False
) -> None:
    """Start `run` in an engine process, print its id, and leave."""
    logout.warn()
    launch.start([run], resume=resume)
    if as_json:
        JsonLines().started(run, config, plan)
    else:
        click.echo(clean(run.id))


def train(
    run: RunDir, config: RunConfig, plan: Plan, *, as_json: bool, resume: bool = False
) -> int:
    """Train `run` in an engine process until it ends; returns the exit status.

    With `resume` it goes on where it ended; only what is new is reported. The first Ctrl-C stops
    the run, the second leaves it alone. An engine is never killed here, nor does it end with this
    process or its terminal.
    """
    logout.warn()
    reporter = JsonLines() if as_json else Bar() if sys.stdout.isatty() else Lines()
    follower, state = follow.Follower(run), follow.open_state(run)
    while resume and (news := follower.poll()):  # what was before
        follow.apply(state, news)
    with _interrupts() as interrupts:
        reporter.started(run, config, plan)
        engine = launch.start([run], resume=True) if resume else launch.start([run])
        state.ended = None
        if not _watch(state, follower, engine, reporter, interrupts):
            say(f"leaving the run alone; `bigmodel-tui watch {rundir.address(run)}` returns to it")
            return INTERRUPTED
    reason = _settle(state, engine)
    reporter.ended(state, reason)
    if state.status in SUCCESS:
        return 0
    say(f"run {state.status}: {reason}; see {run.engine_log_path}")
    return 1


@contextmanager
def _interrupts() -> Iterator[list[float]]:
    """Collects the times of Ctrl-C, which must not cut an event in two."""
    seen: list[float] = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(time.monotonic()))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(
    state: RunState,
    follower: follow.Follower,
    engine: subprocess.Popen[bytes],
    reporter: Reporter,
    interrupts: list[float],
) -> bool:
    """Report until the engine is gone or has said its last word; False if told to leave it."""
    told = 0
    while True:
        gone = engine.poll() is not None  # before reading, so that nothing after it is missed
        while news := follower.poll(at_once=gone):
            follow.apply(state, news)
            reporter.progress(state, news.events)
        if gone or state.ended is not None:
            return True
        if len(interrupts) > 1:
            return False
        if interrupts and not told:
            told = 1
            say("stopping after the current step; Ctrl-C again leaves the run running")
            _send_stop(state.run)
        time.sleep(POLL_SECONDS)


def _send_stop(run: RunDir) -> None:
    try:
        control.send(run, "stop")
    except UserError as error:
        say(str(error))


def _settle(state: RunState, engine: subprocess.Popen[bytes]) -> str:
    """Reap the engine; returns the reason in one line, also where the engine could not say it."""
    try:
        status = engine.wait(timeout=EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        return state.outcome()
    if state.ended is not None:
        return state.outcome()
    if status == REFUSED:
        state.status = "failed"
        return f"the engine did not begin: {last_line(state.run)}"
    if state.status in SUCCESS:  # on a full disk the log may lack its end
        return state.detail
    state.status = "crashed" if state.started else "failed"
    seen = health.read_exit(state.run, rundir.holder(state.run))
    if seen is not None and seen.signal is not None:
        return f"the engine was {seen}, after step {state.step}"
    how = f"status {status}" if seen is None else f"status {seen.code}"
    return f"the engine ended without a word ({how}): {last_line(state.run)}"


def last_line(run: RunDir, max_bytes: int = 8192) -> str:
    """The last line that the engine printed; a traceback's last line names the error."""
    try:
        with run.engine_log_path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - max_bytes))
            text = file.read().decode("utf-8", "replace").strip()
    except OSError:
        text = ""
    return clean(text.splitlines()[-1], 200) if text else "it printed nothing"
