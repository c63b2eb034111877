"""Runs in a forked copy of this process, which can be killed; torch is loaded already."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from engine.__main__ import _train_logged
from engine.runs import checkpoint
from engine.runs.checkpoint import Checkpoint
from engine.runs.events import AnyEvent, Evaluation, Restarted, Scalars
from engine.runs.journal import Journal, Restart
from engine.runs.log_reader import LogWriter, read_all
from engine.runs.run_directory import RunDir
from engine.training.steering.commands import Signals


def in_child(what: Callable[[], object]) -> int:
    """Fork, do `what` in the child; returns its process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        what()
        status = 0
    finally:
        os._exit(status)


def wait(pid: int) -> int:
    """The exit status, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def train(run: RunDir, signals: Signals | None = None) -> None:
    """Train a run, or go on with it where its log already began, as the engine's process does."""
    begun = run.events_path.exists()
    log = LogWriter(run.events_path)
    restart = Restart(attempt=1, reason="test") if begun else None
    _train_logged(run, Journal(log, restart=restart), signals or Signals())
    log.close()


def train_and_die(run: RunDir, step: int) -> None:
    """Train until this step was recorded, and let the process be killed there."""

    def die(self: Journal, at: int) -> None:
        if at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def doomed() -> None:
        Journal.progress = die  # type: ignore[method-assign]
        train(run)

    assert wait(in_child(doomed)) == -signal.SIGKILL


def told(run: RunDir) -> dict[str, Any]:
    """What the log says of each step, without what a restart made void, and without times."""
    facts: dict[str, Any] = {}
    for event in read_all(run.events_path):
        if isinstance(event, Restarted):
            facts = {key: value for key, value in facts.items() if key[1] <= event.step}
        elif isinstance(event, Scalars):
            add_steps(facts, event)
        elif isinstance(event, Evaluation):
            key = (event.split, event.step)
            assert facts.setdefault(key, event.values) == event.values
    return facts


def add_steps(facts: dict[Any, Any], event: Scalars) -> None:
    for name, column in event.values.items():
        if name.endswith("_per_second"):
            continue
        for step, value in zip(event.step, column, strict=True):
            assert (name, step) not in facts, f"{name} of step {step} stands there twice"
            facts[name, step] = value


def last_checkpoint(run: RunDir) -> Checkpoint:
    found = checkpoint.newest_valid(run)
    assert found is not None
    return found


def of(kind: type, events: list[AnyEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
