"""Hugging Face's `trainer_state.json`: the newest one of an output folder and its checkpoints."""

import re
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.runs.safe_file_access import open_regular
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.large_json import Document, DocumentError, Part
from tui.runs.foreign.record_flattening import Record, Records
from tui.text import duration, number, real

NAME = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-\d+")
SEARCH_SECONDS = 2.0
"""Seconds between two searches for a newer file."""
MAX_FILES = 1000
MAX_ENTRIES = 5000
"""Maximum number of entries that one call reads."""
_SETTINGS = (
    "num_train_epochs",
    "max_steps",
    "train_batch_size",
    "eval_steps",
    "logging_steps",
    "save_steps",
)
_SUMMARY = "train_runtime"
"""A key that only the last entry has, which holds means over the whole training."""


def newest(path: Path) -> Path | None:
    """The newest state in an output folder or its checkpoints; the path itself if it is a file."""
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
    """A reader of the newest state, and of each newer one."""

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        self._path = path
        self._seen: tuple[Path, int, int] | None = None
        self._parts: Iterator[Part] | None = None
        self._entry = 0
        """Number of entries read from the current state."""
        self._told = array("q")
        """Hashes of the entries that were reported."""
        self._records = Records(interpreter)
        self._entries: list[Record] = []
        """The entries that were read and not reported yet."""
        self._next_search = 0.0
        self._settings: dict[str, Any] = {}
        self.changed_at = 0.0
        """When the newest state was written."""
        self.damaged = 0
        """Number of states that could not be read to their end."""

    def read(self, builder: EventBuilder) -> bool:
        """Read some entries; returns whether more can be read at once. Raises OSError."""
        if self._parts is None:
            now = time.monotonic()
            if now < self._next_search:
                return False
            self._next_search = now + SEARCH_SECONDS
            if not self._open():
                return False
        assert self._parts is not None
        try:
            for _ in range(MAX_ENTRIES):
                part = next(self._parts, None)
                if part is None:
                    self._parts = None
                    self._report(builder)
                    self._finish(builder)
                    return False
                self._take(part, builder)
            self._report(builder)
        except DocumentError:
            # It is written in place, so the next search may find it complete; else it is damaged.
            self._parts = None
            self._report(builder)
            self.damaged += time.time() - self.changed_at > SEARCH_SECONDS
            return False
        return True

    def _open(self) -> bool:
        """Open the newest state; False if it was read already."""
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

    def _take(self, part: Part, builder: EventBuilder) -> None:
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
            self._report(builder)
            builder.go_back(int(min(2**53, max(0.0, real(value.get("step")) or 0.0))))
        self._told.append(mark)
        if _SUMMARY in value:
            self._end(value, builder)
        else:
            self._entries.append(self._records.flat(value))

    def _report(self, builder: EventBuilder) -> None:
        entries, self._entries = self._entries, []
        if entries:
            self._records.take(entries, builder)

    def _end(self, entry: dict[str, Any], builder: EventBuilder) -> None:
        self._report(builder)
        found = {name: each for name, value in entry.items() if (each := real(value)) is not None}
        totals = ", ".join(f"{name} {number(value)}" for name, value in found.items())
        builder.say("info", f"results: {totals}")
        seconds = found.get(_SUMMARY, 0.0)
        builder.end("done", f"trained in {duration(seconds)}", seconds)

    def _finish(self, builder: EventBuilder) -> None:
        """Report the settings, which come after the entries in the file."""
        if len(self._told) > self._entry:
            del self._told[self._entry :]
        told = {key: self._settings[key] for key in _SETTINGS if key in self._settings}
        steps, epochs = told.get("max_steps"), told.get("num_train_epochs")
        planned = steps if isinstance(steps, int) and 0 < steps <= 2**53 else None
        whole = isinstance(epochs, int) and epochs > 0 and planned and planned % epochs == 0
        builder.begin(
            told,
            planned_steps=planned,
            steps_per_epoch=planned // epochs if whole else None,  # type: ignore[operator]
        )


def _parts_of(path: Path) -> Iterator[Part]:
    with open_regular(path) as file:
        yield from Document(file).parts()
