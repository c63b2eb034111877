"""The export command as a person calls it, and a run to export."""

from pathlib import Path

from click.testing import CliRunner, Result

from engine.runs.events import AnyEvent, RunStarted
from engine.runs.run_directory import RunDir
from tui import cli
from tui.runs.state.store import RunState

START = 1_700_000_000.0


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, ["export", *arguments])


def refusal(*arguments: str) -> str:
    """The one line that the command prints when it must end with status 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("bigmodel-tui: ")


def begun(*events: AnyEvent) -> RunState:
    state = RunState(run=RunDir(Path("abc")))
    started = RunStarted(
        time=START,
        config={},
        device="cpu",
        num_parameters=1,
        planned_steps=None,
        steps_per_epoch=None,
        samples={},
    )
    for event in (started, *events):
        state.apply(event)
    return state
