"""The line of progress at the widths that terminals have."""

from pathlib import Path

import pytest

from engine.runs.events import RunStarted, Scalars
from engine.runs.run_directory import RunDir
from tui.panels.progress import ProgressPanel
from tui.runs.state.store import RunState


@pytest.fixture
def long_run() -> RunState:
    state = RunState(run=RunDir(Path("r")))
    state.apply(
        RunStarted(
            time=0.0,
            config={},
            device="cpu",
            num_parameters=1,
            planned_steps=900_000,
            steps_per_epoch=45,
            samples={"train": 1440, "val": 1, "test": 1},
        )
    )
    values = {"train/loss": [1.0], "lr": [0.001], "samples_per_second": [61_234.0]}
    state.apply(Scalars(step=[12_345], seconds=[83.0], values=values))
    return state


@pytest.fixture
def line(long_run: RunState, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ProgressPanel, "plain", True)
    monkeypatch.setattr(ProgressPanel, "color", lambda self, name: "")
    panel = ProgressPanel(id="progress")
    return lambda width: panel._steps(long_run, width).plain


def test_the_bar_makes_room_for_the_figures(line) -> None:
    wide, narrow, narrowest = line(120), line(90), line(80)
    assert wide.endswith("lr 0.001  61,234 samples/s")
    assert wide.count("-") > narrow.count("-")
    assert "lr 0.001" in narrowest
    assert narrowest.count("-") + narrowest.count("#") >= 5


def test_what_does_not_fit_is_left_out_and_nothing_is_cut(line) -> None:
    for width in range(72, 140):
        shown = line(width)
        assert len(shown) == width - 1
        assert "%" in shown
        cut = shown.partition("left")[2].split("  ")
        assert set(cut) <= {"", "lr 0.001", "61,234 samples/s"}
