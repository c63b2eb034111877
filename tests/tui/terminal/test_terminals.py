"""The whole program in terminals of all kinds: few colours, none, no mouse, tmux, too small."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.run_directory import RunDir
from support.recorded import wait_for
from support.terminal import COMMAND, Terminal

COLOR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
TRUECOLOR = re.compile(rb"\x1b\[(?:[\d;]*;)?[34]8;2;")
PALETTE = re.compile(rb"\x1b\[(?:[\d;]*;)?[34]8;5;")
MOUSE = b"\x1b[?1000h"


@pytest.fixture
def runs(recorded: Callable[..., list[RunDir]]) -> list[str]:
    return [run.id for run in recorded("adam", "sgd")]


def seen(runs: list[str], *arguments: str, **environment: str) -> Terminal:
    """The dashboard of both runs in such a terminal, after it was left."""
    with Terminal("watch", *runs, *arguments, cwd=Path(), environment=environment) as terminal:
        terminal.wait_for("100%")
        terminal.wait_for("Configuration")
        terminal.send("D")
        terminal.read(0.2)
        terminal.send("q")
        assert terminal.finish() == 0
    return terminal


def test_sixteen_million_colours(runs: list[str]) -> None:
    received = seen(runs).received
    assert TRUECOLOR.search(received)
    assert MOUSE in received
    assert re.search("[⠁-⣿]", received.decode())


@pytest.mark.parametrize("term", ["screen-256color", "tmux-256color", "xterm-256color"])
def test_256_colours(runs: list[str], term: str) -> None:
    received = seen(runs, TERM=term, COLORTERM="").received
    assert PALETTE.search(received)
    assert not TRUECOLOR.search(received)


def test_sixteen_colours(runs: list[str]) -> None:
    received = seen(runs, TERM="xterm", COLORTERM="").received
    assert COLOR.search(received)
    assert not PALETTE.search(received)
    assert not TRUECOLOR.search(received)


def test_no_colour_at_all_when_the_user_wants_none(runs: list[str]) -> None:
    terminal = seen(runs, NO_COLOR="1")
    assert not COLOR.search(terminal.received)
    # Line styles and words tell the runs apart.
    assert {"───", "╌╌╌"} <= set(re.findall("[─╌]{3}", terminal.received.decode()))


def test_ascii_when_asked_for_and_no_mouse(runs: list[str]) -> None:
    received = seen(runs, "--ascii", "--no-mouse").received
    assert max(received) < 0x80
    assert MOUSE not in received
    assert TRUECOLOR.search(received)


def test_options_of_the_environment(runs: list[str]) -> None:
    received = seen(runs, BIGMODEL_ASCII="1", BIGMODEL_NO_MOUSE="1").received
    assert max(received) < 0x80
    assert MOUSE not in received


def test_too_small_and_back_with_the_view_kept(runs: list[str]) -> None:
    with Terminal("watch", *runs, cwd=Path(), columns=80, rows=24) as terminal:
        terminal.wait_for("100%")
        terminal.send("2")
        terminal.wait_for("[2 Layers]")
        terminal.resize(40, 10)
        terminal.wait_for("40x10 is too small")
        assert not terminal.shows("Layers")
        terminal.resize(80, 24)
        terminal.wait_for("[2 Layers]")
        terminal.send("1")
        terminal.send("j")
        terminal.wait_for(">╌╌╌ sgd")
        terminal.send("q")
        assert terminal.finish() == 0


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
@pytest.mark.parametrize("term", ["tmux-256color", "screen-256color"])
def test_within_tmux(runs: list[str], tmp_path: Path, term: str) -> None:
    """What Textual asks the terminal for (synchronized output, keys, focus) does no harm there."""
    socket, settings = tmp_path / "socket", tmp_path / "tmux.conf"

    def tmux(*words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(socket), "-f", str(settings), *words],
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout

    program = tmp_path / "program"
    program.write_text(f"#!{COMMAND[0]} -P\nfrom tui.cli import main; main()\n")
    program.chmod(0o755)
    settings.write_text(f"set -g default-terminal {term}\n")
    status = tmp_path / "status"
    line = f"{program} watch {' '.join(runs)}; echo $? > {status}"
    try:
        tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(Path.cwd()), line)
        wait_for(lambda: "100%" in tmux("capture-pane", "-p"))
        tmux("send-keys", "!")
        wait_for(lambda: "Esc closes" in tmux("capture-pane", "-p"))
        tmux("send-keys", "Escape")
        wait_for(lambda: "Esc closes" not in tmux("capture-pane", "-p"))
        tmux("send-keys", "2")
        wait_for(lambda: "[2 Layers]" in tmux("capture-pane", "-p"))
        tmux("send-keys", "q")
        # Not `pane_dead_status`: tmux does not always notice the end of its child.
        assert wait_for(lambda: status.exists() and status.read_text()) == "0\n"
    finally:
        tmux("kill-server")
