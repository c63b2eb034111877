"""Follow a log of another program, with the same news as from a run of ours."""

import time
from collections.abc import Callable
from typing import Protocol

from engine.runs.run_directory import Status
from tui.runs.foreign.csv_table import CsvReader
from tui.runs.foreign.event_builder import EventBuilder, fallback_time
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.json_document import JsonDocumentReader
from tui.runs.foreign.jsonl import JsonLinesReader
from tui.runs.foreign.lightning import LightningReader
from tui.runs.foreign.run import ForeignRun, Kind
from tui.runs.foreign.tensorboard import TensorBoardReader
from tui.runs.foreign.tensorboard_tags import ReadAgain
from tui.runs.foreign.trainer_state import TrainerReader
from tui.runs.foreign.wandb import WandbReader
from tui.runs.foreign.wandb_csv import ExportReader
from tui.runs.news import News
from tui.text import day_and_time

GROWING_SECONDS = 60.0
"""Seconds since its last writing within which a log counts as growing: whether its program is
alive is not known."""
POLL_SECONDS = 0.1
"""Maximum time that one call reads, in seconds."""


class Reader(Protocol):
    """A reader of one log format."""

    @property
    def damaged(self) -> int:
        """Number of lines or records that were skipped."""

    @property
    def changed_at(self) -> float:
        """When the log was last written, in seconds since the epoch; 0 if that is not known."""

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece into the builder; returns whether more can be read at once.

        Raises OSError, and ReadAgain if a new reader has to begin again.
        """


READERS: dict[Kind, Callable[[ForeignRun, Interpreter], Reader]] = {
    "tensorboard": lambda run, interpreter: TensorBoardReader(run.path, interpreter),
    "wandb": lambda run, interpreter: WandbReader(run.path, interpreter),
    "wandb-csv": lambda run, interpreter: ExportReader(run.path, run.part, interpreter),
    "lightning": lambda run, interpreter: LightningReader(run.path, interpreter),
    "trainer": lambda run, interpreter: TrainerReader(run.path, interpreter),
    "json": lambda run, interpreter: JsonDocumentReader(run.path, interpreter),
    "jsonl": lambda run, interpreter: JsonLinesReader(run.path, interpreter),
    "csv": lambda run, interpreter: CsvReader(run.path, interpreter),
}


class ForeignFollower:
    """A reader of one foreign log from its beginning, while it grows or after it ended."""

    def __init__(self, run: ForeignRun) -> None:
        self.run = run
        self._interpreter = Interpreter(run.step_column or None)
        self._reader = READERS[run.kind](run, self._interpreter)
        self._builder: EventBuilder | None = None
        self._told: tuple[Status, int, str] | None = None
        self._caught_up = False
        """Whether all that the log held when it was opened has been read."""
        self._grew_at = 0.0
        """When it was last seen to grow, on the monotonic clock; 0 if never."""

    def poll(self, *, at_once: bool = False) -> News | None:
        """The news since the last call; None if there is none.

        Raises OSError if the log cannot be read.
        """
        if self._builder is None:
            self._builder = EventBuilder(fallback_time(self.run.path.stat().st_mtime))
            self._builder.say("info", f"{self.run.title}, read-only: {self.run.path}")
        deadline = time.monotonic() + POLL_SECONDS
        more = self._read(self._builder)
        while more and not self._builder.waiting and time.monotonic() < deadline:
            more = self._read(self._builder)
        events = self._builder.take()
        earlier = not self._caught_up
        if events and not earlier:
            self._grew_at = time.monotonic()
        self._caught_up |= not more
        status, detail = self._status(self._builder)
        told = (status, self._reader.damaged, detail)
        if not events and not more and told == self._told:
            return None
        self._told = told
        damaged = self._reader.damaged
        return News(self.run, events, status, damaged, detail, more, earlier)

    def _read(self, builder: EventBuilder) -> bool:
        try:
            return self._reader.read(builder)
        except ReadAgain as again:
            builder.restart(f"read again from its beginning: {again}")
            self._reader = READERS[self.run.kind](self.run, self._interpreter)
            return True

    def _status(self, builder: EventBuilder) -> tuple[Status, str]:
        if builder.ended is not None:
            return builder.ended.status, ""
        # A file's time may come from another machine's clock: what was seen here counts as well.
        changed_at, grew_at = self._reader.changed_at, self._grew_at
        seen = grew_at > 0 and time.monotonic() - grew_at < GROWING_SECONDS
        if seen or abs(time.time() - changed_at) < GROWING_SECONDS:
            return "growing", ""
        when = day_and_time(changed_at) if changed_at else ""
        return "quiet", f"since {when}" if when else ""
