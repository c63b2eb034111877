"""The weights that a run is judged by, put into its model for evaluations and checkpoints."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from engine.training.recording.without_trace import untouched
from engine.training.state import Training
from engine.training.updates.evaluated_weights import evaluated_weights

_NORMS = (nn.modules.batchnorm._NormBase,)


class Judge:
    """The sets of weights of one run, each with batch-norm statistics of its own.

    `judged`: the weights behind `val/loss` and the best checkpoint. They are the trained ones,
    except with optimizers that train others than they evaluate (schedule-free, averaged SGD).
    `averaged`: the moving average that `ema_decay` asks for, behind `val/ema_loss`.

    Batch norm's running statistics are those of the trained weights, and wrong for any others. So
    they are estimated anew for these, as torch.optim.swa_utils.update_bn does: plain averages over
    training samples, always the same ones (`Batches.calibration`), with dropout off.
    """

    def __init__(
        self,
        training: Training,
        device: torch.device,
        *,
        samples: Callable[[], Iterator[Tensor]],
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """`samples` yields inputs of the model, float (n, ...) with n > 1, for the statistics;
        `autocast` is the context of forward passes."""
        self._training = training
        self._device = device
        self._samples = samples
        self._autocast = autocast
        self._norms = [
            module
            for module in training.model.modules()
            if isinstance(module, _NORMS) and module.running_mean is not None
        ]
        self._known: dict[str, tuple[int, list[Tensor]]] = {}
        """By set of weights, the step of the newest statistics, and these."""

    @property
    def averages(self) -> bool:
        """Whether there is a moving average of the weights."""
        return self._training.ema is not None

    @contextmanager
    def judged(self) -> Iterator[bool]:
        """Inside, the model is the one to be judged; yields whether it differs from the trained
        one. Whatever is done inside leaves no trace in the training."""
        training = self._training
        with (
            untouched(training.model, self._device),
            evaluated_weights(training.optimizer) as differ,
        ):
            if differ:
                self._give_statistics("judged")
            yield differ

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the model has the moving average as its weights; no trace either."""
        training = self._training
        assert training.ema is not None
        with untouched(training.model, self._device), training.ema.in_place():
            self._give_statistics("averaged")
            yield

    def _give_statistics(self, weights: str) -> None:
        """Give batch norm the statistics of the weights in the model; estimated once a step."""
        step, known = self._known.get(weights, (-1, []))
        if step != self._training.step:
            self._estimate()
            known = [buffer.clone() for norm in self._norms for buffer in norm.buffers()]
            self._known[weights] = self._training.step, known
            return
        buffers = [buffer for norm in self._norms for buffer in norm.buffers()]
        for buffer, value in zip(buffers, known, strict=True):
            buffer.copy_(value)

    @torch.no_grad()
    def _estimate(self) -> None:
        """Average batch-norm statistics over the samples, with the weights that are in the model;
        the caller sees to it that its modes are restored."""
        if not self._norms:
            return
        self._training.model.eval()
        momenta = [norm.momentum for norm in self._norms]
        for norm in self._norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average
            norm.train()
        try:
            with self._autocast():
                for x in self._samples():
                    self._training.model(x)
        finally:
            for norm, momentum in zip(self._norms, momenta, strict=True):
                norm.momentum = momentum
                norm.eval()
