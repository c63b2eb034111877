"""Escape sequences in whatever a run directory may say never reach the terminal: the real program
in a pseudo-terminal, with every screen opened, and the bytes that it wrote."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyte
import pytest

from engine.runs import run_directory
from engine.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandAnswered,
    Confusion,
    Evaluation,
    Gap,
    Histograms,
    Layers,
    LogLine,
    NonFinite,
    Operation,
    Parent,
    Prediction,
    Predictions,
    Profiled,
    Restarted,
    RunEnded,
    RunStarted,
    SampleText,
    Scalars,
    StateChanged,
    encode,
)
from engine.runs.run_directory import RunDir
from support.recorded import record
from tui.text import count

EVIL = (
    "EVIL\x1b]52;c;QQ==\x07\x1b]0;owned\x07\x1b[31337m\x1bP1$q\x1b\\\x9b31337m\x9d0;x\x9c"
    "\u202e\u2066[/foo][b]"
)
ESCAPE = "\x1b[27u"
"""As terminals with the newer protocol send it: never taken together with the key after it."""
FORBIDDEN = (
    r"\x1b\]",  # OSC: clipboard, title
    r"\x1b\[[0-9;]*31337",
    r"\x1bP1\$q",
    "\x07",
    "[\u0080-\u009f]",
    "[\u200e\u200f\u202a-\u202e\u2066-\u2069]",
)


def hostile(root: Path, name: str, *events: AnyEvent, config: Any = None) -> RunDir:
    """A run all of whose words are hostile."""
    run = RunDir(root / name)
    run.path.mkdir(parents=True)
    run.config_path.write_text("{")
    part = {"name": EVIL, "type": EVIL, EVIL: EVIL, "lr": EVIL}
    words = {"model": part, "dataset": part, "optimizer": part, "name": EVIL, "loss": EVIL}
    words |= {"clip": {"mode": EVIL, "threshold": EVIL}, "target": EVIL, "parent": EVIL, EVIL: EVIL}
    begun = RunStarted(
        time=1e300,
        config=words if config is None else config,
        device=EVIL,
        num_parameters=1,
        planned_steps=4,
        steps_per_epoch=1,
        samples={EVIL: 1},
        versions={EVIL: EVIL},
        parent=Parent(run=EVIL.replace("/", ""), checkpoint=EVIL, step=0),
    )
    values: dict[str, Any] = {
        EVIL: [1.0],
        "train/loss": ["nan"],
        "grad_norm": [1.0],
        "clipped": [1.0],
    }
    log = [
        begun,
        Scalars(step=[1], seconds=[0.5], values=values),
        Evaluation(split="val", step=1, epoch=1, seconds=1, values={EVIL: 1.0, "loss": 1.0}),
        LogLine(level="error", message=EVIL),
        CommandAnswered(
            id=EVIL, command=EVIL, arguments={EVIL: EVIL}, outcome="applied", step=1, reason=EVIL
        ),
        CommandAnswered(id=EVIL, command=EVIL, outcome="rejected", step=1, reason=EVIL),
        CheckpointSaved(name=EVIL, step=1, reason=EVIL, bytes=1, finite=False),
        Restarted(step=1, checkpoint=EVIL, attempt=1, reason=EVIL),
        Gap(records=1, first_step=1, last_step=1, reason=EVIL),
        *looks(),
        *events,
    ]
    run.events_path.write_bytes(b"".join(map(encode, log)) + b"damaged\n")
    meta = {"name": "", "note": EVIL, "tags": ["EVIL\x1b]0;x\x07"]}
    (run.path / "meta.json").write_bytes(msgspec.json.encode(meta))
    return run


def looks() -> list[AnyEvent]:
    """What the pages of layers and samples show."""
    wrong = Prediction(expected=EVIL, predicted=EVIL, correct=False, text=EVIL)
    measured: Any = {key: [1.0] for key in ("grad_norm", "weight_norm", "update_ratio", EVIL)}
    return [
        Layers(step=1, names=[EVIL], kinds=[EVIL], values=measured, totals={EVIL: 1.0}),
        Histograms(step=1, of="gradient", names=[EVIL], low=-4, high=0, counts=[[1, 2]]),
        Confusion(split="val", step=1, names=[EVIL, EVIL], counts=[[1, 2], [3, 4]]),
        Predictions(split="val", step=1, samples=[wrong]),
        Profiled(
            first_step=1,
            last_step=1,
            operations=[Operation(name=EVIL, calls=1, seconds=1.0, share=1.0)],
            trace=EVIL,
        ),
    ]


class Program:
    """The real program in a pseudo-terminal, and everything that it wrote."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.written = b""
        self._screen = pyte.Screen(160, 48)
        self._stream = pyte.ByteStream(self._screen)
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
        environment = os.environ | {
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tui.cli import main; main()", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(theirs)

    def read(self, seconds: float) -> bytes:
        """What it writes until it is silent for so long."""
        new = b""
        while select.select([self._terminal], [], [], seconds)[0]:
            try:
                data = os.read(self._terminal, 65536)
            except OSError:
                break
            if not data:
                break
            new += data
        self.written += new
        self._stream.feed(new)
        return new

    def until(self, words: str, seconds: float = 60.0) -> None:
        """Wait until its screen shows these words."""
        deadline = time.monotonic() + seconds
        while not any(words in line for line in self._screen.display):
            seen = "\n".join(self._screen.display)
            assert time.monotonic() < deadline, f"{words!r} never came; the screen:\n{seen}"
            self.read(0.1)

    def press(self, keys: str, words: str = "") -> None:
        """Type, and wait for silence, and for words on the screen if any are given."""
        os.write(self._terminal, keys.encode())
        # Only time tells Escape from Alt with the key behind it; on a busy machine more of it.
        self.read(1.0 if keys == ESCAPE else 0.15)
        if words:
            self.until(words)

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / EVIL.replace("/", "|")
    alarm = NonFinite(
        step=2, quantity="loss", value="nan", layer=EVIL, policy="pause", checkpoint=EVIL
    )
    name = EVIL.replace("/", "|")
    hostile(root, f"a-{name}", alarm, StateChanged(state="paused", step=1, reason=EVIL))
    text = SampleText(step=1, prompt=EVIL, text=EVIL)
    hostile(root, f"b-{name}", text, RunEnded(status="failed", reason=EVIL, step=1, seconds=1))
    odd = {"model": EVIL, "clip": EVIL, "optimizer": [EVIL], "epochs": EVIL, "name": [EVIL]}
    hostile(root, f"c-{name}", config=odd)
    record(root, "d", status=None)
    return root


@pytest.mark.figure("escape sequences in every untrusted string", asked="0 disallowed bytes")
def test_nothing_hostile_reaches_the_terminal(
    root: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    runs = run_directory.list_runs(root)
    lock = run_directory.Lock(runs[0])  # so that it is paused, and not crashed
    program = Program(tmp_path, "watch", *(str(run.path) for run in runs), "--runs-dir", str(root))
    try:
        program.until("EVIL")
        program.press("")
        for key in ("j", "j", "j", "j", "v", "m", "m", "\t", "m", "m"):
            program.press(key)
        for key in ("k", "k", "k", "k", "2", "o", "w", "3", "j", "3", "1"):
            program.press(key)
        program.press("Y", "Perfetto")
        program.press(ESCAPE)
        program.press("f")  # the refusal names the run, in a toast that breaks its lines anywhere
        program.press("p")  # the answer names the run
        program.press("l")
        program.press("fast\r")
        program.press(ESCAPE)
        program.press("?", "write a checkpoint now")
        program.press(ESCAPE)
        program.press("4", "of ")
        program.press("/evil\r", "match /evil/")
        program.press("5", "Processor")
        program.press("6", "Output")
        program.press("/evil\r", "/evil/")
        program.press("A", "Panels of this page")
        program.press(ESCAPE)
        program.press("\x10", "Search")
        program.press(ESCAPE)
        program.press("r", "Runs in")
        for key in ("o", "o", "o", "o", "o", "o", "o", "j", "j", "f", "d"):
            program.press(key)
        program.press("/", "words, and terms")
        program.press("EVIL\r")
        for key, label in (("t", "Tags"), ("a", "Note"), ("i", "Name")):
            program.press(key, label)
            program.press(ESCAPE)
        program.press("n", "choose what to train")
        program.press("r", "Runs in")
        program.press(ESCAPE)
    finally:
        program.close()
        lock.release()
    # Textual itself sets the shape of the mouse pointer, and nothing else with OSC.
    shown = re.sub(r"\x1b\]22;[a-z-]*\x07", "", program.written.decode("utf-8", "replace"))
    assert shown.count("EVIL") > 30
    assert "Traceback" not in shown
    found = [
        shown[match.start() - 20 : match.end() + 20]
        for pattern in FORBIDDEN
        for match in re.finditer(pattern, shown)
    ]
    measured(f"{len(found)} disallowed among {count(len(program.written))} bytes")
    assert found == [], found[:5]
