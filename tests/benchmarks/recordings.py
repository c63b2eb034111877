"""A program in a pseudo-terminal: what it sends and when, and afterwards what that showed.

pyte takes longer than the programs, so bytes are only timed as they come, and shown later.
"""

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyte

from support.terminal import Terminal

COLUMNS, ROWS = 160, 48
QUIET_SECONDS = 3.0
"""A screen has settled with its last change, if nothing arrives for so long after it."""
PAINTED_CELLS = 100
"""Characters other than blanks that make a painted screen."""
_QUESTIONS = (  # what a terminal is asked, and what xterm says
    (re.compile(rb"\x1b\[c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[5n"), b"\x1b[0n"),
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\]10;\?"), b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
    (re.compile(rb"\x1b\]11;\?"), b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),
)
_LONGEST_QUESTION = 16
"""Bytes of the longest question, at least."""


@dataclass(frozen=True)
class Shown:
    """A screen and when it was there, in seconds since the beginning."""

    seconds: float
    text: str


@dataclass
class Recording:
    """Bytes of a program by their time of arrival."""

    began: float = field(default_factory=time.perf_counter)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(len(chunk) for _, chunk in self.chunks)


class Program:
    """Any program in a terminal of 160x48, that answers questions as xterm does."""

    def __init__(self, *command: str, cwd: Path, environment: dict[str, str] | None = None) -> None:
        self.terminal = Terminal(
            cwd=cwd, columns=COLUMNS, rows=ROWS, environment=environment, command=command
        )
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.began = self.terminal.began
        self._forget()
        self._keys: list[tuple[float, str]] = []
        self._chunks: list[tuple[float, bytes]] = []

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes():
            process.kill()
        self.terminal.__exit__()

    def processes(self) -> list[psutil.Process]:
        """The program and what it started, the children first."""
        try:
            main = psutil.Process(self.terminal.process.pid)
            return [*main.children(recursive=True), main]
        except psutil.NoSuchProcess:
            return []

    def send(self, keys: str) -> float:
        """Press keys; when that was."""
        now = time.perf_counter()
        self.terminal.send(keys)
        return now

    def record(self, seconds: float, *, quiet: float | None = None) -> Recording:
        """What arrives within so many seconds, or until nothing does for `quiet` of them."""
        recording = Recording()
        last = recording.began
        while (now := time.perf_counter()) < recording.began + seconds:
            if quiet is not None and now - last > quiet and recording.chunks:
                break
            if chunk := self.terminal.take(0.02):
                last = time.perf_counter()
                recording.chunks.append((last, chunk))
                self._answer(chunk)
        return recording

    def _forget(self) -> None:
        self._cut = dict.fromkeys(_QUESTIONS, b"")
        """The end of what was read, for questions that a read cuts in two."""

    def _answer(self, chunk: bytes) -> None:
        for item, cut in self._cut.items():
            question, answer = item
            read, end = cut + chunk, 0
            for found in question.finditer(read):
                self._reply(answer.decode())
                end = found.end()
            self._cut[item] = read[end:][-_LONGEST_QUESTION:]

    def _reply(self, answer: str) -> None:
        self.terminal.send(answer)

    def show(self, recording: Recording, since: float) -> Iterator[Shown]:
        """Each screen that a recording leads to, apart from those that repeat the one before."""
        last = self.text
        for when, chunk in recording.chunks:
            self._stream.feed(_only_known(chunk))
            if (text := self.text) != last:
                last = text
                yield Shown(when - since, text)

    @property
    def text(self) -> str:
        """The screen after what was shown last."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def cpu_seconds(self) -> float:
        """Of all its processes until now."""
        used = [process.cpu_times() for process in self.processes()]
        return sum(times.user + times.system for times in used)

    def peak_megabytes(self) -> float:
        """The largest resident set that each of its processes had, added up."""
        return sum(_peak(process.pid) for process in self.processes())


def opening(program: Program, limit: float = 60.0) -> tuple[float, float]:
    """Seconds until the first painted screen, and until the last change before it settled."""
    recording = program.record(limit, quiet=QUIET_SECONDS)
    first = settled = math.inf
    for shown in program.show(recording, program.began):
        if sum(not character.isspace() for character in shown.text) >= PAINTED_CELLS:
            first, settled = min(first, shown.seconds), shown.seconds
    if program.terminal.process.poll() is not None:  # what it left on the screen is no figure
        return math.inf, math.inf
    return first, settled


def middle(values: Sequence[float]) -> float:
    """The median."""
    return sorted(values)[len(values) // 2]


def _only_known(chunk: bytes) -> bytes:
    """Without private sequences that pyte takes for text."""
    return re.sub(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p", b"", chunk)


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
