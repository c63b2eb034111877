"""The real program in a pseudo-terminal, its screen read through pyte; a deadline for each wait."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pyte

T = TypeVar("T")

_PROGRAM = """
import fcntl, signal, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # as in a login: hangups and new sizes are told to us
from tui.cli import main
main()
"""
COMMAND = (sys.executable, "-P", "-c", _PROGRAM)
ENTER, ESCAPE = "\r", "\x1b"


class Terminal:
    """A program that runs in a terminal of its own, and what its screen shows."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        columns: int = 160,
        rows: int = 48,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Starts `bigmodel-tui ARGUMENTS` as the leader of a session with this terminal."""
        self.received = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        self._set_size(columns, rows)
        self.attributes = termios.tcgetattr(self._ours)
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=_environment(environment or {}),
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        """Close the terminal; the program goes, engines that it started stay."""
        self.process.kill()
        self.process.wait()
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def shows(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the kernel tells the program."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def hang_up(self) -> None:
        """Lose the connection."""
        os.close(self._ours)
        self._ours = -1

    def read(self, seconds: float) -> bool:
        """Take in what the program writes within `seconds`; whether it wrote anything."""
        chunk = self.take(seconds)
        self.show(chunk)
        return bool(chunk)

    def take(self, seconds: float) -> bytes:
        """What the program writes within `seconds`, without showing it yet."""
        if not select.select([self._ours], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            return os.read(self._ours, 65536)
        except OSError:  # the program has ended
            return b""

    def show(self, chunk: bytes) -> None:
        """Bring the screen up to date with what was taken."""
        self.received += chunk
        self._stream.feed(chunk)

    def wait(self, what: Callable[[], T], seconds: float = 60.0) -> T:
        """Go on reading until `what()` is true, and return it; fails with the screen."""
        deadline = time.monotonic() + seconds
        while not (result := what()):
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain; the screen:\n{self.text}"
            if not self.read(min(left, 0.05)) and self.process.poll() is not None:
                result = what()
                assert result, f"it ended; the screen:\n{self.text}"
                return result
        return result

    def wait_for(self, words: str, seconds: float = 60.0) -> None:
        """Go on reading until words are on the screen."""
        self.wait(lambda: self.shows(words), seconds)

    def finish(self, seconds: float = 20.0) -> int:
        """Read to the program's end; its exit status."""
        self.wait(lambda: self.process.poll() is not None, seconds)
        while self.read(0.1):
            pass
        return self.process.returncode

    def attributes_now(self) -> list[object]:
        """The terminal's settings: echo, line mode and so on."""
        return termios.tcgetattr(self._ours)

    def after_leaving(self) -> str:
        """What was written after the alternate screen was left."""
        return self.received.decode().rpartition("\x1b[?1049l")[2]

    def modes_left_on(self) -> set[str]:
        """Private modes (mouse, paste, focus, alternate screen) that were set and never reset."""
        on: set[str] = set()
        for numbers, action in re.findall(r"\x1b\[\?([\d;]+)([hl])", self.received.decode()):
            for number in numbers.split(";"):
                (on.add if action == "h" else on.discard)(number)
        return on

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    dropped = ("LC_", "BIGMODEL_", "TEXTUAL", "NO_COLOR", "COLUMNS", "LINES", "COV_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    modern = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    return kept | modern | dict(changes)
