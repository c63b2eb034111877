"""`watch --step-column`: kept for a folder, shown in the log, said by `export`."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support.foreign_runs import metrics, said
from tui import cli
from tui.commands import find_runs, foreign_step_columns
from tui.runs import loading


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.cli, list(arguments))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, runs_root: Path) -> list[Any]:
    """The runs that `watch` opens."""
    found: list[Any] = []
    monkeypatch.setattr(cli, "open_app", lambda root, runs, **_: found.append(runs) or 0)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "a.csv"
    path.parent.mkdir()
    path.write_text("step,tokens,loss\n1,100,3\n2,250,2\n3,400,1\n")
    return path


def test_a_named_column_is_kept_for_its_folder(log: Path, opened: list[Any]) -> None:
    assert invoke("watch", str(log), "--step-column", "tokens").exit_code == 0
    (run,) = opened[0]
    state = loading.load(run)
    assert metrics(state)["train/loss"] == ([100, 250, 400], ["3.0", "2.0", "1.0"])
    assert "the step is the column tokens, as it was asked for; without times" in said(state)
    other = log.with_name("b.csv")
    other.write_text("step,tokens,loss\n1,7,3\n")
    (again,) = find_runs.find(Path("runs"), str(other))
    assert loading.load(again).metrics["train/loss"].steps.tolist() == [7]
    assert (
        invoke("watch", str(log.parent), "--step-column", foreign_step_columns.AUTO).exit_code == 0
    )
    (auto,) = find_runs.find(Path("runs"), str(log))
    assert loading.load(auto).metrics["train/loss"].steps.tolist() == [1, 2, 3]


def test_a_column_that_a_log_lacks_is_said(log: Path, opened: list[Any]) -> None:
    invoke("watch", str(log), "--step-column", "nonsense")
    state = loading.load(opened[0][0])
    assert state.metrics["train/loss"].steps.tolist() == [1, 2, 3]
    assert "there is no column nonsense to take as the step" in said(state)


@pytest.mark.parametrize("names", [[], ["no-such-path"]])
def test_what_is_no_path_is_refused(names: list[str], opened: list[Any]) -> None:
    result = invoke("watch", *names, "--step-column", "x")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "--step-column" in result.stderr


def test_export_says_which_column_is_the_step(log: Path, runs_root: Path) -> None:
    result = invoke("export", str(log), "--format", "csv")
    assert "the step is the column step; without times" in result.stderr
    assert result.stdout.startswith("step,time,")


def test_an_export_has_every_value_at_a_step(tmp_path: Path, runs_root: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss,acc\n1,1,5\n1,2,6\n1,3,\n2,4,7\n")
    lines = invoke("export", str(path), "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "1", "1", "1", "2"]
    assert [line.split(",")[2] for line in lines[1:]] == ["1.0", "2.0", "3.0", "4.0"]
