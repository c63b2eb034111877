"""The real program at the end of a slow link: frames are skipped, never queued."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runs import run_directory
from engine.runs.events import Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from support.recorded import record
from support.terminal import Terminal
from tui.terminal.frame_timing import LEAST_LOST_SECONDS

QUESTION = b"\x1b[6n"


class Answering:
    """A terminal that answers where the cursor is, when it is told to."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.answered = 0

    def answer(self) -> None:
        """All questions until now."""
        asked = bytes(self.terminal.received).count(QUESTION)
        self.terminal.send("\x1b[1;1R" * (asked - self.answered))
        self.answered = asked

    def answer_until_quiet(self) -> None:
        while self.terminal.read(0.7):
            self.answer()

    def step(self) -> int:
        found = re.search(r"step ([\d,]+)/", self.terminal.text)
        return int(found[1].replace(",", "")) if found else 0


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[RunDir]:
    run = record(tmp_path / "runs", "r", steps=6, status=None)
    (tmp_path / "runs").chmod(0o700)
    lock = run_directory.Lock(run)
    yield run
    lock.release()


def grow(run: RunDir, first: int, last: int) -> None:
    log = LogWriter(run.events_path)
    for step in range(first, last + 1):
        values = {"train/loss": [1 / step], "train/accuracy": [0.5], "lr": [1e-3]}
        log.append(Scalars(step=[step], seconds=[step / 8], values=values))
    log.close()


def test_nothing_is_drawn_until_the_terminal_has_what_was_sent(
    alive: RunDir, tmp_path: Path
) -> None:
    with Terminal("watch", str(alive.path), cwd=tmp_path) as terminal:
        link = Answering(terminal)
        terminal.wait_for("running")
        link.answer_until_quiet()
        assert link.step() == 6
        grow(alive, 7, 7)
        terminal.wait(lambda: link.step() == 7)
        while terminal.read(0.3):  # what belongs to this picture, but no answer
            pass
        seen, began = len(terminal.received), time.monotonic()
        grow(alive, 8, 60)
        while terminal.read(0.7) and time.monotonic() - began < 3.0:
            pass
        # 53 events, and no picture of them but where an answer is given up as lost.
        pictures = terminal.received[seen:].count(QUESTION)
        assert pictures <= (time.monotonic() - began) / LEAST_LOST_SECONDS + 1
        link.answer()
        terminal.wait(lambda: link.step() == 60)
        link.answer_until_quiet()
        terminal.send("?")
        terminal.wait_for("Esc closes")  # keys are answered at once


def test_a_terminal_that_never_answers_shows_everything(alive: RunDir, tmp_path: Path) -> None:
    with Terminal("watch", str(alive.path), cwd=tmp_path) as terminal:
        link = Answering(terminal)
        terminal.wait_for("running")
        for step in (7, 8, 9):
            grow(alive, step, step)
            terminal.wait(lambda step=step: link.step() == step)
