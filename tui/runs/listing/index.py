"""The index with a row for each run, which can be rebuilt from the run directories.

Summing up a run means reading its whole log, so the rows of runs that ended are kept in the
user's cache folder, each with the stamp of the files that it was made from. A faulty index is made
again.
"""

import hashlib
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs
from platformdirs import user_cache_path

from engine.runs import run_directory
from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import open_regular, replace_file
from presets import ConfigError
from tui.runs import loading, meta
from tui.runs.cache.write_failures import keeping
from tui.runs.follower import Follower, unreadable
from tui.runs.labels import labels, told_apart
from tui.runs.listing.row import Row, row_of
from tui.runs.state.store import RunState
from tui.text import day_and_time

_FORMAT = b"bigmodel-tui runs 2\n"
_BATCH_SECONDS = 0.5
"""Seconds between two partial results while many runs are read for the first time."""

_STAMPED = ("config.yaml", "events.jsonl", "meta.json", "lock")

_packer = msgspec.msgpack.Encoder()


class Index:
    """The rows of all runs in a folder; used by one thread at a time."""

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        """`cache` is the folder of the index; the user's cache folder if None."""
        self._root = root
        folder = cache or user_cache_path("bigmodel-tui", appauthor=False)
        name = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:16]
        self.path = folder / f"runs-{name}.index"
        self._open: dict[str, tuple[Follower, RunState]] = {}
        """Followers and states of runs that have not ended; their logs are not read again."""
        self.rows: dict[str, Row] = {}
        self._unsaved = False

    def load(self) -> None:
        """Take the rows from the cache without reading the runs; none if it cannot be used."""
        try:
            with open_regular(self.path) as file:
                data = file.read()
            head, body = data[: len(_FORMAT)], data[len(_FORMAT) + 4 :]
            check = data[len(_FORMAT) : len(_FORMAT) + 4]
            if head != _FORMAT or zlib.crc32(body).to_bytes(4, "big") != check:
                return
            rows = msgspec.msgpack.decode(body, type=list[Row])
        except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
            return
        self.rows = {row.id: row for row in rows}

    def save(self) -> None:
        """Write the rows to the cache, readable by the owner only. A cache that cannot be written
        costs time at the next start and nothing else; it is told once."""
        body = _packer.encode([row for row in self.rows.values() if _is_text(row.id)])
        with keeping("the index of runs", self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self.path, _FORMAT + zlib.crc32(body).to_bytes(4, "big") + body)
            self._unsaved = False

    def refresh(self) -> Iterator[list[Row]]:
        """Bring the rows up to date; yields all rows now and then while there is much to read, and
        at the end. Runs that cannot be read say so, and are tried again next time."""
        found = dict(_stamps(self._root))
        gone = self.rows.keys() - found.keys()
        for run_id in gone:
            del self.rows[run_id]
            self._open.pop(run_id, None)
        renamed, shown = bool(gone), time.monotonic()
        for run_id, stamp in found.items():
            old = self.rows.get(run_id)
            if old is not None and old.stamp == stamp and not (old.active or old.unreadable):
                continue
            row = self._read(RunDir(self._root / run_id), stamp)
            renamed |= old is None or old.settings != row.settings or old.name != row.name
            same = old is not None and old.name == row.name
            label = old.label if old is not None and same else row.name or row.label
            self.rows[run_id] = structs.replace(row, label=label)
            self._unsaved |= not row.active
            if time.monotonic() - shown > _BATCH_SECONDS:
                yield list(self.rows.values())
                shown = time.monotonic()
        if renamed:
            self._label()
        if self._unsaved or gone:
            self.save()
        yield list(self.rows.values())

    def _read(self, run: RunDir, stamp: tuple[int, ...]) -> Row:
        follower, state = self._open.get(run.id) or (Follower(run), RunState(run=run))
        try:
            while news := follower.poll(at_once=True):
                loading.apply(state, news)
                if not news.events:
                    break
        except OSError as error:
            loading.apply(state, unreadable(run, error))
        if state.active:
            self._open[run.id] = follower, state
        else:
            self._open.pop(run.id, None)
        if not state.config:
            state.config = _configuration(run)
        return row_of(state, meta.read(run), stamp, run_directory.fault(run))

    def _label(self) -> None:
        rows = list(self.rows.values())
        settings = [msgspec.msgpack.decode(bytes(row.settings)) for row in rows]
        made = [row.name or label for row, label in zip(rows, labels(settings), strict=True)]
        begun = [day_and_time(row.started or 0.0) for row in rows]
        made = told_apart(made, settings, begun, [row.id for row in rows])
        for row, label in zip(rows, made, strict=True):
            if row.label != label:
                self.rows[row.id] = structs.replace(row, label=label)
                self._unsaved = True


def _is_text(name: str) -> bool:
    """Whether a folder's name is valid text; a run with another name is not cached."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _configuration(run: RunDir) -> dict[str, Any]:
    """The settings of a run whose log does not have them yet; {} if they cannot be read."""
    try:
        return run.settings()
    except (ConfigError, OSError):
        return {}


def _stamps(root: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each run's id, with sizes and times of the files that its row depends on, among them the
    lock, which changes when a run that had ended is resumed."""
    try:
        with os.scandir(root) as entries:
            folders = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return
    for entry in folders:
        path, stamp = entry.path, []
        for name in _STAMPED:
            try:
                found = os.stat(f"{path}/{name}")
            except OSError:
                stamp += [0, 0]
            else:
                stamp += [found.st_size, found.st_mtime_ns]
        # Most have one of the first two files, and need not be asked again.
        if stamp[1] or stamp[3] or run_directory.is_run(Path(path)):
            yield entry.name, tuple(stamp)
