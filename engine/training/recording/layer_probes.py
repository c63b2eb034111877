"""The parts of a look at the layers: when it is, what it costs, dead units, gradient noise."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

SHARE = 0.02
"""Of the time, at most, that looks may take."""
LEAST_STEPS = 10
LEAST_SECONDS = 0.5
"""Between two looks."""


class Stopwatch:
    """Sums up the seconds that the blocks under it take, on a GPU those of its stream."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._seconds = 0.0
        self._began = 0.0
        self._marks: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        if self._device.type == "cuda":
            self._marks.append(
                (torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True))
            )
            self._marks[-1][0].record()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._seconds += time.perf_counter() - self._began
        if self._device.type == "cuda":
            self._marks[-1][1].record()

    def take(self) -> float:
        """The seconds until now, of the host or of the device, whichever is more; begins anew.
        Blocks that the device has not done yet count for the host's time alone."""
        done = [first.elapsed_time(last) for first, last in self._marks if last.query()]
        seconds: float = max(self._seconds, sum(done) / 1000)
        self._seconds, self._marks = 0.0, []
        return seconds


class Interval:
    """Chooses the steps that are looked at."""

    def __init__(
        self,
        every: int | Literal["auto", "off"],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`auto` keeps the cost below `SHARE` of the time."""
        self._every = every
        self._clock = clock
        self._next: float = math.inf
        self._looked_at = 0
        """The step of the last look; the first one is not timed, since it is slow to begin with."""
        self._since = 0.0
        self._step = 0

    def begin(self, step: int) -> None:
        """This step begins."""
        if self._step == 0 and self._every != "off":
            self._next = step + 1  # the step before a look gives it a gradient to compare with
            if self._every != "auto":
                self._next = max(step + 1, -(-step // self._every) * self._every)
        self._step = step

    def looks_at(self, step: int) -> bool:
        """Whether this step is looked at."""
        return step == self._next

    def looks_after(self, step: int) -> bool:
        """Whether the step after this one is looked at, as far as is known."""
        return self._next == step + 1 or (self._every == 1 and self._next <= step)

    def looked(self, cost: "Stopwatch") -> None:
        """The look at the step that began last is over; choose the next one."""
        seconds, now = cost.take(), self._clock()
        if self._every != "auto":
            assert not isinstance(self._every, str)
            self._next = self._step + self._every
            return
        steps = LEAST_STEPS
        if self._looked_at:
            pace = max(now - self._since - seconds, 1e-9) / (self._step - self._looked_at)
            steps = math.ceil(max(LEAST_STEPS, seconds / SHARE / pace, LEAST_SECONDS / pace))
        self._next = self._step + steps
        self._looked_at, self._since = self._step, now


class DeadUnits:
    """Which ReLU units were 0 for a whole batch, watched through hooks while attached."""

    def __init__(self, model: nn.Module, rows: Mapping[str, int], *, hooks: bool) -> None:
        """`rows` are the layers with parameters; a ReLU counts for the one before it."""
        self._units: list[tuple[int, nn.Module]] = []
        row = -1
        for name, module in model.named_modules():
            row = rows.get(name, row)
            if isinstance(module, nn.ReLU) and row >= 0 and hooks:
                self._units.append((row, module))
        self._handles: list[Any] = []
        self._alive: dict[int, Tensor] = {}
        """Bool (units,) by row."""

    def attach(self) -> None:
        self._alive = {}
        self._handles = [
            module.register_forward_hook(self._hook(row)) for row, module in self._units
        ]

    def detach(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def shares(self, layers: int, device: torch.device) -> Tensor:
        """The share of dead units of each layer, float32 (layers,); NaN without ReLU."""
        shares = [torch.full((), torch.nan, device=device) for _ in range(layers)]
        for row, alive in self._alive.items():
            shares[row] = 1 - alive.float().mean()
        return torch.stack(shares)

    def _hook(self, row: int) -> Callable[[nn.Module, Any, Tensor], None]:
        def look(module: nn.Module, inputs: Any, output: Tensor) -> None:
            dims = [dim for dim in range(output.dim()) if dim != 1]
            alive = (output.detach() != 0).any(dim=dims) if dims else output.detach() != 0
            self._alive[row] = alive | self._alive[row] if row in self._alive else alive

        return look


class NoiseScale:
    """The batch size at which the noise of the gradient is as large as the gradient itself."""

    def __init__(self, decay: float = 0.9) -> None:
        self._decay = decay
        self._noise = self._signal = 0.0

    def after(self, squares: Sequence[float], sizes: tuple[int, int]) -> float:
        """In samples, after another look: tr(S) / |G|^2 (McCandlish et al. 2018, arXiv:1812.06162,
        appendix A.1). NaN where one of the two estimates is not positive.

        `squares` are the squared norms of the gradients of a part of the batch and of all of it,
        `sizes` their samples. A squared norm is |G|^2 + tr(S) / samples in the mean; the estimates
        of both terms are averaged over the looks before they are divided.
        """
        (few, whole), (fewer, samples) = squares, sizes
        signal = (samples * whole - fewer * few) / (samples - fewer)
        noise = (few - whole) / (1 / fewer - 1 / samples)
        if math.isfinite(signal) and math.isfinite(noise):
            self._signal = self._decay * self._signal + (1 - self._decay) * signal
            self._noise = self._decay * self._noise + (1 - self._decay) * noise
        return self._noise / self._signal if self._signal > 0 and self._noise > 0 else math.nan
