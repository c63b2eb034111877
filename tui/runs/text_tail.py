"""The end of a text file that somebody else writes, such as an engine's output."""

import os
from dataclasses import dataclass
from pathlib import Path

from engine.runs.safe_file_access import open_regular
from tui.text import clean

MAX_BYTES = 512 * 1024
"""Maximum number of bytes that are read, from the end of the file."""
MAX_LINES = 5000


@dataclass(frozen=True)
class Tail:
    """The last lines of a file, safe to print."""

    lines: tuple[str, ...] = ()
    cut: bool = False
    """Whether there is more before them."""
    problem: str = ""
    """Why there are no lines; "" if nothing was written."""
    stamp: tuple[int, int] = (-1, -1)
    """Size and time of the file: with the same ones, it says the same."""


def read(path: Path, before: Tail | None = None) -> Tail:
    """The end of the file; `before` itself if nothing was written since then."""
    try:
        with open_regular(path) as file:
            facts = os.fstat(file.fileno())
            stamp = facts.st_size, facts.st_mtime_ns
            if before is not None and before.stamp == stamp:
                return before
            begin = max(0, facts.st_size - MAX_BYTES)
            file.seek(begin)
            data = file.read(MAX_BYTES)
    except FileNotFoundError:
        return Tail(problem="there is none yet")
    except OSError as error:
        return Tail(problem=f"cannot be read ({error.strerror})")
    texts = data.decode(errors="replace").split("\n")
    lines = texts[1:] if begin else texts
    if lines and not lines[-1]:
        lines.pop()
    cut = bool(begin) or len(lines) > MAX_LINES
    return Tail(tuple(_line(line) for line in lines[-MAX_LINES:]), cut, "", stamp)


def _line(text: str) -> str:
    """The line as a terminal leaves it: a progress bar that overwrites itself shows its end."""
    return clean(text.rstrip("\r").rpartition("\r")[2])
