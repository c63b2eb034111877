"""Logs that are damaged, foreign, hostile or full of values that are not finite."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config import configure
from engine.runs import run_directory
from engine.runs.events import Evaluation, LogLine, RunEnded, RunStarted, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from presets.schema import plain
from support.dashboards import dashboard, running
from support.recorded import record
from support.seen import rows, text, until_shown
from tui.app import BigModelApp
from tui.panels.panel import Panel

BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"


async def test_damaged_lines_are_counted(recorded: Callable[..., list[RunDir]]) -> None:
    (run,) = recorded("damaged")
    with run.events_path.open("ab") as file:
        file.write(b'\xff\x00garbage \x1b[31m\n{"kind":"scal')  # and a torn end
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "2 damaged lines skipped")
        assert "step 120/120" in text(app)


async def test_a_log_of_garbage_alone_is_an_empty_run(terminal_environment: None) -> None:
    run = run_directory.create(Path("runs"), configure.resolve())
    run.events_path.write_bytes(b"\x00\xff\n" * 50 + b"{}\n[]\nnull\n")
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "53 damaged lines skipped")


async def test_a_run_that_began_elsewhere_without_a_configuration_is_shown(
    recorded: Callable[..., list[RunDir]],
) -> None:
    (run,) = recorded("adam")
    run.config_path.unlink()
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "done  adam  mlp on digits")


async def test_text_of_others_is_shown_and_never_obeyed(terminal_environment: None) -> None:
    config = plain(configure.resolve(settings={"steps": 2, "name": BAD}))
    run = RunDir(Path("runs") / f"r-{BAD.replace('/', '')}")
    run.path.mkdir(parents=True)
    log = LogWriter(run.events_path)
    log.append(
        RunStarted(
            config=config | {"target": BAD, "loss": BAD, "batch_size": BAD},
            device=BAD,
            num_parameters=1,
            planned_steps=2,
            steps_per_epoch=1,
            samples={"train": 1, "val": 1, "test": 1},
        )
    )
    for level in ("info", "warning", "error"):
        log.append(LogLine(level=level, message=f"{level} {BAD}"))
    log.append(Scalars(step=[1], seconds=[1.0], values={BAD: [1.0], "train/loss": ["nan"]}))
    lock = Lock(run)
    try:
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "[/foo][b]x\N{REPLACEMENT CHARACTER}]52;c;x")
            for key in ("s", "v", "j", "m", "m"):
                await pilot.press(key)
                await pilot.pause()
                _assert_harmless(app)
            await until_shown(pilot, "stops after this step")
            log.append(RunEnded(status="failed", reason=BAD, step=1, seconds=1))
            log.close()
            await until_shown(pilot, "failed: [/foo][b]x")
            _assert_harmless(app)
    finally:
        lock.release()


async def test_the_words_at_leaving_carry_no_control_characters(
    terminal_environment: None,
) -> None:
    run = record(Path("runs"), f"r{BAD.replace('/', '')}", status=None)
    lock = Lock(run)
    try:
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "running")
            await pilot.press("q")
            await until_shown(pilot, "still training")
            await pilot.press("l")
            await pilot.pause()
            (said,) = app._exit_renderables
            assert str(said).isprintable()
    finally:
        lock.release()


def _assert_harmless(app: BigModelApp) -> None:
    for row in rows(app):
        assert row.isprintable(), repr(row)
    for panel in app.screen.query(Panel):
        for strip in panel._strips:
            assert strip.text.isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"steps_per_epoch": 0},
        {"planned_steps": 0},
        {"planned_steps": -1},
        {"samples": {}},
        {"config": {"model": "text", "dataset": 3, "optimizer": [], "clip": "norm"}},
        {"config": {"clip": {"mode": "norm", "threshold": "high"}}},
        {"config": {"clip": {"mode": "norm"}}},
        {"config": {}},
        {"time": 1e300},
    ],
)
async def test_a_log_with_another_meaning_of_values_does_not_end_the_app(
    terminal_environment: None, changes: dict
) -> None:
    run = RunDir(Path("runs") / "foreign")
    run.path.mkdir(parents=True)
    facts = {
        "config": plain(configure.resolve()),
        "device": "cpu",
        "num_parameters": 1,
        "planned_steps": 2,
        "steps_per_epoch": 1,
        "samples": {"train": 1, "val": 1, "test": 1},
    }
    log = LogWriter(run.events_path)
    log.append(RunStarted(**(facts | changes)))
    values = {"train/loss": [1.0], "grad_norm": [1e300], "clipped": [1.0], "lr": ["inf"]}
    log.append(Scalars(step=[5], seconds=[0.0], values=values))
    log.append(LogLine(level="info", message="when?", time=changes.get("time", 0.0)))
    log.append(LogLine(level="info", message="so far so good"))
    log.append(RunEnded(status="done", reason="end of it", step=1, seconds=1))
    log.close()
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "so far so good")
        await until_shown(pilot, "end of it")


async def test_a_diverging_run_shows_what_it_can(terminal_environment: None) -> None:
    run = record(Path("runs"), "r", status=None, steps=4)
    lock, log = Lock(run), LogWriter(run.events_path)
    try:
        for step, loss in ((5, 1e30), (6, "inf"), (7, "nan")):
            values = {"train/loss": [loss], "grad_norm": [loss], "clipped": [1.0]}
            log.append(Scalars(step=[step], seconds=[1.0], values=values))
        log.append(Evaluation(split="val", step=7, epoch=1, seconds=1, values={"loss": "nan"}))
        log.close()
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "train nan")
            assert "val nan" in text(app)
            assert "1e30" in text(app)
    finally:
        lock.release()
