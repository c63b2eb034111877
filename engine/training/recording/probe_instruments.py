"""The parts of a layer probe: its steps, its cost, dead units, the noise of the gradient."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

SHARE = 0.02
"""Maximum share of a run's time that probes may take."""
LEAST_STEPS = 10
"""Minimum number of steps between two probes."""
LEAST_SECONDS = 0.5
"""Minimum time between two probes."""


class Stopwatch:
    """A context manager that sums up the seconds of the blocks inside it, on a GPU those of its
    stream."""

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
        """Return the seconds until now, of host or device, whichever took longer, and reset to 0.
        Of blocks that the device has not finished yet, only the host's time counts."""
        done = [first.elapsed_time(last) for first, last in self._marks if last.query()]
        seconds: float = max(self._seconds, sum(done) / 1000)
        self._seconds, self._marks = 0.0, []
        return seconds


class Interval:
    """The choice of the steps at which layers are probed."""

    def __init__(
        self,
        every: int | Literal["auto", "off"],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`every` is a number of steps; `auto` keeps the cost below `SHARE` of the time. `clock`
        returns seconds."""
        self._every = every
        self._clock = clock
        self._next: float = math.inf
        self._probed_at = 0
        """The step of the last probe; the first one is not timed, since it is slow."""
        self._since = 0.0
        self._step = 0

    @property
    def is_fixed(self) -> bool:
        """Whether probes come every so many steps, whatever they cost."""
        return isinstance(self._every, int)

    @property
    def next_step(self) -> int:
        """The next step that is probed; 0 if that is not known yet."""
        return 0 if math.isinf(self._next) else int(self._next)

    def go_on(self, next_step: int) -> None:
        """Go on in a new process with a fixed interval; `next_step` is that of before."""
        if next_step:
            self._next, self._step = next_step, -1

    def begin(self, step: int) -> None:
        """Tell that step `step` begins."""
        if self._step == 0 and self._every != "off":
            self._next = step + 1  # the step before a probe gives it a gradient to compare with
            if self._every != "auto":
                self._next = -(-(step + 1) // self._every) * self._every
        self._step = step

    def probes_at(self, step: int) -> bool:
        """Whether the layers are probed at this step."""
        return step == self._next

    def probes_after(self, step: int) -> bool:
        """Whether the layers are probed at the step after this one, as far as is known."""
        return self._next == step + 1 or (self._every == 1 and self._next <= step)

    def probed(self, cost: Stopwatch) -> None:
        """Choose the next step to probe, after the probe of the current one took `cost`."""
        seconds, now = cost.take(), self._clock()
        if self._every != "auto":
            assert not isinstance(self._every, str)
            self._next = self._step + self._every
            return
        steps = LEAST_STEPS
        if self._probed_at:
            pace = max(now - self._since - seconds, 1e-9) / (self._step - self._probed_at)
            steps = math.ceil(max(LEAST_STEPS, seconds / SHARE / pace, LEAST_SECONDS / pace))
        self._next = self._step + steps
        self._probed_at, self._since = self._step, now


class DeadUnits:
    """The ReLU units of a model that are 0 for a whole batch, watched through forward hooks."""

    def __init__(self, model: nn.Module, rows: Mapping[str, int], *, hooks: bool) -> None:
        """`rows` gives the row of each layer with parameters; a ReLU counts for the layer before
        it. Without `hooks` nothing is watched."""
        self._units: list[tuple[int, nn.Module]] = []
        row = -1
        for name, module in model.named_modules():
            row = rows.get(name, row)
            if isinstance(module, nn.ReLU) and row >= 0 and hooks:
                self._units.append((row, module))
        self._handles: list[Any] = []
        self._alive: dict[int, Tensor] = {}
        """By row, which units were not 0: bool (units,)."""

    def attach(self) -> None:
        """Begin to watch."""
        self._alive = {}
        self._handles = [
            module.register_forward_hook(self._hook(row)) for row, module in self._units
        ]

    def detach(self) -> None:
        """Stop watching; what was seen is kept."""
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
        def watch(module: nn.Module, inputs: Any, output: Tensor) -> None:
            dims = [dim for dim in range(output.dim()) if dim != 1]
            alive = (output.detach() != 0).any(dim=dims) if dims else output.detach() != 0
            self._alive[row] = alive | self._alive[row] if row in self._alive else alive

        return watch


class NoiseScale:
    """The gradient noise scale: the batch size at which the noise of the gradient is as large as
    the gradient itself."""

    def __init__(self, decay: float = 0.9) -> None:
        self._decay = decay
        self.averages = [0.0, 0.0]
        """The averages so far: tr(S) and |G|^2, not divided by the sum of their weights."""

    def after(self, squares: Sequence[float], sizes: tuple[int, int]) -> float:
        """The scale in samples after one more probe: tr(S) / |G|^2 (McCandlish et al. 2018,
        arXiv:1812.06162, appendix A.1). NaN if one of the two estimates is not positive.

        `squares` are the squared norms of the gradients of a part of the batch and of all of it,
        `sizes` their samples. A squared norm is |G|^2 + tr(S) / samples in the mean; the estimates
        of both terms are averaged over the probes before they are divided.
        """
        (few, whole), (fewer, samples) = squares, sizes
        signal = (samples * whole - fewer * few) / (samples - fewer)
        noise = (few - whole) / (1 / fewer - 1 / samples)
        if math.isfinite(signal) and math.isfinite(noise):
            self.averages = [
                self._decay * old + (1 - self._decay) * new
                for old, new in zip(self.averages, (noise, signal), strict=True)
            ]
        noise, signal = self.averages
        return noise / signal if signal > 0 and noise > 0 else math.nan
