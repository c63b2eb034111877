"""Alerts on the screen: a toast, a counter, a list; a bell and a command where they are wanted."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.events import RunEnded, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from presets.userconfig import Alerts, UserConfig
from support.recorded import wait_for
from support.seen import text, until, until_shown
from support.terminal import Terminal
from tui.app import BigModelApp
from tui.screens.dashboard.alert_list import AlertsScreen

EVIL = "[/b]\x1b]52;c;x\x07"


@pytest.fixture
def live(recorded: Callable[..., list[RunDir]]):
    """A recorded run whose end is cut off and whose engine seems to live: its log grows."""
    (run,) = recorded("adam")
    lines = run.events_path.read_bytes().splitlines(keepends=True)
    run.events_path.write_bytes(b"".join(line for line in lines if b'"run_ended"' not in line))
    lock, log = Lock(run), LogWriter(run.events_path)
    yield run, log
    log.close()
    lock.release()


def app_of(run: RunDir, **alerts: object) -> BigModelApp:
    config = UserConfig(alerts=Alerts(**alerts))
    return BigModelApp(root=Path("runs"), runs=[run], config=config)


def nan(step: int) -> Scalars:
    return Scalars(step=[step], seconds=[99.0], values={"train/loss": ["nan"]})


async def test_a_nan_is_told_counted_and_listed(live, monkeypatch) -> None:
    run, log = live
    app, written = app_of(run, bell=True, notify=True), []
    monkeypatch.setattr(app, "write_control", written.append)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "running")
        await until_shown(pilot, "step 120/120")
        await pilot.press("exclamation_mark")
        await until_shown(pilot, "No alerts.")
        await pilot.press("exclamation_mark")
        log.append(nan(121))
        await until_shown(pilot, "train/loss is nan")
        await until_shown(pilot, "! 1 alert")
        assert "N nan, step 121" in text(app)
        assert written == ["\x1b]9;bigmodel-tui: adam: train/loss is nan\x1b\\\a"]
        log.append(RunEnded(status="failed", reason=EVIL, step=121, seconds=100.0))
        await until_shown(pilot, "! 2 alerts NF")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        await pilot.pause()
        screen = text(app)
        assert screen.index("F finished    step 121") < screen.index("N nan         step 121")
        assert "\x1b" not in screen
        assert "(earlier)" not in screen
        await pilot.press("escape")
        await until(pilot, lambda: "2 alerts" not in text(app))


async def test_a_good_end_is_told_and_is_no_alert(live) -> None:
    run, log = live
    app = app_of(run)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "step 120/120")
        log.append(RunEnded(status="done", reason="all epochs", step=120, seconds=100.0))
        await until(pilot, lambda: len(app._notifications) == 1)
        assert app.screen.alerts.unseen.number == 0
        await pilot.press("exclamation_mark")
        await until_shown(pilot, "No alerts.")


@pytest.mark.parametrize(("size", "most"), [((80, 24), 1), ((100, 40), 1), ((160, 48), 3)])
async def test_toasts_do_not_pile_up_and_hide_nothing_on_a_small_terminal(
    live, size: tuple[int, int], most: int
) -> None:
    run, _ = live
    app = app_of(run)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "step 120/120")
        for number in range(6):
            app.notify(f"number {number} " + "实验" * 60, title="alert", severity="warning")
        app.notify("number 5 " + "实验" * 60, title="alert", severity="warning")
        await pilot.pause()
        await pilot.pause()
        shown = list(app.screen.query("Toast"))
        assert len(shown) == len(app._notifications) == most
        if most == 1:
            (toast,) = shown
            assert toast.region.height == 1
            assert toast.region.y == size[1] - 1  # over the footer alone


async def test_what_an_old_run_went_through_is_listed_quietly(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = app_of(*recorded("failed"))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until_shown(pilot, "failed")
        await until(pilot, lambda: app.screen.alerts.book.entries)
        assert len(app._notifications) == 0
        await pilot.press("exclamation_mark")
        await until_shown(pilot, "(earlier)")


async def test_the_users_command_runs_and_its_failure_is_a_toast(live, tmp_path: Path) -> None:
    run, log = live
    target = tmp_path / "told"
    code = f"import os, sys; open({str(target)!r}, 'w').write(os.environ['BIGMODEL_ALERT_TEXT']); "
    app = app_of(run, command=(sys.executable, "-c", code + "sys.exit('no network')"))
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "running")
        log.append(nan(121))
        said = "status 1 no network"
        await until(pilot, lambda: any(said in toast.message for toast in app._notifications), 60)
    assert target.read_text() == "train/loss is nan"


def test_the_bell_rings_in_a_real_terminal(live, tmp_path: Path) -> None:
    run, log = live
    folder = tmp_path / "configuration/bigmodel-tui"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("alerts: {bell: true, notify: true}\ntheme: light\n")
    there = {"XDG_CONFIG_HOME": str(folder.parent), "TMUX": ""}
    with Terminal("watch", str(run.path), cwd=Path(), environment=there) as terminal:
        terminal.wait_for("running")
        terminal.wait_for("step 120/120")
        time.sleep(0.01)  # the clock of the log is ahead of the screen's
        log.append(nan(121))
        terminal.wait_for("! 1 alert")
        terminal.wait(
            lambda: b"\x1b]9;bigmodel-tui: adam: train/loss is nan\x1b\\\a" in terminal.received
        )
        assert b"48;2;250;250;250" in terminal.received
        terminal.send("q")
        terminal.wait_for("l  leave it running")
        terminal.send("l")
        assert terminal.finish() == 0


@pytest.mark.parametrize("command", [("watch",), ()])
def test_a_wrong_configuration_is_one_line_and_no_screen(
    recorded: Callable[..., list[RunDir]], tmp_path: Path, command: tuple[str, ...]
) -> None:
    recorded("adam")
    folder = tmp_path / "configuration/bigmodel-tui"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("alerts: {bell: loud}\n")
    there = {"XDG_CONFIG_HOME": str(folder.parent)}
    with Terminal(*command, cwd=tmp_path, columns=300, environment=there) as terminal:
        assert terminal.finish() == 2
        assert b"alerts.bell: expected true or false, got 'loud'" in terminal.received
        assert terminal.received.count(b"\n") == 1
        assert b"\x1b" not in terminal.received
    wait_for(lambda: terminal.process.poll() is not None)
