"""What does not fit into memory is refused by every command that trains, and leaves nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.config import estimate
from engine.race import directory
from engine.runs import start_process
from presets import UserError
from support.older import KILLED, copied
from support.racing import tiny
from tui.cli import cli

RACE = "the race"
"""Stands for the id of a race that is there."""
SMALL = ("--model", "mlp", "--dataset", "spirals", "--set", "device=cpu")
STARTS = {
    "run": ("run", *SMALL, "--detach"),
    "resume": ("run", "--resume", KILLED, "--detach"),
    "fork": ("fork", KILLED, "--detach"),
    "race": ("race", *SMALL[2:], "--optimizers", "adam,sgd", "--budget", "10", "--detach"),
    "race resumed": ("race", "--resume", RACE, "--seeds", "9", "--detach"),
    "find-lr": ("find-lr", *SMALL, "--steps", "10"),
}


@pytest.fixture
def invoke(runs_root: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command; nothing is started but noted in `invoke.started`."""
    copied("runs", runs_root)
    race = directory.create(runs_root, tiny())
    started: list[object] = []

    def refuse(*places: object, **_: object) -> None:
        started.append(places)
        raise UserError("started")

    monkeypatch.setattr(start_process, "start", refuse)
    monkeypatch.setattr(start_process, "start_process", refuse)

    def call(command: str, *more: str):
        arguments = [race.id if word == RACE else word for word in (*STARTS[command], *more)]
        return CliRunner().invoke(cli, arguments)

    call.started = started
    return call


def contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", STARTS)
def test_what_does_not_fit_is_refused(runs_root, invoke, monkeypatch, command) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: 10**8)
    before = contents(runs_root)
    result = invoke(command)
    assert result.exit_code == 2, result.output
    line = result.stderr.splitlines()[-1]  # a fork says first where its settings are from
    assert line.startswith("bigmodel-tui: does not fit: about ")
    assert "MB of memory with torch, 100 MB are free on device " in line
    assert line.endswith("with --force")
    assert invoke.started == []
    assert contents(runs_root) == before


@pytest.mark.parametrize("free", [None, 10**12])
@pytest.mark.parametrize("command", STARTS)
def test_what_fits_or_cannot_be_known_is_started(invoke, monkeypatch, command, free) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: free)
    assert invoke(command).stderr.splitlines()[-1] == "bigmodel-tui: started"
    assert len(invoke.started) == 1


@pytest.mark.parametrize("command", STARTS)
def test_by_force(invoke, monkeypatch, command) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: 1)
    assert invoke(command, "--force").stderr.splitlines()[-1] == "bigmodel-tui: started"
    assert len(invoke.started) == 1


def test_every_command_that_trains_is_tested_here() -> None:
    cli.list_commands(None)
    takes_force = {
        name
        for name, command in cli.commands.items()
        if any(parameter.name == "force" for parameter in command.params)
    }
    assert takes_force == {arguments[0] for arguments in STARTS.values()}
