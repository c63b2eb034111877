"""Logs of other programs on the command line and on the screen."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.runs.run_directory import RunDir
from support import foreign_logs as logs
from support.foreign_runs import LOGS, WANDB, load
from support.seen import rows, text, until, until_shown
from tui import cli
from tui.app import BigModelApp
from tui.commands import find_runs
from tui.runs.foreign.run import ForeignRun


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.cli, list(arguments))


def test_show_and_export(runs_root: Path) -> None:
    log = str(LOGS / "tensorboard" / "sgd")
    facts = json.loads(invoke("show", log, "--json").stdout)
    assert facts["last"]["val/loss"] == pytest.approx(0.055)
    lines = invoke("export", log, "--format", "csv").stdout.splitlines()
    assert len(lines) == 41
    assert "extra/weird" in lines[0]
    several = invoke("show", str(LOGS / "tensorboard"))
    assert several.exit_code == 2
    assert "2 runs; name one of them" in several.stderr


def test_an_export_has_the_steps_of_every_metric(tmp_path: Path, runs_root: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"step":0,"a":1}\n{"step":1,"b":2}\n{"step":2,"a":3}\n')
    lines = invoke("export", str(path), "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "0", "1", "2"]


@pytest.mark.parametrize(
    "command", ["pause", "resume", "stop", "checkpoint", "set --lr 1", "fork", "run --resume"]
)
def test_nothing_can_be_sent_to_another_program(command: str, runs_root: Path) -> None:
    result = invoke(*command.split(), str(LOGS / "keras.csv"))
    assert result.exit_code == 2
    assert result.stderr == (
        "bigmodel-tui: keras.csv: read-only, this CSV table belongs to another program\n"
    )


async def test_several_kinds_in_one_view(recorded: Callable[..., list[RunDir]]) -> None:
    shutil.copytree(LOGS / "tensorboard", "logs")
    for path in Path("logs").rglob("*.host.*"):  # whoever checks out writes anew: as if long ago
        os.utime(path, (1_600_000_000, 1_600_000_000))
    runs = [*recorded("adam"), *find_runs.find_all(Path("runs"), ["logs"])]
    app = BigModelApp(root=Path("runs"), runs=runs)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "0.055")  # the list judges the loop "sgd" by its val/loss
        await pilot.press("up", "up")
        await until_shown(pilot, "TensorBoard log, read-only")
        for key in "pscflRy":
            await pilot.press(key)
            await until_shown(pilot, "adam: read-only, this TensorBoard log")
            app.clear_notifications()
            await pilot.pause()
        assert "adam" in text(app)
        await pilot.press("q")  # without a question: nothing here can be stopped
        await pilot.pause()
    assert app.return_code == 0


async def test_small_screens_say_of_a_log_what_is_known(terminal_environment: None) -> None:
    runs = [
        *find_runs.find_all(Path("runs"), [str(WANDB)]),
        ForeignRun(LOGS / "keras.csv", "csv", "k"),
    ]
    for run, shown in zip(runs, ("model.layers 8-8", "CSV table"), strict=True):
        app = BigModelApp(root=Path("runs"), runs=[run])
        async with app.run_test(size=(80, 24)) as pilot:
            await until_shown(pilot, shown)
            await until_shown(pilot, "Accuracy")
            assert "not clipped" not in text(app)
            await pilot.press("6")
            await until_shown(pilot, " run ")
            assert "…" not in "".join(row[:12] for row in rows(app)[4:9])
            assert "parameters" not in text(app)


async def test_a_metric_of_any_run_with_a_curve_has_the_panel(terminal_environment: None) -> None:
    runs = find_runs.find_all(Path("runs"), [str(LOGS / "tensorboard")])
    app = BigModelApp(root=Path("runs"), runs=runs)
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "0.055")
        await until(pilot, lambda: " Accuracy " in text(app))
        assert "hparam/best" not in text(app)


async def test_what_ended_long_ago_is_listed_and_not_told(terminal_environment: None) -> None:
    failed = Path("run-failed.wandb")
    records = [logs.history(step, {"loss": "1.5"}) for step in range(3)]
    failed.write_bytes(b"".join(logs.wandb_file([*records, logs.exit_record(3)])))
    paths = [str(LOGS / "keras.csv"), str(WANDB), str(failed)]
    runs = find_runs.find_all(Path("runs"), paths)
    app = BigModelApp(root=Path("runs"), runs=runs)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        book = app.screen.alerts.book
        await until(pilot, lambda: book.entries)
        await pilot.press("exclamation_mark")
        await until_shown(pilot, "(earlier)")
        assert len(app._notifications) == 0
        (entry,) = book.entries  # the table is only quiet, and a good end is no alert
        assert (entry.alert.kind, entry.alert.level) == ("finished", "error")
        assert entry.alert.run == load(failed).id
        assert entry.alert.step == load(failed).step > 0
