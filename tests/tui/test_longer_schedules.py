"""Whoever makes a run longer is told before it what that makes of its learning rate: by `fork`, by
`set`, and by the dashboard's `e`."""

import shlex

import pytest
from click.testing import CliRunner

from engine.runs import run_directory, start_process
from presets import UserError
from support.dashboards import commands, dashboard, running
from support.older import KILLED, copied
from support.recorded import record
from support.seen import until, until_shown
from tui.cli import cli
from tui.commands import steer

JUMP = "learning rate rises from "


def told(words: str) -> list[str]:
    """What a command says."""
    return CliRunner().invoke(cli, shlex.split(words)).stderr.splitlines()


@pytest.fixture
def falling(runs_root):
    """A run with a cosine, which trains as far as anybody can tell."""
    run = record(runs_root, "falling", steps=6, status=None, **{"schedule.type": "cosine"})
    lock = run_directory.Lock(run)
    yield run
    lock.release()


def test_fork_says_it_before_the_start(runs_root, monkeypatch) -> None:
    def refuse(*_, **__):
        raise UserError("started")

    copied("runs", runs_root)
    monkeypatch.setattr(start_process, "start", refuse)
    *said, started = told(f"fork {KILLED} --set steps=2000 --detach")
    assert started == "bigmodel-tui: started"
    (line,) = [line for line in said if JUMP in line]
    assert " after step 8: cosine over 2000 steps, not " in line
    assert not any(JUMP in line for line in told(f"fork {KILLED} --detach"))


def test_set_says_it(falling, monkeypatch) -> None:
    monkeypatch.setattr(steer, "ANSWER_SECONDS", 0.1)
    assert any(JUMP in line for line in told("set falling --steps 60"))
    assert not any(JUMP in line for line in told("set falling --lr 0.1"))
    assert commands(falling) == ["set", "set"]


async def test_e_says_it(falling, terminal_environment) -> None:
    app = dashboard(falling)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("e")
        await until_shown(pilot, "Train until")
        await pilot.press(*"60", "space", *"steps", "enter")
        await until_shown(pilot, JUMP)
        await until(pilot, lambda: commands(falling) == ["set"])
