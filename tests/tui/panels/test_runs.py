"""The table of a dashboard's runs, where they are judged by one metric and where by several."""

from pathlib import Path

import pytest

from engine.runs.events import Evaluation, RunStarted
from engine.runs.run_directory import RunDir
from tui.panels.runs import RunsPanel
from tui.plots.lane_view import View, make_lanes
from tui.runs.state.store import RunState


def state_of(task: str, metric: str) -> RunState:
    state = RunState(run=RunDir(Path(f"runs/{task}")))
    state.apply(
        RunStarted(
            config={},
            device="cpu",
            num_parameters=1,
            planned_steps=10,
            steps_per_epoch=3,
            samples={},
            task=task,
        )
    )
    for split in ("val", "test"):
        values = {metric: 0.25, "loss": 1.0}
        state.apply(Evaluation(split=split, step=3, epoch=1, seconds=1, values=values))
    return state


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch):
    """The lines of the table for these states at a width, without a terminal."""

    def lines(width: int, *states: RunState) -> list[str]:
        monkeypatch.setattr(RunsPanel, "plain", True)
        monkeypatch.setattr(RunsPanel, "color", lambda self, name: "")
        monkeypatch.setattr(RunsPanel, "_narrow", width < 60)
        view = View(make_lanes(list(states), {}))
        return [line.plain for line in RunsPanel(id="runs").body(view, width, 10)]

    return lines


@pytest.mark.parametrize("width", [40, 76, 120])
def test_rows_name_their_metric_where_it_is_not_the_same(table, width: int) -> None:
    head, *rows = table(
        width, state_of("classification", "accuracy"), state_of("language", "bits_per_char")
    )
    assert all(len(row) <= width for row in (head, *rows))
    named = ["accuracy", "bits_pe"] if width < 60 else ["val/accuracy", "val/bits_per_c"]
    for row, name in zip(rows, named, strict=True):
        assert name in row
        assert row.split()[-1].startswith("0.25")
    assert "metric" in head
    assert ("test" in head) == (width >= 60)


@pytest.mark.parametrize("width", [40, 76, 120])
def test_one_metric_is_named_over_the_table_only(table, width: int) -> None:
    found = table(width, *(state_of("classification", "accuracy") for _ in range(2)))
    assert all(len(row) <= width for row in found)
    assert "accuracy" not in "".join(found)
    assert found[0].split() == ["best", "final", "test"]
