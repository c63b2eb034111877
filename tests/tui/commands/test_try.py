"""`bigmodel-tui try` on a small trained run, and the page in a terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import run_directory
from engine.runs.questions import Answer, Choice, Position, Ready
from engine.runs.run_directory import RunDir
from support import device_runs
from support.recorded import wait_for
from support.terminal import Terminal
from tui.commands import answer_lines
from tui.runs.respondent import Respondent

READY = Ready(input="text", task="classification", checkpoint="c", step=1, width=2)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    config = device_runs.resolve("cpu", model="logistic", dataset="digits", steps=200)
    made = run_directory.create(tmp_path / "runs", config)
    device_runs.train(made)
    return made


def test_answers_as_lines() -> None:
    choices = [Choice(text="\x1b[31mgood", share=0.9), Choice(text="bad", share=0.1)]
    words = [Choice(text="fine", share=0.4), Choice(text="not", share=-0.2)]
    answer = Answer(id=1, choices=choices, words=words)
    assert list(answer_lines.lines(answer, READY)) == [
        "\N{REPLACEMENT CHARACTER}[31mgood 90.0%   bad 10.0%",
        "  for: fine +0.40",
        "  against: not -0.20",
    ]
    position = Position(
        cells=[1, -1, 0, 0],
        to_move=1,
        legal=[2, 3],
        places=[2, 3],
        names=["a1", "b1"],
        shares=[0.25, 0.75],
        value=0.5,
        best=3,
        winner=None,
        history=["a2", "b2"],
    )
    assert list(answer_lines.lines(Answer(id=1, position=position), READY)) == [
        "    X    O",
        "  25%  75%",
        "X to move, b1 is best; it expects 0.5 for X (from -1 to 1)",
    ]


@pytest.mark.slow
def test_lines_of_a_pipe_are_answered_and_no_process_is_left(run: RunDir) -> None:
    command = [sys.executable, "-c", "from tui.cli import main; main()"]
    done = subprocess.run(
        [*command, "try", str(run.path), "--input", "-", "--json"],
        input="nope.png\nneither.png\n",
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["input"] for each in found] == ["nope.png", "neither.png"]
    assert all("expected the path of an image file" in each["error"] for each in found)
    assert done.returncode == 1
    respondent = Respondent(run)
    assert respondent.ready().input == "image"
    pid = respondent._process.pid
    respondent.close()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
def test_a_digit_is_drawn_in_a_terminal(run: RunDir) -> None:
    root = run.path.parent
    with Terminal("--runs-dir", str(root), "try", str(run.path), cwd=root.parent) as terminal:
        terminal.wait_for("draw with the mouse")
        terminal.send("   ")
        terminal.wait_for("%")
        assert "[7 Try]" in "\n".join(terminal.lines)
        terminal.send("1")
        terminal.wait_for("Gradient norm")
        wait_for(lambda: not _children(terminal.process.pid))


def _children(pid: int) -> list[str]:
    """The answering processes under a process."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = path.read_text().split() if path.exists() else []
    return [child for child in found if os.path.exists(f"/proc/{child}/exe")]
