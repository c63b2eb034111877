"""A run as the loop sees it."""

import operator
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bigmodel_tui import _values
from bigmodel_tui._commands import Commands
from bigmodel_tui._endings import ending, ends_with_the_program
from bigmodel_tui._logged_steps import Block, Row
from bigmodel_tui._numbers_and_tensors import Sorter
from bigmodel_tui._recorder_channel import Wire, complain
from bigmodel_tui._step_axis import Axis

BLOCK_SECONDS = 0.1
MAX_ROWS = 512
"""A block is sent when it is so old, or so long."""
MAX_STEP = 2**53
MAX_WARNINGS = 50


class Run:
    """What a loop tells of itself. Only `clip_` raises, as torch does for wrong arguments."""

    def __init__(
        self,
        wire: Wire | None,
        path: Path | None,
        *,
        steps_per_epoch: int | None = None,
        alone: bool = True,
    ) -> None:
        """`alone` is whether no other process takes part in the loop."""
        self.path = path
        """The run directory; None if there is none."""
        self._wire = wire
        self._commands = Commands(wire, pauses=alone) if wire is not None else None
        self._began: float | None = None
        """When the first step was logged, on the monotonic clock."""
        self._flush_at = 0.0
        self._rows: list[Row] = []
        self._axis = Axis(steps_per_epoch)
        self._sorter = Sorter(self._warn)
        self._clipped: tuple[Any, float] | None = None
        """Norm and limit of the last `clip_`, until the next `log`."""
        self._device = ""
        self._parameters = 0
        self._warned: set[str] = set()
        self._saw_stop = False
        self._elsewhere = False
        """Whether this is the copy of a run in another process, which records nothing."""
        if wire is not None and self._commands is not None:
            wire.send({"kind": "accepts", "names": self._commands.accepted})
            ends_with_the_program(self)

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Record values of a step: numbers, or tensors of one element. `val/...` and `test/...`
        are evaluations.

        Steps that begin anew, as in each epoch, are counted on; one warning says so. Then obeys
        commands, as `poll` does. Never raises, and waits only while the run is paused.
        """
        if self._wire is None or not self._wire.alive:
            self._say_elsewhere()
            return
        try:
            self._log(step, values)
        except Exception as error:
            self._warn(f"log: {type(error).__name__}: {error}")
        self.poll()

    def on(self, name: str, function: Callable[..., Any]) -> None:
        """Accept a command: `run.on("lr", set_lr)` calls `set_lr(0.01)` when a person sets it.

        `lr`, `epochs`, `steps` and other names get the value that was given, `checkpoint` and a
        name without a value nothing. `log` and `poll` call the function, in the loop's thread. A
        text that it returns says what changed; an error rejects the command, and is its reason.
        """
        if self._commands is not None and (wrong := self._commands.register(name, function)):
            self._warn(wrong)

    def poll(self) -> None:
        """Obey commands now: call what `on` registered, and wait while the run is paused.

        Only in the thread that called `log` or `poll` first.
        """
        if self._wire is not None and self._commands is not None and self._commands.waiting():
            self._flush_quietly()  # so that the log says at which step it was
            self._commands.obey()

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
        """Whether somebody asked the run to stop; a loop that reads it can end in good order."""
        asked = self._wire is not None and self._wire.stop_asked
        self._saw_stop |= asked
        return asked

    def close(
        self, status: Literal["done", "stopped", "failed"] | None = None, reason: str = ""
    ) -> None:
        """End the run; leaving its `with` does it too. The first call counts."""
        if self._wire is None:
            return
        self._flush_quietly()
        wire, self._wire = self._wire, None
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
            self.close(*ending(error))

    def __del__(self) -> None:
        with suppress(Exception):  # at the interpreter's end anything may be gone
            self.close("done", "the loop let go of it")

    def __reduce__(self) -> tuple[Any, ...]:
        return _copy_elsewhere, (self.path,)

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        number = operator.index(step)
        if not 0 <= number <= MAX_STEP:
            self._warn(f"step {number}: expected 0 to 2**53; not recorded", about="range")
            return
        floats, tensors = self._sorter.sort(values)
        if self._clipped is not None:
            (norm, limit), self._clipped = self._clipped, None
            self._sorter.clipping(norm, limit, floats, tensors)
        if self._began is None:
            self._start(now, tensors)
        names = floats.keys() | tensors.keys() if tensors else floats
        place = self._axis.place(number, names)
        if place.said:
            self._warn(place.said, about=place.about, aloud=True)
        at = min(place.step, MAX_STEP)
        if not self._rows or self._rows[-1].step != at or self._rows[-1].has(floats, tensors):
            self._rows.append(Row(at, self._seconds(now), {}))
        self._rows[-1].add(floats, tensors)
        if now >= self._flush_at or len(self._rows) >= MAX_ROWS:
            self._flush_at = now + BLOCK_SECONDS
            if self._wire is not None:
                self._flush(self._wire)

    def _start(self, now: float, tensors: dict[str, Any]) -> None:
        """With the first values it is known where they come from."""
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

    def _flush_quietly(self) -> None:
        """An error of the device must keep neither the end of a run nor a command from the log."""
        if self._wire is not None:
            with suppress(Exception):
                self._flush(self._wire)

    def _seconds(self, now: float | None = None) -> float:
        if self._began is None:
            return 0.0
        return (time.monotonic() if now is None else now) - self._began

    def _warn(self, line: str, *, about: str = "", aloud: bool = False) -> None:
        """One line in the run's log for each mistake; `aloud` also as a warning of Python's."""
        key = about or line
        if self._wire is not None and key not in self._warned and len(self._warned) < MAX_WARNINGS:
            self._warned.add(key)
            self._say("warning", line)
            if aloud:
                complain(line)

    def _say(self, level: Literal["info", "warning"], line: str) -> None:
        """A line in the run's log."""
        if self._wire is not None:
            message = _values.text(line, 300)
            self._wire.send({"kind": "say", "level": level, "message": message})

    def _rest(self, why: str) -> None:
        """The loop is through, but what follows it, such as a test, still belongs to the run."""
        if self._wire is not None:
            self._flush_quietly()
            self._wire.send({"kind": "rest", "why": why})

    def _one_of(self, processes: int) -> None:
        """The framework says how many processes take part: none of them can pause alone."""
        if self._commands is not None and processes > 1:
            self._commands.never_pause()

    def _leave_to_parent(self) -> None:
        """In a forked process: the run is the parent's."""
        if self._wire is not None:
            self._wire.forked()
            self._wire, self._elsewhere = None, True

    def _say_elsewhere(self) -> None:
        if self._elsewhere:
            self._elsewhere = False
            complain(f"process {os.getpid()} did not open the run: what it logs is not recorded")


def _copy_elsewhere(path: Path | None) -> Run:
    """A pickled run in another process."""
    run = Run(None, path)
    run._elsewhere = True
    return run
