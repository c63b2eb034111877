"""Lightning's CSV logs, also while columns are added."""

from pathlib import Path

import pytest

from support.foreign_runs import LOGS, Watched, metrics, said
from tui.runs import loading
from tui.runs.foreign import sniff


def test_lightning() -> None:
    first, second = map(loading.load, sniff.open_source(LOGS / "lightning_logs"))
    assert (first.given_name, second.given_name) == ("version_0", "version_1")
    assert first.config == {"hidden": 8, "lr": 0.05}
    assert first.metrics["val/loss"].steps.tolist() == [7, 15, 23]
    assert first.metrics["train/loss"].steps.tolist() == list(range(1, 24, 2))
    assert first.last("train_loss_epoch") == pytest.approx(0.1639, abs=1e-4)
    assert second.last("lr") == 0.025
    assert "the step is the column step; without times" in said(first)


def test_lightning_adds_a_column_and_writes_all_rows_anew(tmp_path: Path) -> None:
    folder = tmp_path / "version_0"
    folder.mkdir()
    path = folder / "metrics.csv"
    path.write_text("epoch,step,train_loss\n0,1,4\n0,3,3\n")
    watched = Watched(folder)
    watched.catch_up()
    rewritten = "acc,epoch,step,train_loss,val_loss\n,0,1,4,\n,0,3,3,\n0.5,0,3,,2\n"
    for end in (0, 20, 50, len(rewritten)):  # it is written in place
        path.write_text(rewritten[:end])
        watched.catch_up()
    with path.open("a") as file:
        file.write(",1,5,1,\n")
    state = watched.catch_up()
    assert metrics(state)["train/loss"] == ([1, 3, 5], ["4.0", "3.0", "1.0"])
    assert metrics(state)["val/loss"] == ([3], ["2.0"])
    assert not any("restarted" in note.text for note in state.history)
    assert state.damaged == 0
