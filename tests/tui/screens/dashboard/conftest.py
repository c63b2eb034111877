"""What the tests of the dashboard share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runs.run_directory import Lock, RunDir
from support.recorded import record


@pytest.fixture
def active(terminal_environment: None) -> Iterator[RunDir]:
    """A run that trains, as far as anyone can see: its log has no end and its lock is held."""
    run = record(Path("runs"), "r-active", status=None)
    lock = Lock(run)
    yield run
    lock.release()
