"""Whole runs in this process, with hooks between two steps of the real loop."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from engine.__main__ import _train_logged
from engine.config import configure
from engine.runs import run_directory
from engine.runs.events import AnyEvent, RunEnded, Scalars
from engine.runs.journal import Journal, Restart
from engine.runs.log_reader import LogWriter, read_all
from engine.runs.run_directory import RunDir
from engine.training.batches import Batches
from engine.training.steering.commands import Signals
from presets.schema import RunConfig


def resolve(device: str, *, model: str = "mlp", dataset: str = "spirals", **settings) -> RunConfig:
    """A small work; two underscores stand for a dot."""
    given = {"device": device, "threads": 1, "evaluate_every": 10**6}
    if dataset == "spirals":
        given |= {"dataset.samples": 4000, "optimizer.lr": 1e-2}
    given |= {key.replace("__", "."): value for key, value in settings.items()}
    return configure.resolve(model=model, dataset=dataset, optimizer="adam", settings=given)


def train(run: RunDir, signals: Signals | None = None, *, resume: bool = False) -> list[AnyEvent]:
    """Train until the end, or a signal; returns all events of the log."""
    log = LogWriter(run.events_path)
    restart = Restart(attempt=1, reason="resume") if resume else None
    _train_logged(run, Journal(log, restart=restart), signals or Signals())
    log.close()
    return read_all(run.events_path)


def start(root: Path, config: RunConfig) -> list[AnyEvent]:
    """A new run, to its end."""
    return train(run_directory.create(root, config))


def before_steps(monkeypatch, hooks: Mapping[int, Callable[[], None]]) -> None:
    """Call these as the loop asks for the batch of a step."""
    original = Batches.at

    def at(self, step):
        if step in hooks:
            hooks[step]()
        return original(self, step)

    monkeypatch.setattr(Batches, "at", at)


def column(events: list[AnyEvent], name: str) -> dict[int, float]:
    """The values of a metric by step; those that came last where a step was repeated."""
    return {
        step: float(value)
        for event in events
        if isinstance(event, Scalars)
        for step, value in zip(event.step, event.values[name], strict=True)
    }


def ended(events: list[AnyEvent]) -> tuple[str, str]:
    """How the run ended, and why."""
    last = events[-1]
    assert isinstance(last, RunEnded)
    return last.status, last.reason


def sync_debug(device: str, mode: str) -> None:
    """On a GPU, have torch raise an error wherever the host waits for the device."""
    if device == "cuda":
        torch.cuda.set_sync_debug_mode(mode)
