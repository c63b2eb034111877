"""What the engine's tests share: one CPU thread, and a run trained in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from engine.__main__ import _train_logged
from engine.config import configure
from engine.runs import run_directory
from engine.runs.events import AnyEvent
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter, read_all
from engine.runs.run_directory import RunDir
from engine.training.steering.commands import Signals
from presets.schema import RunConfig

TINY = {"dataset.samples": 96, "epochs": 2, "device": "cpu", "threads": 1}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    return


@pytest.fixture
def tiny() -> Callable[..., RunConfig]:
    """A configuration that trains in milliseconds: mlp on 96 points of the spirals."""

    def make(
        optimizer: str = "adam", model: str = "mlp", dataset: str = "spirals", **settings: object
    ) -> RunConfig:
        given = {key.replace("__", "."): value for key, value in settings.items()}
        usual = TINY if dataset == "spirals" else {"device": "cpu", "threads": 1}
        return configure.resolve(
            model=model, dataset=dataset, optimizer=optimizer, settings={**usual, **given}
        )

    return make


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., list[AnyEvent]]:
    """Train a configuration in this process and return the events of its log."""

    def run_it(
        config: RunConfig,
        *,
        prepare: Callable[[RunDir], object] | None = None,
        signals: Signals | None = None,
    ) -> list[AnyEvent]:
        run = run_directory.create(tmp_path, config)
        if prepare is not None:
            prepare(run)
        log = LogWriter(run.events_path)
        _train_logged(run, Journal(log), signals or Signals())
        log.close()
        return read_all(run.events_path)

    return run_it


@pytest.fixture
def saved(train, tiny, tmp_path):
    """A finished run of 8 steps that wrote a checkpoint every 2."""
    train(tiny(steps=8, checkpoint__every_steps=2, seed=1))
    (run,) = run_directory.list_runs(tmp_path)
    return run
