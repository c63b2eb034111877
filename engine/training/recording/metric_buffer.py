"""A buffer of metrics on the device: every step is recorded, and the host seldom waits."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from engine.config.task_rule_table import Unit
from engine.runs.events import Scalars, Value, number
from engine.runs.journal import Journal

MAX_ROWS = 512
"""Maximum number of steps in a block on the device."""
Inspect = Callable[[list[int], Mapping[str, list[float]]], int]
"""Takes the steps and columns of a block, and returns how many of its rows are valid."""


@dataclass(frozen=True)
class _Block:
    """Consecutive steps on their way to the log."""

    step: list[int]
    seconds: list[float]
    names: list[str]
    """Names of the columns of `device_values`."""
    device_values: Tensor
    """Float32 (steps, names) in host memory, once `copied` has happened."""
    host_values: dict[str, list[float]]
    copied: torch.cuda.Event | None


@dataclass
class _Rows:
    """The part of the steps since the last flush that is not on the device."""

    began: float
    units: int = 0
    step: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    host_values: dict[str, list[float]] = field(default_factory=dict)


class MetricBuffer:
    """The recorded values of the steps on their way to the log, one event for each block of steps.

    On leaving its context everything that was recorded is in the log, also after an exception.
    """

    def __init__(
        self,
        device: torch.device,
        journal: Journal,
        *,
        rows: int = MAX_ROWS,
        interval: float = 0.1,
        inspect: Inspect | None = None,
        unit: Unit = "samples",
        utilisation: float | None = None,
    ) -> None:
        """A block is sent when it has `rows` steps or is `interval` seconds old.

        The speed is recorded in units a second; the product with `utilisation` is the share of the
        device's peak that the model's own operations use (model FLOP utilisation).

        `inspect` sees the steps and columns of each block once they are on the host, and says how
        many of its rows are valid: the rest is dropped.
        """
        self._device = device
        self._on_host = device.type == "cpu"
        self._journal = journal
        self._interval = interval
        self._max_rows = rows
        self._unit = unit
        self._utilisation = utilisation
        self._names: list[str] = []
        self._block = torch.empty(0, 0)
        self._block_rows: tuple[Tensor, ...] = ()
        self._rows = _Rows(time.perf_counter())
        self._paused_at: float | None = None
        self._paused_seconds = 0.0
        self._pending: deque[_Block] = deque()
        self._finite = True
        self._inspect = inspect

    def record(self, step: int, units: int, values: Mapping[str, Tensor | float]) -> None:
        """Keep the values of a step on `units` samples or tokens: floats, or 0-dim tensors on the
        device that need no gradient.

        The names of the values may change only after `drain`. Nothing here waits for the device.
        """
        rows = self._rows
        tensors = {}
        for key, value in values.items():
            if not isinstance(value, Tensor):
                rows.host_values.setdefault(key, []).append(value)
            elif self._on_host:  # reading it takes less time than an operation that keeps it
                rows.host_values.setdefault(key, []).append(float(value))
            else:
                tensors[key] = value
        if not rows.step:
            self._use(list(tensors))
        if tensors:
            torch.stack(list(tensors.values()), out=self._block_rows[len(rows.step)])
        rows.step.append(step)
        rows.seconds.append(self._journal.seconds())
        rows.units += units
        age = time.perf_counter() - rows.began
        if age >= self._interval or len(rows.step) == self._max_rows:
            self.flush()
        elif self._pending:
            self._send()

    def _use(self, names: list[str]) -> None:
        """Allocate a column on the device for each name, unless they are those of before."""
        if names != self._names:
            self._names = names
            self._block = torch.empty(self._max_rows, len(names), device=self._device)
            self._block_rows = self._block.unbind()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the time of the block inside out of the speed; waits for the device."""
        self._synchronize()
        self._paused_at = time.perf_counter()
        try:
            yield
        finally:
            # A block that was begun meanwhile begins with the end of the pause.
            now = time.perf_counter()
            self._rows.began += now - max(self._paused_at, self._rows.began)
            self._paused_seconds += now - self._paused_at
            self._paused_at = None

    def state_dict(self) -> dict[str, Any]:
        """The clock of training, and whether all losses were finite."""
        return {"training_seconds": self.training_seconds, "finite": self._finite}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state, or from an empty one: the run's first step is about to be taken,
        and all seconds that it has lasted so far count as a pause, apart from those of training.
        Raises TypeError or ValueError if it does not fit."""
        trained = float(state.get("training_seconds", 0.0))
        self._finite = bool(state.get("finite", True))
        self._paused_seconds = self._journal.seconds() - trained
        self._rows.began = time.perf_counter()

    @property
    def training_seconds(self) -> float:
        """Seconds since the run's start that were spent on steps, to the millisecond."""
        now = time.perf_counter()
        paused = self._paused_seconds + (now - self._paused_at if self._paused_at else 0.0)
        return round(self._journal.seconds() - paused, 3)

    def flush(self) -> None:
        """Start the copy of the current block to the host, and send what has arrived."""
        rows, self._rows = self._rows, _Rows(time.perf_counter())
        if rows.step:
            age = max((self._paused_at or self._rows.began) - rows.began, 1e-9)
            speed = float(f"{rows.units / age:.4g}")
            rows.host_values[f"{self._unit}_per_second"] = [speed] * len(rows.step)
            if self._utilisation is not None:
                mfu = float(f"{speed * self._utilisation:.4g}")
                rows.host_values["mfu"] = [mfu] * len(rows.step)
            on_device = self._block[: len(rows.step)]
            if self._device.type == "cuda":
                # Later writes to the block queue up behind this copy, on the same stream.
                values = torch.empty(on_device.shape, pin_memory=True)
                values.copy_(on_device, non_blocking=True)
                copied = torch.cuda.Event()
                copied.record(torch.cuda.current_stream(self._device))
            else:
                values, copied = on_device.clone(), None
            self._pending.append(
                _Block(rows.step, rows.seconds, self._names, values, rows.host_values, copied)
            )
        self._send()

    def drain(self) -> None:
        """Send everything that was recorded; waits for the device."""
        self.flush()
        self._synchronize()
        self._send()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self.drain()
            return
        with suppress(Exception):  # the first error is the one to report
            self.drain()

    def _synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _send(self) -> None:
        while self._pending:
            block = self._pending[0]
            if block.copied is not None and not block.copied.query():
                return
            self._pending.popleft()
            columns = dict(zip(block.names, block.device_values.T.tolist(), strict=True))
            columns |= block.host_values
            kept = self._inspect(block.step, columns) if self._inspect else len(block.step)
            if kept:
                self._emit(block.step[:kept], block.seconds[:kept], columns)

    def _emit(
        self, steps: list[int], seconds: list[float], columns: Mapping[str, list[float]]
    ) -> None:
        values = {
            key: [number(value) for value in column[: len(steps)]]
            for key, column in columns.items()
        }
        self._journal.emit(Scalars(step=steps, seconds=seconds, values=values))
        self._notice(steps, values.get("train/loss", []))

    def _notice(self, steps: list[int], losses: list[Value]) -> None:
        """Warn of the first loss that is not finite, once it has arrived on the host."""
        for step, loss in zip(steps, losses, strict=False):
            if self._finite and isinstance(loss, str):
                self._finite = False
                self._journal.say(f"step {step}: the training loss is {loss}", "warning")
