"""Hugging Face's `trainer_state.json`: the newest one of an output folder and its checkpoints."""

import re
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.runs.access import open_regular
from tui.runs.foreign import fields
from tui.runs.foreign.document import Document, DocumentError, Part
from tui.runs.foreign.event_builder import Book
from tui.runs.foreign.records import Stepper, numbers
from tui.text import duration, number

NAME = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-\d+")
LOOK_SECONDS = 2.0
"""Between two looks for a newer file."""
MAX_FILES = 1000
MAX_ENTRIES = 5000
"""Told at a time."""
_SETTINGS = (
    "num_train_epochs",
    "max_steps",
    "train_batch_size",
    "eval_steps",
    "logging_steps",
    "save_steps",
)
_SUMMARY = "train_runtime"
"""The key that only the last entry has, with means over the whole training."""


def newest(path: Path) -> Path | None:
    """The newest state in an output folder or in its checkpoints; a file is its own."""
    if not path.is_dir():
        return path
    found = [path / NAME]
    found += [folder / NAME for folder in path.iterdir() if CHECKPOINT.fullmatch(folder.name)]
    dated = []
    for file in found[:MAX_FILES]:
        try:
            dated.append((file.stat().st_mtime_ns, str(file), file))
        except OSError:
            continue
    return max(dated)[2] if dated else None


class TrainerReader:
    """Reads the newest state, and again when there is a newer one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[Path, int, int] | None = None
        self._parts: Iterator[Part] | None = None
        self._entry = 0
        """Entries read of the state at hand."""
        self._told = array("q")
        """Hashes of the entries that were told."""
        self._stepper = Stepper()
        self._look_at = 0.0
        self._settings: dict[str, Any] = {}
        self.changed_at = 0.0
        """When the newest state was written."""
        self.damaged = 0
        """States that could not be read to their end."""

    def read(self, book: Book) -> bool:
        """Read some entries; returns whether there may be more at once. Raises OSError."""
        if self._parts is None:
            now = time.monotonic()
            if now < self._look_at:
                return False
            self._look_at = now + LOOK_SECONDS
            if not self._open():
                return False
        assert self._parts is not None
        try:
            for _ in range(MAX_ENTRIES):
                part = next(self._parts, None)
                if part is None:
                    self._parts = None
                    self._finish(book)
                    return False
                self._take(part, book)
        except DocumentError:
            # It is written in place: the next look finds it whole. Else it is damaged.
            self._parts = None
            self.damaged += time.time() - self.changed_at > LOOK_SECONDS
            return False
        return True

    def _open(self) -> bool:
        """Begin with the newest state; False if there is none that was not read yet."""
        path = newest(self._path)
        if path is None:
            return False
        facts = path.stat()
        seen = (path, facts.st_size, facts.st_mtime_ns)
        if seen == self._seen:
            return False
        self._seen, self.changed_at = seen, facts.st_mtime
        self._entry, self._settings = 0, {}
        self._parts = _parts_of(path)
        return True

    def _take(self, part: Part, book: Book) -> None:
        key, value = part
        if key != "log_history":
            if key in (*_SETTINGS, "global_step"):
                self._settings[key] = value
            return
        if not isinstance(value, dict):
            return
        mark = hash(repr(value))
        self._entry += 1
        if self._entry <= len(self._told):
            if mark == self._told[self._entry - 1]:
                return
            del self._told[self._entry - 1 :]  # it went on from an earlier checkpoint
            book.go_back(fields.step(value.get("step")) or 0)
        self._told.append(mark)
        if _SUMMARY in value:
            self._end(value, book)
        else:
            self._stepper.tell(value, dict(numbers(value)), book)

    def _end(self, entry: dict[str, Any], book: Book) -> None:
        found = dict(numbers(entry))
        totals = ", ".join(f"{name} {number(value)}" for name, value in found.items())
        book.say("info", f"results: {totals}")
        book.end("done", f"trained in {duration(found[_SUMMARY])}", found[_SUMMARY])

    def _finish(self, book: Book) -> None:
        """What stands behind the entries in the file."""
        if len(self._told) > self._entry:
            del self._told[self._entry :]
        told = {key: self._settings[key] for key in _SETTINGS if key in self._settings}
        steps, epochs = told.get("max_steps"), told.get("num_train_epochs")
        planned = steps if isinstance(steps, int) and 0 < steps <= 2**53 else None
        whole = isinstance(epochs, int) and epochs > 0 and planned and planned % epochs == 0
        book.begin(
            told,
            planned_steps=planned,
            steps_per_epoch=planned // epochs if whole else None,  # type: ignore[operator]
        )


def _parts_of(path: Path) -> Iterator[Part]:
    with open_regular(path) as file:
        yield from Document(file).parts()
