"""A row for each run, and the index that keeps them: derived from the run directories, rebuildable.

Summing up a run means to read its whole log, so the rows of runs that ended are kept in the
user's cache folder, each with the stamp of the files that it came from. Whatever is wrong with
that file, it is made anew.
"""

import functools
import hashlib
import math
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs
from platformdirs import user_cache_path

from engine import rundir
from engine.rundir import ENDED, RunDir
from presets import ConfigError
from presets.schema import plain
from tui import follow, meta
from tui.labels import flatten, labels
from tui.store import RunState

_FORMAT = b"bigmodel-tui runs 1\n"
_BATCH_SECONDS = 0.5
"""Between two partial results while many runs are read for the first time."""

_packer = msgspec.msgpack.Encoder()


class Row(Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """All that the list of runs shows of one, or filters it by."""

    id: str
    stamp: tuple[int, ...]
    """Sizes and modification times of the files that the row was made from."""
    label: str
    """What differs from the other runs; or the name that a person gave."""
    status: str
    step: int
    planned_steps: int | None
    best: float | None
    """Best validation accuracy, else best validation loss, else best training loss."""
    best_of: str
    """The metric that `best` is of."""
    seconds: float
    started: float | None
    """Seconds since the epoch."""
    device: str
    name: str
    note: str
    tags: tuple[str, ...]
    settings: msgspec.Raw
    """The configuration with dotted keys, packed: most rows are never asked for it."""
    metrics: msgspec.Raw
    """By name the best value, where there is a good direction, else the last; packed."""

    @property
    def active(self) -> bool:
        """Whether an engine works on it, or will."""
        return self.status not in ENDED

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.step / self.planned_steps) if self.planned_steps else 0.0

    @property
    def text(self) -> str:
        """What words are looked for in, in lower case."""
        words = (self.label, self.id, self.status, self.device, self.note, *self.tags)
        return " ".join(words).lower()

    def values(self, key: str) -> Sequence[Any]:
        """What the run has under a key of a filter: a property, a setting or a metric.

        A setting is also found by the last part of its key, and a part by its name: `lr`,
        `optimizer`.
        """
        if (read := _PROPERTIES.get(key)) is not None:
            value = read(self)
            return [] if value is None else list(value) if isinstance(value, tuple) else [value]
        settings, metrics = _facts(bytes(self.settings)), _facts(bytes(self.metrics))
        for name in (key, f"{key}.name"):
            if name in settings:
                return [settings[name]]
        found = [value for name, value in settings.items() if name.endswith(f".{key}")]
        return found or ([metrics[key]] if key in metrics else [])


_PROPERTIES: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: row.id,
    "name": lambda row: row.label,
    "status": lambda row: row.status,
    "step": lambda row: row.step,
    "progress": lambda row: row.progress,
    "best": lambda row: row.best,
    "seconds": lambda row: row.seconds,
    "device": lambda row: row.device,
    "note": lambda row: row.note,
    "tag": lambda row: row.tags,
}


@functools.lru_cache(maxsize=40_000)
def _facts(packed: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.msgpack.decode(packed)
    return facts


class Index:
    """The rows of all runs under a folder; used by one thread at a time."""

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        """`cache` is the folder of the index; the user's cache folder if None."""
        self._root = root
        folder = cache or user_cache_path("bigmodel-tui", appauthor=False)
        name = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:16]
        self.path = folder / f"runs-{name}.index"
        self._open: dict[str, tuple[follow.Follower, RunState]] = {}
        """Runs that have not ended, whose logs are followed instead of read again."""
        self.rows: dict[str, Row] = {}
        self._unsaved = False

    def load(self) -> None:
        """Take the rows from the cache, without a look at the runs; none if it is unusable."""
        try:
            data = self.path.read_bytes()
            head, body = data[: len(_FORMAT)], data[len(_FORMAT) + 4 :]
            check = data[len(_FORMAT) : len(_FORMAT) + 4]
            if head != _FORMAT or zlib.crc32(body).to_bytes(4, "big") != check:
                return
            rows = msgspec.msgpack.decode(body, type=list[Row])
        except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
            return
        self.rows = {row.id: row for row in rows}

    def save(self) -> None:
        """Keep the rows for next time, readable by the owner only. A cache that cannot be written
        costs time at the next start and nothing else."""
        body = _packer.encode([row for row in self.rows.values() if _is_text(row.id)])
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(_FORMAT + zlib.crc32(body).to_bytes(4, "big") + body)
            draft.rename(self.path)
        except OSError:
            return
        self._unsaved = False

    def refresh(self) -> Iterator[list[Row]]:
        """Bring the rows up to date, and give all of them: now and then while there is much to
        read, and at the end. Runs that cannot be read are left out, and read again next time."""
        found = dict(_stamps(self._root))
        gone = self.rows.keys() - found.keys()
        for run_id in gone:
            del self.rows[run_id]
            self._open.pop(run_id, None)
        renamed, shown = bool(gone), time.monotonic()
        for run_id, stamp in found.items():
            old = self.rows.get(run_id)
            if old is not None and old.stamp == stamp and not old.active:
                continue
            row = self._read(RunDir(self._root / run_id), stamp)
            if row is None:
                continue
            renamed |= old is None or old.settings != row.settings or old.name != row.name
            label = old.label if old is not None else row.label
            self.rows[run_id] = structs.replace(row, label=row.name or label)
            self._unsaved |= not row.active
            if time.monotonic() - shown > _BATCH_SECONDS:
                yield list(self.rows.values())
                shown = time.monotonic()
        if renamed:
            self._label()
        if self._unsaved or gone:
            self.save()
        yield list(self.rows.values())

    def _read(self, run: RunDir, stamp: tuple[int, ...]) -> Row | None:
        follower, state = self._open.get(run.id) or (follow.Follower(run), RunState(run=run))
        try:
            while news := follower.poll(at_once=True):
                follow.apply(state, news)
                if not news.events:
                    break
        except OSError:
            return None
        if state.active:
            self._open[run.id] = follower, state
        else:
            self._open.pop(run.id, None)
        if not state.config:
            state.config = _configuration(run)
        return row_of(state, meta.read(run), stamp)

    def _label(self) -> None:
        rows = list(self.rows.values())
        made = labels([msgspec.msgpack.decode(bytes(row.settings)) for row in rows])
        for row, label in zip(rows, made, strict=True):
            if row.label != (row.name or label):
                self.rows[row.id] = structs.replace(row, label=row.name or label)
                self._unsaved = True


def _is_text(name: str) -> bool:
    """A folder's name may be bytes that are no text; such a run is read anew every time."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def row_of(state: RunState, remarks: meta.Remarks, stamp: tuple[int, ...] = ()) -> Row:
    """Sum up a run."""
    metrics = _summed_up(state)
    chosen = [name for name in ("val/accuracy", "val/loss", "train/loss") if name in metrics]
    config = state.started.config if state.started else state.config
    return Row(
        id=state.id,
        stamp=stamp,
        label=state.id,
        status=state.status,
        step=state.step,
        planned_steps=state.planned_steps,
        best=metrics[chosen[0]] if chosen else None,
        best_of=chosen[0] if chosen else "",
        seconds=state.elapsed,
        started=state.started.time if state.started else None,
        device=state.started.device if state.started else str(state.config.get("device", "")),
        name=remarks.name or str(config.get("name") or ""),
        note=remarks.note,
        tags=remarks.tags,
        settings=msgspec.Raw(_packer.encode(flatten(config))),
        metrics=msgspec.Raw(_packer.encode(metrics)),
    )


def _summed_up(state: RunState) -> dict[str, float]:
    summed: dict[str, float] = {}
    for name in state.metrics:
        best = state.best(name) if name.endswith(("loss", "accuracy")) else None
        value = best[1] if best else state.last(name)
        summed[name] = math.nan if value is None else value
    return summed


def _configuration(run: RunDir) -> dict[str, Any]:
    """Of a run whose log does not say it yet; empty if it is of another version."""
    try:
        return plain(run.config())
    except (ConfigError, OSError):
        return {}


def _stamps(root: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each run's id, with size and time of the files that its row depends on. The lock is one of
    them: it changes when a run that had ended is begun again."""
    try:
        with os.scandir(root) as entries:
            folders = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return
    for entry in folders:
        stamp = []
        for name in ("config.yaml", "events.jsonl", "meta.json", "lock"):
            try:
                found = os.stat(f"{entry.path}/{name}")
            except OSError:
                stamp += [0, 0]
            else:
                stamp += [found.st_size, found.st_mtime_ns]
        if stamp[0] or stamp[1]:  # without a configuration it is no run
            yield entry.name, tuple(stamp)


def active_count(root: Path) -> int:
    """How many runs have a living engine. Raises UserError if the folder cannot be read."""
    return sum(map(rundir.locked, rundir.list_runs(root)))
