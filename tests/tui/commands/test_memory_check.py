"""A run that does not fit into memory is refused, and leaves nothing behind."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.config import estimate
from tui.cli import cli

SMALL = ["run", "--model", "mlp", "--dataset", "spirals", "--device", "cpu", "--detach"]


def test_a_run_that_does_not_fit_is_refused(runs_root: Path, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: 10**8)
    result = CliRunner().invoke(cli, SMALL)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("bigmodel-tui: does not fit: about ")
    assert "MB of memory with torch, 100 MB are free on device cpu" in line
    assert line.endswith("with --force")
    assert list(runs_root.iterdir()) == []


@pytest.mark.parametrize("free", [None, 10**12])
def test_what_fits_or_cannot_be_known_is_started(runs_root: Path, monkeypatch, free) -> None:
    check_started(monkeypatch, free, [])


def test_by_force(runs_root: Path, monkeypatch) -> None:
    check_started(monkeypatch, 1, ["--force"])


def check_started(monkeypatch, free: int | None, options: list[str]) -> None:
    started: list[object] = []
    monkeypatch.setattr(estimate, "free_memory", lambda device: free)
    monkeypatch.setattr("engine.runs.start_process.start", lambda runs, **_: started.append(runs))
    result = CliRunner().invoke(cli, [*SMALL, *options])
    assert (result.exit_code, len(started)) == (0, 1)
