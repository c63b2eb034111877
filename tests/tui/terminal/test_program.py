"""The whole program in a pseudo-terminal: start, train for real, watch, leave nothing behind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runs import control, run_directory
from engine.runs.run_directory import RunDir
from support.recorded import record, wait_for
from support.terminal import ENTER, ESCAPE, Terminal
from tui.runs import loading


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A runs directory; no engine outlives the test."""
    yield tmp_path / "runs"
    for run in run_directory.list_runs(tmp_path / "runs"):
        if run_directory.locked(run):
            control.send(run, "stop")
            wait_for(lambda run=run: not run_directory.locked(run))


def only_run(root: Path) -> RunDir:
    (run,) = run_directory.list_runs(root)
    return run


def accuracy(terminal: Terminal) -> float:
    """The validation accuracy in the title of its plot; 0 while there is none."""
    for line in terminal.lines:
        if found := re.search(r"Accuracy .*\bval ([01](?:\.\d+)?)", line):
            return float(found[1])
    return 0.0


def assert_restored(terminal: Terminal) -> str:
    """The terminal is as it was, and what follows on it is ordinary text, which is returned."""
    assert terminal.attributes_now() == terminal.attributes
    assert terminal.modes_left_on() <= {"7", "25"}  # line wrap and the cursor, which belong on
    assert b"\x1b[?1049l" in terminal.received
    rest = terminal.after_leaving()
    assert "\x1b[?25h" in rest
    ordinary = re.sub(r"\x1b\[\?[\d;]+[hl]", "", rest)
    assert all(character.isprintable() or character in "\r\n" for character in ordinary)
    assert "Traceback" not in terminal.received.decode()
    return ordinary


def test_start_train_see_the_accuracy_pass_and_leave(root: Path) -> None:
    with Terminal("--runs-dir", str(root), cwd=root.parent) as terminal:
        terminal.wait_for("59,338 parameters, 400 steps")
        terminal.send(ENTER)
        terminal.wait_for("Gradient norm")
        terminal.wait(lambda: accuracy(terminal) > 0.9)
        terminal.wait(lambda: terminal.lines[0].startswith(" done"))
        terminal.wait_for("step 400/400  epoch 10/10")
        terminal.wait_for("test loss")
        assert accuracy(terminal) > 0.9
        terminal.send("q")
        assert terminal.finish() == 0
        assert assert_restored(terminal) == ""
    loaded = loading.load(only_run(root))
    assert (loaded.status, loaded.step, loaded.damaged) == ("done", 400, 0)


def test_an_old_terminal_receives_ascii_only(root: Path) -> None:
    old = {"TERM": "vt100", "LC_ALL": "C", "LANG": "C", "COLORTERM": ""}
    with Terminal("--runs-dir", str(root), cwd=root.parent, environment=old) as terminal:
        terminal.wait_for("59,338 parameters")
        terminal.send("?")
        terminal.wait_for("Esc closes")
        terminal.send("q")
        terminal.wait(lambda: not terminal.shows("Esc closes"))
        terminal.send(" ")
        terminal.wait_for("[x] adam")
        terminal.send(ENTER)
        terminal.wait(lambda: terminal.lines[0].startswith(" done"))
        terminal.send("m")
        terminal.wait(lambda: not terminal.shows("Configuration"))
        terminal.send("m")
        terminal.wait_for("Configuration")
        terminal.send("q")
        assert terminal.finish() == 0
        assert_restored(terminal)
        assert max(terminal.received) < 0x80


def test_a_terminal_of_40x10_says_so_until_it_is_enlarged(root: Path) -> None:
    with Terminal("--runs-dir", str(root), cwd=root.parent, columns=40, rows=10) as terminal:
        terminal.wait_for("40x10 is too small")
        terminal.wait_for("72x20")
        terminal.resize(80, 24)
        terminal.wait_for("59,338 parameters")
        terminal.resize(40, 10)
        terminal.wait_for("40x10 is too small")
        terminal.send("q")
        assert terminal.finish() == 0
        assert_restored(terminal)


def test_a_run_outlives_the_connection_and_is_found_again(root: Path) -> None:
    with Terminal("--runs-dir", str(root), cwd=root.parent) as terminal:
        terminal.wait_for("59,338 parameters")
        terminal.send("\t1000000 steps")
        terminal.wait_for("1,000,000 steps")
        terminal.send(ENTER)
        terminal.wait(lambda: accuracy(terminal) > 0)
        terminal.hang_up()
        wait_for(lambda: terminal.process.poll() is not None)
    run = only_run(root)
    assert run_directory.locked(run)
    with Terminal("watch", "--runs-dir", str(root), cwd=root.parent) as terminal:
        terminal.wait(lambda: terminal.lines[0].startswith(" running"))
        terminal.wait(lambda: accuracy(terminal) > 0)
        terminal.send("q")
        terminal.wait_for("still training")
        terminal.send(ESCAPE)
        terminal.wait(lambda: not terminal.shows("still training"))
        terminal.send("q")
        terminal.wait_for("still training")
        terminal.send("s")
        assert terminal.finish() == 0
        assert assert_restored(terminal).split() == ["stopping", run.id]
    wait_for(lambda: not run_directory.locked(run))
    loaded = loading.load(run)
    assert (loaded.status, loaded.damaged) == ("stopped", 0)
    steps = loaded.metrics["train/loss"].steps.tolist()
    assert steps == list(range(1, loaded.step + 1))


def test_a_killed_app_restores_the_terminal(root: Path) -> None:
    run = record(root, "r")
    with Terminal("watch", str(run.path), cwd=root.parent) as terminal:
        terminal.wait_for("100%")
        terminal.process.terminate()
        assert terminal.finish() == 143
        assert assert_restored(terminal) == ""


def test_a_watched_run_is_left_with_one_key(root: Path) -> None:
    run = record(root, "r")
    with Terminal("watch", str(run.path), cwd=root.parent) as terminal:
        terminal.wait_for("100%")
        terminal.send("q")
        assert terminal.finish() == 0
        assert assert_restored(terminal) == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("watch", "nosuch"), "no run 'nosuch' in "),
        (("watch",), "no runs in "),
        (("--nosuch",), "No such option"),
    ],
)
def test_bad_usage_in_a_terminal_is_one_line_and_no_screen(
    root: Path, arguments: tuple[str, ...], said: str
) -> None:
    root.mkdir()
    runs = ("--runs-dir", str(root)) if "watch" in arguments else ()
    with Terminal(*arguments, *runs, cwd=root.parent, columns=300) as terminal:
        assert terminal.finish() == 2
        assert said in terminal.received.decode()
        assert terminal.received.count(b"\n") == 1
        assert b"\x1b" not in terminal.received
