"""What a run without the app says before its first step."""

from pathlib import Path

import pytest

from engine.config import configure
from engine.runs.run_directory import RunDir
from tui.commands.reporters import Bar, Lines


@pytest.mark.parametrize("reporter", [Lines, Bar])
def test_what_data_may_mean_otherwise_is_said_before_the_start(
    reporter: type[Lines], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row}.5,{row % 2}\n" for row in range(60)))
    config = configure.resolve(dataset="csv", settings={"dataset.path": str(path), "steps": 2})
    reporter().started(RunDir(tmp_path / "run"), config, configure.plan(config))
    told = "note: csv: regression: y has numbers (0, 1); for classes: dataset.task=classification"
    assert told in capsys.readouterr().out.splitlines()
