"""Layer probes: norms, update sizes, dead units, distributions and gradient noise, now and then."""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.runs.events import Histograms, Layers, number
from engine.runs.journal import Journal
from engine.training.recording import histograms
from engine.training.recording.probe_instruments import DeadUnits, Interval, NoiseScale, Stopwatch
from engine.training.recording.without_trace import untouched
from engine.training.updates.clipping import values_of
from presets.schema import DiagnosticsPolicy

PROBES_PER_HISTOGRAM = 4
"""Histograms cost more than the rest, so only one of so many probes takes them."""

Named = Sequence[tuple[str, nn.Parameter]]
PartGradient = Callable[[], int]
"""Replaces the gradients by those of a part of the batch; returns the samples of the part, 0 if the
batch has no smaller part."""


class Diagnostics:
    """The layer probes of one run: measurements of gradients, weights and updates at some steps.

    Call `begin`, `gradients` and `end` at each step, in this order; steps without a probe cost next
    to nothing. Training does not depend on them: without them its numbers are the same, bit for
    bit. The host never waits for the device, except once in `close`.
    """

    def __init__(
        self,
        model: nn.Module,
        named: Named,
        policy: DiagnosticsPolicy,
        journal: Journal,
        device: torch.device,
        *,
        hooks: bool = True,
    ) -> None:
        """`named` are the trained parameters, from the input on. Without `hooks`, as for a compiled
        model, dead units are not counted."""
        self._model = model
        self._named = list(named)
        self._journal = journal
        self._device = device
        self._histograms = policy.histograms
        self._layers = list(dict.fromkeys(_layer(name) for name, _ in self._named))
        modules = dict(model.named_modules())
        self._kinds = [
            type(modules[name]).__name__ if name in modules else "" for name in self._layers
        ]
        rows = {name: row for row, name in enumerate(self._layers)}
        self._row_of = [rows[_layer(name)] for name, _ in self._named]
        self._rows = torch.tensor(self._row_of, device=device)
        self._interval = Interval(policy.every)
        self._dead = DeadUnits(model, rows, hooks=hooks)
        self._noise = NoiseScale()
        self._watch = Stopwatch(device)
        self._step = 0
        self._probes = 0
        self._previous: list[Tensor | None] = []
        """The gradients of the step before a probed one."""
        self._weights: list[Tensor] = []
        """The weights before the update of a probed step."""
        self._found: dict[str, Tensor] = {}
        self._sizes = (0, 0)
        """Samples of the part and of the whole batch from which `noise` was measured."""
        self._pending: deque[tuple[Any, ...]] = deque()

    @property
    def probing(self) -> bool:
        """Whether the layers are probed at this step."""
        return self._interval.probes_at(self._step)

    def begin(self, step: int) -> None:
        """Call before the forward pass of step `step`, counted from 1."""
        self._step = step
        self._interval.begin(step)
        if self.probing:
            self._dead.attach()
        if self._pending:
            self._send()

    def gradients(self, part: PartGradient, samples: int) -> None:
        """Call after the backward pass of a batch of `samples` samples, before clipping."""
        previous, self._previous = self._previous, []
        if self.probing:
            with self._watch, torch.no_grad():
                self._probe(previous)
                self._measure_noise(part, samples)
        if self._interval.probes_after(self._step):
            with self._watch, torch.no_grad():
                self._previous = [self._gradient(p, copy=True) for _, p in self._named]

    def end(self) -> None:
        """Call after the update of the weights."""
        if not self.probing:
            return
        with self._watch, torch.no_grad():
            weights = [parameter.detach() for _, parameter in self._named]
            updates = torch._foreach_sub(weights, self._weights)
            ratio = self._norms(list(updates)) / self._found["weight_norm"]
            self._found["update_ratio"] = ratio.log10()
            self._weights = []
            self._queue()
        self._probes += 1
        self._interval.probed(self._watch)
        self._send()

    def state_dict(self) -> dict[str, Any]:
        """What later probes depend on. With `auto`, which follows the clock, that is nothing: such
        probes begin anew in each process."""
        if not self._interval.is_fixed:
            return {}
        self._send_all()
        return {
            "next": self._interval.next_step,
            "probes": self._probes,
            "noise": self._noise.averages,
            "previous": list(self._previous),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load such a state. Raises KeyError, TypeError or ValueError if it does not fit."""
        if not state or not self._interval.is_fixed:
            return
        self._interval.go_on(int(state["next"]))
        self._probes = int(state["probes"])
        self._noise.averages = [float(value) for value in state["noise"]]
        self._previous = [
            None if gradient is None else gradient.to(self._device)
            for gradient in state["previous"]
        ]

    def close(self) -> None:
        """Send what is still on its way; waits for the device."""
        self._dead.detach()
        self._send_all()

    def _send_all(self) -> None:
        if self._pending and self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._send()

    def _probe(self, previous: list[Tensor | None]) -> None:
        """Measure gradients and weights as they are before clipping and the update."""
        self._dead.detach()
        weights = [parameter.detach() for _, parameter in self._named]
        gradients = [self._gradient(parameter) for _, parameter in self._named]
        known = [
            torch.zeros_like(weight) if gradient is None else gradient
            for gradient, weight in zip(gradients, weights, strict=True)
        ]
        self._found = {"grad_norm": self._norms(known), "weight_norm": self._norms(weights)}
        self._found["grad_cosine"] = self._products(gradients, previous)
        self._weights = [weight.clone() for weight in weights]
        if self._histograms and self._probes % PROBES_PER_HISTOGRAM == 0:
            self._found["gradient"] = histograms.of(known, self._row_of)
            self._found["weight"] = histograms.of(weights, self._row_of)

    def _gradient(self, parameter: nn.Parameter, *, copy: bool = False) -> Tensor | None:
        if parameter.grad is None:
            return None
        gradient = parameter.grad
        gradient = values_of(parameter) if gradient.is_sparse else gradient.detach()
        return gradient.clone() if copy else gradient

    def _norms(self, tensors: list[Tensor]) -> Tensor:
        """The L2 norm of each layer, float32 (layers,)."""
        squares = torch.stack(torch._foreach_norm(tensors)).square()
        return squares.new_zeros(len(self._layers)).index_add_(0, self._rows, squares).sqrt()

    def _products(self, gradients: list[Tensor | None], previous: list[Tensor | None]) -> Tensor:
        """The scalar product of all gradients with those of the step before, and the squared norms
        of the two, float32 (3,); NaN if the step before is not known."""
        pairs = [
            (now.flatten(), before.flatten())
            for now, before in zip(gradients, previous, strict=False)
            if now is not None and before is not None and now.shape == before.shape
        ]
        if not pairs:
            return torch.full((3,), torch.nan, device=self._device)
        sums = [torch.stack([torch.dot(a, b), torch.dot(a, a), torch.dot(b, b)]) for a, b in pairs]
        return torch.stack(sums).sum(dim=0)

    def _measure_noise(self, part: PartGradient, samples: int) -> None:
        """Measure the squared norms of the gradients of a part and of the whole batch, (2,)."""
        whole = torch.linalg.vector_norm(self._found["grad_norm"]).square()
        with untouched(self._model, self._device):
            with torch.enable_grad():
                fewer = part()
            if 0 < fewer < samples:
                few = [g for _, p in self._named if (g := self._gradient(p)) is not None]
                square = torch.stack(torch._foreach_norm(few)).square().sum()
                self._found["noise"] = torch.stack([square, whole])
                self._sizes = fewer, samples

    def _queue(self) -> None:
        """Start to copy what was found to the host."""
        self._found["dead"] = self._dead.shares(len(self._layers), self._device)
        sizes = self._sizes if "noise" in self._found else (0, 0)
        found, self._found = self._found, {}
        if self._device.type != "cuda":
            self._pending.append((self._step, found, sizes, None))
            return
        on_host = {}
        for key, value in found.items():
            on_host[key] = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
            on_host[key].copy_(value, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record(torch.cuda.current_stream(self._device))
        self._pending.append((self._step, on_host, sizes, copied))

    def _send(self) -> None:
        while self._pending:
            step, found, sizes, copied = self._pending[0]
            if copied is not None and not copied.query():
                return
            self._pending.popleft()
            self._emit(step, found, sizes)

    def _emit(self, step: int, found: dict[str, Tensor], sizes: tuple[int, int]) -> None:
        columns = ("grad_norm", "weight_norm", "update_ratio", "dead")
        product, first, second = found["grad_cosine"].tolist()
        length = math.sqrt(first * second) if first * second > 0 else math.nan
        totals = {"grad_cosine": product / length}
        if "noise" in found:
            totals["noise_scale"] = self._noise.after(found["noise"].tolist(), sizes)
        self._journal.emit(
            Layers(
                step=step,
                names=self._layers,
                kinds=self._kinds,
                values={key: [number(value) for value in found[key].tolist()] for key in columns},
                totals={key: number(v) for key, v in totals.items() if not math.isnan(v)},
            )
        )
        for of in ("gradient", "weight"):
            if of in found:
                self._journal.emit(
                    Histograms(
                        step=step,
                        of=of,
                        names=self._layers,
                        low=histograms.LOW,
                        high=histograms.HIGH,
                        counts=found[of].long().tolist(),
                    )
                )


def _layer(parameter: str) -> str:
    """The module that holds a parameter; the parameter itself if it stands alone."""
    return parameter.rpartition(".")[0] or parameter
