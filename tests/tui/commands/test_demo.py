"""The demo: a recorded run played as if it trained, without torch, and nothing left behind."""

from pathlib import Path

import pytest

from engine.runs import control, run_directory
from engine.runs.events import (
    CommandAnswered,
    Confusion,
    Histograms,
    Layers,
    Predictions,
    RunEnded,
    Scalars,
)
from engine.runs.run_directory import RunDir
from support.recorded import wait_for
from support.terminal import Terminal
from tui.commands.demo.player import RECORDING, Player, prepare, recording
from tui.runs import loading

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None\n"


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return prepare(tmp_path / "runs", recording())


def test_the_recording_is_small_and_has_something_for_every_panel() -> None:
    assert RECORDING.stat().st_size <= 200_000
    events = recording()
    kinds = {type(event) for event in events}
    assert {Scalars, Confusion, Histograms, Layers, Predictions, CommandAnswered} <= kinds
    assert isinstance(events[-1], RunEnded)
    commands = {event.command for event in events if isinstance(event, CommandAnswered)}
    assert commands == {"checkpoint", "set"}
    assert any(1.0 in event.values["clipped"] for event in events if isinstance(event, Scalars))


def test_played_to_its_end_it_is_the_recorded_run(run: RunDir) -> None:
    player = Player(run, recording(), pace=1000.0)
    assert loading.load(run).status == "starting"
    player.start()
    wait_for(lambda: not player.is_alive())
    state = loading.load(run)
    assert (state.status, state.step, state.damaged) == ("done", 1410, 0)
    assert not run_directory.locked(run)
    player.close()


def test_it_can_be_paused_and_stopped_and_nothing_else(run: RunDir) -> None:
    player = Player(run, recording(), pace=20.0)
    player.start()

    def state() -> loading.RunState:
        return loading.load(run)

    def answer(name: str) -> CommandAnswered:
        given = control.send(run, name)
        found = lambda: [event for event in state().commands if event.id == given]  # noqa: E731
        return wait_for(found)[0]

    wait_for(lambda: state().step > 0)
    assert state().status == "running"
    assert answer("pause").outcome == "applied"
    assert state().status == "paused"
    assert answer("checkpoint").outcome == "rejected"
    assert answer("resume").outcome == "applied"
    assert answer("stop").outcome == "applied"
    wait_for(lambda: not player.is_alive())
    assert state().status == "stopped"


def test_the_real_program_needs_no_torch_and_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH)
    there = {"TMPDIR": str(temporary), "PYTHONPATH": str(tmp_path)}
    with Terminal("--demo", cwd=tmp_path, environment=there) as terminal:
        terminal.wait_for("running  adamw  cnn on fashion-mnist")
        terminal.wait_for("A recording: this run was trained earlier")
        terminal.wait_for("epoch 1/10")
        assert len(list(temporary.glob("bigmodel-demo-*"))) == 1
        terminal.send("n")
        terminal.wait_for("trains nothing")
        terminal.send("fN3")
        terminal.wait_for("[3 Samples]")
        terminal.send("q")
        assert terminal.finish() == 0
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "runs").exists()


def test_a_lost_terminal_leaves_nothing_either(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    there = {"TMPDIR": str(temporary)}
    with Terminal("--demo", cwd=tmp_path, environment=there) as terminal:
        terminal.wait_for("running  adamw")
        terminal.hang_up()
        wait_for(lambda: terminal.process.poll() is not None)
    wait_for(lambda: list(temporary.iterdir()) == [])


def test_the_demo_takes_no_command(tmp_path: Path) -> None:
    with Terminal("--demo", "ls", cwd=tmp_path, columns=200) as terminal:
        assert terminal.finish() == 2
        assert b"--demo takes no command" in terminal.received
