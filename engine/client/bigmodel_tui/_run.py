"""A run as the loop sees it."""

import atexit
import operator
import os
import secrets
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bigmodel_tui import _values
from bigmodel_tui._block import Block, Row
from bigmodel_tui._wire import Wire, complain

BLOCK_SECONDS = 0.1
MAX_ROWS = 512
"""A block is sent when it is this old, or this long."""
MAX_NAMES = 500
MAX_STEP = 2**53
MAX_WARNINGS = 50


def open_run(
    config: Any,
    *,
    runs_dir: str | os.PathLike[str] | None = None,
    name: str = "",
    steps: int | None = None,
    steps_per_epoch: int | None = None,
) -> "Run":
    """Record the loop inside `with` as a run of the dashboard.

    `config` is shown as the run's settings: any mapping or argparse namespace. `runs_dir` is
    $BIGMODEL_RUNS_DIR, else ./runs, if not given. `steps` is the planned number of them. Never
    raises: where nothing can be recorded, one warning says why, and the loop goes on without.
    With several processes, open it in the first one alone.
    """
    settings = _values.settings(config)
    names = [settings.get(key) for key in ("model", "dataset", "optimizer")]
    parts = [part.get("name") if isinstance(part, dict) else part for part in names]
    words = [part for part in parts if isinstance(part, str)]
    given = name or settings.get("name") or ("" if words else Path(sys.argv[0] or "run").stem)
    settings["name"] = _values.text(given, 80)
    root = Path(runs_dir or os.environ.get("BIGMODEL_RUNS_DIR") or "runs")
    stamp, end = time.strftime("%Y%m%d-%H%M%S"), secrets.token_hex(2)
    slug = _values.slug([_values.text(name, 60)] if name else words or [settings["name"]])
    try:
        path = root.absolute() / f"{stamp}-{slug}-{end}"
        wire = Wire()
    except (OSError, ValueError) as error:
        complain(f"this run is not recorded: {error}")
        return Run(None, None)
    first = {"kind": "open", "run": str(path), "config": settings, "pid": os.getpid()}
    wire.send({**first, "steps": _count(steps), "steps_per_epoch": _count(steps_per_epoch)})
    return Run(wire, path)


class Run:
    """A run of the user's own loop. Only `clip_` raises, as torch does for wrong arguments."""

    def __init__(self, wire: Wire | None, path: Path | None) -> None:
        self.path = path
        """The run directory; None if there is none."""
        self._wire = wire
        self._began: float | None = None
        """The time of the first logged step, on the monotonic clock."""
        self._flush_at = 0.0
        self._rows: list[Row] = []
        self._step = -1
        self._names: dict[str, str] = {}
        self._clipped: tuple[Any, float] | None = None
        """The norm and limit of the last `clip_`, until the next `log`."""
        self._device = ""
        self._parameters = 0
        self._warned: set[str] = set()
        self._saw_stop = False
        if wire is not None:
            _ends_with_the_program(self)

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Record values of a step: numbers, or tensors of one element. `val/...` and `test/...`
        are evaluations. Never raises and never waits, for the device neither."""
        if self._wire is None or not self._wire.alive:
            return
        try:
            self._log(step, values)
        except Exception as error:
            self._warn(f"log: {type(error).__name__}: {error}")

    def clip_(
        self,
        parameters: Any,
        max_norm: float,
        *,
        error_if_nonfinite: bool = False,
        foreach: bool | None = None,
    ) -> Any:
        """Clip by the global L2 norm: `torch.nn.utils.clip_grad_norm_`, whose norm it returns.

        The next `log` records it as `grad_norm`, with `clip/norm_after`, `clip/threshold` and
        `clipped`.
        """
        from torch.nn.utils import clip_grad_norm_

        found = [parameters] if _values.is_tensor(parameters) else list(parameters)
        norm = clip_grad_norm_(
            found, max_norm, error_if_nonfinite=error_if_nonfinite, foreach=foreach
        )
        if self._wire is not None and self._wire.alive:
            self._clipped = norm, float(max_norm)
            if self._began is None:
                self._parameters = sum(parameter.numel() for parameter in found)
        return norm

    @property
    def should_stop(self) -> bool:
        """Whether somebody asked the run to stop; a loop that checks this can end in good order."""
        asked = self._wire is not None and self._wire.stop_asked
        self._saw_stop |= asked
        return asked

    def close(
        self, status: Literal["done", "stopped", "failed"] | None = None, reason: str = ""
    ) -> None:
        """End the run; leaving its `with` does it too. The first call counts."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        with suppress(Exception):  # an error of the device must not keep the end from the log
            self._flush(wire)
        stopped = status is None and self._saw_stop
        wire.close(
            {
                "kind": "end",
                "status": status or ("stopped" if stopped else "done"),
                "reason": reason or ("stop command" if stopped else "the end of the loop"),
                "stopped": self._saw_stop,
                "seconds": self._seconds(),
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is None or error is None:
            self.close()
        else:
            self.close(*_ending(error))

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        number = operator.index(step)
        if not max(0, self._step) <= number <= MAX_STEP:
            self._warn_of_step(number)
            return
        floats: dict[str, float] = {}
        tensors: dict[str, Any] = {}
        for given, value in values.items():
            name = self._names.get(given) or self._name(given)
            if type(value) is float:
                floats[name] = value
            elif name:
                self._sort(name, value, floats, tensors)
        if self._clipped is not None:
            self._take_clipped(floats, tensors)
        if self._began is None:
            self._start(now, tensors)
        if not self._rows or self._rows[-1].step != number:
            self._rows.append(Row(number, self._seconds(now), {}))
        self._step = number
        self._rows[-1].add(floats, tensors)
        if now >= self._flush_at or len(self._rows) >= MAX_ROWS:
            self._flush_at = now + BLOCK_SECONDS
            if self._wire is not None:
                self._flush(self._wire)

    def _name(self, given: Any) -> str:
        if not isinstance(given, str) or not given or len(self._names) >= MAX_NAMES:
            self._warn(f"a name that is no text, or more than {MAX_NAMES} names: not recorded")
            return ""
        name: str = _values.text(given, 100)
        self._names[given] = name
        return name

    def _sort(
        self, name: str, value: Any, floats: dict[str, float], tensors: dict[str, Any]
    ) -> None:
        tensor = _values.is_tensor(value)
        found = _values.scalar(value) if tensor else _values.number(value)
        if found is None:
            shape = f" of shape {tuple(value.shape)}" if tensor else ""
            self._warn(f"{name}: expected a number, got {type(value).__name__}{shape}")
        elif isinstance(found, float):
            floats[name] = found
        else:
            tensors[name] = found

    def _take_clipped(self, floats: dict[str, float], tensors: dict[str, Any]) -> None:
        """Add the norm and limit of the last `clip_`; the recorder computes the rest from them."""
        if self._clipped is None:
            return
        (norm, limit), self._clipped = self._clipped, None
        if _values.spread(norm):
            self._warn("grad_norm: a DTensor is not recorded; log its full_tensor() yourself")
            return
        floats["clip/threshold"] = limit
        self._sort("grad_norm", norm, floats, tensors)

    def _start(self, now: float, tensors: dict[str, Any]) -> None:
        """Begin the run with its first values, which say which device they come from."""
        self._began = now
        device = next((tensor.device for tensor in tensors.values()), None)
        name = str(device) if device is not None else "cpu" if _values.torch() else ""
        if device is not None and device.type == "cuda":
            name = f"{device} ({_values.torch().cuda.get_device_name(device)})"
        if self._wire is not None:
            self._wire.send({"kind": "start", "device": name, "num_parameters": self._parameters})

    def _flush(self, wire: Wire) -> None:
        rows, self._rows = self._rows, []
        if rows:
            block = Block(rows)
            try:
                block.copy()
            finally:
                wire.send_block(block)

    def _seconds(self, now: float | None = None) -> float:
        if self._began is None:
            return 0.0
        return (time.monotonic() if now is None else now) - self._began

    def _warn_of_step(self, number: int) -> None:
        if number < self._step:
            self._warn(f"step {number} after step {self._step}: not recorded", about="backwards")
        else:
            self._warn(f"step {number}: expected 0 to 2**53; not recorded", about="range")

    def _warn(self, line: str, *, about: str = "") -> None:
        """One line in the run's log for each mistake."""
        key = about or line
        if self._wire is not None and key not in self._warned and len(self._warned) < MAX_WARNINGS:
            self._warned.add(key)
            line = _values.text(line, 300)
            self._wire.send({"kind": "say", "level": "warning", "message": line})


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= MAX_STEP else None


def _ending(error: BaseException) -> tuple[Literal["done", "stopped", "failed"], str]:
    """How a loop ended that raised this."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "KeyboardInterrupt"
    if isinstance(error, SystemExit) and not error.code:
        return "done", "the program ended"
    words = _values.text(error, 400)
    return "failed", f"{type(error).__name__}: {words}" if words else type(error).__name__


def _ends_with_the_program(run: Run) -> None:
    """Close what nobody closed, and keep forked processes out of it."""
    known = weakref.ref(run)

    def at_exit() -> None:
        if (found := known()) is not None:
            error = getattr(sys, "last_value", None)
            found.close(*(_ending(error) if error is not None else ("done", "the program ended")))

    def in_child() -> None:
        found = known()
        if found is not None and found._wire is not None:
            found._wire.forked()
            found._wire = None

    atexit.register(at_exit)
    os.register_at_fork(after_in_child=in_child)
